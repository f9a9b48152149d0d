"""The record as Markdown tables and as JSON."""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.by_model import lines_of_models
from benchmarks.captions import captions
from benchmarks.cases import MANY_ROWS, ONE_ROW, START, Plan, count
from benchmarks.catalogue import ALL
from benchmarks.environments import Environment
from benchmarks.goals import lines_of_goals
from benchmarks.growth import GROWTH
from benchmarks.library import LIBRARY
from benchmarks.measure import Record, human, number, quartiles, ratios
from benchmarks.peer import OURS


@dataclass(frozen=True)
class Table:
    """How a case is written.

    Parameters
    ----------
    title : str
    first : str
        Heads the column of those that were measured.
    figures : sequence of str
        The columns; the first one gets quartiles and, with `ratio`, by how much ours is better.
    ratio : bool
    """

    title: str
    first: str
    figures: tuple[str, ...]
    ratio: bool = True


RATES = ("requests/s", "predictions/s")
"""Figures of which more is better."""

LOADED = ("requests/s", "p50 ms", "p99 ms", "CPU µs/request", "server cores", "wrk cores")
TABLES = {
    ONE_ROW: Table("One row in a request", "server", LOADED),
    MANY_ROWS: Table("Many rows in one request", "server", ("ms", "predictions/s")),
    START: Table(
        "Start to the first right answer, memory after requests",
        "server",
        ("s", "RSS MB", "PSS MB", "processes"),
    ),
    LIBRARY: Table("Without a server", "candidate", ("s",)),
    GROWTH: Table("How ours grows", "", ("ms", *LOADED, "peak RSS MB", "PSS MB"), ratio=False),
}


@dataclass
class Report:
    """What is written of a run.

    Parameters
    ----------
    plan : Plan
    record : Record
    machine : dict of str to str
    environments : list of Environment
        Of the servers that were measured.
    """

    plan: Plan
    record: Record
    machine: dict[str, str]
    environments: list[Environment] = field(default_factory=list)

    def json(self) -> str:
        """Write everything, each sample too."""
        servers = {
            e.peer.name: {"how": e.peer.how, "versions": e.versions(), "disk": e.disk()}
            for e in self.environments
        }
        run = {"machine": self.machine, "plan": asdict(self.plan), "servers": servers}
        return json.dumps({**run, **asdict(self.record)}, indent=1, ensure_ascii=False) + "\n"

    def markdown(self) -> str:
        """Write the tables."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        plan, record = self.plan, self.record
        yield ", ".join(f"{key} {value}" for key, value in self.machine.items()) + "."
        if self.environments:
            yield (
                f"{count(plan.rounds, 'round')} with slices of {plan.seconds} s. A slice does not "
                f"count if others had over {plan.disturbance:.0%} of the processors, or an answer "
                "was bad: "
                f"{record.repeated} were measured again, {len(record.dropped)} given up. One row: "
                "wrk with one thread."
            )
            yield from self._servers()
        for case, table in TABLES.items():
            settings = record.settings(case)
            if settings:
                yield f"\n## {table.title}\n"
                yield from captions(case, [s for of in settings for s in record.subjects(case, of)])
            for setting in settings:
                yield from self._table(case, setting, table)
        yield from lines_of_models(plan, record)
        yield from lines_of_goals(plan, record)
        yield from self._not_measured()

    def _servers(self) -> Iterator[str]:
        yield "\n## Servers\n"
        yield "| server | how | versions | packages on disk, MB |"
        yield "|---|---|---|---:|"
        for environment in self.environments:
            versions = ", ".join(f"{k} {v}" for k, v in environment.versions().items())
            peer, disk = environment.peer, number(environment.disk() / 1e6)
            yield f"| {peer.name} | {peer.how} | {versions} | {disk} |"

    def _table(self, case: str, setting: str, table: Table) -> Iterator[str]:
        subjects = self._ordered(case, setting)
        measured = {
            figure: {s: self.record.by_round(case, setting, s, figure) for s in subjects}
            for figure in table.figures
        }
        measured = {figure: of for figure, of in measured.items() if any(of.values())}
        if not measured:
            return
        main, *others = measured
        own = {
            s: plain for s in subjects if case == ONE_ROW and (plain := s.partition(": ")[0]) != s
        }
        further = self._further_workers(setting) if case == START else {}
        heads = ["median" if main == "s" else f"{main}, median (quartiles)"]
        rivals = {s: rival for s in subjects if s not in own and (rival := _rival(s, subjects))}
        heads += ["ours is quicker by"] * table.ratio
        heads += ["ours in the same words"] * bool(rivals)
        heads += ["against its own, plain"] * bool(own) + others
        heads += ["PSS MB of a further worker"] * bool(further) + ["slices"]
        yield f"\n### {setting}\n"
        yield "| " + " | ".join([table.first or setting, *heads]) + " |"
        yield "|---|" + "---:|" * len(heads)
        for subject in subjects:
            ours = _ours(case, subject, subjects)
            base = measured[main].get(ours, {})
            figures = measured[main][subject]
            summary = quartiles(list(figures.values()))
            cells = [human(summary.median) if summary and main == "s" else str(summary or "-")]
            if table.ratio:
                cells.append("1" if subject == ours else _quicker(base, figures, main))
            if rivals:
                same = measured[main].get(rivals.get(subject, ""), {})
                cells.append(_quicker(same, figures, main))
            if own:
                alone = measured[main].get(own.get(subject, ""), {})
                cells.append(_quicker(figures, alone, main))
            cells += [_median(measured[figure][subject]) for figure in others]
            cells += [further.get(subject, "-")] * bool(further)
            yield "| " + " | ".join([subject, *cells, str(len(figures))]) + " |"

    def _ordered(self, case: str, setting: str) -> list[str]:
        """Order servers as they are listed, and what grows by its size."""
        names = [peer.name for peer in ALL]

        def place(subject: str) -> int:
            if case == GROWTH:
                return int(subject.replace(",", ""))
            name = subject.split(":", maxsplit=1)[0]
            return names.index(name) if name in names else 0

        return sorted(self.record.subjects(case, setting), key=place)

    def _further_workers(self, setting: str) -> dict[str, str]:
        """Return the memory that each worker beyond one adds to a server."""
        workload, separator, many = setting.rpartition(": ")
        more = int(many.split(maxsplit=1)[0]) - 1
        added = {}
        for subject in self.record.subjects(START, setting) if more > 0 else ():
            one = self.record.by_round(START, f"{workload}{separator}1 worker", subject, "PSS MB")
            all_of_them = self.record.by_round(START, setting, subject, "PSS MB")
            differences = [(all_of_them[k] - one[k]) / more for k in all_of_them if k in one]
            if differences:
                added[subject] = number(statistics.median(differences))
        return added

    def _not_measured(self) -> Iterator[str]:
        record = self.record
        if record.left_out or record.failed:
            yield "\n## Not measured\n"
        for name, why in record.left_out.items():
            yield f"- {name}: not measured: {why}"
        for name, why in record.failed.items():
            yield f"- {name}: failed: {why}"


def _quicker(ours: dict[int, float], theirs: dict[int, float], figure: str) -> str:
    """Divide rates of ours by theirs, and times of theirs by ours."""
    pair = (ours, theirs) if figure in RATES else (theirs, ours)
    return str(quartiles(ratios(*pair)) or "-")


def _ours(case: str, subject: str, subjects: Sequence[str]) -> str:
    """Name what a subject stands beside: the first, ours, or ours in the same traffic."""
    if case == LIBRARY:
        return subjects[0]
    if case == ONE_ROW:
        return OURS + subject.removeprefix(subject.partition(": ")[0])
    return next((s for s in subjects if s.split(":")[0] == OURS), "")


def _rival(subject: str, subjects: Sequence[str]) -> str:
    """Find ours, asked in the same contract and form; empty if there is none."""
    name, separator, form = subject.partition(": ")
    peers = {peer.name: peer for peer in ALL}
    if name not in peers or peers[name].is_ours:
        return ""
    ours = [peer.name for peer in ALL if peer.is_ours] if form else [peers[name].rival]
    return next((s for own in ours if (s := f"{own}{separator}{form}") in subjects), "")


def _median(figures: dict[int, float]) -> str:
    return number(statistics.median(figures.values())) if figures else "-"
