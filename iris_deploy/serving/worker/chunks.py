"""A request body in chunks, read as RFC 9112 section 7.1 has it and not otherwise.

Blank lines between chunks, sizes that end with LF alone, or anything for a trailer are taken by
others; a proxy in front that does not could be made to see other requests than we do.
"""

import re

from iris_deploy.serving.worker.head import TOKEN

# Possessive throughout: nothing is tried again, however long it is.
_QUOTED = rb"\"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+\""
_BLANKS = rb"[\t ]*+"
_VALUE = rb"(?:" + _BLANKS + rb"=" + _BLANKS + rb"(?:" + TOKEN + rb"|" + _QUOTED + rb"))?+"
_EXTENSION = _BLANKS + rb";" + _BLANKS + TOKEN + _VALUE
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16}+)(?:" + _EXTENSION + rb")*+")
_TRAILER = re.compile(TOKEN + rb":[\t -~\x80-\xff]*+")

_LONGEST_LINE = 4096  # bytes of a size with its extensions, or of a trailer
_MOST_TRAILERS = 32
_MOST_STEPS = 4096
"""Sizes, data and ends that are read at a time, some 3 ms. Of the smallest chunks there may be a
dozen thousand in what comes at once."""


class ChunkReader:
    """Read a body.

    Parameters
    ----------
    limit : int
        Bytes of the body, without what frames it.

    Attributes
    ----------
    completed : bool
        Whether its end has come.
    too_large : bool
    fault : str or None
        What is wrong with it.
    """

    def __init__(self, limit: int) -> None:
        self.completed = self.too_large = False
        self.fault: str | None = None
        self._limit = limit
        self._size = 0  # bytes of the body, with all of the chunk that has begun
        self._rest = b""  # of a line that is not whole yet
        self._data, self._at = b"", 0  # what has come, and how far it is read
        self._into: bytearray | None = None
        self._missing = 0  # bytes of the chunk that has begun
        self._trailers = 0
        self._step = self._read_size

    def read(self, data: bytes, at: int, into: bytearray | None) -> int:
        """Read what has come, as far as that is quick.

        Parameters
        ----------
        data : bytes
        at : int
            Where it begins.
        into : bytearray or None
            Gets the body; None throws it away.

        Returns
        -------
        int
            Where to go on: at what follows the body, if it is complete.
        """
        before = len(self._rest)
        self._data, self._at = (self._rest + data[at:], 0) if before else (data, at)
        self._into = into
        steps, more = _MOST_STEPS, True
        while steps and more and not self.completed:
            steps -= 1
            more = self._step()
        if more:  # complete, or enough for now
            self._rest = b""
            end = self._at - before + at if before else self._at
        else:
            self._rest, end = self._data[self._at :], len(data)
        self._data = b""
        return end

    # Each step returns whether there may be more to do with what has come.

    def _read_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        found = _SIZE.fullmatch(line)
        if found is None:
            return self._fail("the size or the extension of a chunk is malformed")
        self._missing = int(found[1], 16)
        self._size += self._missing
        if self._size > self._limit:
            self.too_large = True
            return False
        self._step = self._read_data if self._missing else self._read_trailer
        return True

    def _read_data(self) -> bool:
        part = self._data[self._at : self._at + self._missing]
        if self._into is not None:
            self._into += part
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
        self.fault = why
        return False
