"""``python -m benchmarks``: our server and others, side by side; and what needs no server.

Absolute figures mean little on a shared machine: each round measures all one after the other, and
what is quoted is the median of the rounds' ratios. Answers are checked before they are timed.
"""

import argparse
import signal
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cases import BEHIND_NGINX, SERVER_CASES, Bench, Plan
from benchmarks.catalogue import ALL
from benchmarks.environments import Environment, LeftOutError, python_36
from benchmarks.front import Front
from benchmarks.goals import CASES as GOAL_CASES
from benchmarks.goals import PEERS as GOAL_PEERS
from benchmarks.goals import TABLE_PEERS as GOAL_TABLE_PEERS
from benchmarks.goals import of_a_table
from benchmarks.growth import GROWTH, ROWS, measure_growth
from benchmarks.library import LIBRARY, measure_library
from benchmarks.load import require_wrk
from benchmarks.machine import describe
from benchmarks.measure import Record
from benchmarks.models import Models, models_of
from benchmarks.peer import OURS, Peer
from benchmarks.picture import draw, require_matplotlib
from benchmarks.report import Report
from benchmarks.rounds import measure_servers
from benchmarks.servers import Site
from benchmarks.workloads import IRISES, WORKLOADS

CASES = (*SERVER_CASES, GROWTH, LIBRARY)
PEERS = tuple(peer.name for peer in ALL)


def chosen(names: str, known: Iterable[str], option: str) -> tuple[str, ...]:
    """Read a list of names."""
    given = tuple(names.split(","))
    if unknown := set(given).difference(known):
        sys.exit(f"{option}: there is no {', '.join(sorted(unknown))}; only {', '.join(known)}")
    return given


def numbers(text: str) -> tuple[int, ...]:
    """Read a list of numbers."""
    return tuple(map(int, text.split(",")))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--cases", help=f"default: {','.join(CASES)}")
    parser.add_argument("--peers", help=f"default: {','.join(PEERS)}")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="one short round: does it work?")
    parser.add_argument("--goals", action="store_true", help="only what is meant to be reached")
    parser.add_argument("--rounds", type=int, help="default: 5; 11 of what needs no server")
    parser.add_argument("--seconds", type=int, help="of a slice under load; default: 4")
    parser.add_argument("--workers", type=numbers, help="default: 1,2")
    parser.add_argument("--connections", type=numbers, help="default: 16,128")
    parser.add_argument("--disturbance", type=float, default=0.1, help="share others may have")
    parser.add_argument("--python36", help="for the application of 2018; else it is looked for")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--plot", type=Path, help="draw the servers to this file")
    return parser.parse_args()


def plan(given: argparse.Namespace) -> Plan:
    """Decide how much is measured."""
    quick = {
        "rounds": 1,
        "seconds": 1,
        "workers": (1,),
        "connections": (16,),
        "repeats": 1,
        "requests": 100,
    }
    few = {"rounds": 4, "seconds": 3, "connections": (32,)}
    asked = {
        "rounds": given.rounds,
        "seconds": given.seconds,
        "workers": given.workers,
        "connections": given.connections,
    }
    preset = {**(few if given.goals else {}), **(quick if given.quick else {})}
    cases = given.cases or ",".join(GOAL_CASES if given.goals else CASES)
    return Plan(
        cases=chosen(cases, CASES, "--cases"),
        disturbance=given.disturbance,
        **{**preset, **{k: v for k, v in asked.items() if v}},
    )


def sites(models: Models, record: Record, names: Iterable[str], python36: str | None) -> list[Site]:
    """Make the environments and the models of those that can be measured."""
    ready = []

    def python_of(peer: Peer) -> Path:
        return python_36(python36) if peer.name == "talk-2018" else Path(sys.executable)

    for peer in ALL:
        if peer.name in names and models.workload.name in peer.workloads:
            try:
                environment = Environment(peer, python_of(peer))
                environment.make()
                ready.append(models.prepare(environment))
            except LeftOutError as exc:
                record.left_out[f"{models.workload.label}{peer.name}"] = str(exc)
    return ready


def front(models: Models, record: Record, cases: Iterable[str]) -> Front | None:
    """Make what stands before servers of the talk's model, if that is measured and can be."""
    if BEHIND_NGINX in cases and models.workload.name == IRISES.name:
        try:
            return Front(models.directory / "artifacts", models.directory / "front")
        except LeftOutError as exc:
            record.left_out["behind nginx"] = str(exc)
    return None


def measure_workload(
    report: Report, name: str, names: tuple[str, ...], python36: str | None
) -> None:
    """Measure servers of one workload; of a table only one row, if it is for the goals."""
    plan, record = report.plan, report.record
    with TemporaryDirectory(prefix="iris-deploy-bench-") as directory:
        models = models_of(WORKLOADS[name], Path(directory))
        ready = sites(models, record, names, python36)
        known = {e.peer.name for e in report.environments}
        environments = [site.environment for site in ready]
        report.environments += [e for e in environments if e.peer.name not in known]
        grow = GROWTH in plan.cases and OURS in names and name == IRISES.name
        truth = models.truth(max(ROWS) if grow else max(plan.batches))
        bench = Bench(plan, record, truth, front(models, record, plan.cases))
        if set(SERVER_CASES).intersection(plan.cases):
            measure_servers(bench, ready)
        if grow:
            [ours] = (site for site in ready if site.environment.peer.name == OURS)
            measure_growth(bench, ours)


def measure(report: Report, names: tuple[str, ...], given: argparse.Namespace) -> None:
    """Measure the servers, then the rest."""
    cases, record = report.plan.cases, report.record
    if {*SERVER_CASES, GROWTH}.intersection(cases):
        require_wrk()
        for name in chosen(given.workloads, WORKLOADS, "--workloads"):
            if given.goals and name != IRISES.name:
                part = replace(report, plan=of_a_table(report.plan))
                measure_workload(part, name, GOAL_TABLE_PEERS, given.python36)
            else:
                measure_workload(report, name, names, given.python36)
    if LIBRARY in cases:
        names = chosen(given.workloads, WORKLOADS, "--workloads")
        measure_library(record, given.rounds or (2 if given.quick else 11), names)


def main() -> None:
    """Measure, and print the tables even of a run that was stopped."""
    given = arguments()
    peers = given.peers or ",".join(GOAL_PEERS if given.goals else PEERS)
    names = chosen(peers, PEERS, "--peers")
    if given.plot:
        require_matplotlib(given.plot)
    report = Report(plan(given), Record(), describe())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stopped = False
    try:
        measure(report, names, given)
    except KeyboardInterrupt:
        stopped = True
        print("stopped; what was measured until then:", file=sys.stderr)
    finally:
        print(report.markdown())
        if given.json:
            given.json.write_text(report.json())
        if given.plot:
            draw(report, given.plot)
    if stopped or report.record.failed:
        sys.exit(130 if stopped else 1)


if __name__ == "__main__":
    main()
