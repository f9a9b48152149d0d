"""How much memory large requests of one worker may take together.

Counted in bytes that are known beforehand: of what has come, and what working on it takes at most.
"""

PARTS = 2
"""Of the memory for large requests: one for what comes and goes, one for what is worked on."""

WORKING = 40
"""Bytes that working on a byte of a body takes at most, its own included: as dictionaries, `{"":1}`
in a long array takes 29 (tests/wire/test_memory.py tries worse)."""

SMALL = 1 << 16
"""Bytes of a body or of an answer that are not counted: the connections have room for as many."""


class Budget:
    """Bytes that may be taken. One taker is let in, whatever it takes, if it is alone.

    Parameters
    ----------
    limit : int

    Attributes
    ----------
    taken : int
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.taken = 0

    def take(self, size: int) -> bool:
        """Take so much, if it is there, and say whether it was."""
        if self.taken and self.taken + size > self._limit:
            return False
        self.taken += size
        return True

    def release(self, size: int) -> None:
        """Give back what was taken."""
        self.taken -= size
