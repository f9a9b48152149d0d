"""What happens to each feature by itself, before a kernel puts them together.

Each step is written once for columns, by NumPy, and once as a line of Python for one row: the same
operations of IEEE 754, so that the bits are the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np

from iris_deploy.kernels.code import Names, number
from iris_deploy.kernels.elementary import ColumnMath, FloatMath, exp, expm1
from iris_deploy.kernels.tables import Table
from iris_deploy.schema.batch import Floats, Indices


class Step(Protocol):
    """One operation on every feature of a block."""

    def pick(self, indices: Indices) -> "Step":
        """Return the same operation on some of the features."""
        ...

    def change(self, x: Floats, k: int | slice) -> Floats:
        """Apply it to the column of feature ``k``, or to one row of a slice of them."""
        ...

    def write(self, x: str, k: int, names: Names) -> str:
        """Write it as a line of Python that changes variable ``x``, feature ``k``."""
        ...


_UFUNCS: dict[str, Callable[[Floats, Any], Floats]] = {
    "-": np.subtract,
    "/": np.divide,
    "*": np.multiply,
    "+": np.add,
}


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """One of four operations with a number for each feature.

    Parameters
    ----------
    operator : {'-', '/', '*', '+'}
    operand : ndarray of shape (n_features,)
        The right-hand side.
    """

    operator: Literal["-", "/", "*", "+"]
    operand: Floats

    def pick(self, indices: Indices) -> "Arithmetic":  # noqa: D102
        return replace(self, operand=self.operand[indices])

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: D102
        return _UFUNCS[self.operator](x, self.operand[k])

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: ARG002, D102
        return f"{x} = {x} {self.operator} {number(self.operand[k])}"


@dataclass(frozen=True, slots=True)
class Clip:
    """Bounds for all features."""

    low: float
    high: float

    def pick(self, indices: Indices) -> "Clip":  # noqa: ARG002, D102
        return self

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: ARG002, D102
        return np.where(x < self.low, self.low, np.where(x > self.high, self.high, x))

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: ARG002, D102
        low, high = number(self.low), number(self.high)
        return f"{x} = {low} if {x} < {low} else {high} if {x} > {high} else {x}"


@dataclass(frozen=True, slots=True)
class Fill:
    """A number for each feature in place of what is missing.

    Parameters
    ----------
    operand : ndarray of shape (n_features,)
    missing : float
        What stands for a missing value: NaN, or a number.
    """

    operand: Floats
    missing: float = np.nan

    def pick(self, indices: Indices) -> "Fill":  # noqa: D102
        return replace(self, operand=self.operand[indices])

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: D102
        return np.where(_is_missing(x, self.missing), self.operand[k], x)

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: ARG002, D102
        return f"if {_write_missing(x, self.missing)}: {x} = {number(self.operand[k])}"


@dataclass(frozen=True, slots=True)
class Missing:
    """1 where a value is missing, else 0."""

    missing: float = np.nan

    def pick(self, indices: Indices) -> "Missing":  # noqa: ARG002, D102
        return self

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: ARG002, D102
        shown: Floats = _is_missing(x, self.missing).astype(np.float64)
        return shown

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: ARG002, D102
        return f"{x} = 1.0 if {_write_missing(x, self.missing)} else 0.0"


def _is_missing(x: Floats, missing: float) -> Any:
    return np.isnan(x) if missing != missing else x == missing


def _write_missing(x: str, missing: float) -> str:
    return f"{x} != {x}" if missing != missing else f"{x} == {number(missing)}"


@dataclass(frozen=True, slots=True)
class Above:
    """1 where a value is above a threshold, else 0."""

    threshold: float

    def pick(self, indices: Indices) -> "Above":  # noqa: ARG002, D102
        return self

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: ARG002, D102
        return (x > self.threshold).astype(np.float64)

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: ARG002, D102
        return f"{x} = 1.0 if {x} > {number(self.threshold)} else 0.0"


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table for each feature."""

    tables: tuple[Table, ...]

    def pick(self, indices: Indices) -> "Lookup":  # noqa: D102
        return Lookup(tuple(self.tables[k] for k in indices))

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: D102
        if isinstance(k, slice):
            tables = self.tables[k]
            return np.array([table.take(x[j : j + 1])[0] for j, table in enumerate(tables)])
        return self.tables[k].take(x)

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: D102
        return f"{x} = {self.tables[k].write(x, names)}"


@dataclass(frozen=True, slots=True)
class Power:
    """e to the power of each feature, less 1 if that is wanted."""

    less_one: bool

    def pick(self, indices: Indices) -> "Power":  # noqa: ARG002, D102
        return self

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: ARG002, D102
        changed: Floats = (expm1 if self.less_one else exp)(x, ColumnMath)
        return changed

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: ARG002, D102
        function = expm1 if self.less_one else exp
        return f"{x} = {names.bind(function)}({x}, {names.bind(FloatMath)})"


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing in place of values between two bounds, these included.

    Parameters
    ----------
    low, high : float
    """

    low: float
    high: float

    def pick(self, indices: Indices) -> "Absent":  # noqa: ARG002, D102
        return self

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: ARG002, D102
        return np.where((x >= self.low) & (x <= self.high), np.nan, x)

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: ARG002, D102
        return f"if {number(self.low)} <= {x} <= {number(self.high)}: {x} = nan"


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of each feature.

    Parameters
    ----------
    function : callable
        Takes a value and the arithmetic for what it is: `FloatMath` or `ColumnMath`.
    """

    function: Callable[[Any, Any], Any]

    def pick(self, indices: Indices) -> "Apply":  # noqa: ARG002, D102
        return self

    def change(self, x: Floats, k: int | slice) -> Floats:  # noqa: ARG002, D102
        changed: Floats = self.function(x, ColumnMath)
        return changed

    def write(self, x: str, k: int, names: Names) -> str:  # noqa: ARG002, D102
        return f"{x} = {names.bind(self.function)}({x}, {names.bind(FloatMath)})"
