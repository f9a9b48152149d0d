"""Values as people and programs write them, to the floats of a row."""

import math
import re
from collections.abc import Callable
from typing import Any

from iris_deploy.schema.batch import Text
from iris_deploy.schema.columns import (
    LARGEST,
    UNKNOWN,
    CategoryColumn,
    Column,
    NumberColumn,
    TextColumn,
)

Encode = Callable[[Any], float | None]
"""From a value to its float; None if the column does not take it."""

MISSING = math.nan

# The decimal numbers that float() takes, less "nan", "inf", "1_000" and digits of other scripts.
# Possessive: no digit is tried twice.
_NUMERIC = re.compile(r"\s*+[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?\s*+", re.ASCII)


def build_encode(column: Column) -> Encode:
    """Build the function that reads a column's values.

    Parameters
    ----------
    column : Column

    Returns
    -------
    callable
        Takes a value: a number or numeric text for numbers, a category of the column's list, a text
        (which comes back as `Text`), None for one that is missing. Returns a finite float, NaN for
        a missing value, or None for what the column does not take.
    """
    encode: Encode
    if isinstance(column, TextColumn):
        encode = _encode_text
    elif isinstance(column, NumberColumn):
        encode = _encode_number(column)
    else:
        encode = _encode_name(column)
    if not column.missing:
        return encode
    return lambda value: MISSING if value is None else encode(value)


def _encode_text(value: Any) -> float | None:
    return Text(value) if isinstance(value, str) else None


def _encode_number(column: NumberColumn) -> Encode:
    if not column.boolean:
        return read_number
    return lambda value: float(value) if isinstance(value, bool) else read_number(value)


def _encode_name(column: CategoryColumn) -> Encode:
    positions = {name: float(position) for position, name in enumerate(column.categories)}
    unlisted = UNKNOWN if column.unknown else None

    def encode_text(value: Any) -> float | None:
        return positions.get(value, unlisted) if type(value) is str else None

    def encode_figure(value: Any) -> float | None:
        number = read_number(value)
        return None if number is None else positions.get(number, unlisted)

    return encode_text if column.is_text else encode_figure


def read_number(value: Any) -> float | None:
    """Return a float for a number or a numeric string in range; None for all else."""
    numeric = isinstance(value, str) and _NUMERIC.fullmatch(value)
    if numeric or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        try:
            number = float(value)
        except (OverflowError, ValueError):  # an int beyond 1e308; a string of too many digits
            return None
        return number if -LARGEST <= number <= LARGEST else None
    return None
