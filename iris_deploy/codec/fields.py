"""How the values of one column are decoded, and become floats."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from iris_deploy.schema.batch import Floats, Row, Text
from iris_deploy.schema.columns import LARGEST, UNKNOWN, CategoryColumn, Column, TextColumn
from iris_deploy.schema.encoding import MISSING

UNSET = msgspec.UNSET

REFUSED = math.inf
"""Stands for a category that the column does not take."""


def are_in_bounds(row: Row) -> bool:
    """Tell whether numbers of a row are finite and not too large."""
    for value in row:  # noqa: SIM110 - a third of the time of all() and a generator
        if not -LARGEST <= value <= LARGEST:
            return False
    return True


class Field:
    """How the values of one column are decoded, and become floats."""

    def __init__(self, column: Column) -> None:
        self.positions: dict[Any, float] | None = None
        self.other = REFUSED
        kind: Any = float
        self.is_free = isinstance(column, TextColumn)
        if isinstance(column, TextColumn):
            kind = str
        elif isinstance(column, CategoryColumn):
            self.positions = {name: float(k) for k, name in enumerate(column.categories)}
            self.positions |= {None: MISSING, UNSET: MISSING}
            self.other = UNKNOWN if column.unknown else REFUSED
            kind = str if column.is_text else float
        elif column.boolean:
            kind = float | bool
        self.is_text = kind is str
        self.type = kind | None if column.missing else kind

    def one(self, value: Any) -> float:
        """Return the float of one value; one that is not finite, nor NaN, if it is not taken."""
        if self.positions is not None:
            return self.positions.get(value, self.other)
        if value is None or value is UNSET:
            return MISSING
        if self.is_free:
            return Text(value)
        return float(value) if -LARGEST <= value <= LARGEST else REFUSED

    def many(self, values: Sequence[Any]) -> Floats:
        """Return the floats of many values."""
        if self.positions is not None:
            get, other = self.positions.get, self.other
            return np.array([get(value, other) for value in values], np.float64)
        if None in values or UNSET in values:
            values = [MISSING if value is None or value is UNSET else value for value in values]
        numbers = np.array(values, np.float64)
        with np.errstate(invalid="ignore"):
            numbers[np.abs(numbers) > LARGEST] = REFUSED
        return numbers
