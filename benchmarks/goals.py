"""What is meant to be reached, beside what was measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.cases import (
    ACCESS_LOG,
    BEHIND_NGINX,
    MANY_ROWS,
    ONE_ROW,
    SAME_HEAD,
    START,
    TRAFFIC,
    Plan,
    count,
)
from benchmarks.measure import Record, number, quartiles, ratios
from benchmarks.peer import OURS
from benchmarks.run import Run

PEERS = (
    *(OURS, f"{OURS}-v2", "talk", "fastapi", "mlserver"),
    *("uvicorn-ours", "granian-ours", "nginx-constant"),
)
"""Those that the goals are about, of the talk's model."""

TABLE_PEERS = (OURS, "fastapi-table")
"""The same of the other workloads."""

CASES = (ONE_ROW, *TRAFFIC, MANY_ROWS, START)


@dataclass(frozen=True)
class Goal:
    """A measure, the least it is meant to be, and its ratio in each round."""

    measure: str
    least: float
    found: Sequence[float]


def of_a_table(plan: Plan) -> Plan:
    """Return the part of a plan that the goals are about with models of tables."""
    cases = tuple(case for case in plan.cases if case == ONE_ROW)
    return replace(plan, cases=cases, workers=(max(plan.workers),), batches=(1000,))


def goals(run: Run) -> Iterator[Goal]:
    """Yield what is meant to be reached, with what this run has found."""
    ours, rate = run.rate(OURS), run.rate
    alike = ratios(ours, rate(OURS, SAME_HEAD))
    yield Goal("varied traffic against the same head", 0.8, alike)
    for name, who, least in (
        ("uvicorn-ours", "raw uvicorn + our predictor", 1.3),
        ("granian-ours", "granian + our predictor", 1.6),
        ("nginx-constant", "nginx answering a constant", 0.45),
    ):
        yield Goal(f"varied traffic against {who}", least, ratios(ours, rate(name)))
    logged = ratios(rate(OURS, ACCESS_LOG), ours)
    yield Goal("access log on against off, varied", 0.88, logged)
    yield Goal("against FastAPI + scikit-learn, linear", 14, ratios(ours, rate("fastapi")))
    forest = ratios(*(rate(name, workload="forest: ") for name in (OURS, "fastapi-table")))
    yield Goal("against FastAPI + scikit-learn, the forest", 40, forest)
    behind = ratios(rate(OURS, BEHIND_NGINX), rate("talk", BEHIND_NGINX))
    yield Goal("behind nginx: against the talk's stack behind it", 8, behind)
    best, times = run.quickest(MANY_ROWS, lambda name: run.many(name, 1000))
    many = ratios(times, run.many(f"{OURS}: arrays", 1000))
    yield Goal(f"1,000 rows in JSON against the best peer ({best})", 4, many)
    raw = run.many(f"{OURS}-v2: V2, raw", 100_000)
    theirs = run.many("mlserver: V2, flat FP64", 100_000)
    yield Goal("100,000 rows, V2 binary, against MLServer's", 5, ratios(theirs, raw))
    yield from (_start(run, workers) for workers in (1, 2))


def _start(run: Run, workers: int) -> Goal:
    best, times = run.quickest(START, lambda name: run.start(name, workers))
    many = count(workers, "worker")
    found = ratios(times, run.start(OURS, workers))
    return Goal(f"start with {many}, against the quickest peer ({best})", 6, found)


def lines_of_goals(plan: Plan, record: Record) -> Iterator[str]:
    """Write the goals as a table, if any of them was measured."""
    run = Run(plan, record)
    rows = list(goals(run))
    if not any(goal.found for goal in rows):
        return
    yield f"\n## Goals: {run.load(plan.connections[0])}\n"
    yield "Times as many requests, or as quick. The image's size is of `make bench-images`.\n"
    yield "| measure | goal: at least | measured, median (quartiles) | reached | rounds |"
    yield "|---|---:|---:|---|---:|"
    for goal in rows:
        middle = quartiles(goal.found)
        reached = "-" if middle is None else "yes" if middle.median >= goal.least else "no"
        cells = (number(goal.least), str(middle or "-"), reached, str(len(goal.found)))
        yield f"| {goal.measure} | {' | '.join(cells)} |"
