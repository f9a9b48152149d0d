"""From decisions between any two classes to one class, one figure a class, and probabilities.

The order of the pairs is (0, 1), (0, 2), ..., (1, 2), ...; a decision above zero is for the first
of the two.

References
----------
Wu, Lin and Weng (2004): Probability estimates for multi-class classification by pairwise coupling.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.kernels.elementary import exp
from iris_deploy.schema.batch import Floats

MAX_COUPLED = 100
"""Classes of which probabilities are made: each row takes up to a hundred rounds over all pairs."""

ROUNDS = 100
"""Of coupling, at most, as libsvm has it for up to a hundred classes."""

_LEAST = 1e-7  # probability of either of two classes


def count_pairs(n_classes: int) -> int:
    """Return how many pairs there are."""
    return n_classes * (n_classes - 1) // 2


def count_members(n_pairs: int) -> int:
    """Return of how many classes there are so many pairs."""
    return (1 + math.isqrt(1 + 8 * n_pairs)) // 2


def pairs_of(n_classes: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs in their order."""
    for i in range(n_classes):
        for j in range(i + 1, n_classes):
            yield i, j


def count_votes(decisions: Sequence[Any] | Floats, xp: Any) -> list[Any]:
    """Count for each class the pairs that are decided for it, as libsvm does: zero for the second.

    Parameters
    ----------
    decisions : sequence of float or of ndarray of shape (n_rows,)
        One entry a pair.
    xp : FloatMath or ColumnMath
        For what the entries are.

    Returns
    -------
    list of float or of ndarray
        One entry a class.
    """
    n_classes = count_members(len(decisions))
    votes: list[Any] = [0.0] * n_classes
    for (i, j), decision in zip(pairs_of(n_classes), decisions, strict=True):
        for_first = xp.where(decision > 0, 1.0, 0.0)
        votes[i] = votes[i] + for_first
        votes[j] = votes[j] + (1.0 - for_first)
    return votes


def one_against_rest(decisions: Sequence[Any] | Floats, xp: Any) -> list[Any]:
    """Return one figure a class: its votes, and less than a third for how sure they are.

    See `count_votes`; here, as in scikit-learn, zero is for the first of a pair.
    """
    n_classes = count_members(len(decisions))
    votes: list[Any] = [0.0] * n_classes
    sure: list[Any] = [0.0] * n_classes
    for (i, j), decision in zip(pairs_of(n_classes), decisions, strict=True):
        for_second = xp.where(decision < 0, 1.0, 0.0)
        votes[i] = votes[i] + (1.0 - for_second)
        votes[j] = votes[j] + for_second
        sure[i] = sure[i] + decision
        sure[j] = sure[j] - decision
    return [add_confidence(vote, own, xp) for vote, own in zip(votes, sure, strict=True)]


def add_confidence(votes: Any, sure: Any, xp: Any) -> Any:
    """Add less than a third to the votes for a class, by how sure they are in sum."""
    return votes + sure / (3.0 * (xp.where(sure < 0, -sure, sure) + 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What is made of decisions between any two classes.

    Parameters
    ----------
    slopes, offsets : tuple of float
        Of the logistic curve of each pair (Platt 1999); none where there are no probabilities.
    """

    slopes: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()

    @property
    def are_probabilities(self) -> bool:
        """Whether the scores are."""
        return bool(self.slopes)

    def scores(self, decisions: Sequence[Any], xp: Any) -> list[Any]:
        """Return one score a class; see `count_votes`."""
        if not self.slopes:
            return one_against_rest(decisions, xp)
        shares = [
            _share(decision * slope + offset, xp)
            for decision, slope, offset in zip(decisions, self.slopes, self.offsets, strict=True)
        ]
        return couple(shares, xp)


def _share(x: Any, xp: Any) -> Any:
    """Return 1 / (1 + exp(x)), kept away from 0 and 1."""
    small = exp(xp.where(x < 0, x, -x), xp)
    share = xp.where(x < 0, 1.0, small) / (1.0 + small)
    return xp.between(share, _LEAST, 1.0 - _LEAST)


def couple(shares: Sequence[Any], xp: Any) -> list[Any]:
    """Return the probabilities that fit those between any two classes best.

    Parameters
    ----------
    shares : sequence of float or of ndarray of shape (n_rows,)
        Of the first class of each pair.
    xp : FloatMath or ColumnMath

    Notes
    -----
    As libsvm iterates, to the same stop: it is well before the end.
    """
    n = count_members(len(shares))
    matrix = _system(shares, n)
    found: list[Any] = [xp.where(shares[0] < 2.0, 1.0 / n, 0.0)] * n
    going = shares[0] < 2.0
    for _ in range(ROUNDS):
        products = [_weighted(line, found) for line in matrix]
        total = _weighted(found, products)
        error = _largest([xp.where(q < total, total - q, q - total) for q in products], xp)
        going = going & ~np.less(error, 0.005 / n)
        if not np.any(going):
            break
        found = [
            xp.where(going, new, old)
            for new, old in zip(_improve(found, matrix, products, total, xp), found, strict=True)
        ]
    return found


def _system(shares: Sequence[Any], n: int) -> list[list[Any]]:
    """Return the quadratic form whose least value is looked for."""
    won: list[list[Any]] = [[0.0] * n for _ in range(n)]
    for (i, j), share in zip(pairs_of(n), shares, strict=True):
        won[i][j], won[j][i] = share, 1.0 - share
    matrix: list[list[Any]] = [[0.0] * n for _ in range(n)]
    for t in range(n):
        for j in range(n):
            if j != t:
                matrix[t][t] = matrix[t][t] + won[j][t] * won[j][t]
                matrix[t][j] = -won[j][t] * won[t][j]
    return matrix


def _weighted(weights: Sequence[Any], values: Sequence[Any]) -> Any:
    total = weights[0] * values[0]
    for weight, value in zip(weights[1:], values[1:], strict=True):
        total = total + weight * value
    return total


def _largest(values: Sequence[Any], xp: Any) -> Any:
    top = values[0]
    for value in values[1:]:
        top = xp.where(value > top, value, top)
    return top


def _improve(
    found: Sequence[Any], matrix: list[list[Any]], products: Sequence[Any], total: Any, xp: Any
) -> list[Any]:
    """Change one probability after the other."""
    p, q = [*found], [*products]
    for t, line in enumerate(matrix):
        change = (total - q[t]) / line[t]
        p[t] = p[t] + change
        scale = 1.0 + change
        scale = xp.where(scale == 0.0, 1.0, scale)
        total = (total + change * (change * line[t] + 2.0 * q[t])) / scale / scale
        q = [(own + change * weight) / scale for own, weight in zip(q, line, strict=True)]
        p = [own / scale for own in p]
    return p
