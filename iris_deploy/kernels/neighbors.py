"""The arithmetic of nearest neighbours: the nearest samples of training answer for a row.

A row is compared with all samples. Of many rows BLAS proposes which samples may be the nearest,
and exact distances decide, so that a row has the same bits alone and in any batch.

Knows numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.distances import (
    Metric,
    Positions,
    Proposals,
    between,
    bound_of_nearest,
    of_one,
    prepare,
)
from iris_deploy.kernels.neighbor_order import SampleTree, first_nearest
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import Rule, build_decision
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.batch import Floats

_FIGURES = 1 << 18
"""Distances that are worked on at a time: two megabytes."""


@dataclass(frozen=True, eq=False)
class NeighborKernel:
    """Samples, of which the nearest are asked.

    Parameters
    ----------
    transform : Transform
    samples : ndarray of shape (n_features, n_samples)
    answers : ndarray of shape (n_samples,)
        The class of each sample, or its number.
    n_scores : int
        One a class; one for a number.
    k : int
        How many are asked.
    metric : {'euclidean', 'manhattan', 'chebyshev', 'cosine'}
    by_distance : bool
        Whether the nearer weigh more.
    tree : SampleTree or None
        In which order samples are come to; None for their own.
    rule : {'largest', 'least', 'none'}
    """

    transform: Transform
    samples: Floats
    answers: NDArray[np.int64] | Floats
    n_scores: int
    k: int
    metric: Metric
    by_distance: bool
    tree: SampleTree | None
    rule: Rule

    @property
    def size(self) -> int:
        """Operations for one row."""
        n_features, n_samples = self.samples.shape
        each = 3 * n_features + 8
        return int(self.transform.size + n_samples * each + self.k * self.k + self.n_scores)

    @cached_property
    def _proposals(self) -> Proposals:
        return Proposals(self.samples)

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        features, decide = self.transform.build_features(), build_decision(self.rule)

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            with np.errstate(all="ignore"):
                asked = prepare(np.array(features(x))[:, np.newaxis], self.metric)
                distances = of_one(self.samples, asked[:, 0], self.metric)
                near = ~(distances > bound_of_nearest(distances[np.newaxis], self.k)[0])
                columns = np.flatnonzero(near)
                own = distances[columns]
                by_distance = np.argsort(own, kind="stable")
                found = _Found(
                    own[by_distance], columns[by_distance], np.array([0]), np.array([len(own)])
                )
                scores = self._answer(found, asked)
            decision = tuple(scores[:, 0].tolist())
            return decide(decision), decision

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows; see `protocol.Kernel`."""
        scores = np.empty((self.n_scores, len(rows)))
        step = max(_FIGURES // self.samples.shape[1], 1)
        with np.errstate(all="ignore"):
            for at, features in self.transform.parts(rows, step):
                asked = prepare(features, self.metric)
                scores[:, at] = self._answer(self._find(asked), asked)
        return scores

    def _find(self, asked: Floats) -> "_Found":
        """Find the nearest samples of some rows.

        Parameters
        ----------
        asked : ndarray of shape (n_features, n_rows)
        """
        samples, n_samples = self.samples, self.samples.shape[1]
        if self.metric == "euclidean":
            proposed, margin = self._proposals.of(asked)
            bound = bound_of_nearest(proposed, self.k) + 2.0 * margin
            rows, columns = np.divmod(np.flatnonzero(proposed <= bound), n_samples)
            own = between(samples[:, columns], asked[:, rows], self.metric)
        else:
            exact = between(samples[:, np.newaxis], asked[:, :, np.newaxis], self.metric)
            near = np.flatnonzero(~(exact > bound_of_nearest(exact, self.k)))
            rows, columns = np.divmod(near, n_samples)
            own = exact.ravel()[near]
        order = np.lexsort((own, rows))
        edges = np.searchsorted(rows, np.arange(asked.shape[1] + 1))
        return _Found(own[order], columns[order], edges[:-1], edges[1:])

    def _answer(self, found: "_Found", asked: Floats) -> Floats:
        """Return the scores of some rows by what is near them, NaN of rows that are too far."""
        last = found.start + self.k - 1
        inside = last < found.end
        chosen = np.where(inside, found.start, 0)[:, np.newaxis] + np.arange(self.k)
        chosen = np.minimum(chosen, len(found.distances) - 1)
        distances, columns = found.distances[chosen], found.columns[chosen]
        lost = ~inside | ~np.isfinite(distances[:, -1])
        more = last + 1 < found.end
        after = np.minimum(last + 1, len(found.distances) - 1)
        ties = more & (found.distances[after] == distances[:, -1]) & ~lost
        for row in np.flatnonzero(ties).tolist():
            alike = found.distances[found.start[row] : found.end[row]] == distances[row, -1]
            answers = self.answers[found.columns[found.start[row] : found.end[row]][alike]]
            if (answers != answers[0]).any():
                columns[row] = self._first_found(asked[:, row])
        scores = self._weigh(distances, columns)
        scores[:, lost] = np.nan
        return scores

    def _first_found(self, row: Floats) -> Positions:
        """Return the nearest of one row, of those at the same distance the first that are found."""
        distances = of_one(self.samples, row, self.metric)
        if self.tree is None:
            kept = first_nearest(distances, self.k)
        else:
            kept = self.tree.nearest(row, distances, self.k, self.metric)
        nearest: Positions = kept[np.lexsort((kept, distances[kept]))]
        return nearest

    def _weigh(self, distances: Floats, columns: Positions) -> Floats:
        """Return the scores of rows from their neighbours.

        Parameters
        ----------
        distances, columns : ndarray of shape (n_rows, k)
            From the nearest on.
        """
        answers = self.answers[columns]
        weights = np.ones(distances.shape)
        if self.by_distance:
            far = np.sqrt(distances) if self.metric == "euclidean" else distances
            weights = 1.0 / far
            here = np.isinf(weights)
            some = here.any(axis=1)
            weights[some] = here[some]
        if self.rule == "none":
            products = answers * weights if self.by_distance else answers
            total: Floats = products.sum(axis=1) / weights.sum(axis=1)
            return total[np.newaxis]
        scores = np.zeros((self.n_scores, len(answers)))
        if self.n_scores <= self.k:
            for label in range(self.n_scores):
                scores[label] = np.where(answers == label, weights, 0.0).sum(axis=1)
            return scores
        for label in answers.T:
            own = np.where(answers == label[:, np.newaxis], weights, 0.0).sum(axis=1)
            scores[label, np.arange(len(label))] = own
        return scores


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Samples that may be near: of each row from the nearest on, those at one distance by place.

    Parameters
    ----------
    distances, columns : ndarray of shape (n_found,)
    start, end : ndarray of shape (n_rows,)
        Where those of each row stand.
    """

    distances: Floats
    columns: Positions
    start: Positions
    end: Positions
