"""Scalers, projections and weights put together: one weighted sum of the columns for each score.

What comes out is not what the steps one after the other give, to the last bit; how far it may be
from that is known.
"""

from dataclasses import dataclass

import numpy as np

from iris_deploy.kernels.blocks import Block, Values
from iris_deploy.kernels.projection import Projection
from iris_deploy.kernels.proposals import EPSILON, TINY
from iris_deploy.kernels.steps import Arithmetic
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.batch import Floats

MAX_COMPOSED = 1 << 24
"""Operations to put weights together."""

_ROWS = 4096
"""Rows that are looked at together: the largest of their values stands for all."""


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Weighted sums of columns.

    Parameters
    ----------
    weights : ndarray of shape (n_scores, n_columns)
    intercept : ndarray of shape (n_scores, 1)
    gain, offset : float
        The sum of the absolute values of all terms is at most gain times the largest value of a
        row, and offset.
    relative : float
        How far sums may be apart, in relation to that.
    """

    weights: Floats
    intercept: Floats
    gain: float
    offset: float
    relative: float

    def propose(self, rows: Floats) -> tuple[Floats, Floats]:
        """Return scores by BLAS, and margins; see `proposals.Proposing`."""
        scores, margins = np.empty((len(self.weights), len(rows))), np.empty(len(rows))
        for at in range(0, len(rows), _ROWS):
            part = rows[at : at + _ROWS]
            np.matmul(self.weights, part.T, out=scores[:, at : at + _ROWS])
            largest = max(part.max(), -part.min())
            margins[at : at + _ROWS] = self.relative * (self.gain * largest + self.offset) + TINY
        scores += self.intercept
        return scores, margins


def compose(transform: Transform, coef: Floats, intercept: Floats) -> Affine | None:
    """Put weights of features together with what makes the features of columns.

    Parameters
    ----------
    transform : Transform
    coef : ndarray of shape (n_scores, n_features)
    intercept : ndarray of shape (n_scores,)

    Returns
    -------
    Affine or None
        None if anything else than arithmetic is before the weights, or if it takes too long.

    Notes
    -----
    An expression of sums and products, with at most d roundings on the way from any value to the
    result, is within about d epsilon of what it should be, times the same expression of absolute
    values. d counts what is added up in one sum, and the steps. This holds for both ways to
    compute the scores, and for the weights that are put together; twice that is far enough.
    """
    if len(coef) * transform.size > MAX_COMPOSED:
        return None
    with np.errstate(all="ignore"):
        signed = _back(transform, coef, intercept, absolute=False)
        absolute = _back(transform, np.abs(coef), np.abs(intercept), absolute=True)
    if signed is None or absolute is None:
        return None
    depth = 8 + coef.shape[1] + transform.n_columns + _steps(transform.blocks)
    for each in transform.mixed:
        depth += sum(block.width for block in each.blocks) + _steps(each.blocks) + 2
    return Affine(
        signed[0],
        signed[1][:, np.newaxis],
        float(absolute[0].sum(axis=1).max()),
        float(absolute[1].max()),
        4.0 * depth * EPSILON,
    )


def _steps(blocks: tuple[Block, ...]) -> int:
    return max((len(block.steps) for block in blocks if isinstance(block, Values)), default=0)


def _back(
    transform: Transform, coef: Floats, intercept: Floats, *, absolute: bool
) -> tuple[Floats, Floats] | None:
    """Go back from weights of features to weights of columns, and what is added."""
    at = transform.n_columns + sum(each.by.width for each in transform.mixed)
    weights, added = np.zeros((at, len(coef))), intercept.copy()
    if not _back_through(transform.blocks, coef, weights, added, absolute=absolute):
        return None
    for each in reversed(transform.mixed):
        at -= each.by.width
        if not isinstance(each.by, Projection):
            return None
        axes = np.abs(each.by.weights) if absolute else each.by.weights
        own = (axes @ weights[at : at + each.by.width]).T
        if not _back_through(each.blocks, own, weights, added, absolute=absolute):
            return None
    return np.ascontiguousarray(weights[: transform.n_columns].T), added


def _back_through(
    blocks: tuple[Block, ...], coef: Floats, weights: Floats, added: Floats, *, absolute: bool
) -> bool:
    """Go back through steps, which are arithmetic; tell whether they all are."""
    at = 0
    for block in blocks:
        if not isinstance(block, Values):
            return False
        own = coef[:, at : at + block.width]
        at += block.width
        for step in reversed(block.steps):
            if not isinstance(step, Arithmetic):
                return False
            operand = np.abs(step.operand) if absolute else step.operand
            if step.operator in {"+", "-"}:
                shift = own @ operand
                added += -shift if step.operator == "-" and not absolute else shift
            else:
                own = own * operand if step.operator == "*" else own / operand
        np.add.at(weights, block.sources, own.T)
    return True
