"""Floats of 32 bits, as XGBoost computes with them: to the bit, for one row and for columns.

A sum, product or quotient of two such floats, computed as doubles and then rounded, is the one that
32 bits give: doubles have more than twice their digits (Figueroa 1995). ``exp`` and ``log`` are the
``expf`` and ``logf`` of Arm's optimized routines, which glibc, musl and Android have: a table, a
polynomial in doubles and one rounding (https://github.com/ARM-software/optimized-routines).
"""

import struct
from collections.abc import Sequence
from functools import cache, reduce
from math import inf
from operator import add
from typing import Any

import numpy as np

from iris_deploy.kernels import exact
from iris_deploy.schema.batch import Floats

# x is (k + r) ln 2 / 32 with a whole k: 2 to the power of k / 32 is looked up.
_BITS = 5
_INVERSE_LN2 = float.fromhex("0x1.71547652b82fep+0") * (1 << _BITS)
_POLYNOMIAL = tuple(
    float.fromhex(term) / (1 << _BITS * power)
    for power, term in ((3, "0x1.c6af84b912394p-5"), (2, "0x1.ebfce50fac4f3p-3"))
)
_LINEAR = float.fromhex("0x1.62e42ff0c52d6p-1") / (1 << _BITS)
_OVERFLOW = float.fromhex("0x1.62e42ep6")  # above it exp() is more than 32 bits hold
_UNDERFLOW = float.fromhex("-0x1.9fe368p6")  # below it less than half of the smallest above zero

_LARGEST_SIGMOID = float(np.float32(88.7))

# Of 16 parts of the mantissas the inverse of a number within, and its logarithm.
_OFFSET = 0x3F330000
_PARTS = tuple(
    tuple(map(float.fromhex, line.split()))
    for line in (
        "0x1.661ec79f8f3bep+0 -0x1.57bf7808caadep-2",
        "0x1.571ed4aaf883dp+0 -0x1.2bef0a7c06ddbp-2",
        "0x1.49539f0f010bp+0 -0x1.01eae7f513a67p-2",
        "0x1.3c995b0b80385p+0 -0x1.b31d8a68224e9p-3",
        "0x1.30d190c8864a5p+0 -0x1.6574f0ac07758p-3",
        "0x1.25e227b0b8eap+0 -0x1.1aa2bc79c81p-3",
        "0x1.1bb4a4a1a343fp+0 -0x1.a4e76ce8c0e5ep-4",
        "0x1.12358f08ae5bap+0 -0x1.1973c5a611cccp-4",
        "0x1.0953f419900a7p+0 -0x1.252f438e10c1ep-5",
        "0x1p+0 0x0p+0",
        "0x1.e608cfd9a47acp-1 0x1.aa5aa5df25984p-5",
        "0x1.ca4b31f026aap-1 0x1.c5e53aa362eb4p-4",
        "0x1.b2036576afce6p-1 0x1.526e57720db08p-3",
        "0x1.9c2d163a1aa2dp-1 0x1.bc2860d22477p-3",
        "0x1.886e6037841edp-1 0x1.1058bc8a07ee1p-2",
        "0x1.767dcf5534862p-1 0x1.4043057b6ee09p-2",
    )
)
_LN2 = float.fromhex("0x1.62e42fefa39efp-1")
_LOG_TERMS = tuple(
    map(
        float.fromhex,
        ("-0x1.00ea348b88334p-2", "0x1.5575b0be00b6ap-2", "-0x1.ffffef20a4123p-2"),
    )
)


@cache
def _roots() -> Floats:
    """Return 2 to the power of k / 32: 3 ms that only who asks pays, and once."""
    return np.array([exact.exp2(k / (1 << _BITS)) for k in range(1 << _BITS)])


def exp(x: Any, xp: Any) -> Any:
    """Compute e to the power of x, a float of 32 bits.

    Parameters
    ----------
    x : float or ndarray
        Doubles that are floats of 32 bits.
    xp : FloatMath or ColumnMath
        For what ``x`` is.

    Returns
    -------
    float or ndarray
        The same; infinite above 88.72, 0 below -103.97.
    """
    z = _INVERSE_LN2 * xp.where(x > _OVERFLOW, 0.0, xp.where(x < _UNDERFLOW, 0.0, x))
    k = xp.floor(z + 0.5)
    r = z - k
    rest = (_POLYNOMIAL[0] * r + _POLYNOMIAL[1]) * (r * r) + (_LINEAR * r + 1.0)
    power = xp.integer(k)
    found = xp.single(xp.ldexp(rest * _roots()[power & (1 << _BITS) - 1], power >> _BITS))
    return xp.where(x > _OVERFLOW, inf, xp.where(x < _UNDERFLOW, 0.0, found))


def log(x: float) -> float:
    """Compute the natural logarithm of a float of 32 bits above zero and not below 2**-126."""
    (bits,) = struct.unpack("i", struct.pack("f", x))
    above = bits - _OFFSET
    inverse, logarithm = _PARTS[(above >> 19) % 16]
    (mantissa,) = struct.unpack("f", struct.pack("i", bits - (above >> 23 << 23)))
    r = mantissa * inverse - 1.0
    square = r * r
    y = _LOG_TERMS[0] * square + (_LOG_TERMS[1] * r + _LOG_TERMS[2])
    return float(np.float32(y * square + (logarithm + (above >> 23) * _LN2 + r)))


def logit(share: float) -> float:
    """Compute the score of a share as XGBoost does, all in 32 bits."""
    single = np.float32
    return -log(float(single(1.0) / single(share) - single(1.0)))


def sigmoid(score: Any, xp: Any) -> Any:
    """Compute the share of a score as XGBoost does, all in 32 bits; see `exp`."""
    lower = xp.where(-score > _LARGEST_SIGMOID, _LARGEST_SIGMOID, -score)
    return xp.single(1.0 / xp.single(exp(lower, xp) + 1.0))


def softmax(scores: Sequence[Any], xp: Any) -> list[Any]:
    """Compute shares of scores as XGBoost does: in 32 bits, but for their sum; see `exp`."""
    top = scores[0]
    for score in scores[1:]:
        top = xp.where(score > top, score, top)
    shares = [exp(xp.single(score - top), xp) for score in scores]
    total = xp.single(reduce(add, shares))
    return [xp.single(share / total) for share in shares]
