"""The arithmetic of centroids by absolute differences: the nearest is a row's class.

Knows numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iris_deploy.kernels.distances import between, of_one
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import Rule, build_decision
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.batch import Floats

_FIGURES = 1 << 15
"""Distances that are worked on at a time: 256 KiB."""


@dataclass(frozen=True, eq=False)
class ManhattanKernel:
    """A score for each centroid: less, the farther a row is away.

    Parameters
    ----------
    transform : Transform
    centroids : ndarray of shape (n_features, n_classes)
    added : ndarray of shape (n_classes,) or None
        To the negative square of each distance; if there is none, the score is the negative
        distance itself.
    """

    transform: Transform
    centroids: Floats
    added: Floats | None
    rule: Rule = "largest"

    @property
    def n_scores(self) -> int:
        """Classes."""
        return int(self.centroids.shape[1])

    @property
    def size(self) -> int:
        """Operations for one row."""
        return self.transform.size + 3 * int(self.centroids.size)

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        features, decide = self.transform.build_features(), build_decision(self.rule)

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            with np.errstate(over="ignore", invalid="ignore"):
                found = of_one(self.centroids, np.array(features(x), np.float64), "manhattan")
                decision = tuple(self._scored(found, self.added).tolist())
            return decide(decision), decision

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows; see `protocol.Kernel`."""
        scores = np.empty((self.n_scores, len(rows)))
        added = None if self.added is None else self.added[:, np.newaxis]
        with np.errstate(over="ignore", invalid="ignore"):
            for at, values in self.transform.parts(rows, max(_FIGURES // self.n_scores, 1)):
                found = between(
                    self.centroids[:, :, np.newaxis], values[:, np.newaxis, :], "manhattan"
                )
                scores[:, at] = self._scored(found, added)
        return scores

    @staticmethod
    def _scored(distances: Floats, added: Floats | None) -> Floats:
        return -distances if added is None else -(distances * distances) + added
