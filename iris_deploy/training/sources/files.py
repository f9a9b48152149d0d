"""Tables in files: CSV, TSV, JSON lines and Parquet, compressed or not.

Says what is wrong with a file by its line, before anything is fitted. Knows no columns by name.
"""

import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_deploy.codec.suffixes import read_format
from iris_deploy.errors import DatasetError, first_line

if TYPE_CHECKING:
    import pyarrow as pa

MAX_COLUMNS = 4096
"""Of a table; each is a field of a request."""

_MEMORY = 5
"""Bytes of memory for each byte of a file, compressed ones thrice that."""

_EMPTY = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""What stands for a missing value in text."""

_RAGGED = re.compile(r"Expected \d+ columns, got \d+")


def read_table(path: Path, *, least: int = 2) -> "pa.Table":
    """Read a table from a file.

    Parameters
    ----------
    path : Path
        Its suffix says what it is: .csv, .tsv, .jsonl, .ndjson or .parquet; behind it may stand
        .gz, .bz2, .zst or .lz4.
    least : int
        Columns that it has to have.

    Returns
    -------
    pyarrow.Table
        With a row at least, and each name once.

    Raises
    ------
    DatasetError
        If there is no such table, or it is too large for this machine.
    """
    kind, compression = read_format(path)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise DatasetError(f"{path} is a directory; expected a file")
    except OSError as exc:
        raise DatasetError(
            f"cannot read {path}: {exc.strerror or exc}", hint="name the file with `data`"
        ) from exc
    if not size:
        raise DatasetError(f"{path} is empty; expected a table with a line of names")
    _check_size(path, size * (3 if compression else 1))
    table = _read(path, kind, compression)
    _check_shape(path, table, least)
    return table


def _check_size(path: Path, size: int) -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = size * _MEMORY
    if wanted > memory:
        raise DatasetError(
            f"{path} would take some {wanted >> 30} GiB of memory; this machine has {memory >> 30}",
            hint="train on a sample of its rows: what is learnt seldom needs all of them",
        )


def _read(path: Path, kind: str, compression: str | None) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import parquet

    try:
        if kind == ".parquet":
            return parquet.read_table(path)
        with pa.input_stream(path, compression=compression) as stream:
            data = stream.read()
    except (pa.ArrowException, OSError) as exc:
        raise DatasetError(f"{path} cannot be read: {first_line(exc, 200)}") from exc
    _check_text(path, data)
    if kind in {".jsonl", ".ndjson"}:
        return _read_json_lines(path, data)
    return _read_lines(path, data, "\t" if kind == ".tsv" else ",")


def _check_text(path: Path, data: bytes) -> None:
    """Refuse what is not UTF-8, and say where."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DatasetError(f"{path} is UTF-16; expected UTF-8", hint="save it as UTF-8")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as exc:
        before = data[: exc.start]
        line = before.count(b"\n") + 1
        column = exc.start - (before.rfind(b"\n") + 1) + 1
        raise DatasetError(
            f"{path} is not UTF-8: byte {column} of line {line} is 0x{data[exc.start]:02x}",
            hint="save it as UTF-8; spreadsheets call it 'CSV UTF-8'",
        ) from exc
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise DatasetError(f"{path} holds a NUL in line {line}; expected text")


def _read_lines(path: Path, data: bytes, delimiter: str) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import csv

    data = data.removeprefix(b"\xef\xbb\xbf")
    first = data[: data.find(b"\n")] if b"\n" in data else data
    names = first.count(delimiter.encode()) + 1
    if names > MAX_COLUMNS:
        raise _too_many(path, names)
    read = csv.ReadOptions(block_size=max(1 << 20, min(len(data), 1 << 26)))
    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in data)
    convert = csv.ConvertOptions(
        null_values=_EMPTY, strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    try:
        return csv.read_csv(
            io.BytesIO(data), read_options=read, parse_options=parse, convert_options=convert
        )
    except pa.ArrowInvalid as exc:
        if not _RAGGED.search(str(exc)):
            raise DatasetError(f"{path} cannot be read: {first_line(exc, 200)}") from exc
        row = _ragged_row(data, delimiter)
        raise DatasetError(
            f"{path}: line {row.number} has {row.actual_columns} values; expected "
            f"{row.expected_columns}, as the first line has",
            hint="quote values that hold the delimiter, or mend the line",
        ) from exc


def _ragged_row(data: bytes, delimiter: str) -> Any:
    """Find the first row with more or fewer values than the names, one row after the other."""
    import pyarrow as pa
    from pyarrow import csv

    found: list[Any] = []

    def note(row: Any) -> str:
        found.append(row)
        return "error"

    options = csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=b'"' in data, invalid_row_handler=note
    )
    with contextlib.suppress(pa.ArrowInvalid):
        csv.read_csv(
            io.BytesIO(data),
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=options,
        )
    return found[0]


def _read_json_lines(path: Path, data: bytes) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import json

    try:
        return json.read_json(
            io.BytesIO(data), read_options=json.ReadOptions(block_size=max(len(data), 1 << 20))
        )
    except pa.ArrowInvalid as exc:
        raise DatasetError(
            f"{path} cannot be read: {first_line(exc, 200)}",
            hint="expected one JSON object a line, with the same kind of value under each name",
        ) from exc


def _check_shape(path: Path, table: "pa.Table", least: int) -> None:
    names = list(table.column_names)
    if len(names) > MAX_COLUMNS:
        raise _too_many(path, len(names))
    if len(names) < least:
        raise DatasetError(
            f"{path} has one column; expected a target and a column to predict it from",
            hint="is the delimiter another one? .tsv is for tabs, .csv for commas",
        )
    if any(not name.strip() for name in names):
        at = next(k for k, name in enumerate(names, 1) if not name.strip())
        raise DatasetError(f"{path}: column {at} has no name", hint="give it one in the first line")
    twice = next(_repeated(names), None)
    if twice is not None:
        raise DatasetError(f"{path} has two columns {twice!r}", hint="rename one of them")
    if not table.num_rows:
        raise DatasetError(f"{path} has names and no rows")


def _repeated(names: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)


def _too_many(path: Path, n: int) -> DatasetError:
    return DatasetError(
        f"{path} has {n:,} columns; expected {MAX_COLUMNS:,} at most",
        hint="is it the right way up? A sample is a line, a column a figure of all of them",
    )
