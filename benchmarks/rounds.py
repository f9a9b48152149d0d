"""Rounds: all servers in turn, each started for what is measured of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.cases import (
    ACCESS_LOG,
    BEHIND_NGINX,
    SERVER_CASES,
    Bench,
    count,
    subject_of,
    tell,
)
from benchmarks.servers import FAILURES, Server, Site, running

DIRECT = tuple(case for case in SERVER_CASES if case not in (ACCESS_LOG, BEHIND_NGINX))
"""Cases of a server as it is run without more."""


def measure_servers(bench: Bench, sites: Sequence[Site]) -> None:
    """Measure servers in rotation; what one fails in is not asked of it again."""
    plan, record = bench.plan, bench.record
    for number in range(plan.rounds):
        for workers in plan.workers:
            for site in sites:
                many = count(workers, "worker")
                tell(f"round {number + 1} of {plan.rounds}: {site.name}, {many}")
                for case in _starts(bench, site, workers):
                    name = subject_of(site.name, case)
                    if name not in record.failed:
                        try:
                            _measure(bench, site, workers, number, case)
                        except FAILURES as exc:
                            record.failed[name] = f"{many}: {exc}"


def _starts(bench: Bench, site: Site, workers: int) -> Iterator[str]:
    """Yield for what a server is started: its direct cases, as '', and with most workers others."""
    cases, peer = bench.plan.cases, site.environment.peer
    if set(DIRECT).intersection(cases):
        yield ""
    if workers == max(bench.plan.workers):
        if ACCESS_LOG in cases and (peer.silent or peer.logging):
            yield ACCESS_LOG
        if BEHIND_NGINX in cases and bench.front and peer.proxied is not None:
            yield BEHIND_NGINX


def _measure(bench: Bench, site: Site, workers: int, number: int, case: str) -> None:
    with _running_in(bench, site, workers, case) as server:
        if case:
            bench.visit_in(server, workers, number, case)
        else:
            bench.visit(server, workers, number)


@contextmanager
def _running_in(bench: Bench, site: Site, workers: int, case: str) -> Iterator[Server]:
    """Run a server without more, with its access log, or behind nginx."""
    peer, sure, some = site.environment.peer, bench.truth.sure, bench.truth.some
    words = {
        "": peer.silent,
        ACCESS_LOG: peer.logging,
        BEHIND_NGINX: (*peer.silent, *(peer.proxied or ())),
    }[case]
    with running(site, workers, sure, some, words) as server:
        if case == BEHIND_NGINX and bench.front:
            with bench.front.before(server, sure) as through:
                yield through
        else:
            yield server
