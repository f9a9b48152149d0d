"""Answers behind the text of their rows, and columns as text: CSV and JSON Lines."""

import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import pyarrow as pa
from pyarrow import csv

from iris_deploy.errors import first_line
from iris_deploy.scoring.pieces import PieceError

_UNTOLD = (pa.ArrowException, ValueError, OverflowError)
"""What is raised for values that text has not: a date in the year 9 million, a union."""

encode = msgspec.json.Encoder(enc_hook=lambda value: value.isoformat()).encode
"""Write a value as JSON; times to the nanosecond as Arrow has them, too."""


def _try(columns: pa.RecordBatch, write: Callable[[pa.RecordBatch], Any]) -> Any:
    """Write columns, or say which has a value that cannot be written.

    Raises
    ------
    PieceError
    """
    try:
        return write(columns)
    except _UNTOLD as exc:
        for position, field in enumerate(columns.schema):
            try:
                write(columns.select([position]))
            except _UNTOLD as why:
                raise PieceError(
                    f"or one behind it has a value in {field.name}, {field.type}, that cannot be "
                    f"written as text: {first_line(why, 120)}",
                    hint="write Parquet, or leave the column out with `keep`",
                ) from exc
        raise


def to_objects(columns: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return columns as objects, one a row.

    Raises
    ------
    PieceError
        If a value is none that Python has.
    """
    objects: list[dict[str, Any]] = _try(columns, lambda some: some.to_pylist())
    return objects


def write_csv(columns: pa.RecordBatch, delimiter: str) -> bytes:
    """Write columns as records, without a header; lines end with LF.

    Values are in quotes where one of them has to be.
    """
    alone = columns.num_columns == 1  # then quotes tell a missing value from an empty line
    if alone and columns.column(0).null_count:
        texts = columns.column(0).cast(pa.string()).fill_null("")
        columns = pa.record_batch([texts], columns.schema.names)
    try:
        return _write_csv(columns, delimiter, "needed" if alone else "none")
    except pa.ArrowException:  # a value holds a delimiter, a quote or a line end
        written: bytes = _try(columns, lambda some: _write_csv(some, delimiter, "needed"))
        return written


def _write_csv(columns: pa.RecordBatch, delimiter: str, quoting: str) -> bytes:
    written = io.BytesIO()
    options = csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style=quoting)
    csv.write_csv(columns, written, options)
    return written.getvalue()


def write_header(names: Sequence[str], delimiter: str) -> bytes:
    """Write the names of columns as a record."""
    special = (delimiter, '"', "\n", "\r")
    fields = [
        '"' + name.replace('"', '""') + '"' if any(s in name for s in special) else name
        for name in names
    ]
    return (delimiter.join(fields) + "\n").encode()


def extend_records(lines: Sequence[bytes], columns: pa.RecordBatch, delimiter: str) -> bytes:
    """Write more columns behind records that are there."""
    behind = delimiter.encode()
    more = _write_quoted(columns, delimiter)
    extended = [line + behind + end for line, end in zip(lines, more, strict=True)]
    extended.append(b"")
    return b"\n".join(extended)


def _write_quoted(columns: pa.RecordBatch, delimiter: str) -> list[bytes]:
    """Write columns as records, without their line ends."""
    for quoting in ("none", "needed"):
        with suppress(pa.ArrowInvalid):  # a value has to be in quotes
            records = _write_csv(columns, delimiter, quoting).split(b"\n")
            if len(records) == columns.num_rows + 1:  # none has a line end of its own
                return records[:-1]
    rows = (columns.slice(at, 1) for at in range(columns.num_rows))
    return [_write_csv(row, delimiter, "needed").removesuffix(b"\n") for row in rows]


def write_lines(columns: pa.RecordBatch) -> bytes:
    """Write columns as objects, one a line."""
    return b"".join([encode(row) + b"\n" for row in to_objects(columns)])


def extend_lines(lines: Sequence[bytes], columns: pa.RecordBatch) -> bytes:
    """Write more members into objects that are there."""
    extended = []
    for line, row in zip(lines, columns.to_pylist(), strict=True):
        start = line.rstrip()[:-1]
        comma = b"" if start.strip() == b"{" else b","
        extended.append(start + comma + encode(row)[1:] + b"\n")
    return b"".join(extended)
