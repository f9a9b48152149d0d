"""Requests to a server: many at a time from wrk, or one after the other from a client here."""

import http.client
import json
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.traffic import Request

SCRIPT = Path(__file__).parent / "post.lua"


@dataclass(frozen=True)
class Address:
    """Where a server listens on this machine: with TLS, if there is a certificate for it."""

    port: int
    certificate: Path | None = None

    @property
    def host(self) -> str:
        """What clients call it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http{'s' * bool(self.certificate)}://{self.host}"


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


def wrk(address: Address, requests: Iterable[bytes], connections: int, seconds: int) -> Load:
    """Send requests in turn on a number of connections.

    Parameters
    ----------
    address : Address
    requests : iterable of bytes
        Whole ones; different, so that nobody wins by remembering an answer.
    connections, seconds : int

    Raises
    ------
    ValueError
        If wrk fails.
    """
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "10s", "--script", str(SCRIPT)]
    with tempfile.NamedTemporaryFile() as file:
        file.writelines(b"%d\n%b" % (len(request), request) for request in requests)
        file.flush()
        ran = subprocess.run(
            [*command, address.url, "--", file.name],
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
def client(address: Address, timeout: float = 60) -> Iterator[Client]:
    """Open a connection, and close it at the end."""
    if address.certificate is None:
        line = http.client.HTTPConnection("127.0.0.1", address.port, timeout=timeout)
    else:
        known = ssl.create_default_context(cafile=address.certificate)
        line = http.client.HTTPSConnection(
            "127.0.0.1", address.port, timeout=timeout, context=known
        )
    try:
        yield Client(line)
    finally:
        line.close()
