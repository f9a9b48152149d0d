"""Pieces scored by threads: enough where NumPy and Arrow do the work."""

from collections.abc import Iterable, Iterator
from concurrent.futures.thread import ThreadPoolExecutor
from typing import Any

from iris_deploy.scoring.engines.engine import score_in_order
from iris_deploy.scoring.pieces import Job, Scored
from iris_deploy.scoring.scorer import Scorer


class Threads:
    """Score pieces with several threads, and give them back in order.

    Parameters
    ----------
    scorer : Scorer
    count : int
    """

    def __init__(self, scorer: Scorer, count: int) -> None:
        self._scorer = scorer
        self._count = count
        self._pool = ThreadPoolExecutor(count)

    def close(self) -> None:
        """End them when they are done with what they do."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def score(
        self, job: Job, pieces: Iterable[tuple[Any, float]]
    ) -> Iterator[tuple[Scored, float]]:
        """Score pieces; see `engine.Engine`."""
        return score_in_order(
            lambda data: self._pool.submit(self._scorer.score, job, data),
            pieces,
            self._count,
            lambda future, _: future.result(),
        )
