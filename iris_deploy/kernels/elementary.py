"""Elementary functions, the same bits for one row and for columns, everywhere.

``exp`` is built here from additions and multiplications, because C libraries differ in its last
bit; the others are built of it. Each is written once, for floats and for ndarrays alike.
"""

import math
import sys
from collections.abc import Sequence
from ctypes import c_float
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FloatMath:
    """The few functions that the others need, for plain floats."""

    floor = staticmethod(math.floor)
    frexp = staticmethod(math.frexp)
    ldexp = staticmethod(math.ldexp)

    @staticmethod
    def where(condition: bool, yes: float, no: float) -> float:  # noqa: FBT001
        """Choose as `numpy.where` does."""
        return yes if condition else no

    @staticmethod
    def between(x: float, low: float, high: float) -> float:
        """Bring into bounds; NaN to the lower one."""
        return high if x > high else max(x, low)

    @staticmethod
    def single(x: float) -> float:
        """Round to 32 bits."""
        return c_float(x).value

    @staticmethod
    def whole(x: float) -> float:
        """Leave out what is behind the point, if a number is not too large to have anything."""
        return float(int(x)) if -_WHOLE < x < _WHOLE else x

    @staticmethod
    def integer(x: float) -> int:
        """Return a small whole number as an integer."""
        return int(x)


class ColumnMath:
    """The same functions for columns."""

    floor = staticmethod(np.floor)
    frexp = staticmethod(np.frexp)
    where = staticmethod(np.where)

    @staticmethod
    def ldexp(x: Any, exponent: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply by 2 to the power of whole numbers."""
        product: NDArray[np.float64] = np.ldexp(x, exponent.astype(np.int32))
        return product

    @staticmethod
    def between(x: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
        """Bring into bounds; NaN to the lower one."""
        return np.fmin(np.fmax(x, low), high)

    @staticmethod
    def single(x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Round to 32 bits."""
        with np.errstate(over="ignore"):
            return x.astype(np.float32).astype(np.float64)

    whole = staticmethod(np.trunc)

    @staticmethod
    def integer(x: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return small whole numbers as integers."""
        return x.astype(np.int32)


# ln 2 in two parts (Cody and Waite 1980): the first has 21 trailing zero bits, so that its product
# with an exponent of up to 11 bits is exact.
_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_LN2_LOGARITHM_HIGH = float.fromhex("0x1.62e42feep-1")  # those that fdlibm's logarithm is made for
_LN2_LOGARITHM_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_LN2 = float.fromhex("0x1.62e42fefa39efp-1")
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
_TAYLOR = tuple(1 / math.factorial(n) for n in range(13, -1, -1))
_WHOLE = 2.0**53
_UNDERFLOW = -746.0  # exp() is 0 below ln(2**-1075)
_LARGEST_EXPONENT = math.log(sys.float_info.max)  # exp() overflows above it

# log(1 + f) with s = f / (2 + f): coefficients of fdlibm (Sun Microsystems 1993), from s**14 down.
_LOGARITHM = tuple(
    float.fromhex(x)
    for x in (
        *("0x1.2f112df3e5244p-3", "0x1.39a09d078c69fp-3", "0x1.7466496cb03dep-3"),
        *("0x1.c71c51d8e78afp-3", "0x1.2492494229359p-2", "0x1.999999997fa04p-2"),
        "0x1.5555555555593p-1",
    )
)
# Of Bernoulli's numbers: B(2 k) / (2 k), from k = 8 down.
_BERNOULLI = (-3617 / 8160, 1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12)
_STIRLING = 12
_HALF_ROOT = math.sqrt(0.5)


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
    return xp.where(x > _LARGEST_EXPONENT, math.inf, xp.ldexp(_series(r, _TAYLOR), k))


def exp2(x: Any, xp: Any) -> Any:
    """Compute 2 to the power of x, a number between -1000 and 1000; see `exp`."""
    k = xp.floor(x + 0.5)
    return xp.ldexp(_series((x - k) * _LN2, _TAYLOR), k)


def expm1(x: Any, xp: Any) -> Any:
    """Compute e to the power of x, less 1; see `exp`.

    Notes
    -----
    With x as k ln 2 + r it is 2**k (exp(r) - 1) + (2**k - 1), and the series of the first bracket
    has no 1 to lose bits to. Half of it is computed, since 2**1024 is no float.
    """
    k, r = _reduce(x, xp)
    half = xp.ldexp(_series(r, _TAYLOR[:-1]) * r, k - 1) + (xp.ldexp(1.0, k - 1) - 0.5)
    return xp.where(x > _LARGEST_EXPONENT, math.inf, 2.0 * half)


def _reduce(x: Any, xp: Any) -> tuple[Any, Any]:
    """Return the whole number k and the small r for which x is k ln 2 + r; NaN as 0."""
    x = xp.between(x, _UNDERFLOW, _LARGEST_EXPONENT)
    k = xp.floor(x * _LOG2_E + 0.5)
    r = x - k * _LN2_HIGH
    r -= k * _LN2_LOW
    return k, r


def _series(r: Any, terms: Sequence[float]) -> Any:
    """Sum up a power series, the highest power first; columns in place."""
    total = r * terms[0]
    total += terms[1]
    for term in terms[2:]:
        total *= r
        total += term
    return total


def logistic(score: Any, xp: Any) -> Any:
    """Compute 1 / (1 + exp(-score)) without overflow.

    Where exp(-score) would overflow it is 0, as SciPy's ``expit`` has it: scikit-learn gives all
    classes the same share if none has any, and would otherwise give nearly all to one.
    """
    small = exp(xp.where(score < 0, score, -score), xp)
    share = xp.where(score < 0, small, 1.0) / (1.0 + small)
    return xp.where(score < -_LARGEST_EXPONENT, 0.0, share)


def tanh(x: Any, xp: Any) -> Any:
    """Compute the hyperbolic tangent, within 4 ulp; see `exp`."""
    size = xp.where(x < 0, -x, x)
    small = expm1(-2.0 * size, xp)  # from -1 to 0, so that nothing overflows
    found = -small / (2.0 + small)
    return xp.where(x < 0, -found, found)


def log(x: Any, xp: Any) -> Any:
    """Compute the natural logarithm, within 1 ulp; see `exp`. Of what is below zero it is NaN."""
    fine = xp.where(x > 0.0, xp.where(x < math.inf, x, 1.0), 1.0)
    m, k = xp.frexp(fine)
    small = m < _HALF_ROOT
    f = xp.where(small, 2.0 * m, m) - 1.0
    k = k - xp.where(small, 1.0, 0.0)
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    low = k * _LN2_LOGARITHM_LOW
    found = k * _LN2_LOGARITHM_HIGH - ((half - (s * (half + z * _series(z, _LOGARITHM)) + low)) - f)
    beyond = xp.where(x == 0.0, -math.inf, xp.where(x == math.inf, math.inf, math.nan))
    return xp.where(x > 0.0, xp.where(x < math.inf, found, beyond), beyond)


def log1p(x: Any, xp: Any) -> Any:
    """Compute the natural logarithm of 1 + x, within 4 ulp; see `log`.

    References
    ----------
    Kahan, W. (1987). What 1 + x rounds away is made good for by x / ((1 + x) - 1).
    """
    total = 1.0 + x
    gained = total - 1.0
    tiny = gained == 0.0
    return xp.where(tiny, x, log(total, xp) * (x / xp.where(tiny, 1.0, gained)))


def digamma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the derivative of the logarithm of the gamma function of columns above zero.

    Notes
    -----
    digamma(x) is digamma(x + 1) - 1 / x, until x is so large that Stirling's series is exact:
    log(x) - 1 / (2 x) less the sum of B(2 k) / (2 k x**(2 k)), B being Bernoulli's numbers.
    """
    below, x = np.zeros_like(x), x.copy()
    for _ in range(_STIRLING):
        small = x < _STIRLING
        below += np.where(small, 1.0 / x, 0.0)
        x += small
    z = 1.0 / (x * x)
    found: NDArray[np.float64] = log(x, ColumnMath) - 0.5 / x - z * _series(z, _BERNOULLI) - below
    return found
