"""Pieces scored by the executors of a Spark cluster, which need this package, and no file of it."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from iris_deploy.clusters.spark import read_reason, run_one, start, wait_for
from iris_deploy.errors import ClusterError, ScoringError
from iris_deploy.scoring.engines.cluster import refuse_piece
from iris_deploy.scoring.engines.engine import Outcome, score_in_order, try_to_score
from iris_deploy.scoring.engines.packed import find_scorer, pack_bundle
from iris_deploy.scoring.pieces import Job, Scored
from iris_deploy.scoring.scorer import Scorer

_MOST: Final = 64  # pieces under way at a time; each is a job of its own

_sent: dict[str, TemporaryDirectory[str]] = {}


class Spark:
    """Score pieces on a cluster, and give them back in order.

    Parameters
    ----------
    bundle : Path
        Directory of the bundle.
    digest : str
        Of its manifest.
    address : str
        Of the master, as ``spark://10.0.0.1:7077``, or whatever else Spark takes for one.

    Attributes
    ----------
    count : int
        Pieces that it scores at a time.

    Raises
    ------
    ClusterError
        If there is no such cluster, or it has not this version of the package.
    """

    def __init__(self, bundle: Path, digest: str, address: str) -> None:
        self._digest = digest
        self._context = start(address)
        self._pool = ThreadPoolExecutor(_MOST)
        try:
            self._name = send_bundle(self._context, bundle, digest)
            self.count = min(self._context.defaultParallelism, _MOST)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the cluster."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with suppress(Exception):  # the master may be gone
            self._context.stop()

    def score(
        self, job: Job, pieces: Iterable[tuple[Any, float]]
    ) -> Iterator[tuple[Scored, float]]:
        """Score pieces; see `engine.Engine`.

        Raises
        ------
        ScoringError
            If a piece kills one executor after the other.
        """
        name, digest = self._name, self._digest

        def work(data: Any) -> Outcome:
            return try_to_score(lambda: find_sent(name, digest), job, data)

        return score_in_order(
            lambda data: self._pool.submit(run_one, self._context, work, data),
            pieces,
            self.count,
            lambda future, share: self._take(job, future, share),
        )

    def _take(self, job: Job, future: Future[Outcome], share: float) -> Scored:
        try:
            outcome: Outcome = wait_for(self._context, future)
        except ClusterError:
            raise
        except Exception as exc:  # whatever Py4J, sockets and Spark raise
            if "ExecutorLostFailure" in str(exc):
                raise refuse_piece(job, share) from exc
            raise ScoringError(
                f"the cluster has given up at {job.source.name}: {read_reason(exc)}",
                hint="its logs say more; score once more when it is well",
            ) from exc
        return outcome.take()


def send_bundle(context: Any, bundle: Path, digest: str) -> str:
    """Make a bundle known to all executors of a context.

    Parameters
    ----------
    context : pyspark.SparkContext
    bundle : Path
        Its directory.
    digest : str
        Of its manifest.

    Returns
    -------
    name : str
        What `find_sent` takes.
    """
    name = f"{digest.rpartition(':')[2][:16]}.bundle"
    if digest not in _sent:
        _sent[digest] = TemporaryDirectory()  # executors ask for it when they need it
    path = Path(_sent[digest].name, name)
    if not path.exists():
        path.write_bytes(pack_bundle(bundle, digest))
    context.addFile(str(path))
    return name


def find_sent(name: str, digest: str) -> Scorer:
    """Return what scores by a bundle that was sent, where this runs on an executor."""
    from pyspark import SparkFiles

    return find_scorer(digest, lambda: Path(SparkFiles.get(name)).read_bytes())
