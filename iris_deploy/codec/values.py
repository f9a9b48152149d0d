"""Decoded JSON values to rows of floats, with all that is wrong said at once."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from iris_deploy.schema.batch import Floats, Row
from iris_deploy.schema.columns import LARGEST, Column, NumberColumn, TextColumn
from iris_deploy.schema.encoding import MISSING, Encode, build_encode, read_number
from iris_deploy.schema.problems import (
    LONGEST_NAME,
    Problem,
    Problems,
    SignatureError,
    list_names,
)
from iris_deploy.schema.signature import Signature

_LIMITS = f" from {-LARGEST:g} to {LARGEST:g}"

_ABSENT: Final = object()


class ValueReader:
    """Turn decoded JSON values into rows.

    Parameters
    ----------
    signature : Signature
    """

    def __init__(self, signature: Signature) -> None:
        self._columns = signature.columns
        self._names = signature.names
        self._aliases = signature.aliases
        self._has_text = signature.has_text
        self._encoders = [(c, build_encode(c), c.missing) for c in signature.columns]

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
        if self._aliases:
            instance = self._renamed(instance, None, problems)
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
        if self._aliases:
            instances = [self._renamed(each, at, problems) for at, each in enumerate(instances)]
        rows = [self._read(instance, index, problems) for index, instance in enumerate(instances)]
        problems.check()
        return rows

    def is_columns(self, value: object) -> bool:
        """Tell whether a decoded JSON value is an object with an array for a feature."""
        names = (*self._names, *self._aliases) if self._aliases else self._names
        return type(value) is dict and any(type(value.get(name)) is list for name in names)

    def columns(self, arrays: dict[str, Any]) -> Floats | list[Row]:
        """Turn many instances, given as one array for each feature, into rows of floats.

        Parameters
        ----------
        arrays : dict of str to list
            A decoded JSON value: each feature's name and values.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            Or a list of rows, where a column holds texts.

        Raises
        ------
        SignatureError
            Naming all that is wrong, the first hundred of it at most.
        """
        problems = Problems()
        if self._aliases:
            arrays = self._renamed(arrays, None, problems)
        first = next((name for name in self._names if isinstance(arrays.get(name), list)), None)
        if first is None:
            self._read(arrays, None, problems)  # says which columns there are
            problems.check()
            detail = f"expected an array for {list_names(self._names)}; got none"
            raise SignatureError([Problem(None, None, detail)])
        if not arrays.keys() <= set(self._names):
            self._unknown(arrays, None, problems)
        columns = [
            _values(arrays, column, encode, first, problems) for column, encode, _ in self._encoders
        ]
        problems.check()
        if self._has_text:
            plain = [each.tolist() if isinstance(each, np.ndarray) else each for each in columns]
            return list(zip(*plain, strict=True))
        return np.array(columns).T

    def _renamed(self, instance: Any, at: int | None, problems: Problems) -> Any:
        """Return an instance with the names of the columns instead of others that they have."""
        if type(instance) is not dict or instance.keys().isdisjoint(self._aliases):
            return instance
        sent: dict[str, str] = {}
        renamed: dict[str, Any] = {}
        fields: dict[str, Any] = instance
        for field, value in fields.items():
            name = self._aliases.get(field, field)
            other = sent.setdefault(name, field)
            if other == field:
                renamed[name] = value
            else:
                both = f"{other[:LONGEST_NAME]} and {field[:LONGEST_NAME]}"
                problems.add(at, name, f"sent twice, as {both}; expected one of them")
        return renamed

    def _read(self, instance: object, at: int | None, problems: Problems) -> Row:
        """Return the row, or add what is wrong to ``problems`` and return what could be read."""
        if not isinstance(instance, dict):
            detail = (
                f"expected an object with {list_names(self._names)}; got {describe_value(instance)}"
            )
            problems.add(at, None, detail)
            return ()
        row = []
        known = 0
        for column, encode, may_miss in self._encoders:
            value = instance.get(column.name, _ABSENT)
            if type(value) is float and -LARGEST <= value <= LARGEST and encode is read_number:
                known += 1
                row.append(value)
                continue
            if value is _ABSENT:
                if may_miss:
                    row.append(MISSING)
                else:
                    problems.add(at, column.name, f"missing; expected {column.expected}")
                continue
            known += 1
            number = encode(value)
            if number is None:
                problems.add(at, column.name, unfit(column, value))
            else:
                row.append(number)
        if known < len(instance):
            self._unknown(instance, at, problems)
        return tuple(row)

    def _unknown(self, instance: dict[str, object], at: int | None, problems: Problems) -> None:
        """Add a problem for each field that is no feature, with the one that was meant."""
        names = {name.lower(): name for name in self._names}
        known = set(self._names)
        absent = {low: name for low, name in names.items() if name not in instance}
        detail = f"unknown field; expected {list_names(self._names)}"
        for field in instance:
            if field not in known:
                close = problems.closest(field, absent or names)
                problems.add(at, field[:LONGEST_NAME], detail, close)


def _values(
    arrays: dict[str, Any], column: Column, encode: Encode, first: str, problems: Problems
) -> Sequence[float] | Floats:
    """Return one column's values, or add what is wrong to ``problems``."""
    name, length = column.name, len(arrays[first])
    noun = "numbers" if isinstance(column, NumberColumn) else "values"
    values = arrays.get(name, _ABSENT)
    if values is _ABSENT and column.missing:
        return np.full(length, MISSING)
    if not isinstance(values, list):
        what = "missing; expected" if values is _ABSENT else "expected"
        got = "" if values is _ABSENT else f"; got {describe_value(values)}"
        detail = f"{what} an array of {length} {noun}, as {first} has one{got}"
        problems.add(None, name, detail)
        return np.empty(0)
    if len(values) != length:
        detail = f"expected {length} {noun}, as many as {first} has; got {len(values)}"
        problems.add(None, name, detail)
    # Texts are floats that know more than an array would keep of them.
    numbers: Any = [0.0] * len(values) if isinstance(column, TextColumn) else np.empty(len(values))
    for index, value in enumerate(values):
        number = encode(value)
        if number is None:
            problems.add(index, name, unfit(column, value))
        else:
            numbers[index] = number
    read: Sequence[float] | Floats = numbers
    return read


def unfit(column: Column, value: object) -> str:
    """Say what a value would have to be."""
    if isinstance(column, NumberColumn):
        limits = _LIMITS if type(value) in {int, float} else ""
        return f"expected a finite number{limits}; got {describe_value(value)}"
    return f"expected {column.expected}; got {describe_value(value)}"


def describe_value(value: object) -> str:
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
