"""slowhttptest attacks one worker; whoever else asks is answered as ever."""

import os
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from math import inf
from pathlib import Path

import pytest

from tests.conftest import Server, serving
from tests.tools import require
from tests.waits import pause, wait_until

pytestmark = pytest.mark.once

ATTACKERS, SECONDS, EVERY = 150, 6.0, 0.05
ATTACKS = {
    "headers": ("-H", "-i", 1, "-x", 24),
    "body": ("-B", "-i", 1, "-x", 10, "-s", 8192, "-t", "POST", "-f", "application/json"),
    "read": ("-X", "-w", 1, "-y", 16, "-n", 1, "-z", 8, "-k", 10),
}
PATHS = {"headers": "/predict", "body": "/predict", "read": "/openapi.json"}


def probe(server: Server, due: float) -> float:
    """Return how long after it was due a probe on a new connection is answered."""
    pause(due - time.monotonic())
    connection = HTTPConnection(*server.address, timeout=20)
    try:
        connection.request("GET", "/health/live")
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException):
        return inf
    finally:
        connection.close()
    return time.monotonic() - due if answer.status == 200 else inf


def attack(server: Server, kind: str, until: float) -> str:
    """Attack again and again, as the server throws the attackers out; return what was said."""
    said = ""
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    while time.monotonic() < until - 1:
        seconds = round(until - time.monotonic())
        numbers = ("-c", ATTACKERS, "-r", ATTACKERS, "-l", seconds, "-p", 3)
        command = [require("slowhttptest"), *numbers, "-u", server.url + PATHS[kind]]
        done = subprocess.run(
            list(map(str, [*command, *ATTACKS[kind]])),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=env,
        )
        said += done.stdout + done.stderr
    return said


@pytest.mark.parametrize("kind", ATTACKS)
def test_probes_are_answered_at_once_while_slow_clients_attack(artifacts: Path, kind: str) -> None:
    """With room for all of them: with less, a probe waits by nature until one is thrown out."""
    require("slowhttptest")
    options = ("--workers", 1, "--connections", 500, "--request-timeout", 2, "--idle-timeout", 5)
    with serving(artifacts, *options) as running, ThreadPoolExecutor(100) as pool:
        begun = time.monotonic()
        attacked = pool.submit(attack, running, kind, begun + SECONDS)
        probes: list[Future[float]] = [
            pool.submit(probe, running, begun + k * EVERY) for k in range(int(SECONDS / EVERY))
        ]
        connected = 0.0
        while not attacked.done():
            with suppress(OSError, HTTPException):
                connected = max(connected, running.metrics()["iris_deploy_connections"])
            pause(0.2)
        waited = sorted(future.result() for future in probes)
        assert connected >= ATTACKERS
        assert waited[int(0.99 * len(waited))] < 1, waited[-5:]
        said = attacked.result()
        assert "YES" in said
        assert "service available:   NO" not in said
        statuses = [line["status"] for line in running.events("request")]
        assert statuses.count(200 if kind == "read" else 408) >= ATTACKERS
        assert running.predict({"length": 5.1, "width": 2.4}).status == 200


def test_more_slow_clients_than_connections_give_way_after_their_time(artifacts: Path) -> None:
    """A probe then waits until they are thrown out, but no longer."""
    require("slowhttptest")
    options = ("--workers", 1, "--connections", 100, "--request-timeout", 2, "--idle-timeout", 5)
    with serving(artifacts, *options) as running, ThreadPoolExecutor(1) as pool:
        begun = time.monotonic()
        attacked = pool.submit(attack, running, "headers", begun + 12)
        wait_until(lambda: running.metrics()["iris_deploy_connections"] >= 100)
        answered = [probe(running, time.monotonic()) for _ in range(3)]
        assert inf not in answered
        assert not attacked.done()
        attacked.result()
