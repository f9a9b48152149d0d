"""Columns as Arrow has them to rows as the predictor takes them, and what is wrong with some."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as t

from iris_deploy.codec.texts import ReadText, text_readers
from iris_deploy.codec.values import unfit
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.columns import LARGEST, CategoryColumn, Column, NumberColumn, TextColumn
from iris_deploy.schema.encoding import MISSING, build_encode
from iris_deploy.schema.signature import Signature
from iris_deploy.scoring.arrays import to_numpy

_REFUSED = np.inf  # no value that is taken is infinite


@dataclass(frozen=True, slots=True)
class BadValue:
    """A value that its column does not take.

    Parameters
    ----------
    row : int
        Position in what was read.
    column : str or None
        None where the whole row is wrong.
    detail : str
        What is wrong, expected and got.
    """

    row: int
    column: str | None
    detail: str


def takes_type(column: Column, kind: pa.DataType) -> bool:
    """Tell whether values of an Arrow type can be values of a column."""
    if t.is_dictionary(kind):
        kind = kind.value_type
    is_text = bool(t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind))
    is_number = bool(t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind))
    if t.is_null(kind):
        return column.missing
    if isinstance(column, TextColumn):
        return is_text
    if isinstance(column, CategoryColumn):
        return is_text or (is_number and not column.is_text)
    return is_text or is_number or bool(t.is_boolean(kind) and column.boolean)


class ColumnReader:
    """Read values of one column.

    Parameters
    ----------
    column : Column
    read_text : callable or None
        From a text of the file to a value; None where values have types of their own.
    missing : sequence of str
        Texts that stand for a missing value.
    """

    def __init__(
        self, column: Column, read_text: ReadText | None, missing: Sequence[str] = ()
    ) -> None:
        self._missing = missing
        self.column = column
        self._read_text = read_text
        self._encode = build_encode(column)
        self._is_number = isinstance(column, NumberColumn)

    def read(self, values: pa.Array) -> Any:
        """Return the values as floats, infinite where one is not taken.

        Parameters
        ----------
        values : pyarrow.Array

        Returns
        -------
        ndarray of float, shape (n_rows,)
            Of a column of texts of objects: `Text`, or floats.
        """
        kind = values.type
        plain = t.is_floating(kind) or t.is_integer(kind)
        if plain and self._is_number:
            return self._check(to_numpy(values.cast(pa.float64(), safe=False)))
        if isinstance(self.column, TextColumn):
            return self._read_each(values)
        if not t.is_dictionary(kind):
            values = values.dictionary_encode()
        known = [self._encode_one(value) for value in values.dictionary.to_pylist()]
        known.append(self._encode_one(None))
        indices = values.indices.fill_null(len(known) - 1).to_numpy()
        taken: Floats = np.array(known, np.float64)[indices]
        return taken

    def _read_each(self, values: pa.Array) -> Any:
        read = np.empty(len(values), object)
        read[:] = [self._encode_one(value) for value in values.to_pylist()]
        return read

    def _check(self, numbers: Floats) -> Floats:
        """Mark what is too large, and what is missing where nothing may be."""
        with np.errstate(invalid="ignore"):
            taken = np.abs(numbers) <= LARGEST
        if taken.all():
            return numbers
        if self.column.missing:
            taken |= np.isnan(numbers)
        return np.where(taken, numbers, _REFUSED)

    def value(self, raw: Any) -> Any:
        """Return a value of Arrow's as JSON would have it."""
        if isinstance(raw, Decimal):
            return float(raw)
        if isinstance(raw, float) and raw != raw:
            return None
        if self._read_text is None or not isinstance(raw, str):
            return raw
        return self._read_text("" if raw in self._missing else raw)

    def _encode_one(self, raw: Any) -> float:
        value = self.value(raw)
        number = self._encode(value)
        return _REFUSED if number is None else number

    def explain(self, raw: Any) -> str:
        """Say what is wrong with a value that is not taken."""
        value = self.value(raw)
        return (
            f"missing; expected {self.column.expected}"
            if value is None
            else unfit(self.column, value)
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a piece of a file.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        As the predictor takes them; of objects where a column holds texts.
    bad : ndarray of bool, shape (n_rows,)
        Those with a value that is not taken.
    """

    values: Any
    bad: np.ndarray

    @property
    def good(self) -> Any:
        """Values of the rows that are not bad."""
        return self.values[~self.bad] if self.bad.any() else self.values


class RowReader:
    """Read rows of a signature.

    Parameters
    ----------
    signature : Signature
    textual : bool
        Whether the file holds nothing but texts, as CSV does.
    missing : sequence of str
        Those that stand for a missing value.
    """

    def __init__(self, signature: Signature, *, textual: bool, missing: Sequence[str] = ()) -> None:
        texts: dict[str, ReadText] = text_readers(signature) if textual else {}
        self._readers = [ColumnReader(c, texts.get(c.name), missing) for c in signature.columns]
        self._kind: Any = object if signature.has_text else np.float64

    def read(self, arrays: Sequence[pa.Array | None], n_rows: int) -> Rows:
        """Read rows.

        Parameters
        ----------
        arrays : sequence of pyarrow.Array or None
            One for each column of the signature; None of one that is missing in every row.
        n_rows : int
        """
        values = np.empty((n_rows, len(self._readers)), self._kind)
        bad = np.zeros(n_rows, bool)
        for line, reader, array in zip(values.T, self._readers, arrays, strict=True):
            if array is None:
                line[:] = MISSING
                continue
            line[:] = read = reader.read(array)
            bad |= np.isposinf(read.astype(np.float64, copy=False))
        return Rows(values, bad)

    def explain(self, arrays: Sequence[pa.Array | None], rows: Rows) -> Iterator[BadValue]:
        """Say what is wrong with each value that is not taken."""
        for position in np.flatnonzero(rows.bad).tolist():
            for line, reader, array in zip(rows.values.T, self._readers, arrays, strict=True):
                if array is not None and line[position] == _REFUSED:
                    detail = reader.explain(array[position].as_py())
                    yield BadValue(position, reader.column.name, detail)
