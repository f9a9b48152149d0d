"""Which worker takes a newcomer: rather one with fewer connections.

All workers wait at the same socket, and the first to wake takes whoever comes. Of several clients
that connect together and keep their connections, as a proxy's do, one worker would often get all.
"""

import time
from typing import Final

PATIENCE: Final = 0.002
"""Seconds that a newcomer is left to workers with fewer connections. If none of them takes it by
then, they are busy, or stuck."""

_MEMORY = 5 * PATIENCE  # seconds after which a newcomer is another one


class Balance:
    """Compare a worker's connections with the others'.

    Parameters
    ----------
    counts : memoryview of int
        Connections of each worker, in memory that all share.
    number : int
        Of this worker.
    """

    def __init__(self, counts: memoryview, number: int) -> None:
        self._counts = counts
        self._number = number
        self._left_at = float("-inf")
        self.note(0)  # not those of a predecessor

    def note(self, connections: int) -> None:
        """Say how many connections there are now."""
        self._counts[self._number] = connections

    def defers(self) -> bool:
        """Tell whether to leave a newcomer to the others, for once."""
        if self._counts[self._number] <= min(self._counts):
            return False
        now = time.monotonic()
        if now - self._left_at < _MEMORY:
            self._left_at = float("-inf")
            return False
        self._left_at = now
        return True
