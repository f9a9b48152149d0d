"""A peer's server: start it, wait for its first right answer, check it, stop it."""

import http.client
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.asking import labels
from benchmarks.environments import ROOT, Environment
from benchmarks.load import Address, client
from benchmarks.peer import Peer
from benchmarks.processes import Tree
from benchmarks.programs import Program, ServerError, free_ports, started
from benchmarks.traffic import Request
from benchmarks.workloads import Row, Workload

PATIENCE = 60.0  # seconds until a start has failed
POLL = 0.005

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SILENT = {"BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}


FAILURES = (
    ServerError,
    OSError,
    ValueError,
    http.client.HTTPException,
    subprocess.SubprocessError,
)
"""What a server that is measured may fail with."""


@dataclass(frozen=True)
class Known:
    """Rows with the labels that scikit-learn gives them."""

    rows: Sequence[Row]
    labels: Sequence[str]


@dataclass(frozen=True)
class Site:
    """A peer's packages, the workload, and the directory of its model, which it is run in."""

    environment: Environment
    workload: Workload
    model: Path

    @property
    def name(self) -> str:
        """What is told of it."""
        return f"{self.workload.label}{self.environment.peer.name}"


@dataclass(frozen=True)
class Server:
    """A server that runs and has answered right.

    Parameters
    ----------
    peer : Peer
    workload : Workload
    address : Address
    tree : Tree
        Its processes, and those of what stands in front of it.
    started_in : float
        Seconds from the start of the process to the first right answer.
    """

    peer: Peer
    workload: Workload
    address: Address
    tree: Tree
    started_in: float

    def one(self, row: Row) -> Request:
        """Write the request for one row."""
        return self.peer.one(self.workload, row)

    def many(self, rows: Sequence[Row]) -> dict[str, Request]:
        """Write the requests for many rows, by the form of their body."""
        return {form: write(self.workload, rows) for form, write in self.peer.many.items()}


@contextmanager
def running(
    site: Site, workers: int, known: Known, many: Known, words: Sequence[str] | None = None
) -> Iterator[Server]:
    """Run a peer's server, checked, until the end of the block whatever happens there.

    Parameters
    ----------
    site : Site
    workers : int
    known, many : Known
        What it must answer, row by row and in one request.
    words : sequence of str, optional
        After the command; without an access log if left out.

    Raises
    ------
    ServerError
        If it does not start or answers wrongly, with the end of its output.
    """
    peer, ports = site.environment.peer, free_ports(3)
    words = peer.silent if words is None else words
    command, variables = _filled(site, workers, ports, words)
    with ExitStack() as stack:
        begun = time.perf_counter()
        program = stack.enter_context(started(command, site.model, variables))
        with program.explained():
            server = Server(peer, site.workload, Address(ports[0]), program.tree, 0)
            await_answer(program, server, known)
            server = replace(server, started_in=time.perf_counter() - begun)
            if not peer.is_constant:
                check(server, known, many)
        yield server


def _filled(
    site: Site, workers: int, ports: Sequence[int], more: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """Write a server's command, and the variables of its environment."""
    environment = site.environment
    peer = environment.peer
    fill = {
        **dict(zip(("port", "port2", "port3"), map(str, ports), strict=True)),
        "bin": environment.bin,
        "app": peer.directory,
        "root": ROOT,
        "pathsep": os.pathsep,
        "model": site.model,
        "workers": workers,
    }
    variables = {key: word.format(**fill) for key, word in peer.variables.items()}
    path = f"{environment.bin}{os.pathsep}{os.environ.get('PATH', '')}"
    return (
        [word.format(**fill) for word in (*peer.command, *more)],
        {**os.environ, **ONE_THREAD, **SILENT, "PATH": path, **variables},
    )


def await_answer(program: Program, server: Server, known: Known) -> None:
    """Ask for one row until the answer is right.

    Raises
    ------
    ValueError
        If it never is.
    """
    request, right = server.one(known.rows[0]), [known.labels[0]]
    end = time.perf_counter() + PATIENCE
    last: Exception | None = None
    while time.perf_counter() < end:
        if program.process.poll() is not None:
            raise ValueError(f"ended with status {program.process.returncode} before it answered")
        try:
            with client(server.address, timeout=10) as line:
                answer = labels(line.post(request), server.workload)
            if answer == right:
                return
            last = ValueError(f"answers {answer}, not {right}")
        except (OSError, http.client.HTTPException, ValueError) as exc:
            last = exc
        time.sleep(POLL)
    raise ValueError(f"no right answer within {PATIENCE:.0f} seconds: {last}")


def check(server: Server, known: Known, many: Known | None = None) -> None:
    """Compare its answers with scikit-learn's, row by row and, if they are given, to many at once.

    Raises
    ------
    ValueError
        If they differ.
    """
    with client(server.address) as line:
        for row, label in zip(known.rows, known.labels, strict=True):
            answer = labels(line.post(server.one(row)), server.workload)
            if answer != [label]:
                raise ValueError(f"answers {answer} for {row}, not [{label!r}]")
        if many is None:
            return
        for form, request in server.many(many.rows).items():
            answer = labels(line.post(request), server.workload)
            wrong = sum(a != b for a, b in zip(answer, many.labels, strict=True))
            if wrong:
                raise ValueError(f"answers {wrong} of {len(many.rows)} rows wrongly ({form})")
