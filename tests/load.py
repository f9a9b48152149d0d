"""Clients that ask without a pause and note whatever goes wrong; a tool of the tests."""

import contextlib
import functools
import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conftest import Answer, Server
from tests.pieces import (
    post,
)
from tests.waits import pause, wait_until

Connect = Callable[[], socket.socket]

ASKED = (
    ({"length": 5.1, "width": 2.4}, "virginica"),
    ({"length": 1.4, "width": 0.2}, "setosa"),
)
"""Instances on which every version agrees; each client asks one, so that none gets another's."""

_PAUSE = 0.01  # seconds after a failure


@dataclass(frozen=True)
class Failure:
    """A request that was not answered as it should be."""

    kind: str
    detail: str
    at: float


@functools.cache
def batch(n: int) -> bytes:
    """Return a body of so many instances; 100,000 take about a second with details."""
    return b"[" + b",".join([json.dumps(ASKED[0][0]).encode()] * n) + b"]"


def read_answer(connection: socket.socket) -> Answer:
    """Read one answer; the connection stays open."""
    response = http.client.HTTPResponse(connection)
    try:
        response.begin()
        return Answer(response.status, response.headers, response.read())
    finally:
        response.close()


def is_closed(connection: socket.socket) -> bool:
    """Wait for the server to close, and tell whether nothing came before that."""
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(1) == b""
    return True


def is_refused(connect: Connect) -> bool:
    """Tell whether nobody listens."""
    try:
        connect().close()
    except ConnectionRefusedError:
        return True
    return False


def forked(server: Server, n: int) -> list[int]:
    """Wait until a server has so many workers, and return their process ids."""
    wait_until(lambda: len(server.workers()) == n)
    return server.workers()


def files_of(pid: int) -> list[str]:
    """Return what the descriptors of a process lead to, but for those that it closes meanwhile."""
    links = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.append(str(descriptor.readlink()))
    return links


def connections_of(pid: int) -> int:
    """Return how many accepted TCP connections a worker holds."""
    table = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    established = {line.split()[9] for line in table if line.split()[3] == "01"}
    return sum(link.removeprefix("socket:[").rstrip("]") in established for link in files_of(pid))


@functools.cache
def can_unshare(options: str) -> bool:
    """Tell whether a process may be put in namespaces of its own: by root, in few sandboxes."""
    try:
        return subprocess.run(["unshare", options, "true"], check=False).returncode == 0
    except FileNotFoundError:
        return False


class Load:
    """Threads that ask for predictions until the block ends.

    Parameters
    ----------
    connect : callable
        Opens a connection, with a time-out.
    keep_alive : int
        Clients that keep their connection as long as the server does.
    renewing : int
        Clients that open a connection for each request.
    pause : float
        Seconds between two requests of a client.

    Attributes
    ----------
    failures : list of Failure
    seconds : list of float
        How long each right answer took.
    refusals_are_fine : bool
        Whether a refused connection ends a client instead of being a failure.
    """

    def __init__(
        self, connect: Connect, *, keep_alive: int = 0, renewing: int = 0, pause: float = 0
    ) -> None:
        self.failures: list[Failure] = []
        self.seconds: list[float] = []
        self.refusals_are_fine = False
        self._connect = connect
        self._pause = pause
        self._stop = threading.Event()
        self._clients = [
            threading.Thread(target=self._ask, args=(number, number < keep_alive), daemon=True)
            for number in range(keep_alive + renewing)
        ]

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self.join()

    def join(self) -> None:
        """Wait until every client has ended: all are refused, or told to stop."""
        for client in self._clients:
            client.join(60)
            assert not client.is_alive(), "a client hangs"

    @property
    def right(self) -> int:
        """Right answers so far."""
        return len(self.seconds)

    def kinds(self) -> dict[str, int]:
        """Count the failures by kind."""
        return dict(Counter(failure.kind for failure in self.failures))

    def go_on(self, n: int = 200) -> None:
        """Wait until there are so many more right answers."""
        goal = self.right + n
        wait_until(lambda: self.right >= goal, failed=lambda: self.failures[-5:])

    def _ask(self, number: int, keeps: bool) -> None:
        instance, label = ASKED[number % len(ASKED)]
        headers: Sequence[str] = () if keeps else ("Connection: close",)
        request = post(json.dumps(instance).encode(), *(header.encode() for header in headers))
        connection: socket.socket | None = None
        while not self._stop.wait(self._pause):
            begun = time.monotonic()
            answer = None
            try:
                connection = connection or self._connect()
                connection.sendall(request)
                answer = read_answer(connection)
            except (OSError, http.client.HTTPException) as exc:
                kind = _kind(exc, connected=connection is not None)
                if kind == "refused" and self.refusals_are_fine:
                    return
                self._fail(kind, exc)
            else:
                self._judge(answer, label, time.monotonic() - begun)
            if connection is not None and (not keeps or _ends(answer)):
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _judge(self, answer: Answer, label: str, seconds: float) -> None:
        if answer.status != 200:
            self._fail(f"status {answer.status}", answer.body)
        elif answer.json() != {"prediction": label}:
            self._fail("wrong", answer.body)
        else:
            self.seconds.append(seconds)

    def _fail(self, kind: str, detail: object) -> None:
        self.failures.append(Failure(kind, repr(detail), time.monotonic()))
        pause(_PAUSE)


def _ends(answer: Answer | None) -> bool:
    """Tell whether nothing more comes on the connection of an answer."""
    return answer is None or answer.headers["Connection"] == "close"


def _kind(exc: Exception, *, connected: bool) -> str:
    if not connected:
        gone = (ConnectionRefusedError, FileNotFoundError)  # the latter of a Unix socket
        return "refused" if isinstance(exc, gone) else "no connection"
    if isinstance(exc, http.client.RemoteDisconnected):
        return "closed"
    if isinstance(exc, ConnectionError):
        return "reset"
    if isinstance(exc, TimeoutError):
        return "late"
    return "cut"


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


def cpu_seconds(server: Server) -> float:
    """Return what all workers together have used."""
    stats = [Path(f"/proc/{pid}/stat").read_text() for pid in server.workers()]
    ticks = [int(n) for stat in stats for n in stat.rpartition(")")[2].split()[11:13]]
    return sum(ticks) / os.sysconf("SC_CLK_TCK")


def used_in_a_second(server: Server) -> float:
    before = cpu_seconds(server)
    pause(1)
    return cpu_seconds(server) - before


SMALL = post(b'{"length": 5.1, "width": 2.4}')


def ask_port(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status
    finally:
        connection.close()
