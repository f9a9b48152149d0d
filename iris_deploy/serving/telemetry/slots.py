"""Figures in memory that all processes of the server share.

The memory is divided into slots, one for each worker and one for the supervisor. Only its owner
writes a slot; anybody reads all of them, so that any worker can tell the totals. A worker that
replaces a dead one takes over its slot and goes on counting there. Nothing needs a directory.
"""

import mmap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

PREFIX: Final = "iris_deploy_"
"""In front of every series that is shown."""

SERIES = 32768
"""Series that a slot holds: 20 for each of some 1,600 features. What is not used costs nothing."""

_VALUE = 8  # bytes of a float64
_SLOT = SERIES * (_VALUE + 120)  # bytes; the names take the rest

Key = tuple[str, tuple[tuple[str, str], ...]]
"""Name and labels of a series."""


def _key(name: str, labels: Mapping[str, str]) -> Key:
    return name, tuple(sorted(labels.items()))


def _bounds(edges: Sequence[float]) -> list[str]:
    return [*map(repr, edges), "+Inf"]


class SharedMemory:
    """Room for every process's figures, made before the first fork.

    Parameters
    ----------
    workers : int
        The supervisor's slot comes after theirs.

    Attributes
    ----------
    connections : memoryview of int, length workers
        How many connections each worker has.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.connections = memoryview(mmap.mmap(-1, workers * _VALUE)).cast("q")
        self._memory = memoryview(mmap.mmap(-1, (workers + 1) * _SLOT))

    def slot(self, number: int) -> "Slot":
        """Open the slot of a worker; ``workers`` is the supervisor's."""
        return Slot(self._memory[number * _SLOT : (number + 1) * _SLOT])

    def read(self) -> list[dict[Key, float]]:
        """Return the series of all slots."""
        return [dict(self.slot(number).items()) for number in range(self.workers + 1)]


class Slot:
    """Named float64 figures: a list of values, and beside it the list of their names.

    A name is written before the count that makes it visible, and neither moves afterwards.
    """

    def __init__(self, memory: memoryview) -> None:
        self.values = memory[: SERIES * _VALUE].cast("d")
        self._names = memory[SERIES * _VALUE :]
        self._index: dict[Key, int] = {}
        self._end = 0
        for key, end in self._read_names():
            self._index[key] = len(self._index)
            self._end = end

    def histogram(self, name: str, edges: Sequence[float], **labels: str) -> tuple[list[int], int]:
        """Return the places of a histogram: its counts up to each edge and beyond, and its sum."""
        buckets = [self.index(name, le=bound, **labels) for bound in _bounds(edges)]
        return buckets, self.index(name, sum="", **labels)

    def index(self, name: str, **labels: str) -> int:
        """Return the place of a series' value; it is made if there is none.

        When the slot is full, all further series share its last place, which is never shown.
        """
        key = _key(name, labels)
        found = self._index.get(key)
        if found is not None:
            return found
        text = msgspec.json.encode(key)
        start = self._end + 4
        if len(self._index) >= SERIES - 2 or start + len(text) > len(self._names):
            return SERIES - 1
        self._names[start : start + len(text)] = text
        self._names[self._end : start] = len(text).to_bytes(4, "little")
        self._end = start + len(text)
        place = self._index[key] = len(self._index)
        self.values[SERIES - 2] = len(self._index)  # makes it visible
        return place

    def items(self) -> Iterator[tuple[Key, float]]:
        """Yield all series with their values."""
        for place, (key, _) in enumerate(self._read_names()):
            yield key, self.values[place]

    def _read_names(self) -> Iterator[tuple[Key, int]]:
        position = 0
        for _ in range(int(self.values[SERIES - 2])):
            size = int.from_bytes(self._names[position : position + 4], "little")
            text = self._names[position + 4 : position + 4 + size]
            yield msgspec.json.decode(text, type=Key), position + 4 + size
            position += 4 + size


def total(slots: Sequence[Mapping[Key, float]]) -> dict[Key, float]:
    """Add the series of several slots."""
    sums: dict[Key, float] = {}
    for slot in slots:
        for key, value in slot.items():
            sums[key] = sums.get(key, 0.0) + value
    return sums


def read_histogram(
    sums: Mapping[Key, float], name: str, edges: Sequence[float], **labels: str
) -> tuple[list[tuple[str, float]], float]:
    """Return a histogram: how many there are up to each bound, and their sum."""
    buckets, count = [], 0.0
    for bound in _bounds(edges):
        count += sums.get(_key(name, {"le": bound, **labels}), 0)
        buckets.append((bound, count))
    return buckets, sums.get(_key(name, {"sum": "", **labels}), 0)
