"""Each family beside FastAPI with scikit-learn, in one table."""

import statistics
from collections.abc import Iterator

from benchmarks.cases import ONE_ROW, Plan
from benchmarks.measure import Record, number, quartiles, ratios
from benchmarks.peer import OURS
from benchmarks.run import Run


def lines_of_models(plan: Plan, record: Record) -> Iterator[str]:
    """Write each family beside FastAPI with scikit-learn as a table, if there are two."""
    run = Run(plan, record)
    for connections in plan.connections:
        setting = run.load(connections)
        rows = list(_models(record, setting))
        if len(rows) > 1:
            yield f"\n## Each family, one row in a request: {setting}\n"
            heads = "ours, requests/s | FastAPI + scikit-learn | ours is quicker by | rounds"
            yield f"| model | {heads} |"
            yield "|---|---:|---:|---:|---:|"
            yield from rows


def _models(record: Record, setting: str) -> Iterator[str]:
    for found in record.settings(ONE_ROW):
        label, _, load = found.rpartition(": ")
        ours = record.by_round(ONE_ROW, found, OURS, "requests/s")
        theirs = record.by_round(
            ONE_ROW, found, "fastapi-table" if label else "fastapi", "requests/s"
        )
        if load == setting and (both := ratios(ours, theirs)):
            cells = [number(statistics.median(each.values())) for each in (ours, theirs)]
            name = label or "linear (irises)"
            yield f"| {name} | {' | '.join(cells)} | {quartiles(both)} | {len(both)} |"
