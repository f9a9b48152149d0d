"""Pieces scored by the workers of a Dask cluster, which need this package, and no file of it."""

import ctypes
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from iris_deploy.clusters.dask import connect
from iris_deploy.errors import ScoringError
from iris_deploy.scoring.engines.cluster import refuse_piece
from iris_deploy.scoring.engines.engine import Outcome, score_in_order, try_to_score
from iris_deploy.scoring.engines.packed import find_scorer, pack_bundle
from iris_deploy.scoring.pieces import Job, Scored

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEPT: Final = 1 << 25  # bytes; the most that glibc takes for the latter
_PATIENCE: Final = 60  # s for a new worker to come, if all are gone
_PAUSE: Final = 0.1  # s
_TRIES: Final = 5  # of a piece whose workers go away, each time all of them
_FOR_EACH: Final = 2  # pieces for each thread: one under way, one on its way


class _Sent(NamedTuple):
    """A piece that is under way.

    Parameters
    ----------
    data : object
        To be sent again, if it has to be.
    bundle, future : distributed.Future
    """

    data: Any
    bundle: Any
    future: Any


class Dask:
    """Score pieces on a cluster, and give them back in order.

    Parameters
    ----------
    bundle : Path
        Directory of the bundle.
    digest : str
        Of its manifest.
    address : str
        Of the scheduler, as ``tcp://10.0.0.1:8786``.

    Attributes
    ----------
    count : int
        Threads of all workers.

    Raises
    ------
    ClusterError
        See `clusters.dask.connect`.
    """

    def __init__(self, bundle: Path, digest: str, address: str) -> None:
        self._packed = pack_bundle(bundle, digest)
        self._digest = digest
        self._client = connect(address)
        try:
            self.count = sum(self._client.nthreads().values())
            self._bundle = self._give_bundle()
        except BaseException:
            self._client.close()
            raise

    def close(self) -> None:
        """Leave the cluster."""
        self._client.close()

    def score(
        self, job: Job, pieces: Iterable[tuple[Any, float]]
    ) -> Iterator[tuple[Scored, float]]:
        """Score pieces; see `engine.Engine`.

        Raises
        ------
        ScoringError
            If a piece kills one worker after the other, or nobody is left.
        """
        return score_in_order(
            lambda data: self._submit(job, data),
            pieces,
            self.count * _FOR_EACH,
            lambda sent, share: self._take(job, sent, share),
        )

    def _give_bundle(self, timeout: float = 10) -> Any:
        """Send the bundle to all workers, and return what stands for it there."""
        return self._client.scatter(self._packed, broadcast=True, hash=False, timeout=timeout)

    def _submit(self, job: Job, data: Any) -> _Sent:
        bundle = self._bundle
        future = self._client.submit(_score, bundle, self._digest, job, data, pure=False)
        return _Sent(data, bundle, future)

    def _take(self, job: Job, sent: _Sent, share: float) -> Scored:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        for _ in range(_TRIES):
            try:
                outcome: Outcome = sent.future.result()
                return outcome.take()
            except KilledWorker as exc:
                raise refuse_piece(job, share) from exc
            except FutureCancelledError as exc:
                self._restore(sent.bundle, exc)
                sent = self._submit(job, sent.data)
        raise refuse_piece(job, share)

    def _restore(self, bundle: Any, cause: Exception) -> None:
        """Send the bundle again, if those who had it are gone; all else Dask makes anew."""
        if self._client.status != "running":
            raise ScoringError(
                "the scheduler is gone", hint="start it again, and score once more"
            ) from cause
        if bundle is not self._bundle:  # somebody has sent it since
            return
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._bundle = self._give_bundle(max(deadline - time.monotonic(), _PAUSE))
            except OSError as exc:  # there is none yet, or one has died that was to get it
                if time.monotonic() >= deadline:
                    raise ScoringError(
                        f"no worker of the cluster is left: none came for {_PATIENCE} s",
                        hint="start some, and score once more: dask worker ADDRESS",
                    ) from exc
                time.sleep(_PAUSE)
            else:
                return


def _score(packed: bytes, digest: str, job: Job, data: Any) -> Outcome:
    """Score a piece, where this runs on a worker."""
    return try_to_score(lambda: find_scorer(digest, lambda: _take_bundle(packed)), job, data)


def _take_bundle(packed: bytes) -> bytes:
    """Return it, and have this process keep the memory that pieces will need again and again.

    Dask starts workers with ``MALLOC_TRIM_THRESHOLD_`` so low that every array of NumPy's is given
    back to the system at once: it then has to clear each page anew, for half of the time.
    """
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        with suppress(AttributeError, OSError):  # where there is no such function
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_MMAP_THRESHOLD, _KEPT)
            mallopt(_M_TRIM_THRESHOLD, _KEPT)
    return packed
