"""Functions that bend each feature by itself: logarithms, and powers as Box and Cox have them.

As steps (`steps.Step`): the same bits for one row and for columns.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from iris_deploy.kernels.code import Names, number
from iris_deploy.kernels.elementary import ColumnMath, FloatMath, exp, expm1, log, log1p
from iris_deploy.schema.batch import Floats, Indices


def _sqrt(x: Any, xp: Any) -> Any:
    root = math.sqrt if xp is FloatMath else np.sqrt
    return xp.where(x >= 0.0, root(xp.where(x >= 0.0, x, 0.0)), math.nan)


def _absolute(x: Any, _: Any) -> Any:
    return abs(x)


def _square(x: Any, _: Any) -> Any:
    return x * x


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "absolute": _absolute,
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "sqrt": _sqrt,
    "square": _square,
}
"""Functions of NumPy that are known, by its name for each."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One of NumPy's functions of every feature; what is missing stays so.

    Parameters
    ----------
    name : str
        One of `FUNCTIONS`.
    """

    name: str

    def pick(self, indices: Indices) -> "Curve":  # noqa: ARG002, D102
        return self

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: ARG002, D102
        with np.errstate(over="ignore", invalid="ignore"):
            found: Floats = np.where(np.isnan(x), x, FUNCTIONS[self.name](x, ColumnMath))
        return found

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: ARG002, D102
        function, floats = names.bind(FUNCTIONS[self.name]), names.bind(FloatMath)
        return f"if {x} == {x}: {x} = {function}({x}, {floats})"


def _power(logarithm: Any, exponent: float, xp: Any) -> Any:
    """Return (x**exponent - 1) / exponent from the logarithm of x: that, for an exponent of 0."""
    if abs(exponent) < float(np.finfo(np.float64).eps):
        return logarithm
    return expm1(exponent * logarithm, xp) / exponent


def _box_cox(x: Any, exponent: float, xp: Any) -> Any:
    fine = xp.where(x > 0.0, x, 1.0)
    return xp.where(x > 0.0, _power(log(fine, xp), exponent, xp), math.nan)


def _yeo_johnson(x: Any, exponent: float, xp: Any) -> Any:
    size = xp.where(x < 0.0, -x, x)
    logarithm = log1p(size, xp)
    above = _power(logarithm, exponent, xp)
    below = _power(logarithm, 2.0 - exponent, xp)
    return xp.where(x < 0.0, -below, above)


Method = Literal["box-cox", "yeo-johnson"]

_METHODS: dict[Method, Callable[[Any, float, Any], Any]] = {
    "box-cox": _box_cox,
    "yeo-johnson": _yeo_johnson,
}


@dataclass(frozen=True, slots=True)
class Exponents:
    """A power of each feature, such that it is nearly normal; what is missing stays so.

    Parameters
    ----------
    method : {'box-cox', 'yeo-johnson'}
    operand : ndarray of shape (n_features,)
        Exponents.
    """

    method: Method
    operand: Floats

    def pick(self, indices: Indices) -> "Exponents":  # noqa: D102
        return replace(self, operand=self.operand[indices])

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: D102
        bend = _METHODS[self.method]
        if isinstance(k, slice):
            pairs = zip(x.tolist(), self.operand[k].tolist(), strict=True)
            return np.array([v if v != v else bend(v, e, FloatMath) for v, e in pairs])
        with np.errstate(over="ignore", invalid="ignore"):
            found: Floats = np.where(np.isnan(x), x, bend(x, float(self.operand[k]), ColumnMath))
        return found

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: D102
        bend, floats = names.bind(_METHODS[self.method]), names.bind(FloatMath)
        return f"if {x} == {x}: {x} = {bend}({x}, {number(self.operand[k])}, {floats})"
