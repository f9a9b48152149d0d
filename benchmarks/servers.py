"""A peer's server: start it, wait for its first right answer, check it, stop it."""

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.catalogue import Peer, labels
from benchmarks.environments import ROOT, Environment
from benchmarks.load import Request, client
from benchmarks.processes import Tree, kill
from benchmarks.workloads import Row, Workload

PATIENCE = 60.0  # seconds until a start has failed
POLL = 0.005

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SILENT = {"BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}


class ServerError(Exception):
    """A server that does not start, or answers wrongly."""


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
    port : int
    tree : Tree
        Its processes.
    started_in : float
        Seconds from the start of the process to the first right answer.
    """

    peer: Peer
    workload: Workload
    port: int
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
    site: Site, workers: int, known: Known, many: Known, *, access_log: bool = False
) -> Iterator[Server]:
    """Run a peer's server, checked, until the end of the block whatever happens there.

    Parameters
    ----------
    site : Site
    workers : int
    known, many : Known
        What it must answer, row by row and in one request.
    access_log : bool
        Whether it logs a line for each request, where that can be chosen.

    Raises
    ------
    ServerError
        If it does not start or answers wrongly, with the end of its output.
    """
    environment, model = site.environment, site.model
    peer = environment.peer
    ports = _free_ports(3)
    fill = {
        **dict(zip(("port", "port2", "port3"), map(str, ports), strict=True)),
        "bin": environment.bin,
        "app": peer.directory,
        "root": ROOT,
        "model": model,
        "workers": workers,
    }
    words = [*peer.command, *(peer.logging if access_log else peer.silent)]
    command = [word.format(**fill) for word in words]
    variables = {key: word.format(**fill) for key, word in peer.variables.items()}
    path = f"{environment.bin}{os.pathsep}{os.environ.get('PATH', '')}"
    environ = {**os.environ, **ONE_THREAD, **SILENT, "PATH": path, **variables}
    with ExitStack() as stack:
        output = stack.enter_context(tempfile.TemporaryFile())
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=model, env=environ, stdout=output, stderr=output, start_new_session=True
        )
        stack.callback(_stop, process)
        try:
            _await(process, site, ports[0], known)
            seconds = time.perf_counter() - begun
            server = Server(peer, site.workload, ports[0], Tree(process.pid), seconds)
            _check(server, known, many)
        except (ValueError, OSError, http.client.HTTPException) as exc:
            output.seek(0)
            end = output.read()[-3000:].decode(errors="replace")
            raise ServerError(f"{exc}\n{end}".strip()) from exc
        yield server


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _await(process: "subprocess.Popen[bytes]", site: Site, port: int, known: Known) -> None:
    """Ask for one row until the answer is right."""
    request = site.environment.peer.one(site.workload, known.rows[0])
    right = [known.labels[0]]
    end = time.perf_counter() + PATIENCE
    last: Exception | None = None
    while time.perf_counter() < end:
        if process.poll() is not None:
            raise ValueError(f"ended with status {process.returncode} before it answered")
        try:
            with client(port, timeout=10) as line:
                answer = labels(line.post(request), site.workload)
            if answer == right:
                return
            last = ValueError(f"answers {answer}, not {right}")
        except (OSError, http.client.HTTPException, ValueError) as exc:
            last = exc
        time.sleep(POLL)
    raise ValueError(f"no right answer within {PATIENCE:.0f} seconds: {last}")


def _check(server: Server, known: Known, many: Known) -> None:
    """Compare its answers with scikit-learn's."""
    with client(server.port) as line:
        for row, label in zip(known.rows, known.labels, strict=True):
            answer = labels(line.post(server.one(row)), server.workload)
            if answer != [label]:
                raise ValueError(f"answers {answer} for {row}, not [{label!r}]")
        for form, request in server.many(many.rows).items():
            answer = labels(line.post(request), server.workload)
            wrong = sum(a != b for a, b in zip(answer, many.labels, strict=True))
            if wrong:
                raise ValueError(f"answers {wrong} of {len(many.rows)} rows wrongly ({form})")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, and end what is left of it three seconds later."""
    tree = Tree(process.pid)
    members = tree.members()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    kill([*tree.members(), *members])
    process.wait()
