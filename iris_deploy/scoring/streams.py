"""Bytes of files and of standard input, decompressed, in blocks of whole records."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from iris_deploy.errors import ScoringError, first_line
from iris_deploy.scoring.places import telling

STANDARD = Path("-")
"""Standard input, or output."""

DAMAGED: Final = "was it cut off, or damaged on its way? Copy it again"
"""What to do about a file that cannot be read."""

_MARK = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Stream:
    """Bytes that are read from one end to the other, and looked at before.

    Parameters
    ----------
    path : Path
        `STANDARD` is standard input.
    compression : str or None
        As Arrow calls it.

    Attributes
    ----------
    file : file object
        What is read.
    """

    def __init__(self, path: Path, compression: str | None) -> None:
        self.path = path
        self._raw: IO[bytes] = sys.stdin.buffer if path == STANDARD else path.open("rb")
        self.file: Any = (
            self._raw if compression is None else pa.CompressedInputStream(self._raw, compression)
        )
        self._ahead = b""

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        if self.path != STANDARD:
            self._raw.close()

    @property
    def position(self) -> int:
        """Bytes of the file that have been read."""
        return 0 if self.path == STANDARD else self._raw.tell()

    def peek(self, size: int) -> bytes:
        """Return the next bytes, which stay to be read."""
        while len(self._ahead) < size:
            more = self._more(size - len(self._ahead))
            if not more:
                break
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """Return some more bytes; none at the end."""
        if not self._ahead:
            return self._more(size)
        given, self._ahead = self._ahead[:size], self._ahead[size:]
        return given

    def _more(self, size: int) -> bytes:
        try:
            with telling(self.path):
                more: bytes = self.file.read(size)
        except (OSError, pa.ArrowException, EOFError) as exc:
            raise ScoringError(
                f"{self.path} cannot be read to its end: {first_line(exc, 120)}",
                hint=DAMAGED,
            ) from exc
        return more


def skip_mark(stream: Stream) -> None:
    """Leave out a byte order mark.

    Raises
    ------
    ScoringError
        If it is one of another encoding than UTF-8, or there is nothing.
    """
    first = stream.peek(3)
    if not first:
        raise ScoringError(f"{stream.path} is empty; expected rows", hint=DAMAGED)
    if first.startswith(_WIDE):
        raise ScoringError(f"{stream.path} is UTF-16; expected UTF-8", hint="save it as UTF-8")
    if first == _MARK:
        stream.read(3)


def cut_records(stream: Stream, size: int, *, quotes: bool) -> Iterator[bytes]:
    """Yield blocks of whole records, each of about some size.

    Parameters
    ----------
    stream : Stream
    size : int
        Bytes; no record may have more.
    quotes : bool
        Whether a record may have line ends in quotes.

    Raises
    ------
    ScoringError
        If a record is longer.
    """
    rest = b""
    while data := stream.read(size):
        data = rest + data
        end = find_end(data, quotes=quotes)
        if end:
            yield data[:end]
        elif len(data) > size:
            raise ScoringError(
                f"{stream.path}: a record has more than {size:,} bytes",
                hint="is a quote never closed? Else give `memory`",
            )
        rest = data[end:]
    if rest.strip():
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def find_end(data: bytes, *, quotes: bool) -> int:
    """Return where the last whole record ends; 0 if none does.

    Before the end of a record there is an even number of quotes.
    """
    end = data.rfind(b"\n")
    if not quotes:
        return end + 1
    behind = data.count(b'"', end + 1)
    total = data.count(b'"', 0, end + 1) + behind if end >= 0 else 0
    while end >= 0 and (total - behind) % 2:
        before = data.rfind(b"\n", 0, end)
        behind += data.count(b'"', before + 1, end + 1)
        end = before
    return end + 1


def read_head(stream: Stream, size: int, *, quotes: bool) -> bytes:
    """Return the whole records among the next bytes, which stay to be read."""
    data = stream.peek(size)
    if len(data) < size:
        return data if data.endswith(b"\n") else data + b"\n"
    return data[: find_end(data, quotes=quotes)]


def text_of(data: bytes) -> io.StringIO:
    """Return bytes as text for who reads lines."""
    return io.StringIO(data.decode("utf-8", "replace"), newline="")
