"""Pieces scored by processes, which read and verify the bundle themselves.

Each has a pipe of its own and one piece at a time, so that one that dies takes no other along, and
it is known what it was about.
"""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final

from iris_deploy.bundle.bundle import read_bundle
from iris_deploy.errors import ScoringError
from iris_deploy.scoring.engines.engine import Outcome, try_to_score
from iris_deploy.scoring.engines.packed import check_same
from iris_deploy.scoring.pieces import Job, Scored
from iris_deploy.scoring.scorer import Scorer

_PRELOADED: Final = ["iris_deploy.scoring.scorer", "iris_deploy.bundle.bundle"]
_TRIES: Final = 2
_ENDS_IN: Final = 5.0  # s for a process to end by itself


@dataclass(slots=True)
class _Task:
    """A piece, and what has become of it."""

    number: int
    data: Any
    share: float
    tries: int = 0


@dataclass(slots=True)
class _Worker:
    """A process with its pipe, and what it is at."""

    process: ForkServerProcess
    pipe: Connection
    task: _Task | None = None


class Processes:
    """Score pieces with several processes, and give them back in order.

    Parameters
    ----------
    bundle : Path
        Directory of the bundle.
    digest : str
        Of its manifest.
    count : int
    """

    def __init__(self, bundle: Path, digest: str, count: int) -> None:
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOADED)
        self._given = bundle, digest
        self._workers = [self._start() for _ in range(count)]

    def close(self) -> None:
        """End them, whatever they do."""
        for worker in self._workers:
            worker.pipe.close()  # which ends one that waits
            if worker.task is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(_ENDS_IN)
            worker.process.kill()

    def score(
        self, job: Job, pieces: Iterable[tuple[Any, float]]
    ) -> Iterator[tuple[Scored, float]]:
        """Score pieces; see `engine.Engine`.

        Raises
        ------
        ScoringError
            If a piece kills one worker after the other.
        """
        tasks = (_Task(number, data, share) for number, (data, share) in enumerate(pieces))
        done: dict[int, tuple[Outcome, float]] = {}
        turn, is_over = 0, False
        while True:
            for worker in self._workers:
                if worker.task is None and not is_over and len(done) <= len(self._workers):
                    task = next(tasks, None)
                    is_over = task is None
                    if task is not None:
                        self._send(worker, job, task)
            busy = {each.pipe: (each, each.task) for each in self._workers if each.task}
            if not busy:
                return
            ready = wait([*busy])
            for pipe, (worker, task) in busy.items():
                if pipe in ready:
                    self._receive(worker, task, job, done)
            while turn in done:
                made, share = done.pop(turn)
                yield made.take(), share
                turn += 1

    def _start(self) -> _Worker:
        own, its = self._context.Pipe()
        process = self._context.Process(target=_work, args=(its, *self._given), daemon=True)
        with _uninterrupted():
            process.start()
        its.close()
        return _Worker(process, own)

    def _send(self, worker: _Worker, job: Job, task: _Task) -> None:
        worker.task = task
        with suppress(BrokenPipeError, ConnectionResetError):  # it is dead: the pipe will tell
            worker.pipe.send((job, task.data))

    def _receive(
        self, worker: _Worker, task: _Task, job: Job, done: dict[int, tuple[Outcome, float]]
    ) -> None:
        """Take what a worker has made of its piece, or give the piece to another."""
        try:
            made: Outcome = worker.pipe.recv()
        except (EOFError, OSError):
            self._replace(worker, job, task)
            return
        worker.task = None
        done[task.number] = made, task.share

    def _replace(self, worker: _Worker, job: Job, task: _Task) -> None:
        worker.pipe.close()
        worker.process.join()
        task.tries += 1
        if task.tries == _TRIES:
            worker.task = None
            raise ScoringError(
                f"a worker was killed twice at the same rows of {job.source.name}, "
                f"{task.share:.0%} of it",
                hint="did it run out of memory? Give less `memory`, or fewer `workers`",
            )
        fresh = self._start()
        worker.process, worker.pipe = fresh.process, fresh.pipe
        self._send(worker, job, task)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off: a process that is only half started would complain of it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, bundle: Path, digest: str) -> None:
    """Score what comes by a pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends what is interrupted
    find = cache(_build_scorer)
    while True:
        try:
            job, data = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(try_to_score(lambda: find(bundle, digest), job, data))


def _build_scorer(bundle: Path, digest: str) -> Scorer:
    read = read_bundle(bundle)
    check_same(bundle, read.manifest, digest)
    return Scorer(read.predictor)
