"""How long a worker that died waits for its successor, and when there is no use in another."""

_YOUNG = 1.0  # seconds; a worker that dies younger did not die of a request
_MOST_YOUNG = 10  # in a row
_FORGIVEN = 60.0  # seconds after which a death is no longer in a row with the next
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds; doubled in between


class Deaths:
    """Deaths of workers, as far as they are in a row.

    Attributes
    ----------
    young : int
        Workers in a row that died within a second of their start.
    """

    def __init__(self) -> None:
        self.young = 0
        self._last = 0.0

    def note(self, born: float, now: float) -> None:
        """Take note of a death, by the clock of `time.monotonic`."""
        if now - self._last > _FORGIVEN or now - born >= _YOUNG:
            self.young = 0
        self.young += now - born < _YOUNG
        self._last = now

    @property
    def too_many(self) -> bool:
        """Whether the next would die as young."""
        return self.young >= _MOST_YOUNG

    @property
    def pause(self) -> float:
        """Seconds before the last one is replaced."""
        if not self.young:
            return 0.0
        return min(_FIRST_PAUSE * 2.0 ** (self.young - 1), _LONGEST_PAUSE)
