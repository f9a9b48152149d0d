"""Columns that are being read: Parquet, and streams of Arrow, some rows at a time."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final

import pyarrow as pa
from pyarrow import ipc, parquet

from iris_deploy.errors import ScoringError
from iris_deploy.scoring.batches import check_carried, check_types
from iris_deploy.scoring.inputs import Input, Size, Wish
from iris_deploy.scoring.pieces import Source
from iris_deploy.scoring.places import is_remote
from iris_deploy.scoring.streams import Stream

_BUFFER: Final = 1 << 20  # bytes of a column of Parquet that are read at a time
_WIDTH: Final = 32  # bytes of a value that has no fixed number of them


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
                buffer_size=_BUFFER,
                pre_buffer=False,
            )
        )
        self.source = _describe(given, self._file.schema_arrow, wish)

    def pieces(self, size: Size) -> Iterator[tuple[pa.RecordBatch, float]]:
        """Yield record batches; see `Reader`."""
        total, n_rows = self._file.metadata.num_rows or 1, 0
        wanted = _wanted(self.source)
        rows = _rows_of(size, self._file.schema_arrow, wanted)
        try:
            for batch in self._file.iter_batches(rows, columns=wanted):
                n_rows += batch.num_rows
                yield batch, n_rows / total
        except (pa.ArrowException, OSError) as exc:
            raise ScoringError(
                f"{self._given.name} cannot be read to its end: {str(exc)[:160]}",
                hint="was it cut off? Copy it again",
            ) from exc


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
        wanted = _wanted(self.source)
        rows = _rows_of(size, self._reader.schema, wanted)
        for batch in self._reader:
            for at in range(0, batch.num_rows, rows):
                part = batch.slice(at, rows).select(wanted)
                yield part, self._stream.position / total


def _describe(given: Input, schema: pa.Schema, wish: Wish) -> Source:
    match, partition = wish.match(given, schema.names)
    for name in partition:
        schema = schema.append(pa.field(name, pa.string()))
    check_types(given.name, schema, match, wish.signature)
    carried = pa.schema([schema.field(at) for at in match.kept])
    check_carried(given.name, carried, wish.target)
    return Source(given.name, given.format.suffix, match, carried, partition=partition)


def _wanted(source: Source) -> list[str]:
    """Return the columns of the file that are read."""
    match = source.match
    places = {at for at in match.fields if at is not None} | {*match.kept}
    names = [match.names[at] for at in sorted(places)]
    return [name for name in names if name not in source.partition]


def _rows_of(size: Size, schema: pa.Schema, names: Sequence[str]) -> int:
    """Return how many rows a piece of columns may have."""
    width = 0
    for name in names:
        kind = schema.field(name).type
        width += _WIDTH if not pa.types.is_primitive(kind) else max(kind.bit_width // 8, 1)
    return max(min(size.n_bytes // max(width, 1), size.most_rows), 1)
