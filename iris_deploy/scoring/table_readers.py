"""Columns that are being read: Parquet, and streams of Arrow, some rows at a time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import Final

import pyarrow as pa
from pyarrow import ipc, parquet

from iris_deploy.errors import ScoringError, first_line
from iris_deploy.schema.problems import summarize
from iris_deploy.scoring.batches import check_carried, check_types
from iris_deploy.scoring.csv_blocks import join
from iris_deploy.scoring.inputs import Input, Size, Wish
from iris_deploy.scoring.pieces import Source
from iris_deploy.scoring.places import is_remote, telling
from iris_deploy.scoring.streams import DAMAGED, Stream

_BUFFER: Final = 1 << 20  # bytes of a column of Parquet that are read at a time
_SMALL: Final = 1 << 22  # bytes of a file that is read without: a buffer grows as a page says
_DECIMAL: Final = 128  # bits; there are smaller ones
_VIEWS: Final = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
_SOME_ROWS: Final = 2048  # that are read at a time where a value may be of any length


class ParquetReader:
    """A file of Parquet.

    Parameters
    ----------
    given : Input
    stack : ExitStack
        Closes it.
    wish : Wish

    Attributes
    ----------
    source : Source
    """

    def __init__(self, given: Input, stack: ExitStack, wish: Wish) -> None:
        self._given = given
        self._file = stack.enter_context(
            parquet.ParquetFile(
                stack.enter_context(given.path.open("rb")) if is_remote(given.path) else given.path,
                buffer_size=0 if 0 < given.n_bytes <= _SMALL else _BUFFER,
                pre_buffer=False,
            )
        )
        self.source = _describe(given, self._file.schema_arrow, wish)

    def pieces(self, size: Size) -> Iterator[tuple[pa.RecordBatch, float]]:
        """Yield record batches; see `Reader`."""
        total, n_rows = self._file.metadata.num_rows or 1, 0
        wanted = _wanted(self.source)
        width = _fixed_width(self._file.schema_arrow, wanted)
        rows = self._some_rows(size) if width is None else _rows_of(size, width)
        read = _read_on(self._given, self._file.iter_batches(rows, columns=wanted), wanted)
        for batch in _gather(read, size) if width is None else read:
            n_rows += batch.num_rows
            yield batch, n_rows / total

    def _some_rows(self, size: Size) -> int:
        """Return how many rows are read at a time where a value may be of any length."""
        groups = map(self._file.metadata.row_group, range(self._file.num_row_groups))
        widest = max(
            (group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0
        )
        return min(_rows_of(size, widest), _SOME_ROWS)


class ArrowReader:
    """A stream of Arrow.

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
        self._reader = ipc.open_stream(stream.file)
        self.source = _describe(given, self._reader.schema, wish)

    def pieces(self, size: Size) -> Iterator[tuple[pa.RecordBatch, float]]:
        """Yield record batches; see `Reader`."""
        total = self._given.n_bytes or 1
        for batch in _read_on(self._given, self._reader, _wanted(self.source)):
            for part in _slice(batch, size):
                yield part, self._stream.position / total


def _read_on(
    given: Input, batches: Iterable[pa.RecordBatch], wanted: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield what is read, and say so where it is damaged or cannot be read to its end.

    Arrow believes the offsets, indices and texts of a file: what is wrong would end the process.
    """
    with telling(given.path):
        try:
            for batch in batches:
                own = batch.select(wanted)
                own.validate(full=True)
                plain = _plain(own.schema)
                yield own if plain == own.schema else own.cast(plain)
        except (pa.ArrowException, OSError, MemoryError) as exc:  # of a length that it claims
            raise ScoringError(
                f"{given.name} cannot be read to its end: {first_line(exc)}",
                hint=DAMAGED,
            ) from exc


def _slice(batch: pa.RecordBatch, size: Size) -> Iterator[pa.RecordBatch]:
    """Cut rows that are in memory to pieces, by what is in them."""
    rows = _rows_of(size, batch.nbytes // max(batch.num_rows, 1))
    for at in range(0, batch.num_rows, rows):
        yield batch.slice(at, rows)


def _gather(batches: Iterable[pa.RecordBatch], size: Size) -> Iterator[pa.RecordBatch]:
    """Put batches together to pieces: how much is in them is known only when they are read."""
    held: list[pa.RecordBatch] = []
    n_rows = n_bytes = 0
    for batch in chain.from_iterable(_slice(batch, size) for batch in batches):
        n_rows, n_bytes = n_rows + batch.num_rows, n_bytes + batch.nbytes
        if held and (n_rows > size.most_rows or n_bytes > size.n_bytes):
            yield join(pa.Table.from_batches(held))
            held, n_rows, n_bytes = [], batch.num_rows, batch.nbytes
            pa.default_memory_pool().release_unused()  # of values of many lengths much is left
        held.append(batch)
    if held:
        yield join(pa.Table.from_batches(held))


def _plain(schema: pa.Schema) -> pa.Schema:
    """Return types of the same values that all functions of Arrow take."""
    return pa.schema([field.with_type(_plain_type(field.type)) for field in schema])


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal(kind) and kind.bit_width < _DECIMAL:
        return pa.decimal128(kind.precision, kind.scale)
    return _VIEWS.get(kind, kind)


def _describe(given: Input, schema: pa.Schema, wish: Wish) -> Source:
    schema = _plain(schema)
    match, partition = wish.match(given, schema.names)
    for name in partition:
        schema = schema.append(pa.field(name, pa.string()))
    check_types(given.name, schema, match, wish.signature)
    carried = pa.schema([schema.field(at) for at in match.kept])
    check_carried(given.name, carried, wish.target)
    source = Source(given.name, given.format.suffix, match, carried, partition=partition)
    runs = [
        f"{name} is {schema.field(name).type}"
        for name in _wanted(source)
        if pa.types.is_run_end_encoded(schema.field(name).type)
    ]
    if runs:  # a few bytes of which may stand for any number of rows
        raise ScoringError(
            f"{given.name}: {summarize(runs, more=False)}",
            hint="write plain values, or leave the column out with `keep`",
        )
    return source


def _wanted(source: Source) -> list[str]:
    """Return the columns of the file that are read."""
    match = source.match
    places = {at for at in match.fields if at is not None} | {*match.kept}
    names = [match.names[at] for at in sorted(places)]
    return [name for name in names if name not in source.partition]


def _fixed_width(schema: pa.Schema, names: Sequence[str]) -> int | None:
    """Return the bytes that a row takes in memory; None where that is not known beforehand."""
    kinds = [schema.field(name).type for name in names]
    if not all(map(pa.types.is_primitive, kinds)):
        return None
    widths: list[int] = [max(kind.bit_width // 8, 1) for kind in kinds]
    return sum(widths)


def _rows_of(size: Size, width: int) -> int:
    """Return how many rows of some bytes a piece may have."""
    return max(min(size.n_bytes // max(width, 1), size.most_rows), 1)
