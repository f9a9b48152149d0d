"""Instances as most clients write them, decoded straight into floats.

msgspec decodes an object with exactly the columns' names into a fixed structure: a tenth of the
time of a dictionary that is then looked through. What is taken here is taken by the strict reader
and the signature too, with the same bits; whatever is not, or could be something else, is left to
them, and they say what is wrong.
"""

import json
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, Protocol, final

import msgspec
import numpy as np

from iris_deploy.codec.fields import REFUSED, UNSET, Field, are_in_bounds
from iris_deploy.codec.pointers import ARRAYS, OBJECT, OBJECTS, JsonLayout, Layout
from iris_deploy.kernels.garbage import NoCollection
from iris_deploy.schema.batch import FEW, Floats, Row
from iris_deploy.schema.columns import LARGEST, NumberColumn
from iris_deploy.schema.signature import Signature

_LISTS = JsonLayout("lists")
_AT_ONCE, _SIZE = 1024, 8  # numbers that are written to an array; bytes of one
_BLANK = b" \t\r\n"
_BEGINS_LISTS = re.compile(rb"[ \t\r\n]*+\[[ \t\r\n]*+\[")


@final
@dataclass(frozen=True, slots=True)
class Rows:
    """Many instances.

    Parameters
    ----------
    values : sequence of rows, or ndarray of shape (n_rows, n_columns)
    layout : Layout
        How they came.
    """

    values: Sequence[Row] | Floats
    layout: Layout


def as_rows(read: Row | Rows) -> Rows:
    """Return one instance as many, or many as they are."""
    return read if type(read) is Rows else Rows([read], OBJECT)


class PlainReader(Protocol):
    """Reads plain bodies for the columns of one signature."""

    def read(self, body: bytes) -> Row | Rows | None:
        """Decode a body; None if the strict reader has to judge."""
        ...


def build_reader(signature: Signature) -> PlainReader | None:
    """Build the reader of plain bodies; None if a name has to be escaped in JSON."""
    if any(json.dumps(name, ensure_ascii=False) != f'"{name}"' for name in signature.names):
        return None
    plain = all(
        isinstance(column, NumberColumn) and not column.boolean and not column.missing
        for column in signature.columns
    )
    return NumberReader(signature) if plain else MixedReader(signature)


def _structures(signature: Signature, types: Sequence[Any], *, many: bool) -> type[msgspec.Struct]:
    """Make the structure of an object with the columns' names; those that may miss have defaults.

    The order of the fields is the columns': those with defaults may stand before others.
    """
    fields: list[Any] = []
    for position, (column, each) in enumerate(zip(signature.columns, types, strict=True)):
        name, of = f"f{position}", list[each] if many else each  # type: ignore[valid-type]
        if column.missing:
            fields.append((name, of | msgspec.UnsetType, UNSET))
        else:
            fields.append((name, of))
    return msgspec.defstruct(
        "Arrays" if many else "Row",
        fields,
        rename={f"f{position}": name for position, name in enumerate(signature.names)},
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )


class NumberReader:
    """Read plain bodies where every column is a number that may not miss."""

    def __init__(self, signature: Signature) -> None:
        fields = [f"f{position}" for position in range(len(signature.columns))]
        types = [float] * len(fields)
        row = _structures(signature, types, many=False)
        self._quotes = 2 * len(fields)
        self._get = [attrgetter(field) for field in fields]
        self._one = msgspec.json.Decoder(row)
        self._many = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
        self._arrays = msgspec.json.Decoder(_structures(signature, types, many=True))
        self._lists: Any = msgspec.json.Decoder(list[tuple[(float,) * len(fields)]])  # type: ignore[misc]

    def read(self, body: bytes) -> Row | Rows | None:
        """Decode a body; None if the strict reader has to judge."""
        try:
            if body.lstrip(_BLANK).startswith(b"["):
                if _BEGINS_LISTS.match(body):
                    return self._read_lists(body)
                return self._read_objects(body)
            try:
                row: Row = msgspec.structs.astuple(self._one.decode(body))
            except msgspec.ValidationError:  # at the first value, if that is an array
                return self._read_arrays(body) if b"[" in body else None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        # As many quotes as names: no name came twice.
        return row if body.count(b'"') == self._quotes and are_in_bounds(row) else None

    def _read_objects(self, body: bytes) -> Rows | None:
        objects: list[Any] = self._many.decode(body)
        if body.count(b'"') != self._quotes * len(objects):
            return None
        if len(objects) <= FEW:
            return in_bounds(list(map(msgspec.structs.astuple, objects)), OBJECTS)
        return _in_columns([map(get, objects) for get in self._get], len(objects), OBJECTS)

    def _read_lists(self, body: bytes) -> Rows | None:
        with NoCollection():
            lists: list[tuple[float, ...]] = self._lists.decode(body)
        if len(lists) <= FEW:
            return in_bounds(lists, _LISTS)
        n_columns = len(self._get)
        values = np.fromiter(chain.from_iterable(lists), np.float64, n_columns * len(lists))
        return in_bounds(values.reshape(-1, n_columns), _LISTS)

    def _read_arrays(self, body: bytes) -> Rows | None:
        decoded: Any = self._arrays.decode(body)
        arrays: list[list[float]] = [get(decoded) for get in self._get]
        if body.count(b'"') != self._quotes or len(set(map(len, arrays))) != 1:
            return None
        matrix = np.empty((len(arrays), len(arrays[0])))
        for line, values in zip(matrix, arrays, strict=True):
            for at in range(0, len(values), _AT_ONCE):  # three times as quick as NumPy
                part = values[at : at + _AT_ONCE]
                struct.pack_into(f"{len(part)}d", line.data, at * _SIZE, *part)
        return in_bounds(matrix.T, ARRAYS)


def _in_columns(columns: Sequence[Iterable[float]], n_rows: int, layout: Layout) -> Rows | None:
    matrix = np.empty((len(columns), n_rows))
    for line, values in zip(matrix, columns, strict=True):
        line[:] = np.fromiter(values, np.float64, n_rows)
    return in_bounds(matrix.T, layout)


def in_bounds(rows: Sequence[Row] | Floats, layout: Layout) -> Rows | None:
    """Return rows of finite numbers; None if one is too large."""
    if isinstance(rows, np.ndarray):
        fit = rows.min(initial=0.0) >= -LARGEST and rows.max(initial=0.0) <= LARGEST
    else:
        fit = all(map(are_in_bounds, rows))
    return Rows(rows, layout) if fit else None


class MixedReader:
    """Read plain bodies where columns may be categories, or may miss."""

    def __init__(self, signature: Signature) -> None:
        self._fields = [Field(column) for column in signature.columns]
        self._has_text = signature.has_text
        types = [field.type for field in self._fields]
        row = _structures(signature, types, many=False)
        self._get = [attrgetter(f"f{position}") for position in range(len(types))]
        self._one = msgspec.json.Decoder(row)
        self._many = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
        self._arrays = msgspec.json.Decoder(_structures(signature, types, many=True))
        self._tuple: Callable[[Any], tuple[Any, ...]] = msgspec.structs.astuple

    def read(self, body: bytes) -> Row | Rows | None:
        """Decode a body; None if the strict reader has to judge."""
        try:
            if body.lstrip(_BLANK).startswith(b"["):
                objects = self._many.decode(body)
                return self._read_objects(objects, body.count(b'"'))
            try:
                values = self._tuple(self._one.decode(body))
            except msgspec.ValidationError:
                if b"[" not in body:
                    return None
                return self._read_arrays(self._arrays.decode(body), body.count(b'"'))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        # Two for each name and each text: no name came twice, and nothing is escaped.
        if body.count(b'"') != 2 * sum(_names_and_texts(value) for value in values):
            return None
        row = tuple([f.one(v) for f, v in zip(self._fields, values, strict=True)])
        return None if REFUSED in row else row

    def _read_objects(self, objects: Sequence[Any], quotes: int) -> Rows | None:
        if not objects:
            return Rows((), OBJECTS)
        columns = [list(map(get, objects)) for get in self._get]
        for field, values in zip(self._fields, columns, strict=True):
            absent = values.count(UNSET)
            quotes -= 2 * (len(values) - absent)
            if field.is_text:
                quotes -= 2 * (len(values) - absent - values.count(None))
        return None if quotes else self._fill(columns, OBJECTS)

    def _read_arrays(self, decoded: Any, quotes: int) -> Rows | None:
        columns: list[Any] = [get(decoded) for get in self._get]
        lengths = {len(values) for values in columns if values is not UNSET}
        if len(lengths) != 1:
            return None
        (n_rows,) = lengths
        for position, (field, values) in enumerate(zip(self._fields, columns, strict=True)):
            if values is UNSET:
                columns[position] = [None] * n_rows
                continue
            quotes -= 2
            if field.is_text:
                quotes -= 2 * (n_rows - values.count(None))
        return None if quotes else self._fill(columns, ARRAYS)

    def _fill(self, columns: Sequence[Sequence[Any]], layout: Layout) -> Rows | None:
        if self._has_text or len(columns[0]) <= FEW:
            lines = [
                list(map(field.one, values))
                for field, values in zip(self._fields, columns, strict=True)
            ]
            taken = not any(REFUSED in line for line in lines)
            return Rows(list(zip(*lines, strict=True)), layout) if taken else None
        matrix = np.empty((len(columns), len(columns[0])))
        for line, field, values in zip(matrix, self._fields, columns, strict=True):
            line[:] = field.many(values)
        return None if np.isposinf(matrix).any() else Rows(matrix.T, layout)


def _names_and_texts(value: Any) -> int:
    """Count what a value has in quotes, its name and itself."""
    return 0 if value is UNSET else 2 if type(value) is str else 1
