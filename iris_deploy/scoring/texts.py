"""Answers behind the text of their rows, and columns as text: CSV and JSON Lines."""

import io
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import pyarrow as pa
from pyarrow import csv

_encode = msgspec.json.Encoder().encode


def write_csv(columns: pa.RecordBatch, delimiter: str) -> bytes:
    """Write columns as records, without a header; lines end with LF.

    Values are in quotes where one of them has to be.
    """
    if columns.num_columns == 1:  # else an empty line would be no record
        return _write_csv(columns, delimiter, "needed")
    try:
        return _write_csv(columns, delimiter, "none")
    except pa.ArrowInvalid:  # a value holds a delimiter, a quote or a line end
        return _write_csv(columns, delimiter, "needed")


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
    return b"".join([_encode(row) + b"\n" for row in columns.to_pylist()])


def extend_lines(lines: Sequence[bytes], columns: pa.RecordBatch) -> bytes:
    """Write more members into objects that are there."""
    extended = []
    for line, row in zip(lines, columns.to_pylist(), strict=True):
        start = line.rstrip()[:-1]
        comma = b"" if start.strip() == b"{" else b","
        extended.append(start + comma + _encode(row)[1:] + b"\n")
    return b"".join(extended)
