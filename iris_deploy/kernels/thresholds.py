"""One class of two, from some score on: instead of what the classifier would choose."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iris_deploy.kernels.elementary import ColumnMath, FloatMath
from iris_deploy.kernels.links import Link, scores_of
from iris_deploy.kernels.multiclass import OneVsRest
from iris_deploy.kernels.pairs import Pairs
from iris_deploy.kernels.protocol import DecideRow, Kernel
from iris_deploy.kernels.scores import OVERFLOW, Rule, decide
from iris_deploy.schema.batch import Floats, Indices


@dataclass(frozen=True, slots=True)
class Cut:
    """The score from which a class is predicted.

    Parameters
    ----------
    positive : {0, 1}
        Position of the class.
    least : float
        Of its probability, or of its decision value.
    link : Link, Pairs, OneVsRest or None
        How scores become probabilities; None if decision values decide.
    """

    positive: int
    least: float
    link: Link | Pairs | OneVsRest | None

    def row(self, row: DecideRow) -> DecideRow:
        """Return the function that decides on one row so."""
        positive, least, link = self.positive, self.least, self.link

        def decided(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            index, decision = row(x)
            if index != OVERFLOW:
                reached = scores_of(decision, link, FloatMath)[positive] >= least
                index = positive if reached else 1 - positive
            return index, decision

        return decided

    def columns(self, decision: Floats, index: Indices) -> Indices:
        """Decide on many rows so.

        Parameters
        ----------
        decision : ndarray of shape (n_scores, n_rows)
        index : ndarray of int, shape (n_rows,)
            `OVERFLOW` where there is nothing to decide.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            reached = scores_of(list(decision), self.link, ColumnMath)[self.positive] >= self.least
        chosen = np.where(reached, self.positive, 1 - self.positive)
        return np.where(index == OVERFLOW, index, chosen).astype(np.int32)


def build_row(kernel: Kernel, cut: Cut | None) -> DecideRow:
    """Build the function from one row to its decision and scores; without a cut the kernel's."""
    row = kernel.build_row()
    return cut.row(row) if cut else row


def choose(decision: Floats, rule: Rule, cut: Cut | None) -> Indices:
    """Choose the class of many rows by the cut, and without one by the rule.

    Parameters
    ----------
    decision : ndarray of shape (n_scores, n_rows)
    rule : Rule
    cut : Cut or None

    Returns
    -------
    ndarray of int, shape (n_rows,)
        See `scores.decide`.
    """
    index = decide(decision, rule)
    return cut.columns(decision, index) if cut else index
