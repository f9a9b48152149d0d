"""Decoded JSON values to rows of floats, with all that is wrong said at once."""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from iris_deploy.schema.batch import Floats, Row
from iris_deploy.schema.features import LARGEST
from iris_deploy.schema.problems import LONGEST_NAME, Problems
from iris_deploy.schema.signature import Signature

_MOST_NAMES = 10
"""Names that an error lists; of more features, as many and how many there are."""

# The decimal numbers that float() takes, less "nan", "inf", "1_000" and digits of other scripts.
# Possessive: no digit is tried twice.
_NUMERIC = re.compile(r"\s*+[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?\s*+", re.ASCII)

_LIMITS = f" from {-LARGEST:g} to {LARGEST:g}"

_MISSING: Final = object()


class ValueReader:
    """Turn decoded JSON values into rows.

    Parameters
    ----------
    signature : Signature
    """

    def __init__(self, signature: Signature) -> None:
        self._features = signature.features

    def row(self, instance: object) -> Row:
        """Turn one instance into a row of floats.

        Parameters
        ----------
        instance : object
            A decoded JSON value; a dict with the features' names to be right.

        Returns
        -------
        tuple of float, length n_features

        Raises
        ------
        SignatureError
            If anything in the instance is not as the signature has it.
        """
        problems = Problems()
        row = self._read(instance, None, problems)
        problems.check()
        return row

    def rows(self, instances: Sequence[object]) -> list[Row]:
        """Turn many instances into rows of floats; see `row`.

        Raises
        ------
        SignatureError
            Naming the bad fields of all instances, the first hundred at most.
        """
        problems = Problems()
        rows = [self._read(instance, index, problems) for index, instance in enumerate(instances)]
        problems.check()
        return rows

    def is_columns(self, value: object) -> bool:
        """Tell whether a decoded JSON value is an object with an array for a feature."""
        return type(value) is dict and any(type(value.get(f.name)) is list for f in self._features)

    def columns(self, arrays: dict[str, Any]) -> Floats:
        """Turn many instances, given as one array for each feature, into rows of floats.

        Parameters
        ----------
        arrays : dict of str to list
            A decoded JSON value for which `is_columns` is true: each feature's name and values.

        Returns
        -------
        ndarray of shape (n_rows, n_features)

        Raises
        ------
        SignatureError
            Naming all that is wrong, the first hundred of it at most.
        """
        problems = Problems()
        names = [feature.name for feature in self._features]
        if not arrays.keys() <= set(names):
            self._unknown(arrays, None, problems)
        first = next(name for name in names if isinstance(arrays.get(name), list))
        columns = [_column(arrays, name, first, problems) for name in names]
        problems.check()
        return np.array(columns).T

    def _read(self, instance: object, at: int | None, problems: Problems) -> Row:
        """Return the row, or add what is wrong to ``problems`` and return what could be read."""
        if not isinstance(instance, dict):
            detail = f"expected an object with {self._names()}; got {_describe(instance)}"
            problems.add(at, None, detail)
            return ()
        row = []
        known = 0
        for feature in self._features:
            value = instance.get(feature.name, _MISSING)
            if type(value) is float and -LARGEST <= value <= LARGEST:
                known += 1
                row.append(value)
                continue
            if value is _MISSING:
                detail = f"missing; expected a number{f' ({feature.unit})' if feature.unit else ''}"
                problems.add(at, feature.name, detail)
                continue
            known += 1
            number = _number(value)
            if number is None:
                problems.add(at, feature.name, _not_a_number(value))
            else:
                row.append(number)
        if known < len(instance):
            self._unknown(instance, at, problems)
        return tuple(row)

    def _unknown(self, instance: dict[str, object], at: int | None, problems: Problems) -> None:
        """Add a problem for each field that is no feature, with the one that was meant."""
        names = {f.name.lower(): f.name for f in self._features}
        known = {f.name for f in self._features}
        absent = {low: name for low, name in names.items() if name not in instance}
        detail = f"unknown field; expected {self._names()}"
        for field in instance:
            if field not in known:
                close = problems.closest(field, absent or names)
                problems.add(at, field[:LONGEST_NAME], detail, close)

    def _names(self) -> str:
        """List the features, not all of them if they are many."""
        more = len(self._features) - _MOST_NAMES
        shown = ", ".join(f.name[:LONGEST_NAME] for f in self._features[:_MOST_NAMES])
        return shown if more <= 0 else f"{shown} and {more} more"


def _number(value: Any) -> float | None:
    """Return a float for a JSON number or a numeric string in range; None for all else."""
    numeric = isinstance(value, str) and _NUMERIC.fullmatch(value)
    if numeric or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        try:
            number = float(value)
        except (OverflowError, ValueError):  # an int beyond 1e308; a string of too many digits
            return None
        return number if -LARGEST <= number <= LARGEST else None
    return None


def _column(arrays: dict[str, Any], name: str, first: str, problems: Problems) -> Floats:
    """Return one feature's values, or add what is wrong to ``problems``."""
    values, length = arrays.get(name, _MISSING), len(arrays[first])
    if not isinstance(values, list):
        what = "missing; expected" if values is _MISSING else "expected"
        got = "" if values is _MISSING else f"; got {_describe(values)}"
        detail = f"{what} an array of {length} numbers, as {first} has one{got}"
        problems.add(None, name, detail)
        return np.empty(0)
    if len(values) != length:
        detail = f"expected {length} numbers, as many as {first} has; got {len(values)}"
        problems.add(None, name, detail)
    numbers = np.empty(len(values))
    for index, value in enumerate(values):
        number = _number(value)
        if number is None:
            problems.add(index, name, _not_a_number(value))
        else:
            numbers[index] = number
    return numbers


def _not_a_number(value: object) -> str:
    limits = _LIMITS if type(value) in {int, float} else ""
    return f"expected a finite number{limits}; got {_describe(value)}"


def _describe(value: object) -> str:
    """Name a JSON value by its type, and a short string or number by itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return f"the string {value!r}" if len(value) <= 40 else f"a string of {len(value)}"
    if isinstance(value, int) and abs(value) > 10**18:
        return f"an integer of {value.bit_length()} bits"
    return repr(value)
