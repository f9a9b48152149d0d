"""Features made of B-splines: each value as the few curves that are not zero there.

References
----------
de Boor (1978): A Practical Guide to Splines.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.kernels.elementary import ColumnMath, FloatMath
from iris_deploy.kernels.mixing import MixRow
from iris_deploy.schema.batch import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Splines:
    """The B-splines of every feature, which stay as they are beyond the knots.

    Parameters
    ----------
    knots : ndarray of shape (n_features, n_splines + degree + 1)
        Ascending; the curves span what is between the first and the last ``degree`` of them.
    degree : int
        At least 1.
    """

    knots: Floats
    degree: int

    @property
    def n_splines(self) -> int:
        """Curves of each feature."""
        return int(self.knots.shape[1]) - self.degree - 1

    @property
    def width(self) -> int:
        """How many come out."""
        return len(self.knots) * self.n_splines

    @property
    def size(self) -> int:
        """Operations for one row."""
        return self.width + 6 * len(self.knots) * self.degree**2

    def build_row(self) -> MixRow:
        """Build the function for one row."""
        lists, k, n_splines = self.knots.tolist(), self.degree, self.n_splines
        nothing = [0.0] * n_splines

        def row(features: Sequence[float]) -> Sequence[float]:
            found: list[float] = []
            for x, knots in zip(features, lists, strict=True):
                inside = min(max(x, knots[k]), knots[n_splines]) if x - x == 0.0 else x - x
                at = min(max(bisect_right(knots, inside) - 1, k), n_splines - 1)
                line = [*nothing]
                line[at - k : at + 1] = _basis(inside, knots[at - k + 1 : at + k + 1], k, FloatMath)
                found += line
            return found

        return row

    def many(self, features: Floats) -> Floats:
        """Do so for many rows; see `mixing.Mixing`."""
        k, n_splines = self.degree, self.n_splines
        made = np.zeros((len(self.knots), n_splines, features.shape[1]))
        rows = np.arange(features.shape[1])
        for x, knots, lines in zip(features, self.knots, made, strict=True):
            inside = np.clip(x, knots[k], knots[n_splines])
            inside[~np.isfinite(x)] = np.nan
            at = np.clip(np.searchsorted(knots, inside, side="right") - 1, k, n_splines - 1)
            near = [knots.take(at + j) for j in range(1 - k, k + 1)]
            for j, curve in enumerate(_basis(inside, near, k, ColumnMath)):
                lines[at - k + j, rows] = curve
        return made.reshape(self.width, features.shape[1])


def _basis(x: Any, knots: Sequence[Any], degree: int, xp: Any) -> list[Any]:
    """Return the curves that are not zero between the two middle knots, in SciPy's order."""
    found: list[Any] = [1.0 + 0.0 * x]
    for j in range(1, degree + 1):
        before, found = found, [0.0 * x] * (j + 1)
        for n in range(1, j + 1):
            right, left = knots[degree - 1 + n], knots[degree - 1 + n - j]
            gap = right - left
            share = xp.where(gap == 0.0, 0.0, before[n - 1] / xp.where(gap == 0.0, 1.0, gap))
            found[n - 1] = found[n - 1] + share * (right - x)
            found[n] = share * (x - left)
    return found
