"""What has come on one connection and is not answered yet."""

from collections.abc import Callable

from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.worker.memory import SMALL, Budget
from iris_deploy.serving.worker.request import Limits, Request

NO_MEMORY = reply_problem(
    503, "the server has no memory for another large request", (("Retry-After", "1"),)
)


class Intake:
    """Bytes, and the request that is read out of them.

    Parameters
    ----------
    limits : Limits
        Of a request.
    peer : str
        Address at the other end.
    memory : Budget
        For large bodies.

    Attributes
    ----------
    request : Request or None
        That arrives.
    more : bool
        Whether there are bytes that are not read.
    """

    def __init__(self, limits: Limits, peer: str, memory: Budget) -> None:
        self._limits = limits
        self._peer = peer
        self._memory = memory
        self._data, self._at = b"", 0
        self._counted = 0  # bytes of a body that are taken from the budget
        self.request: Request | None = None
        self.more = False

    def add(self, data: bytes) -> None:
        """Take what has come, once all that came before is read."""
        self._data, self._at, self.more = data, 0, True

    def clear(self) -> None:
        """Throw away what is not read."""
        self._data, self._at, self.more = b"", 0, False

    def read(self, admit: Callable[[Request], None]) -> Request | None:
        """Read on; return the request if it is complete.

        Parameters
        ----------
        admit : callable
            Judges a request by its head, before anything of its body is taken.
        """
        request = self.request
        if request is None:
            request = self.request = Request(self._limits, self._peer)
        was_open = request.is_open
        self._at = request.take(self._data, self._at)
        if self._at >= len(self._data):
            self._data, self._at, self.more = b"", 0, False
        if request.is_open and not was_open and request.error is None:
            admit(request)
        if len(request.body) > SMALL:
            self._count(request)
        if not request.completed:
            return None
        self.request = None
        return request

    def _count(self, request: Request) -> None:
        """Take memory for what has come of a large body."""
        growth = len(request.body) - self._counted
        if self._memory.take(growth):
            self._counted += growth
        else:
            request.fail(NO_MEMORY)

    def release(self) -> None:
        """Give back the memory of a body that nobody needs any more."""
        self._memory.release(self._counted)
        self._counted = 0
