"""The arithmetic of a curve of one feature, which is all that is asked.

Knows numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iris_deploy.kernels.calibration import Steps
from iris_deploy.kernels.elementary import ColumnMath, FloatMath
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import Rule, build_decision
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.batch import Floats

_ROWS = 1 << 14
"""That are worked on at a time."""


@dataclass(frozen=True, eq=False)
class CurveKernel:
    """A curve of one feature; see `protocol.Kernel`.

    Parameters
    ----------
    transform : Transform
        To the one feature.
    curve : Steps
    low, high : float
        Beyond them there is no answer.
    """

    transform: Transform
    curve: Steps
    low: float
    high: float
    n_scores: int = 1
    rule: Rule = "none"
    unanswered: str = "the value is out of the training range, and the estimator answers none there"

    @property
    def size(self) -> int:
        """Operations for one row."""
        return self.transform.size + 64

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its number."""
        features, decide = self.transform.build_features(), build_decision(self.rule)

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            (value,) = features(x)
            inside = self.low <= value <= self.high
            decision = (self.curve.of(float(value), FloatMath) if inside else float("nan"),)
            return decide(decision), decision

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the numbers of many rows, shape (1, n_rows)."""
        numbers = np.empty((1, len(rows)))
        with np.errstate(over="ignore", invalid="ignore"):
            for at, (values,) in self.transform.parts(rows, _ROWS):
                inside = (self.low <= values) & (values <= self.high)
                numbers[0, at] = np.where(inside, self.curve.of(values, ColumnMath), np.nan)
        return numbers
