"""What a run has measured, found by what it is about."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cases import MANY_ROWS, ONE_ROW, START, Plan, count, load_of, subject_of
from benchmarks.catalogue import ALL
from benchmarks.measure import Record

Rounds = dict[int, float]


@dataclass(frozen=True)
class Run:
    """What a run has measured, found by what it is about.

    Parameters
    ----------
    plan : Plan
    record : Record
    """

    plan: Plan
    record: Record

    def load(self, connections: int) -> str:
        """Name the setting with the most workers."""
        return load_of(max(self.plan.workers), connections)

    def rate(self, name: str, case: str = ONE_ROW, workload: str = "") -> Rounds:
        """Return the requests per second of a server, one row in each."""
        setting = workload + self.load(self.plan.connections[0])
        return self.record.by_round(ONE_ROW, setting, subject_of(name, case), "requests/s")

    def many(self, subject: str, rows: int) -> Rounds:
        """Return the milliseconds that a server takes for many rows in a form."""
        workers = count(self.plan.workers[0], "worker")
        return self.record.by_round(MANY_ROWS, f"{rows:,} rows, {workers}", subject, "ms")

    def start(self, name: str, workers: int) -> Rounds:
        """Return the seconds that a server takes to its first answer."""
        return self.record.by_round(START, count(workers, "worker"), name, "s")

    def quickest(self, case: str, measured: Callable[[str], Rounds]) -> tuple[str, Rounds]:
        """Find the rival that takes least time; of many rows, in JSON."""
        subjects = [
            s for setting in self.record.settings(case) for s in self._rivals(case, setting)
        ]
        found = {name: rounds for name in subjects if (rounds := measured(name))}
        best = min(found, key=lambda name: statistics.median(found[name].values()), default="")
        return best or "nobody was measured", found.get(best, {})

    def _rivals(self, case: str, setting: str) -> list[str]:
        names = {peer.name for peer in ALL if peer.is_rival}
        subjects = self.record.subjects(case, setting)
        return [s for s in subjects if s.split(":")[0] in names and not s.endswith(", raw")]
