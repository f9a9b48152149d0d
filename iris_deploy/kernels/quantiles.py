"""Where a feature stands among the quantiles of training, and what a normal one has there.

A step (`steps.Step`): the same bits for one row and for columns.

References
----------
Wichura (1988): Algorithm AS 241: The Percentage Points of the Normal Distribution. Applied
Statistics 37, 477-484.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from iris_deploy.kernels.code import Names
from iris_deploy.kernels.elementary import ColumnMath, FloatMath, log
from iris_deploy.schema.batch import Floats, Indices

Shape = Literal["uniform", "bounded", "normal"]
"""What comes out: shares, shares that are never 0 or 1, or numbers that have a normal curve."""

NEAR = 1e-7
"""As near to the first or the last quantile all is one, where shares are bounded."""

_LEAST = NEAR - 2.0**-52
_MOST = 1.0 - _LEAST

# Numerators and denominators of AS 241's PPND16 for the middle and the tails, the highest power
# first.
_MIDDLE = (
    (
        *(2509.0809287301226727, 33430.575583588128105, 67265.770927008700853),
        *(45921.953931549871457, 13731.693765509461125, 1971.5909503065514427),
        *(133.14166789178437745, 3.387132872796366608),
    ),
    (
        *(5226.495278852854561, 28729.085735721942674, 39307.89580009271061),
        *(21213.794301586595867, 5394.1960214247511077, 687.1870074920579083),
        *(42.313330701600911252, 1.0),
    ),
)
_TAIL = (
    (
        *(7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177),
        *(1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055),
        *(4.6303378461565452959, 1.42343711074968357734),
    ),
    (
        *(1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966),
        *(0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494),
        *(2.05319162663775882187, 1.0),
    ),
)
_HALF_MIDDLE = 0.425


def normal_quantile(share: Any, xp: Any) -> Any:
    """Compute the number below which a share of a standard normal distribution lies.

    Parameters
    ----------
    share : float or ndarray
        From 1e-11 to 1 - 1e-11.
    xp : FloatMath or ColumnMath
        For what ``share`` is.

    Returns
    -------
    float or ndarray
        Within 8 ulp; the same bits for the same share, in either form.
    """
    off = share - 0.5
    if xp is FloatMath:
        return _middle(off) if abs(off) <= _HALF_MIDDLE else _tail(share, off, xp)
    found = _middle(off)
    far = np.flatnonzero(np.abs(off) > _HALF_MIDDLE)
    found[far] = _tail(share[far], off[far], xp)
    return found


def _middle(off: Any) -> Any:
    return off * _ratio(0.180625 - off * off, _MIDDLE)


def _tail(share: Any, off: Any, xp: Any) -> Any:
    root = math.sqrt if xp is FloatMath else np.sqrt
    far = root(-log(xp.where(off < 0.0, share, 1.0 - share), xp))
    size = _ratio(far - 1.6, _TAIL)
    return xp.where(off < 0.0, -size, size)


def _ratio(x: Any, of: tuple[Sequence[float], Sequence[float]]) -> Any:
    numerator, denominator = of[0][0], of[1][0]
    for above, below in zip(of[0][1:], of[1][1:], strict=True):
        numerator = numerator * x + above
        denominator = denominator * x + below
    return numerator / denominator


class Landmarks:
    """Quantiles of one feature, between which shares are interpolated.

    Parameters
    ----------
    values : ndarray of shape (n_quantiles,)
        Ascending; the same again and again, where many samples had it.
    shares : ndarray of shape (n_quantiles,)
        Of samples that are not above each: from 0 to 1, ascending.
    shape : {'uniform', 'bounded', 'normal'}

    Attributes
    ----------
    is_finite : bool
        Whether nothing overflows between them.

    Notes
    -----
    A value that several quantiles share gets the mean of the first and the last of them, as
    scikit-learn has it: the mean of interpolating from below and from above.
    """

    def __init__(self, values: Floats, shares: Floats, shape: Shape) -> None:
        self._values, self._shares, self._shape = values, shares, shape
        with np.errstate(over="ignore"):
            gaps = np.diff(values)
            slopes = np.diff(shares) / np.where(gaps == 0.0, 1.0, gaps)
        self._slopes = np.append(np.where(gaps == 0.0, 0.0, slopes), 0.0)
        self.is_finite = bool(np.isfinite(gaps).all() and np.isfinite(slopes).all())
        self._lists: tuple[list[float], list[float], list[float]] | None = None

    def one(self, x: float) -> float:
        """Change one value; what is missing, or not finite, stays so."""
        if x - x != 0.0:
            return x
        if self._lists is None:  # which are quicker, for those that are asked one by one
            all_three = (self._values, self._shares, self._slopes)
            values, shares, slopes = (of.tolist() for of in all_three)
            self._lists = values, shares, slopes
        values, shares, slopes = self._lists
        share = self._end(x, FloatMath)
        if share < 0.0:
            before, behind = bisect_right(values, x) - 1, bisect_left(values, x)
            share = 0.5 * (
                (slopes[before] * (x - values[before]) + shares[before])
                + (shares[behind] - slopes[behind - 1] * (values[behind] - x))
            )
        found: float = self._shaped(share, FloatMath)
        return found

    def many(self, x: Floats) -> Floats:
        """Change many values; see `one`."""
        values, shares, slopes = self._values, self._shares, self._slopes
        fine = np.isfinite(x)
        inside = np.clip(np.where(fine, x, values[0]), values[0], values[-1])
        before = np.searchsorted(values, inside, side="right") - 1
        behind = np.searchsorted(values, inside, side="left")
        share = 0.5 * (
            (slopes.take(before) * (inside - values.take(before)) + shares.take(before))
            + (shares.take(behind) - slopes.take(behind - 1) * (values.take(behind) - inside))
        )
        end = self._end(x, ColumnMath)
        found: Floats = self._shaped(np.where(end < 0.0, share, end), ColumnMath)
        return np.where(fine, found, x)

    def _end(self, x: Any, xp: Any) -> Any:
        """Return 0 and 1 at the ends and beyond them, else -1."""
        low, high = self._values[0], self._values[-1]
        if self._shape == "uniform":
            return xp.where(x <= low, 0.0, xp.where(x >= high, 1.0, -1.0))
        return xp.where(x - NEAR < low, 0.0, xp.where(x + NEAR > high, 1.0, -1.0))

    def _shaped(self, share: Any, xp: Any) -> Any:
        if self._shape == "uniform":
            return share
        bounded = xp.where(share < _LEAST, _LEAST, xp.where(share > _MOST, _MOST, share))
        return bounded if self._shape == "bounded" else normal_quantile(bounded, xp)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The share of samples that are below each feature, or what a normal one has there.

    Parameters
    ----------
    landmarks : tuple of Landmarks
        Of each feature.
    """

    landmarks: tuple[Landmarks, ...]

    def pick(self, indices: Indices) -> "Quantiles":  # noqa: D102
        return Quantiles(tuple(self.landmarks[k] for k in indices))

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: D102
        if isinstance(k, slice):
            pairs = zip(self.landmarks[k], x.tolist(), strict=True)
            return np.array([own.one(value) for own, value in pairs], np.float64)
        return self.landmarks[k].many(x)

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: D102
        return f"{x} = {names.bind(self.landmarks[k].one)}({x})"
