"""The arithmetic of support vector machines: a row is compared with every support vector.

One row gets the same bits alone and in any batch: features are added in their order, then support
vectors in theirs.

Knows numbers only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.elementary import ColumnMath, exp, tanh
from iris_deploy.kernels.pairs import pairs_of
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import Rule, build_decision
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.batch import Floats

Alike = Literal["linear", "poly", "rbf", "sigmoid"]

_FIGURES = 1 << 15
"""Similarities that are worked on at a time: 256 KiB, so that three of them stay in the cache."""

_OPERATIONS = {"linear": 1, "poly": 30, "rbf": 40, "sigmoid": 60}


@dataclass(frozen=True, slots=True)
class Similarity:
    """How alike two rows are, out of their product or the square of their distance.

    Parameters
    ----------
    kind : {'linear', 'poly', 'rbf', 'sigmoid'}
    gamma, offset : float
    degree : int
    """

    kind: Alike
    gamma: float = 1.0
    offset: float = 0.0
    degree: int = 1

    def of(self, sums: Floats) -> Floats:
        """Return it for products, or for squares of distances; they are worked on in place."""
        if self.kind == "linear":
            return sums
        sums *= -self.gamma if self.kind == "rbf" else self.gamma
        if self.kind == "rbf":
            powers: Floats = exp(sums, ColumnMath)
            return powers
        sums += self.offset
        if self.kind == "sigmoid":
            curved: Floats = tanh(sums, ColumnMath)
            return curved
        found = np.ones_like(sums)
        left = self.degree
        while left > 0:  # the multiplications that libsvm makes
            if left % 2:
                found *= sums
            sums = sums * sums
            left //= 2
        return found


@dataclass(frozen=True, eq=False)
class SupportVectorKernel:
    """Weighted similarities to support vectors.

    Parameters
    ----------
    transform : Transform
    vectors : ndarray of shape (n_features, n_vectors)
        Support vectors, two at least, those of a class beside each other.
    similarity : Similarity
    coef : ndarray of shape (n_lines, n_vectors)
        Weights: one line, or for n classes n - 1 lines as libsvm has them.
    edges : sequence of int
        Where the support vectors of each class begin, and where the last end.
    intercept : ndarray of shape (n_scores,)
    rule : {'above', 'least', 'votes', 'confident', 'none'}
    """

    transform: Transform
    vectors: Floats
    similarity: Similarity
    coef: Floats
    edges: Sequence[int]
    intercept: Floats
    rule: Rule

    @property
    def n_scores(self) -> int:
        """One, or one a pair of classes."""
        return len(self.intercept)

    @property
    def size(self) -> int:
        """Operations for one row."""
        n_features, n_vectors = self.vectors.shape
        each = 3 * n_features + _OPERATIONS[self.similarity.kind] + 2 * len(self.coef)
        return int(self.transform.size + n_vectors * each + 4 * self.n_scores)

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        features, decide = self.transform.build_features(), build_decision(self.rule)
        vectors, is_distance = self.vectors, self.similarity.kind == "rbf"
        similar, coef, pairs = self.similarity.of, self.coef, self._pairs()

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            column = np.array(features(x))[:, np.newaxis]
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                if is_distance:
                    terms = vectors - column
                    terms *= terms
                else:
                    terms = vectors * column
                weighted = coef * similar(np.add.reduce(terms, axis=0))
                scores = self._combine(
                    lambda start, end: np.add.accumulate(weighted[:, start:end], axis=1)[:, -1:],
                    pairs,
                )
            decision = tuple(scores[:, 0].tolist())
            return decide(decision), decision

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows; see `protocol.Kernel`."""
        scores = np.empty((self.n_scores, len(rows)))
        step = max(_FIGURES // max(self.vectors.shape[1], 2 * self.n_scores), 2)
        pairs = self._pairs()
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            for at in range(0, len(rows), step):
                part = rows[at : at + step]
                if len(part) == 1:  # NumPy adds a single column up pairwise
                    part = np.repeat(part, 2, axis=0)
                found = self._part(self.transform.matrix(self.transform.prepare(part)), pairs)
                scores[:, at : at + step] = found[:, : len(rows) - at]
        return scores

    def _part(self, features: Floats, pairs: "_Pairs") -> Floats:
        """Compute the scores of some rows.

        Parameters
        ----------
        features : ndarray of shape (n_features, n_rows)
        """
        combine = np.subtract if self.similarity.kind == "rbf" else np.multiply
        sums = np.zeros((self.vectors.shape[1], features.shape[1]))
        term = np.empty_like(sums)
        for vector, feature in zip(self.vectors, features, strict=True):
            combine(vector[:, np.newaxis], feature, out=term)
            if combine is np.subtract:
                np.multiply(term, term, out=term)
            np.add(sums, term, out=sums)
        alike, coef = self.similarity.of(sums), self.coef

        def total(start: int, end: int) -> Floats:
            own = alike[start:end]
            return np.array(
                [np.add.reduce(line[start:end, np.newaxis] * own, axis=0) for line in coef]
            )

        return self._combine(total, pairs)

    def _pairs(self) -> "_Pairs":
        """Return which lines and classes each score is of; None if there is one score."""
        if len(self.edges) <= 2:
            return None
        found = np.array([*pairs_of(len(self.edges) - 1)])
        return found[:, 0], found[:, 1]

    def _combine(self, total: Callable[[int, int], Floats], pairs: "_Pairs") -> Floats:
        """Make scores of the sums over each class, of which each has n_lines rows."""
        sums = [
            total(start, end) if end > start else None
            for start, end in zip(self.edges[:-1], self.edges[1:], strict=True)
        ]
        shape = next(s for s in sums if s is not None).shape
        figures = np.array([np.zeros(shape) if s is None else s for s in sums])
        scores: Floats = figures[0]
        if pairs is not None:
            first, second = pairs
            scores = figures[first, second - 1] + figures[second, first]
        scores += self.intercept[:, np.newaxis]
        return scores


_Pairs = tuple[NDArray[Any], NDArray[Any]] | None
