"""How early random splits set a row apart from the rest: the arithmetic of isolation forests.

Knows numbers only.

References
----------
Liu, Ting and Zhou (2008): Isolation Forest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.kernels import exact
from iris_deploy.kernels.elementary import ColumnMath, FloatMath, exp2
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import OVERFLOW, Rule
from iris_deploy.kernels.trees import TreeKernel
from iris_deploy.schema.batch import Floats

_EULER = float(np.euler_gamma)

_SAME = 8 * float(np.finfo(np.float64).eps)
"""Scores so much apart, in relation to themselves, are the same: powers of 2 are rounded so."""


@dataclass(frozen=True, eq=False)
class AnomalyKernel:
    """A decision value: below zero for what is set apart early.

    Parameters
    ----------
    trees : TreeKernel
        Whose sums are lengths of paths.
    usual : float
        Sum of the lengths that are usual in the trees.
    offset : float
        Of the decision value, below zero.
    """

    trees: TreeKernel
    usual: float
    offset: float
    n_scores: int = 1
    rule: Rule = "least"

    @property
    def size(self) -> int:
        """Operations for one row."""
        return self.trees.size

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and score."""
        add_up, decide = self.trees.build_row(), self._decide

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            index, (length,) = add_up(x)
            if index == OVERFLOW:
                return OVERFLOW, (length,)
            score = decide(length, FloatMath)
            return int(score >= 0.0), (score,)

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows; see `protocol.Kernel`."""
        with np.errstate(invalid="ignore"):
            found: Floats = self._decide(self.trees.columns(rows), ColumnMath)
        return found

    def _decide(self, length: Any, xp: Any) -> Any:
        score = -exp2(-(length / self.usual), xp) - self.offset
        least = -self.offset * _SAME
        return xp.where(score > least, score, xp.where(score < -least, score, 0.0 * score))


def usual_length(n_samples: int) -> float:
    """Return how long the path to one of so many samples is in a tree of random splits.

    Notes
    -----
    As in an unsuccessful search in a binary search tree: 2 H(n - 1) - 2 (n - 1) / n.
    """
    if n_samples <= 2:
        return float(n_samples == 2)
    n = float(n_samples)
    return 2.0 * (exact.log(n - 1.0) + _EULER) - 2.0 * (n - 1.0) / n
