"""What was measured, and its statistics: medians, quartiles, ratios round by round."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sample:
    """What one subject measured in one round under one setting of a case."""

    case: str
    setting: str
    subject: str
    round: int
    figures: dict[str, float]


@dataclass
class Record:
    """Everything that was measured, and what was not.

    Parameters
    ----------
    samples : list of Sample
    repeated : int
        Disturbed or faulty slices that were measured again.
    dropped : list of Sample
        Those that were given up, without figures.
    failed, left_out : dict of str to str
        Subjects without figures, and why.
    """

    samples: list[Sample] = field(default_factory=list)
    repeated: int = 0
    dropped: list[Sample] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def settings(self, case: str) -> list[str]:
        """List a case's settings in the order they were first measured."""
        everything = [*self.samples, *self.dropped]
        return list(dict.fromkeys(s.setting for s in everything if s.case == case))

    def subjects(self, case: str, setting: str) -> list[str]:
        """List who was measured, also in vain."""
        everything = [*self.samples, *self.dropped]
        own = (s for s in everything if s.case == case and s.setting == setting)
        return list(dict.fromkeys(s.subject for s in own))

    def by_round(self, case: str, setting: str, subject: str, figure: str) -> dict[int, float]:
        """Return a figure of each round that has it."""
        return {
            s.round: s.figures[figure]
            for s in self.samples
            if (s.case, s.setting, s.subject) == (case, setting, subject) and figure in s.figures
        }


@dataclass(frozen=True)
class Quartiles:
    """The median and the quartiles of some figures."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.low)} to {number(self.high)})"


def quartiles(figures: Sequence[float]) -> Quartiles | None:
    """Summarise figures; None if there are none."""
    if not figures:
        return None
    if len(figures) == 1:
        return Quartiles(figures[0], figures[0], figures[0])
    return Quartiles(*statistics.quantiles(figures, n=4, method="inclusive"))


def ratios(dividends: dict[int, float], divisors: dict[int, float]) -> list[float]:
    """Divide round by round, in the rounds that have both."""
    return [dividends[k] / divisors[k] for k in dividends if divisors.get(k)]


def number(value: float) -> str:
    """Write three digits, or all before the point."""
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")


def human(seconds: float) -> str:
    """Write a time in the unit that fits."""
    for unit, factor in (("s", 1), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
