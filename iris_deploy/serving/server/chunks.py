"""A request body in chunks, read as RFC 9112 section 7.1 has it and not otherwise.

waitress takes blank lines between chunks, sizes that end with LF alone, and anything for a trailer;
a proxy in front that does not could be made to see other requests than we do.
"""

import re
from typing import Any

from waitress.utilities import BadRequest, RequestEntityTooLarge

from iris_deploy.serving.server.head import TOKEN

# Possessive throughout: nothing is tried again, however long it is.
_QUOTED = rb"\"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+\""
_BLANKS = rb"[\t ]*+"
_VALUE = rb"(?:" + _BLANKS + rb"=" + _BLANKS + rb"(?:" + TOKEN + rb"|" + _QUOTED + rb"))?+"
_EXTENSION = _BLANKS + rb";" + _BLANKS + TOKEN + _VALUE
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16}+)(?:" + _EXTENSION + rb")*+")
_TRAILER = re.compile(TOKEN + rb":[\t -~\x80-\xff]*+")

_LONGEST_LINE = 4096  # bytes of a size with its extensions, or of a trailer
_MOST_TRAILERS = 32


class ChunkReceiver:
    """Take the place of waitress's receiver of chunks.

    Parameters
    ----------
    buffer : OverflowableBuffer
        Where the body goes.
    limit : int
        Bytes of the body, without what frames it.
    """

    completed = False
    error: Any = None

    def __init__(self, buffer: Any, limit: int) -> None:
        self._buffer = buffer
        self._limit = limit
        self._rest = b""  # of a line that is not whole yet
        self._data, self._at = b"", 0  # what has come, and how far it is read
        self._missing = 0  # bytes of the chunk that has begun
        self._trailers = 0
        self._step = self._read_size

    def __len__(self) -> int:
        return len(self._buffer)

    def received(self, data: bytes) -> int:
        """Take bytes and return how many of them belong to the body."""
        before = len(self._rest)
        self._data, self._at = (self._rest + data if before else data), 0
        while not self.completed and not self.error and self._step():
            pass
        self._rest, self._data = self._data[self._at :], b""
        return self._at - before if self.completed else len(data)

    def getfile(self) -> Any:
        """Return the body as a file."""
        return self._buffer.getfile()

    def getbuf(self) -> Any:
        """Return the buffer."""
        return self._buffer

    # Each step returns whether there may be more to do with what has come.

    def _read_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        found = _SIZE.fullmatch(line)
        if found is None:
            return self._fail("the size or the extension of a chunk is malformed")
        self._missing = int(found[1], 16)
        if len(self._buffer) + self._missing > self._limit:
            self.error = RequestEntityTooLarge("")
            return False
        self._step = self._read_data if self._missing else self._read_trailer
        return True

    def _read_data(self) -> bool:
        part = self._data[self._at : self._at + self._missing]
        self._buffer.append(part)
        self._at += len(part)
        self._missing -= len(part)
        if self._missing:
            return False
        self._step = self._read_end
        return True

    def _read_end(self) -> bool:
        end = self._data[self._at : self._at + 2]
        if end == b"\r\n":
            self._at += 2
            self._step = self._read_size
            return True
        return False if b"\r\n".startswith(end) else self._fail("a chunk is longer than its size")

    def _read_trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._trailers += 1
        if not line:
            self.completed = True
        elif self._trailers > _MOST_TRAILERS or not _TRAILER.fullmatch(line):
            return self._fail("a trailer is malformed")
        return True

    def _line(self) -> bytes | None:
        end = self._data.find(b"\r\n", self._at, self._at + _LONGEST_LINE + 2)
        if end < 0:
            rest = self._data[self._at : self._at + _LONGEST_LINE + 2]
            if b"\n" in rest or len(rest) > _LONGEST_LINE:
                self._fail("a line between the chunks has no end")
            return None
        line = self._data[self._at : end]
        self._at = end + 2
        return line

    def _fail(self, why: str) -> bool:
        self.error = BadRequest(why)
        return False
