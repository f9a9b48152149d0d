"""Requests to a server: many at a time from wrk, or one after the other from a client here."""

import http.client
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

SCRIPT = Path(__file__).parent / "post.lua"
JSON = (("Content-Type", "application/json"),)


@dataclass(frozen=True)
class Request:
    """Where to post which body, and the header fields that it needs."""

    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = JSON


@dataclass(frozen=True)
class Load:
    """What wrk counted; latencies in seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int


def require_wrk() -> None:
    """Exit with what to do if wrk is missing."""
    if not shutil.which("wrk"):
        sys.exit("the servers are measured with wrk, which is not here: apt-get install wrk")


def wrk(port: int, requests: Sequence[Request], connections: int, seconds: int) -> Load:
    """Post requests of one path and header in turn on a number of connections.

    Parameters
    ----------
    port : int
    requests : sequence of Request
        Different ones, so that nobody wins by remembering an answer.
    connections, seconds : int

    Raises
    ------
    ValueError
        If wrk fails.
    """
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "10s", "--script", str(SCRIPT)]
    command.append(f"http://127.0.0.1:{port}{requests[0].path}")
    with tempfile.NamedTemporaryFile() as file:
        file.write("\n".join(request.body.hex() for request in requests).encode())
        file.flush()
        ran = subprocess.run(
            [*command, "--", file.name, *chain.from_iterable(requests[0].headers)],
            capture_output=True,
            text=True,
            timeout=seconds + 30,
            check=False,
        )
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if ran.returncode or not lines:
        raise ValueError(f"wrk failed: {ran.stderr}{ran.stdout}")
    told = json.loads(lines[-1])
    return Load(
        requests=told["requests"],
        seconds=told["microseconds"] / 1e6,
        p50=told["p50"] / 1e6,
        p99=told["p99"] / 1e6,
        errors=told["errors"],
    )


class Client:
    """A connection that is kept alive."""

    def __init__(self, line: http.client.HTTPConnection) -> None:
        self._line = line

    def post(self, request: Request) -> bytes:
        """Return the body of a good answer.

        Raises
        ------
        ValueError
            If the answer is another.
        """
        self._line.request("POST", request.path, request.body, dict(request.headers))
        response = self._line.getresponse()
        answer = response.read()
        if response.status != http.client.OK:
            raise ValueError(f"{response.status} {answer[:500]!r}")
        return answer


@contextmanager
def client(port: int, timeout: float = 60) -> Iterator[Client]:
    """Open a connection, and close it at the end."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        yield Client(line)
    finally:
        line.close()
