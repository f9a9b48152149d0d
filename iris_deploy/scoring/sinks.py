"""Where scored rows go: a file that appears whole or not at all, or standard output."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
from pyarrow import ipc, parquet

from iris_deploy.codec.suffixes import Format
from iris_deploy.errors import ScoringError, first_line
from iris_deploy.scoring.csv_blocks import DELIMITERS
from iris_deploy.scoring.inputs import ARROW
from iris_deploy.scoring.places import is_remote, open_store, telling
from iris_deploy.scoring.streams import STANDARD
from iris_deploy.scoring.texts import write_header

SUCCESS = "_SUCCESS"
"""In a folder whose files are all there, as Hadoop has it."""

UNFINISHED = ".unfinished"
"""Behind the name of a file that is being written."""


class Sink(Protocol):
    """Takes scored rows in their order."""

    def write(self, data: Any) -> None:
        """Write text, or a record batch."""
        ...


class _Table:
    """Record batches to whatever writes them."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, data: pa.RecordBatch) -> None:
        """Write a record batch; see `Sink`."""
        if data.num_rows:
            self._writer.write_batch(data)


class _Told:
    """A sink whose errors say what cannot be written."""

    def __init__(self, path: Path, sink: Sink) -> None:
        self._path = path
        self._sink = sink

    def write(self, data: Any) -> None:
        """Write; see `Sink`."""
        with _telling(self._path):
            self._sink.write(data)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    name = "standard output" if path == STANDARD else str(path)
    try:
        with telling(path):
            yield
    except BrokenPipeError:  # who reads standard output has enough
        raise
    except pa.ArrowException as exc:
        raise ScoringError(
            f"cannot write {name}: {first_line(exc)}",
            hint="write another format, or leave the column out with `keep`",
        ) from exc
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else str(exc)
        raise ScoringError(
            f"cannot write {name}: {reason}", hint="nothing of it was left behind"
        ) from exc


@contextmanager
def open_sink(path: Path, form: Format, schema: pa.Schema) -> Iterator[Sink]:
    """Open an output; the file is there when the block has ended well.

    Parameters
    ----------
    path : Path
        `STANDARD` is standard output.
    form : Format
    schema : pyarrow.Schema
        All its columns.

    Raises
    ------
    ScoringError
        If it cannot be written: nothing is left of it then.
    BrokenPipeError
        If who reads standard output has enough.
    """
    with ExitStack() as opened:
        with _telling(path):
            file = opened.enter_context(_open_file(path))
            sink = opened.enter_context(_open_writer(file, form, schema))
        yield _Told(path, sink)
        with _telling(path):
            opened.close()


@contextmanager
def _open_file(path: Path) -> Iterator[IO[bytes]]:
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if is_remote(path):
        with open_store(path) as file:
            yield file
        return
    path.parent.mkdir(parents=True, exist_ok=True)  # below a folder that is there
    descriptor, name = tempfile.mkstemp(UNFINISHED, f".{path.name}.", path.parent)
    try:
        os.fchmod(descriptor, 0o666 & ~_umask())
        with os.fdopen(os.dup(descriptor), "wb") as file:  # who compresses closes it
            yield file
        os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    finally:
        os.close(descriptor)


def mark_success(folder: Path) -> None:
    """Say in a folder that all its files are there.

    Raises
    ------
    ScoringError
    """
    with _telling(folder):
        (folder / SUCCESS).touch()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _open_writer(file: IO[bytes], form: Format, schema: pa.Schema) -> Iterator[Sink]:
    with ExitStack() as stack:
        if form.suffix == ".parquet":
            yield _Table(stack.enter_context(parquet.ParquetWriter(file, schema)))
            return
        if form.suffix == ARROW:
            yield _Table(stack.enter_context(ipc.new_stream(file, schema)))
            return
        sink: Any = file
        if form.compression is not None:
            sink = stack.enter_context(pa.CompressedOutputStream(file, form.compression))
        if form.suffix in DELIMITERS:
            sink.write(write_header(schema.names, DELIMITERS[form.suffix]))
        yield sink


def name_columns(carried: pa.Schema, added: pa.Schema) -> pa.Schema:
    """Return all columns of an output.

    Raises
    ------
    ScoringError
        If the input has one that is to be added.
    """
    twice: Sequence[str] = [name for name in added.names if name in carried.names]
    if twice:
        raise ScoringError(
            f"the input has a column {twice[0]} already, which scoring adds",
            hint="name the columns to carry along with `keep`, or none",
        )
    return pa.schema([*carried, *added])
