"""The arithmetic of neighbours within a radius: all samples that are so near answer for a row.

A row is compared with all samples. BLAS proposes which are near, and exact distances decide where
its rounding could matter, so that a row has the same bits alone and in any batch.

Knows numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.distances import Metric, Positions, Proposals, between, of_one, prepare
from iris_deploy.kernels.neighbor_order import SampleTree
from iris_deploy.kernels.order import distinct
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import Rule, build_decision
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.batch import Floats

_FIGURES = 1 << 20
"""Differences of features that are worked on at a time: eight megabytes."""

_EPSILON = float(np.finfo(np.float64).eps)

NOBODY_NEAR = "no sample is near enough to answer; expected values near the training range"


@dataclass(frozen=True, eq=False)
class RadiusKernel:
    """Samples, of which those within a radius are asked.

    Parameters
    ----------
    transform : Transform
    samples : ndarray of shape (n_features, n_samples)
        In the order in which answers are added up.
    answers : ndarray of shape (n_samples,)
        The class of each sample, or its number.
    n_scores : int
        One a class, its share; one for a number.
    radius : float
    metric : {'euclidean', 'manhattan', 'chebyshev', 'cosine'}
    by_distance : bool
        Whether the nearer weigh more.
    tree : SampleTree or None
        Whose leaves have the samples in their order.
    outlier : int or None
        The class of a row that has no neighbours; None where there is no answer.
    rule : {'largest', 'none'}
    """

    transform: Transform
    samples: Floats
    answers: NDArray[np.int64] | Floats
    n_scores: int
    radius: float
    metric: Metric
    by_distance: bool
    tree: SampleTree | None
    outlier: int | None
    rule: Rule
    unanswered: str = NOBODY_NEAR

    @property
    def size(self) -> int:
        """Operations for one row."""
        n_features, n_samples = self.samples.shape
        return int(self.transform.size + n_samples * (3 * n_features + 12) + self.n_scores)

    @cached_property
    def _proposals(self) -> Proposals:
        return Proposals(self.samples)

    @cached_property
    def _limit(self) -> float:
        """What distances are compared with: squares of Euclidean ones."""
        return self.radius * self.radius if self.metric == "euclidean" else self.radius

    @cached_property
    def _slack(self) -> float:
        """How far from the limit the bounds of nodes may be rounded to the other side of it."""
        if self.tree is None:
            return 0.0
        balls = self.tree.radius
        size = self.radius + (0.0 if balls is None else 2.0 * float(np.abs(balls).max()))
        scale = 2.0 * self.radius if self.metric == "euclidean" else 1.0
        return (8 * len(self.samples) + 16) * _EPSILON * size * scale

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        features, decide = self.transform.build_features(), build_decision(self.rule)

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            with np.errstate(all="ignore"):
                asked = prepare(np.array(features(x))[:, np.newaxis], self.metric)
                scores = self._answer(asked)
            decision = tuple(scores[:, 0].tolist())
            return decide(decision), decision

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows; see `protocol.Kernel`."""
        scores = np.empty((self.n_scores, len(rows)))
        n_features, n_samples = self.samples.shape
        step = max(_FIGURES // max((n_features + 4) * n_samples, self.n_scores), 1)
        with np.errstate(all="ignore"):
            for at, features in self.transform.parts(rows, step):
                scores[:, at] = self._answer(prepare(features, self.metric))
        return scores

    def _answer(self, asked: Floats) -> Floats:
        """Return the scores of some rows.

        Parameters
        ----------
        asked : ndarray of shape (n_features, n_rows)

        Returns
        -------
        ndarray of shape (n_scores, n_rows)
        """
        rows, columns, distances = self._find(asked)
        n_rows = asked.shape[1]
        lost = ~np.isfinite(asked).all(axis=0)
        weights = _weights(rows, distances, n_rows, self.metric) if self.by_distance else None
        answers = self.answers[columns]
        # It adds one after the other, in the order of the samples.
        if self.rule == "none":
            total = np.bincount(rows, weights, n_rows)
            sums = np.bincount(rows, answers if weights is None else answers * weights, n_rows)
            numbers: Floats = sums / total
            numbers[lost] = np.nan
            return numbers[np.newaxis]
        at = rows * self.n_scores + answers
        counts = np.bincount(at, weights, n_rows * self.n_scores).reshape(n_rows, -1)
        shares: Floats = counts / counts.sum(axis=1, keepdims=True)
        if self.outlier is not None:
            alone = np.bincount(rows, minlength=n_rows) == 0
            shares[alone] = np.arange(self.n_scores) == self.outlier
        shares[lost] = np.nan
        return shares.T

    def _find(self, asked: Floats) -> tuple[Positions, Positions, Floats]:
        """Return the pairs of a row and a sample that are near each other, by row and by sample.

        Returns
        -------
        rows, columns : ndarray of int, shape (n_pairs,)
        distances : ndarray of shape (n_pairs,)
            Unless all weigh the same.
        """
        limit, slack, n_samples = self._limit, self._slack, self.samples.shape[1]
        if self.metric == "euclidean" and asked.shape[1] > 1:
            proposed, margin = self._proposals.of(asked)
            margin = 2.0 * margin + 8.0 * _EPSILON * limit + slack
            bound = limit - np.add.reduce(asked * asked, axis=0)[:, np.newaxis]
            near = np.flatnonzero(~(proposed > bound + margin))
            unsure = ~(proposed < bound - margin).ravel()[near]
            if self.by_distance:
                unsure[:] = True
            rows, columns = np.divmod(near, n_samples)
            distances = np.zeros(len(near))
            pairs = columns[unsure], rows[unsure]
            distances[unsure] = between(self.samples[:, pairs[0]], asked[:, pairs[1]], self.metric)
        else:
            if asked.shape[1] == 1:
                exact = of_one(self.samples, asked[:, 0], self.metric)[np.newaxis]
            else:
                exact = between(self.samples[:, np.newaxis], asked[:, :, np.newaxis], self.metric)
            near = np.flatnonzero(exact <= limit + slack)
            rows, columns = np.divmod(near, n_samples)
            distances = exact.ravel()[near]
        kept = distances <= limit
        if self.tree is not None:
            self._follow(self.tree, asked, rows, columns, kept, np.abs(distances - limit) <= slack)
        return rows[kept], columns[kept], distances[kept]

    def _follow(
        self,
        tree: SampleTree,
        asked: Floats,
        rows: Positions,
        columns: Positions,
        kept: NDArray[np.bool_],
        ties: NDArray[np.bool_],
    ) -> None:
        """Keep of what is just at the radius what the tree keeps, which rounds otherwise."""
        for row in distinct(rows[ties]).tolist():
            distances = of_one(self.samples, asked[:, row], self.metric)
            inside = tree.within(asked[:, row], distances <= self._limit, self.radius, self.metric)
            start, end = np.searchsorted(rows, (row, row + 1))
            kept[start:end] = inside[columns[start:end]]


def _weights(rows: Positions, distances: Floats, n_rows: int, metric: Metric) -> Floats:
    """Return how much each pair weighs: samples at no distance alone, if a row has such."""
    far = np.sqrt(distances) if metric == "euclidean" else distances
    here = far == 0.0
    some = np.zeros(n_rows, bool)
    some[rows[here]] = True
    weights: Floats = np.where(some[rows], here, 1.0 / far)
    return weights
