"""Rounds: all servers in turn, each started for what is measured of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.cases import ACCESS_LOG, BEHIND_NGINX, SERVER_CASES, Bench, count, tell
from benchmarks.peer import Peer
from benchmarks.servers import FAILURES, Server, Site, running

DIRECT = tuple(case for case in SERVER_CASES if case not in (ACCESS_LOG, BEHIND_NGINX))
"""Cases of a server as it is run without more."""


def measure_servers(bench: Bench, sites: Sequence[Site]) -> None:
    """Measure servers in rotation."""
    plan, record = bench.plan, bench.record
    for number in range(plan.rounds):
        for workers in plan.workers:
            for site in sites:
                name = site.name
                if name in record.failed:
                    continue
                many = count(workers, "worker")
                tell(f"round {number + 1} of {plan.rounds}: {name}, {many}")
                try:
                    _measure(bench, site, workers, number)
                except FAILURES as exc:
                    record.failed[name] = f"{many}: {exc}"


def _measure(bench: Bench, site: Site, workers: int, number: int) -> None:
    cases, sure, some = bench.plan.cases, bench.truth.sure, bench.truth.some
    if set(DIRECT).intersection(cases):
        with running(site, workers, sure, some) as server:
            bench.visit(server, workers, number)
    for case in _started_for(bench, site.environment.peer, workers):
        with _running_in(bench, site, workers, case) as server:
            bench.visit_in(server, workers, number, case)


def _started_for(bench: Bench, peer: Peer, workers: int) -> Iterator[str]:
    """Yield the cases for which a server is started anew: with the largest number of workers."""
    cases = bench.plan.cases
    if workers == max(bench.plan.workers):
        if ACCESS_LOG in cases and (peer.silent or peer.logging):
            yield ACCESS_LOG
        if BEHIND_NGINX in cases and bench.front and peer.proxied is not None:
            yield BEHIND_NGINX


@contextmanager
def _running_in(bench: Bench, site: Site, workers: int, case: str) -> Iterator[Server]:
    """Run a server with its access log, or behind nginx."""
    peer, sure, some = site.environment.peer, bench.truth.sure, bench.truth.some
    words = peer.logging if case == ACCESS_LOG else [*peer.silent, *(peer.proxied or ())]
    with running(site, workers, sure, some, words) as server:
        if case == BEHIND_NGINX and bench.front:
            with bench.front.before(server, sure) as through:
                yield through
        else:
            yield server
