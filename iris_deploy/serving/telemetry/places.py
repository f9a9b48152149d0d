"""Where the counts of a bundle's columns and outputs are in a process's figures."""

from collections.abc import Sequence
from typing import NamedTuple

from iris_deploy.schema.bins import Bins, NumberBins


class ColumnCounts(NamedTuple):
    """Where the counts of one column are, and what they are counts of."""

    bins: Bins
    now: list[int]
    before: list[int]
    outside: int


class PlainCounts(NamedTuple):
    """The same of a number that never misses: what each request of one row goes through."""

    edges: tuple[float, ...]
    low: float
    high: float
    now: list[int]
    outside: int


class NumberCounts(NamedTuple):
    """Where the histogram of predicted numbers is: bounds, counts, sum."""

    edges: tuple[float, ...]
    buckets: list[int]
    spent: int


class OutputCounts(NamedTuple):
    """Where the counts of an output are: of its classes, or of its numbers."""

    places: list[int]
    numbers: NumberCounts | None


def plain_counts(columns: Sequence[ColumnCounts]) -> tuple[PlainCounts, ...]:
    """Return the counts of columns that are all numbers and never miss; else none."""
    plain = []
    for bins, now, _, outside in columns:
        if not isinstance(bins, NumberBins) or bins.missing:
            return ()
        plain.append(PlainCounts(bins.edges, bins.low, bins.high, now, outside))
    return tuple(plain)
