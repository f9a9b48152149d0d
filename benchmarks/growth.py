"""How our server's time and memory grow: with rows, connections and workers."""

from functools import partial

from benchmarks.cases import Bench, count, tell
from benchmarks.measure import Sample
from benchmarks.servers import FAILURES, Server, Site, running
from benchmarks.traffic import Request

GROWTH = "growth"
ROWS = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)
CONNECTIONS = (1, 10, 100, 1000)
WORKERS = (1, 2, 4)


def measure_growth(bench: Bench, site: Site) -> None:
    """Measure in as many rounds as the plan has.

    Parameters
    ----------
    bench : Bench
        Its truth must have as many rows as the largest of `ROWS`.
    site : Site
        Of our server.
    """
    name = site.environment.peer.name
    for number in range(bench.plan.rounds):
        for workers in WORKERS:
            tell(f"round {number + 1} of {bench.plan.rounds}: growth, {count(workers, 'worker')}")
            try:
                with running(site, workers, bench.truth.sure, bench.truth.some) as server:
                    bench.warm(server)
                    _more_workers(bench, server, workers, number)
                    if workers == 1:
                        _more_connections(bench, server, number)
                        _more_rows(bench, server, number)
            except FAILURES as exc:
                bench.record.failed[name] = f"growth, {count(workers, 'worker')}: {exc}"
                return


def _more_rows(bench: Bench, server: Server, number: int) -> None:
    write = next(iter(server.peer.many.values()))
    for rows in ROWS:
        request = write(server.workload, bench.truth.many.rows[:rows])
        sample = Sample(GROWTH, "rows", f"{rows:,}", number, {})
        bench.slice(server, sample, partial(_answered, bench, server, request, rows))


def _answered(bench: Bench, server: Server, request: Request, rows: int) -> dict[str, float] | None:
    server.tree.forget_peaks()
    figures = bench.one_by_one(server, request, rows)
    return figures and {**figures, "peak RSS MB": server.tree.peak() / 1e6}


def _more_connections(bench: Bench, server: Server, number: int) -> None:
    for connections in CONNECTIONS:
        sample = Sample(GROWTH, "connections", f"{connections:,}", number, {})
        bench.slice(server, sample, partial(_loaded, bench, server, connections))


def _more_workers(bench: Bench, server: Server, workers: int, number: int) -> None:
    sample = Sample(GROWTH, "workers", f"{workers:,}", number, {})
    bench.slice(server, sample, partial(_loaded, bench, server, 16))


def _loaded(bench: Bench, server: Server, connections: int) -> dict[str, float] | None:
    server.tree.forget_peaks()
    figures = bench.under_load(server, connections)
    return figures and {
        **figures,
        "peak RSS MB": server.tree.peak() / 1e6,
        "PSS MB": server.tree.memory().pss / 1e6,
    }
