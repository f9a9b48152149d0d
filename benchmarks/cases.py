"""What is measured of each server: one row in each traffic, many rows, its start.

In every round each peer's server is started, measured and stopped in its turn, so that idle ones
use neither processor nor memory.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.front import Front
from benchmarks.load import client, wrk
from benchmarks.machine import Watch, own_seconds
from benchmarks.measure import Record, Sample
from benchmarks.models import Truth
from benchmarks.servers import Server
from benchmarks.traffic import Request, same_head, varied

ONE_ROW, MANY_ROWS, START = "one-row", "many-rows", "start"
SAME_HEAD, ACCESS_LOG, BEHIND_NGINX = "same-head", "access-log", "behind-nginx"
TRAFFIC = {
    SAME_HEAD: "same head",
    ACCESS_LOG: "access log",
    BEHIND_NGINX: "behind nginx",
}
"""Cases that stand beside one row in a request, in its table, and what is added to the server."""

SERVER_CASES = (ONE_ROW, *TRAFFIC, MANY_ROWS, START)

FEWEST = 2  # requests of many rows in a slice
LONGEST = 30  # seconds of requests before the memory is read, and of work that is left
NO_CODING = "identity"  # of answers to many rows: some would compress them, and that is all one saw
IDLE = 0.1  # seconds of which a server uses hardly any


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Parameters
    ----------
    cases : sequence of str
    rounds : int
    seconds : int
        Of one slice under load.
    workers, connections : sequence of int
    disturbance : float
        The share of all processors that others may have during a slice.
    repeats : int
        How often a disturbed slice is measured again.
    requests : int
        Answered before the memory is read.
    batches : sequence of int
        Rows in one request.
    """

    cases: Sequence[str]
    rounds: int = 5
    seconds: int = 4
    workers: Sequence[int] = (1, 2)
    connections: Sequence[int] = (16, 128)
    disturbance: float = 0.1
    repeats: int = 2
    requests: int = 1000
    batches: Sequence[int] = (1000, 100_000)


Slice = Callable[[], dict[str, float] | None]
"""Measure once; None if the answers were faulty."""


class Bench:
    """Measures servers into a record.

    Parameters
    ----------
    plan : Plan
    record : Record
    truth : Truth
    front : Front, optional
        What stands before servers in the case with nginx.
    """

    def __init__(
        self, plan: Plan, record: Record, truth: Truth, front: Front | None = None
    ) -> None:
        self.plan = plan
        self.record = record
        self.truth = truth
        self.front = front

    def slice(self, server: Server, sample: Sample, measure: Slice) -> None:
        """Measure until it was not disturbed, but not for ever."""
        for attempt in range(self.plan.repeats + 1):
            if attempt:
                self.record.repeated += 1
            watch = Watch(server.tree.seconds)
            figures = measure()
            _, others = watch.read()
            if figures is not None and others <= self.plan.disturbance:
                sample.figures.update(figures)
                self.record.samples.append(sample)
                return
        self.record.dropped.append(sample)
        if figures is None:
            name = f"{sample.subject}, {sample.case}, {sample.setting}"
            self.record.failed[name] = "refusals or broken connections under load"

    def under_load(
        self, server: Server, connections: int, case: str = ONE_ROW
    ) -> dict[str, float] | None:
        """Load a server with requests of one row."""
        requests = list(self.requests(server, case))
        begun, begun_here = server.tree.seconds(), own_seconds()
        load = wrk(server.address, requests, connections, self.plan.seconds)
        used, used_here = server.tree.seconds() - begun, own_seconds() - begun_here
        if load.errors or not load.requests:
            return None
        return {
            "requests/s": load.requests / load.seconds,
            "p50 ms": load.p50 * 1e3,
            "p99 ms": load.p99 * 1e3,
            "CPU µs/request": used / load.requests * 1e6,
            "server cores": used / load.seconds,
            "wrk cores": used_here / load.seconds,
        }

    def requests(self, server: Server, case: str = ONE_ROW) -> Iterator[bytes]:
        """Yield different requests of one row."""
        write = same_head if case == SAME_HEAD else varied
        return write([server.one(row) for row in self.truth.single], server.address.host)

    def one_row(
        self, server: Server, workers: int, connections: int, number: int, case: str = ONE_ROW
    ) -> None:
        """Measure a server under load."""
        setting = server.workload.label + load_of(workers, connections)
        sample = Sample(ONE_ROW, setting, subject_of(server.peer.name, case), number, {})
        self.slice(server, sample, lambda: self.under_load(server, connections, case))

    def many_rows(self, server: Server, workers: int, rows: int, number: int) -> None:
        """Send requests of many rows, in each form of the body."""
        setting = f"{server.workload.label}{rows:,} rows, {count(workers, 'worker')}"
        for form, request in server.many(self.truth.many.rows[:rows]).items():
            sample = Sample(MANY_ROWS, setting, f"{server.peer.name}: {form}", number, {})
            self.slice(server, sample, partial(self.one_by_one, server, request, rows))

    def one_by_one(self, server: Server, request: Request, rows: int) -> dict[str, float] | None:
        """Send a request again and again on one connection, and take the median of the times."""
        self.settle(server)
        begun = time.perf_counter()
        with client(server.address) as line:
            line.post(request)
        several = math.ceil(FEWEST * 1.2 * (time.perf_counter() - begun))
        requests = varied([request], server.address.host, NO_CODING)
        load = wrk(server.address, requests, 1, max(self.plan.seconds // 2, several))
        if load.errors or load.requests < FEWEST:
            return None
        return {"ms": load.p50 * 1e3, "predictions/s": rows / load.p50}

    def settle(self, server: Server) -> None:
        """Wait until a server has done with what was left to it by a slice before."""
        end = time.perf_counter() + LONGEST
        used = server.tree.seconds()
        while time.perf_counter() < end:
            time.sleep(IDLE)
            before, used = used, server.tree.seconds()
            if used - before < IDLE / 4:
                break

    def start(self, server: Server, workers: int, number: int) -> None:
        """Note how long the start took, and the memory after some requests."""
        answered = 0
        for _ in range(LONGEST):
            if answered >= self.plan.requests:
                break
            load = wrk(server.address, self.requests(server), 16, 1)
            if load.errors or not load.requests:
                raise ValueError(f"{load.errors} errors in {load.requests} requests")
            answered += load.requests
        memory = server.tree.memory()
        figures = {
            "s": server.started_in,
            "RSS MB": memory.rss / 1e6,
            "PSS MB": memory.pss / 1e6,
            "processes": len(server.tree.members()),
        }
        setting = server.workload.label + count(workers, "worker")
        self.record.samples.append(Sample(START, setting, server.peer.name, number, figures))

    def visit(self, server: Server, workers: int, number: int) -> None:
        """Measure a server that has just started in all that it is asked directly."""
        if START in self.plan.cases:
            self.start(server, workers, number)
        else:
            self.warm(server)
        if ONE_ROW in self.plan.cases:
            for connections in self.plan.connections:
                self.one_row(server, workers, connections, number)
        if SAME_HEAD in self.plan.cases and workers == max(self.plan.workers):
            self.one_row(server, workers, self.plan.connections[0], number, SAME_HEAD)
        if MANY_ROWS in self.plan.cases and workers == self.plan.workers[0]:
            for rows in self.plan.batches:
                self.many_rows(server, workers, rows, number)

    def visit_in(self, server: Server, workers: int, number: int, case: str) -> None:
        """Measure a server that was started for one case."""
        self.warm(server)
        self.one_row(server, workers, self.plan.connections[0], number, case)

    def warm(self, server: Server) -> None:
        """Have it answer for a second."""
        wrk(server.address, self.requests(server), 16, 1)


def load_of(workers: int, connections: int) -> str:
    """Name the setting of a server under load."""
    return f"{count(workers, 'worker')}, {count(connections, 'connection')}"


def subject_of(name: str, case: str) -> str:
    """Name a server in its traffic."""
    return f"{name}: {TRAFFIC[case]}" if case in TRAFFIC else name


def count(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def tell(text: str) -> None:
    """Tell progress."""
    print(text, file=sys.stderr, flush=True)
