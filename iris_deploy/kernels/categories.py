"""The arithmetic of features that are categories: of each a figure for every class, added up.

Knows numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import OVERFLOW, Rule, build_decision
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.batch import Floats

_ROWS = 8192
"""Rows that are worked on at a time."""


class Figures:
    """What each category says of each class; one object for all features that share it.

    Parameters
    ----------
    array : ndarray of shape (n_classes, n_categories)
    """

    def __init__(self, array: Floats) -> None:
        self.array = array
        self.lines: list[list[float]] = array.T.tolist()  # which are quicker for one row


@dataclass(frozen=True, eq=False)
class CategoricalKernel:
    """One sum a class, of figures that are looked up; nothing for what is no category.

    Parameters
    ----------
    transform : Transform
        To features of which each is the position of a category, whatever is behind the point.
    figures : sequence of Figures
        Of each feature.
    added : ndarray of shape (n_classes,)
        Last.
    """

    transform: Transform
    figures: Sequence[Figures]
    added: Floats
    rule: Rule = "largest"

    @property
    def n_scores(self) -> int:
        """Classes."""
        return len(self.added)

    @property
    def size(self) -> int:
        """Operations for one row."""
        return self.transform.size + (len(self.figures) + 1) * self.n_scores

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        features, decide = self.transform.build_features(), build_decision(self.rule)
        figures = [own.lines for own in self.figures]
        added = self.added.tolist()
        lost = (float("nan"),) * self.n_scores

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            totals = [0.0] * len(added)
            for value, lines in zip(features(x), figures, strict=True):
                if not -1.0 < value < len(lines):
                    return OVERFLOW, lost
                totals = [a + b for a, b in zip(totals, lines[int(value)], strict=True)]
            decision = tuple([a + b for a, b in zip(totals, added, strict=True)])
            return decide(decision), decision

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows; see `protocol.Kernel`."""
        scores = np.zeros((self.n_scores, len(rows)))
        for at, values in self.transform.parts(rows, _ROWS):
            part = scores[:, at]
            for value, own in zip(values, self.figures, strict=True):
                known = (value > -1.0) & (value < len(own.lines))
                part += own.array.take(np.where(known, value, 0.0).astype(np.int64), axis=1)
                part[:, ~known] = np.nan
        scores += self.added[:, np.newaxis]
        return scores
