"""Inputs that are opened: what their columns are, and their rows a piece at a time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import pyarrow as pa

from iris_deploy.errors import ScoringError, first_line
from iris_deploy.scoring.inputs import ARROW, Input, Size, Wish
from iris_deploy.scoring.pieces import Source
from iris_deploy.scoring.places import telling
from iris_deploy.scoring.streams import DAMAGED, Stream
from iris_deploy.scoring.table_readers import ArrowReader, ParquetReader
from iris_deploy.scoring.text_reader import TextReader


class Reader(Protocol):
    """An input that is being read.

    Attributes
    ----------
    source : Source
        What who scores pieces of it has to know.
    """

    source: Source

    def pieces(self, size: Size) -> Iterator[tuple[Any, float]]:
        """Yield the rows a piece at a time, and the share of the file that has been read."""
        ...


@contextmanager
def open_reader(given: Input, wish: Wish) -> Iterator[Reader]:
    """Open an input.

    Raises
    ------
    ScoringError
        If it cannot be read, or does not fit.
    """
    with ExitStack() as stack:
        try:
            with telling(given.path):
                reader = _open(given, wish, stack)
        except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as exc:
            hint = None if getattr(exc, "errno", None) else DAMAGED
            raise ScoringError(
                f"{given.name} cannot be read: {first_line(exc)}", hint=hint
            ) from exc
        yield reader


def _open(given: Input, wish: Wish, stack: ExitStack) -> Reader:
    if given.format.suffix == ".parquet":
        return ParquetReader(given, stack, wish)
    stream = stack.enter_context(Stream(given.path, given.format.compression))
    if given.format.suffix == ARROW:
        return ArrowReader(given, stream, wish)
    return TextReader(given, stream, wish)
