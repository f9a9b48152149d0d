"""Labels of many rows by BLAS, where its rounding cannot matter.

BLAS adds up in an order of its own, which depends on the machine and on how many rows there are.
So it only proposes scores: of rows whose classes are no farther apart than all rounding together
the exact kernel decides.
"""

from functools import cache
from typing import Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.protocol import Kernel
from iris_deploy.kernels.scores import Rule, decide
from iris_deploy.schema.batch import Floats, Indices

EPSILON = float(np.finfo(np.float64).eps)

TINY = 1e-290
"""Added to every margin, so that numbers too small for a relative error are in it."""


@runtime_checkable
class Proposing(Protocol):
    """A kernel that has quick scores beside its exact ones."""

    def propose(self, rows: Floats) -> tuple[Floats, Floats] | None:
        """Return scores, and how far those of each row may be from the exact ones.

        None, where that is no quicker.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)

        Returns
        -------
        scores : ndarray of shape (n_scores, n_rows)
        margins : ndarray of shape (n_rows,)
            Infinite or NaN, where nothing is known.
        """
        ...


@cache
def _can_propose(kind: type) -> bool:
    """Look at a protocol once for each class: that takes as long as a hundred rows."""
    return issubclass(kind, Proposing)


def decide_rows(kernel: Kernel, rows: Floats) -> Indices:
    """Choose the class of many rows: the one that their exact scores decide on.

    Parameters
    ----------
    kernel : Kernel
    rows : ndarray of shape (n_rows, n_columns)
    """
    with np.errstate(all="ignore"):
        proposed = cast("Proposing", kernel).propose(rows) if _can_propose(type(kernel)) else None
        if proposed is None:
            return decide(kernel.columns(rows), kernel.rule)
        scores, margins = proposed
        indices = decide(scores, kernel.rule)
        unsure = np.flatnonzero(~(_gaps(scores, kernel.rule) > 2.0 * margins))
    if len(unsure):
        indices[unsure] = decide(kernel.columns(rows[unsure]), kernel.rule)
    return indices


def _gaps(scores: Floats, rule: Rule) -> Floats:
    """Return how far scores would have to move for another decision, twice: of each side."""
    if rule == "first_half":
        return _gaps(scores[: len(scores) // 2], "largest")
    if rule != "largest":  # one score, or one of any two classes
        return np.asarray(2.0 * np.abs(scores).min(axis=0))
    top, second = scores[0], np.full(scores.shape[1], -np.inf)
    for line in scores[1:]:
        second = np.maximum(second, np.minimum(top, line))
        top = np.maximum(top, line)
    return np.asarray(top - second)


def largest_values(features: NDArray[np.float64]) -> Floats:
    """Return the largest absolute value of each row.

    Parameters
    ----------
    features : ndarray of shape (n_features, n_rows)
    """
    found: Floats = np.maximum(features.max(axis=0), -features.min(axis=0))
    return found
