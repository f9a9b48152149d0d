"""Pieces scored by the workers of a Dask cluster, which need this package, and no file of it."""

import ctypes
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from iris_deploy.clusters.dask import connect
from iris_deploy.errors import ScoringError
from iris_deploy.scoring.engines.cluster import refuse_piece
from iris_deploy.scoring.engines.engine import Outcome, score_in_order, try_to_score
from iris_deploy.scoring.engines.packed import find_scorer, pack_bundle
from iris_deploy.scoring.pieces import Job, Scored

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEPT: Final = 1 << 25  # bytes; the most that glibc takes for the latter
_FOR_EACH: Final = 2  # pieces for each thread: one under way, one on its way


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
        packed = pack_bundle(bundle, digest)
        self._digest = digest
        self._client = connect(address)
        try:
            self.count = sum(self._client.nthreads().values())
            self._bundle = self._client.scatter(packed, broadcast=True, hash=False)
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
            If a piece kills one worker after the other.
        """
        given = self._bundle, self._digest, job
        return score_in_order(
            lambda data: self._client.submit(_score, *given, data, pure=False),
            pieces,
            self.count * _FOR_EACH,
            lambda future, share: _take(job, future, share),
        )


def _take(job: Job, future: Any, share: float) -> Scored:
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    try:
        outcome: Outcome = future.result()
    except KilledWorker as exc:
        raise refuse_piece(job, share) from exc
    except FutureCancelledError as exc:
        raise ScoringError(
            "the scheduler is gone", hint="start it again, and score once more"
        ) from exc
    return outcome.take()


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
