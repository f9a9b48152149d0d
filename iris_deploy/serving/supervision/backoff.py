"""How long it takes until a dead worker is replaced, and when there is no use in another."""

_EARLY = 1.0  # seconds; a worker that dies earlier did not die of a request
_MOST_EARLY = 10  # in a row
_FORGIVEN = 60.0  # seconds after which a death is no longer in a row with the next
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 1.0  # seconds; doubled in between


class Backoff:
    """Count workers that die early, in a row, and say how long the next one waits.

    Attributes
    ----------
    early : int
        Workers in a row that died within a second of their start.
    """

    def __init__(self) -> None:
        self.early = 0
        self._last = 0.0

    def record(self, born: float, now: float) -> None:
        """Record a death, by the clock of `time.monotonic`."""
        if now - self._last > _FORGIVEN or now - born >= _EARLY:
            self.early = 0
        self.early += now - born < _EARLY
        self._last = now

    @property
    def exhausted(self) -> bool:
        """Whether the next would die as early."""
        return self.early >= _MOST_EARLY

    @property
    def delay(self) -> float:
        """Seconds before the last one is replaced."""
        if not self.early:
            return 0.0
        return min(_FIRST_DELAY * 2.0 ** (self.early - 1), _LONGEST_DELAY)
