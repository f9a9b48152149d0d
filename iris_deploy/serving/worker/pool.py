"""The threads of one worker: what takes long is answered there, and handed back to the loop."""

from collections import deque
from collections.abc import Callable
from functools import partial

from iris_deploy.serving.reply import Reply
from iris_deploy.serving.worker.adapter import Threads, Waker
from iris_deploy.serving.worker.memory import Budget
from iris_deploy.serving.worker.request import Request


class _Job:
    """A request that waits for a thread, or has one."""

    def __init__(
        self, pool: "Pool", request: Request, size: int, deliver: Callable[[Reply], None]
    ) -> None:
        self._pool = pool
        self.request = request
        self.size = size
        self.deliver = deliver

    def service(self) -> None:
        """Answer; a thread calls this."""
        self._pool.work(self)


class Pool:
    """Answer requests on threads, as many at a time as there are threads and memory.

    Parameters
    ----------
    threads : int
    budget : Budget
        Of memory to work with.
    answer : callable
        Answers a request, on a thread. Raises nothing.
    waker : Waker
        Of the loop.
    """

    def __init__(
        self, threads: int, budget: Budget, answer: Callable[[Request], Reply], waker: Waker
    ) -> None:
        self._budget = budget
        self._answer = answer
        self._waker = waker
        self._threads = Threads(threads)
        self._waiting: deque[_Job] = deque()  # for memory
        self._unanswered = 0

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return self._threads.queued + len(self._waiting)

    @property
    def busy(self) -> int:
        """Requests that a thread works on."""
        return max(self._unanswered - self.queued, 0)

    def put(self, request: Request, size: int, deliver: Callable[[Reply], None]) -> None:
        """Have a request answered.

        Parameters
        ----------
        request : Request
        size : int
            Bytes of memory that it takes; 0 if it is not worth counting.
        deliver : callable
            Gets the answer, in the loop.
        """
        job = _Job(self, request, size, deliver)
        self._unanswered += 1
        if size and (self._waiting or not self._budget.take(size)):
            self._waiting.append(job)
        else:
            self._threads.add(job)

    def work(self, job: _Job) -> None:
        """Answer, on a thread, and hand the answer to the loop."""
        reply = self._answer(job.request)
        self._waker.call_in_loop(partial(self._finish, job, reply))

    def shed(self, since: float, refusal: Reply) -> None:
        """Refuse what has waited since a time, should every thread be stuck."""

        def is_stale(job: _Job) -> bool:
            return job.request.queued < since

        for job in self._threads.take_while(is_stale):
            self._finish(job, refusal)
        while self._waiting and self._waiting[0].request.queued < since:
            self._answered(self._waiting.popleft(), refusal)

    def _finish(self, job: _Job, reply: Reply) -> None:
        self._budget.release(job.size)
        while self._waiting and self._budget.take(self._waiting[0].size):
            self._threads.add(self._waiting.popleft())
        self._answered(job, reply)

    def _answered(self, job: _Job, reply: Reply) -> None:
        self._unanswered -= 1
        job.deliver(reply)
