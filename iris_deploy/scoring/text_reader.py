"""Text that is being read: CSV and JSON Lines, a block of whole records at a time."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import pyarrow as pa
from pyarrow import csv as arrow_csv

from iris_deploy.codec import strict_json
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.errors import ScoringError
from iris_deploy.schema.columns import NumberColumn
from iris_deploy.scoring.batches import check_carried
from iris_deploy.scoring.csv_blocks import DELIMITERS, cast
from iris_deploy.scoring.inputs import Input, Size, Wish
from iris_deploy.scoring.line_blocks import LINES, explain_line
from iris_deploy.scoring.pieces import Source
from iris_deploy.scoring.streams import (
    Stream,
    cut_records,
    find_end,
    read_head,
    skip_mark,
    text_of,
)

_HEAD: Final = 1 << 20  # bytes by which columns and their types are known


class TextReader:
    """CSV, with tabs or commas, and JSON Lines.

    Parameters
    ----------
    given : Input
    stream : Stream
    wish : Wish

    Attributes
    ----------
    source : Source
    """

    def __init__(self, given: Input, stream: Stream, wish: Wish) -> None:
        self._given = given
        self._stream = stream
        self._suffix = given.format.suffix
        self._delimiter = DELIMITERS.get(self._suffix)
        self.source = self._describe(wish)

    def _describe(self, wish: Wish) -> Source:
        skip_mark(self._stream)
        quotes = self._delimiter is not None
        head = read_head(self._stream, _HEAD, quotes=quotes)
        if not head:
            raise ScoringError(
                f"{self._given.name}: the first record has more than {_HEAD:,} bytes",
                hint="is a quote never closed?",
            )
        if self._delimiter is None:
            names, sample = self._read_lines(head)
        else:
            names, sample = self._read_header(head), None
        name = self._given.name
        match, partition = wish.match(self._given, names)
        more: dict[str, Any] = {"missing": wish.missing, "partition": partition}
        same = self._suffix == wish.target or {self._suffix, wish.target} <= {*LINES}
        if same and match.kept == tuple(range(len(names))):
            carried = pa.schema([(each, pa.string()) for each in names])
            return Source(name, self._suffix, match, carried, as_lines=True, **more)
        numbers = {
            match.names[at]
            for at, column in zip(match.fields, wish.signature.columns, strict=True)
            if at is not None and isinstance(column, NumberColumn)
        }
        if self._delimiter and wish.target in DELIMITERS:
            found = pa.schema([(each, pa.string()) for each in names])
        elif sample is None:
            found = self._infer(self._stream.peek(_HEAD), names)
        else:
            found = _infer_values(sample, names)
        for each in partition:
            found = found.append(pa.field(each, pa.string()))
        carried = pa.schema([_widen(found.field(match.names[at]), numbers) for at in match.kept])
        check_carried(name, carried, wish.target)
        return Source(name, self._suffix, match, carried, **more)

    def pieces(self, size: Size) -> Iterator[tuple[bytes, float]]:
        """Yield blocks of whole records; see `Reader`."""
        total = self._given.n_bytes or 1
        quotes = self._delimiter is not None
        for block in cut_records(self._stream, size.n_bytes, quotes=quotes):
            yield block, self._stream.position / total

    def _read_header(self, head: bytes) -> list[str]:
        """Read the names of the columns, and leave them out of what is to be read."""
        lines, quotes = [], 0
        for line in head.splitlines(keepends=True):
            lines.append(line)
            quotes += line.count(b'"')
            if not quotes % 2:
                break
        first = b"".join(lines)
        self._stream.read(len(first))
        delimiter = self._delimiter or ","
        names = next(csv.reader(text_of(first), delimiter=delimiter), [])
        if len(names) == 1 and any(other in names[0] for other in ";\t|,"):
            raise ScoringError(
                f"{self._given.name} has one column, {names[0]!r:.60}; expected "
                f"{'tabs' if delimiter != ',' else 'commas'} between values",
                hint=".tsv is for tabs, .csv for commas; others have to be written anew",
            )
        if any(not name.strip() for name in names):
            raise ScoringError(
                f"{self._given.name}: a column has no name in the first line",
                hint="name it there, or leave it out",
            )
        return names

    def _read_lines(self, head: bytes) -> tuple[list[str], list[dict[str, Any]]]:
        """Read the names of the members, and the first objects."""
        objects: list[dict[str, Any]] = []
        for number, line in enumerate(head.split(b"\n"), 1):
            if line.strip():
                try:
                    value = strict_json.decode(line)
                except MalformedError as exc:
                    if number == 1:
                        raise ScoringError(
                            f"{self._given.name}: line 1: {explain_line(exc)}",
                            hint="a file of this name has a JSON object in every line",
                        ) from exc
                    continue
                if isinstance(value, dict):
                    objects.append(value)
        if not objects:
            raise ScoringError(
                f"{self._given.name}: expected a JSON object in every line",
                hint="is it of another format? Its name has to say so",
            )
        return [*dict.fromkeys(name for each in objects for name in each)], objects

    def _infer(self, head: bytes, names: Sequence[str]) -> pa.Schema:
        whole = head[: find_end(head, quotes=True)] if len(head) >= _HEAD else head
        texts = pa.schema([(each, pa.string()) for each in names])
        if not whole.strip():
            return texts
        options = arrow_csv.ReadOptions(column_names=list(names), use_threads=False)
        parse = arrow_csv.ParseOptions(
            delimiter=self._delimiter,
            newlines_in_values=b'"' in whole,
            invalid_row_handler=lambda _: "skip",
        )
        convert = arrow_csv.ConvertOptions(column_types=texts, null_values=[""])
        try:
            whole.decode()  # else Arrow complains to standard error of rows that it leaves out
            read = arrow_csv.read_csv(pa.BufferReader(whole), options, parse, convert)
        except (pa.ArrowInvalid, UnicodeDecodeError):  # who reads the rows says which is wrong
            return texts
        return pa.schema([(name, _infer_kind(read.column(name))) for name in names])


def _infer_kind(texts: pa.ChunkedArray) -> pa.DataType:
    """Return the first type whose values all of some texts are."""
    values = texts.combine_chunks()
    for kind in (pa.int64(), pa.float64(), pa.bool_()):
        with suppress(pa.ArrowInvalid):
            cast(values, kind)
            return kind
    return pa.string()


def _infer_values(objects: Sequence[dict[str, Any]], names: Sequence[str]) -> pa.Schema:
    fields = []
    for name in names:
        try:
            kind = pa.infer_type([each.get(name) for each in objects])
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # of several kinds
            kind = pa.string()
        fields.append(pa.field(name, pa.string() if pa.types.is_null(kind) else kind))
    return pa.schema(fields)


def _widen(field: pa.Field, numbers: set[str]) -> pa.Field:
    """Return a column of which later values may be no whole numbers."""
    is_whole = field.name in numbers and pa.types.is_integer(field.type)
    return pa.field(field.name, pa.float64() if is_whole else field.type)
