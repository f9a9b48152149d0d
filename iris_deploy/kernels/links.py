"""From decision values to probabilities, the same bits for one row and for columns, everywhere.

``exp`` is built here from additions and multiplications, because C libraries differ in its last
bit. Each function is written once, for floats and for ndarrays alike.
"""

import math
import sys
from collections.abc import Callable, Sequence
from ctypes import c_float
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels import singles

Link = Literal[
    "logistic",
    "softmax",
    "modified_huber",
    "exponential",
    "shares",
    "sigmoids",
    "hinge",
    "logistic_single",
    "softmax_single",
]
"""How scores become probabilities; 'shares' are some already, and what is 'single' has 32 bits."""


class FloatMath:
    """The few functions that the links need, for plain floats."""

    floor = staticmethod(math.floor)
    ldexp = staticmethod(math.ldexp)

    @staticmethod
    def where(condition: bool, yes: float, no: float) -> float:  # noqa: FBT001
        """Choose as `numpy.where` does."""
        return yes if condition else no

    @staticmethod
    def single(x: float) -> float:
        """Round to 32 bits."""
        return c_float(x).value

    @staticmethod
    def whole(x: float) -> float:
        """Leave out what is behind the point, if a number is not too large to have anything."""
        return float(int(x)) if -_WHOLE < x < _WHOLE else x


class ColumnMath:
    """The same functions for columns."""

    where = staticmethod(np.where)

    @staticmethod
    def floor(x: NDArray[np.float64]) -> NDArray[np.int64]:
        """Round down to whole numbers."""
        return np.floor(x).astype(np.int64)

    ldexp = staticmethod(np.ldexp)

    @staticmethod
    def single(x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Round to 32 bits."""
        with np.errstate(over="ignore"):
            return x.astype(np.float32).astype(np.float64)

    whole = staticmethod(np.trunc)


# ln 2 in two parts (Cody and Waite 1980): the first has 21 trailing zero bits, so that its product
# with an exponent of up to 11 bits is exact.
_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
_TAYLOR = tuple(1 / math.factorial(n) for n in range(13, -1, -1))
_WHOLE = 2.0**53
_UNDERFLOW = -746.0  # exp() is 0 below ln(2**-1075)
_LARGEST_EXPONENT = math.log(sys.float_info.max)  # exp() overflows above it


def exp(x: Any, xp: Any) -> Any:
    """Compute e to the power of x from IEEE operations alone.

    Parameters
    ----------
    x : float or ndarray
    xp : FloatMath or ColumnMath
        For what ``x`` is.

    Returns
    -------
    float or ndarray
        Within 2 ulp; the same bits for the same x, in either form, on any machine. Infinite above
        the logarithm of the largest float.

    Notes
    -----
    x is k ln 2 + r with |r| at most ln 2 / 2, where 13 terms of the Taylor series leave an error
    of 4e-18, far below the 1.1e-16 of rounding.
    """
    k, r = _reduce(x, xp)
    total = _TAYLOR[0]
    for term in _TAYLOR[1:]:
        total = total * r + term
    return xp.where(x > _LARGEST_EXPONENT, math.inf, xp.ldexp(total, k))


def expm1(x: Any, xp: Any) -> Any:
    """Compute e to the power of x, less 1; see `exp`.

    Notes
    -----
    With x as k ln 2 + r it is 2**k (exp(r) - 1) + (2**k - 1), and the series of the first bracket
    has no 1 to lose bits to. Half of it is computed, since 2**1024 is no float.
    """
    k, r = _reduce(x, xp)
    total = _TAYLOR[0]
    for term in _TAYLOR[1:-1]:
        total = total * r + term
    half = xp.ldexp(total * r, k - 1) + (xp.ldexp(1.0, k - 1) - 0.5)
    return xp.where(x > _LARGEST_EXPONENT, math.inf, 2.0 * half)


def _reduce(x: Any, xp: Any) -> tuple[Any, Any]:
    """Return the whole number k and the small r for which x is k ln 2 + r; NaN as 0."""
    x = xp.where(x >= _UNDERFLOW, x, _UNDERFLOW)  # whatever it is not, too: NaN
    x = xp.where(x > _LARGEST_EXPONENT, _LARGEST_EXPONENT, x)
    k = xp.floor(x * _LOG2_E + 0.5)
    return k, (x - k * _LN2_HIGH) - k * _LN2_LOW


def logistic(score: Any, xp: Any) -> Any:
    """Compute 1 / (1 + exp(-score)) without overflow.

    Where exp(-score) would overflow it is 0, as SciPy's ``expit`` has it: scikit-learn gives all
    classes the same share if none has any, and would otherwise give nearly all to one.
    """
    small = exp(xp.where(score < 0, score, -score), xp)
    share = xp.where(score < 0, small, 1.0) / (1.0 + small)
    return xp.where(score < -_LARGEST_EXPONENT, 0.0, share)


def probabilities(scores: Sequence[Any], link: Link, xp: Any) -> list[Any]:
    """Turn decision values into probabilities as scikit-learn's ``predict_proba`` does.

    Parameters
    ----------
    scores : sequence of float or of ndarray of shape (n_rows,)
        One entry for two classes, else one per class.
    link : Link
        'logistic' is one against the rest, normalised, 'sigmoids' the same and not normalised;
        'modified_huber' as in Zhang 2002; 'exponential' the logistic of twice the score; 'hinge' 0
        or 1; 'logistic_single' and 'softmax_single' XGBoost's.
    xp : FloatMath or ColumnMath
        For what the entries are.

    Returns
    -------
    list of float or of ndarray
        One entry per class.
    """
    if link == "shares":
        return list(scores)
    if link == "softmax":
        return softmax([-scores[0], scores[0]] if len(scores) == 1 else scores, xp)
    if link in _UNNORMALISED:
        found = _UNNORMALISED[link](scores, xp)
        return found if len(found) > 1 else [xp.single(1.0 - found[0]), found[0]]
    if link == "exponential":
        shares = [logistic(2.0 * s, xp) for s in scores]
    elif link == "logistic":
        shares = [logistic(s, xp) for s in scores]
    else:
        clipped = [xp.where(s < -1, -1.0, xp.where(s > 1, 1.0, s)) for s in scores]
        shares = [(s + 1.0) / 2.0 for s in clipped]
    if len(shares) == 1:
        return [1.0 - shares[0], shares[0]]
    total = reduce(add, shares)  # sum() compensates since Python 3.12: other bits
    # No class has any share: every class gets the same.
    none = total == 0
    total = xp.where(none, float(len(shares)), total)
    return [xp.where(none, 1.0, s) / total for s in shares]


def sigmoids(scores: Sequence[Any], xp: Any) -> list[Any]:
    """Compute the logistic function of each score, whatever they add up to."""
    return [logistic(s, xp) for s in scores]


def softmax(scores: Sequence[Any], xp: Any) -> list[Any]:
    """Normalise exp(score), shifted by the largest score."""
    top = scores[0]
    for s in scores[1:]:
        top = xp.where(s > top, s, top)
    shares = [exp(s - top, xp) for s in scores]
    total = reduce(add, shares)
    return [s / total for s in shares]


_UNNORMALISED: dict[Link, Callable[[Sequence[Any], Any], list[Any]]] = {
    "sigmoids": sigmoids,
    "hinge": lambda scores, xp: [xp.where(s > 0, 1.0, 0.0) for s in scores],
    "logistic_single": lambda scores, xp: [singles.sigmoid(s, xp) for s in scores],
    "softmax_single": singles.softmax,
}
"""Of one score that of the second of two classes."""
