"""Blocks of CSV to rows: what is usual quickly, what is not value by value.

A block has whole records and no header. Values mean what they mean to the API, by the same
functions; numbers that two readers could take differently are left to these.

References
----------
RFC 4180.
"""

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from iris_deploy.errors import first_line
from iris_deploy.schema.columns import LARGEST, NumberColumn
from iris_deploy.schema.problems import list_names
from iris_deploy.schema.signature import Signature
from iris_deploy.scoring.arrays import to_arrow
from iris_deploy.scoring.columns import BadValue, RowReader
from iris_deploy.scoring.pieces import PieceError, Read, Source

DELIMITERS = {".csv": ",", ".tsv": "\t"}

_PADDED = "^[+-]?0[0-9]"  # as in 007, which is no number
_QUOTED = rb'(?:^|(?<=[,\n\r]))"(?:[^"]|"")*+"(?=[,\r\n]|\Z)'


class CsvBlocks:
    """Read blocks of one file.

    Parameters
    ----------
    signature : Signature
    source : Source
    """

    def __init__(self, signature: Signature, source: Source) -> None:
        match = source.match
        self._source = source
        self._as_lines = source.as_lines
        self._names = [name for name in match.names if name not in source.partition]
        delimiter = re.escape(DELIMITERS[source.suffix]).encode()
        self._quoted = re.compile(_QUOTED.replace(b",", delimiter), re.MULTILINE)
        self._fields = [None if at is None else match.names[at] for at in match.fields]
        self._reader = RowReader(signature, textual=True, missing=source.missing)
        self._plain = {
            name
            for name, column in zip(self._fields, signature.columns, strict=True)
            if name in self._names and isinstance(column, NumberColumn) and not column.boolean
        }

    def read(self, block: bytes) -> Read:
        """Read rows.

        Raises
        ------
        ScoringError
            If it is no text, or a column that is carried along changes its type.
        """
        self._check_text(block)
        rest = self._quoted.sub(b"", block) if b'"' in block else b""
        if b'"' in rest:
            error = PieceError(
                "is not CSV: a quote stands within a value, or is not closed",
                hint='quote the whole value, and write its quotes twice: "5"" pipe"',
            )
            error.row = rest.count(b"\n", 0, rest.index(b'"'))
            raise error
        lines = self._lines(block) if self._as_lines else None
        if lines is not None:
            block = b"\n".join(lines)
        table, broken = self._parse(block, whole=lines is None)
        if lines is not None and len(lines) != table.num_rows:
            lines, (table, broken) = None, self._parse(block, whole=True)
        arrays = [
            None if name is None else self._source.column(table, name) for name in self._fields
        ]
        rows = self._reader.read(arrays, table.num_rows)
        rows.bad[list(broken)] = False
        bad = [*self._reader.explain(arrays, rows)] if rows.bad.any() else []
        for row, detail in broken.items():
            rows.bad[row] = True
            bad.append(BadValue(row, None, detail))
        carried = [] if lines is not None else self._carry(table)
        return Read(rows, bad, carried, lines, [*broken])

    def _check_text(self, block: bytes) -> None:
        if block.isascii():
            return
        try:
            block.decode()
        except UnicodeDecodeError as exc:
            error = PieceError(
                f"is not UTF-8: it has the byte 0x{block[exc.start]:02x}",
                hint="save the file as UTF-8; spreadsheets call it 'CSV UTF-8'",
            )
            error.row = block.count(b"\n", 0, exc.start)
            raise error from exc

    @staticmethod
    def _lines(block: bytes) -> list[bytes] | None:
        """Return the lines of a block; None where a record may have several."""
        if b'"' in block:
            return None
        if b"\r" in block:
            if block.count(b"\r") != block.count(b"\r\n"):
                return None
            block = block.replace(b"\r\n", b"\n")
        return [line for line in block.split(b"\n") if line]

    def _parse(self, block: bytes, *, whole: bool) -> tuple[pa.RecordBatch, dict[int, str]]:
        """Return the columns of a block, and what is wrong with records that are not whole."""
        names = {name for name in self._fields if name is not None}
        kept = self._source.carried.names if whole else []
        wanted = [name for name in self._names if name in names or name in kept]
        types = dict.fromkeys(wanted, pa.string())
        raw = {name for name in kept if pa.types.is_string(self._source.carried.field(name).type)}
        types |= dict.fromkeys(self._plain - raw, pa.float64())
        try:
            table = self._read(block, types)
        except pa.ArrowInvalid:
            return self._parse_slowly(block, dict.fromkeys(wanted, pa.string()))
        if all(_is_plain(table.column(name)) for name in self._plain - raw):
            return table, {}
        return self._parse_slowly(block, dict.fromkeys(wanted, pa.string()))

    def _read(self, block: bytes, types: dict[str, Any], on_broken: Any = None) -> pa.RecordBatch:
        if not block:
            return pa.record_batch({name: pa.array([], kind) for name, kind in types.items()})
        table = csv.read_csv(
            io.BytesIO(block),
            read_options=csv.ReadOptions(
                column_names=self._names,
                use_threads=on_broken is None,
                block_size=max(len(block), 1 << 16),
            ),
            parse_options=csv.ParseOptions(
                delimiter=DELIMITERS[self._source.suffix],
                newlines_in_values=b'"' in block,
                invalid_row_handler=on_broken,
            ),
            convert_options=csv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                null_values=["", *self._source.missing],
            ),
        )
        return join(table)

    def _parse_slowly(
        self, block: bytes, types: dict[str, Any]
    ) -> tuple[pa.RecordBatch, dict[int, str]]:
        """Read all as text, and put an empty row where a record has more or fewer fields."""
        broken: list[Any] = []

        def note(row: Any) -> str:
            broken.append(row)
            return "skip"

        try:
            table = self._read(block, types, note)
        except pa.ArrowInvalid as exc:
            raise PieceError(
                f"or one behind it is not CSV: {first_line(exc, 200)}", hint="mend or remove it"
            ) from exc
        if not broken:
            return table, {}
        expected = f"expected {len(self._names)}: {list_names(self._names)}"
        told = {row.number - 1: f"{row.actual_columns} fields; {expected}" for row in broken}
        n_rows = table.num_rows + len(told)
        is_broken = np.zeros(n_rows, bool)
        is_broken[list(told)] = True
        places = to_arrow(np.cumsum(~is_broken) - 1, is_broken)
        return table.take(places), told

    def _carry(self, table: pa.RecordBatch) -> Sequence[pa.Array]:
        carried = []
        for field in self._source.carried:
            values = self._source.column(table, field.name)
            try:
                carried.append(cast(values, field.type))
            except pa.ArrowInvalid as exc:
                raise PieceError(
                    f"or one behind it changes {field.name}, which was {field.type} so far: "
                    f"{str(exc)[:120]}",
                    hint="write CSV, or leave the column out with `keep`",
                ) from exc
        return carried


def join(table: pa.Table) -> pa.RecordBatch:
    """Return a table as one batch."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)


def cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return texts as values of some type; empty ones are missing, unless texts are wanted.

    Raises
    ------
    pyarrow.ArrowInvalid
        If one is no such value, or would be another as one: 007 is no number.
    """
    if not pa.types.is_string(values.type) or pa.types.is_string(kind):
        return values.cast(kind)
    values = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
    if pc.any(pc.match_substring_regex(values, _PADDED)).as_py():
        raise pa.ArrowInvalid("a number has zeros in front")
    return values.cast(kind)


def _is_plain(values: Any) -> bool:
    """Tell whether no number but those that every reader takes alike was read."""
    return bool(pc.all(pc.less_equal(pc.abs(values), LARGEST), min_count=0).as_py())
