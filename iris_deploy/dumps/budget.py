"""How much a dump may have done for it: in proportion to its bytes."""

import io

MAX_INSTRUCTIONS = 100_000
"""Of a small dump: a pipeline has a few hundred, a hundred trees 17,000. Each may cost some hundred
bytes that the file does not."""

BYTES_PER_INSTRUCTION = 64
"""Of a large dump; a forest has 800."""


BYTES_PER_ENTRY = 4
"""Of a dump for each instruction that brings along a text or an integer, or remembers it: a word of
a vocabulary takes three, of 14 bytes together. None of them costs more than 60 bytes."""

_ENTRIES_BYTES = 1 << 24
"""Of a dump that may be such: a million words."""


def size_of(stream: io.BytesIO) -> int:
    """Return how many bytes a stream has; to ask for its buffer would copy them all."""
    here = stream.tell()
    size = stream.seek(0, io.SEEK_END)
    stream.seek(here)
    return size


class Budget:
    """How much may be done yet, in the dump and in the pickles within it together.

    Parameters
    ----------
    size : int
        Bytes of the dump.
    """

    def __init__(self, size: int) -> None:
        self.instructions = MAX_INSTRUCTIONS + size // BYTES_PER_INSTRUCTION
        self.entries = MAX_INSTRUCTIONS + min(size, _ENTRIES_BYTES) // BYTES_PER_ENTRY
        self._bytes = 2 * size + (1 << 16)
        self._remembered = MAX_INSTRUCTIONS + size

    def spend(self, n: int) -> None:
        """Note bytes that are made of others; raise `ValueError` if they are too many."""
        self._bytes -= n
        if self._bytes < 0:
            raise ValueError("it makes more of its values than it has")

    def can_remember(self, n: int) -> bool:
        """Note so many further places of memory, and tell whether there is room for them."""
        self._remembered -= max(n, 0)
        return self._remembered >= 0
