"""``python -m tests.torture --minutes 10``: everything hostile that the tests know, all at once.

Two servers, one with tokens and one without, are sent whatever the generators make, cut, dripped,
not read and broken off, while probes ask how they are. Ends with a table and exit code 0 if no
probe took more than 100 ms, no worker more memory than is stated, and nothing has failed that
should not; else 1. Time in which a worker was ready to go on and had no processor counts for
nothing: the kernel tells how much that was.
"""

import argparse
import contextlib
import gzip
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from iris_deploy.serving.worker.memory import WORKING
from tests.conftest import Server, serving
from tests.hostile import BODIES, DENSE, FRAMED, HEADS, SENT
from tests.hostile_contracts import HOSTILE, Hostile
from tests.load import forked, resident
from tests.pieces import BODY, CHUNKED, HOST, POOL, PROBE, chunks, head, post, post_head
from tests.soak import train
from tests.waits import pause

SLOW = 0.100  # seconds that a probe may take
EVERY = 0.02  # seconds between two probes
CONNECTIONS = 24  # hostile ones of a server, at a time
VARIANTS = 3  # of each kind of request, in different sizes
LARGEST = 1 << 20  # bytes of a body
MEMORY = 1 << 26  # --max-memory-bytes
OWN, KEPT = 1 << 18, 1 << 24  # bytes of a connection, and of free memory that a worker keeps
TOKEN = "a-token-of-the-torture"
FINE = {200, 400, 401, 404, 405, 408, 413, 415, 417, 422, 431, 501, 503}

Address = tuple[str, int]
Make = Callable[[random.Random], bytes]


def requests() -> list[Make]:
    """Return what makes requests of every kind and any size."""

    def size(chance: random.Random, most: int) -> int:
        return int(most ** chance.random())

    made: list[Make] = []
    for make in HEADS.values():
        made.append(lambda chance, make=make: make(max(size(chance, 16_000), 16)))  # type: ignore[misc]
    for make in FRAMED.values():
        made.append(
            lambda chance, make=make: post_head(CHUNKED) + make(max(size(chance, LARGEST), 16))  # type: ignore[misc]
        )
    for make in (*BODIES.values(), *DENSE.values()):

        def body(chance: random.Random, make: Callable[[int], bytes] = make) -> bytes:
            data = make(max(size(chance, LARGEST), 16))[:LARGEST]
            target = chance.choice((b"/predict", b"/predict?details", b"/predict?detail=1"))
            kind = chance.randrange(4)
            if kind == 0:
                return post_head(CHUNKED, target=target) + chunks(data, chance.choice((1, 999)))
            if kind == 1:
                return post(gzip.compress(data, 1), b"Content-Encoding: gzip", target=target)
            return post(data, *([POOL] if kind == 2 else []), target=target)

        made.append(body)
    for hostile in HOSTILE.values():
        made.append(lambda chance, hostile=hostile: to_contract(hostile, size(chance, LARGEST)))  # type: ignore[misc]
    for whole in SENT.values():
        made.append(lambda _chance, whole=whole: whole())  # type: ignore[misc]
    made.append(lambda _: post(gzip.compress(bytes(1 << 26), 1), b"Content-Encoding: gzip"))
    made.append(lambda _: b"".join(head(b"GET /metrics HTTP/1.1", HOST) for _ in range(200)))
    made.append(lambda chance: chance.randbytes(size(chance, 1 << 16)))
    return made


def to_contract(hostile: Hostile, size: int) -> bytes:
    """Write a request to one contract or another, of the irises."""
    size = max(size, 64)
    lines = [b"Content-Type: " + hostile.content_type.encode()]
    length = hostile.length(size)
    if length is not None:
        lines.append(b"Inference-Header-Content-Length: %d" % length)
    path = hostile.path.replace("/models/m", "/models/iris").encode()
    body = hostile.make(size)
    head_lines = (b"POST " + path + b" HTTP/1.1", HOST, *lines, b"Content-Length: %d" % len(body))
    return head(*head_lines) + body


def attack(address: Address, seed: int) -> None:
    """Send without end, on many connections; say what was answered, by status."""
    chance = random.Random(seed)
    kinds = [make(chance) for make in requests() for _ in range(VARIANTS)]
    for number in range(CONNECTIONS):
        given = (address, kinds, random.Random(seed * 1000 + number))
        threading.Thread(target=send_without_end, args=given, daemon=True).start()
    threading.Event().wait()


def send_without_end(address: Address, kinds: list[bytes], chance: random.Random) -> None:
    """Send one request after another, each on a connection of its own."""
    reset = struct.pack("ii", 1, 0)
    while True:
        data = chance.choice(kinds)
        with contextlib.suppress(OSError), socket.create_connection(address, 5) as connection:
            connection.settimeout(chance.choice((0.2, 1.0, 3.0)))
            if chance.random() < 0.2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for piece in cut(data, chance):
                connection.sendall(piece)
            way = chance.randrange(5)
            if way == 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            elif way == 1:
                pause(chance.random() * 3)  # and read nothing
            elif way == 2:
                connection.recv(chance.randrange(1, 1000))
                pause(chance.random())
            else:
                if way == 3:
                    connection.shutdown(socket.SHUT_WR)
                answered = connection.recv(1 << 16)
                sys.stdout.write(answered[9:12].decode("latin-1") + "\n")
                while connection.recv(1 << 20):
                    pass


def cut(data: bytes, chance: random.Random) -> Iterator[bytes]:
    """Cut what is sent, in one of several ways."""
    way = chance.randrange(6)
    if way == 0:  # byte by byte, for a second
        for at in range(min(len(data), 100)):
            yield data[at : at + 1]
            pause(0.01)
        yield data[100:]
    elif way == 1:
        at = 0
        while at < len(data):
            step = chance.randrange(1, 100_000)
            yield data[at : at + step]
            at += step
    elif way == 2:
        yield data[: chance.randrange(len(data) + 1)]
    else:
        yield data


def kept_waiting(pids: tuple[int, ...]) -> float:
    """Return the seconds that threads of some processes have waited for a processor (proc(5))."""
    waited = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended
                waited += int((task / "schedstat").read_text().split()[1])
    return waited / 1e9


def probe(address: Address) -> tuple[float, bytes]:
    """Return how long a probe on a new connection takes, and its status."""
    begun = time.monotonic()
    with socket.create_connection(address, 10) as connection:
        connection.sendall(head(PROBE, HOST, b"Connection: close"))
        data = b""
        while more := connection.recv(1 << 16):
            data += more
    return time.monotonic() - begun, data[9:12]


class Prober(threading.Thread):
    """Ask one server how it is, again and again."""

    def __init__(self, server: Server, worker: int, until: float) -> None:
        super().__init__()
        self._address, self._until = server.address, until
        self._pids = worker, os.getpid()
        self.seconds: list[float] = []
        self.slow: list[float] = []
        self.failures: list[str] = []

    def run(self) -> None:
        """Probe."""
        while time.monotonic() < self._until:
            before = kept_waiting(self._pids)
            try:
                took, status = probe(self._address)
            except OSError as exc:
                self.failures.append(repr(exc))
                continue
            self.seconds.append(took)
            if status != b"200":
                self.failures.append(status.decode("latin-1"))
            if took > SLOW and took - (kept_waiting(self._pids) - before) > SLOW:
                self.slow.append(took)
            pause(EVERY)


def torture(seconds: float, seed: int) -> int:
    """Run, print what was seen, and return the exit code."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        artifacts = Path(directory) / "artifacts"
        train(artifacts)
        options = ("--workers", 1, "--max-memory-bytes", MEMORY, "--request-timeout", 5)
        servers = [
            stack.enter_context(serving(artifacts, *options, env=env))
            for env in ({}, {"IRIS_DEPLOY_TOKENS": TOKEN})
        ]
        workers = [forked(server, 1)[0] for server in servers]
        for server in servers:
            server.predict([json.loads(BODY)] * 1000, Authorization=f"Bearer {TOKEN}")
        before = [resident(worker) for worker in workers]
        until = time.monotonic() + seconds
        probers = [Prober(s, w, until) for s, w in zip(servers, workers, strict=True)]
        attackers = [
            start("--attack", *map(str, server.address), str(seed + number))
            for number, server in enumerate(servers)
        ]
        for attacker in attackers:
            stack.callback(end, attacker)
        for prober in probers:
            prober.start()
        most = list(before)
        while time.monotonic() < until:
            pause(0.2)
            most = [max(m, resident(w)) for m, w in zip(most, workers, strict=True)]
            progress(until - time.monotonic(), seconds, probers, most)
        for prober in probers:
            prober.join()
        answered: Counter[str] = Counter()
        for attacker in attackers:
            answered.update(end(attacker).split())
        return report(servers, workers, probers, answered, before, most, seed)


def report(
    servers: list[Server],
    workers: list[int],
    probers: list[Prober],
    answered: Counter[str],
    before: list[float],
    most: list[float],
    seed: int,
) -> int:
    """Print what was seen, and return the exit code."""
    bound = (MEMORY + 2 * WORKING * LARGEST + CONNECTIONS * OWN + KEPT) / 1e6
    rows, fine = [], True
    for server, worker, prober, start_, peak in zip(
        servers, workers, probers, before, most, strict=True
    ):
        alive = server.workers() == [worker]
        token = {"Authorization": f"Bearer {TOKEN}"}
        right = server.predict(BODY, **token).body == b'{"prediction":"virginica"}'
        bugs = [line for line in server.log() if line["event"] in {"bug", "log", "worker_died"}]
        ordered = sorted(prober.seconds)
        row = {
            "tokens": bool(server.start["tokens"]),
            "probes": len(ordered),
            "probe_ms_median": round(1e3 * ordered[len(ordered) // 2], 2),
            "probe_ms_99_percent": round(1e3 * ordered[int(0.99 * len(ordered))], 1),
            "probe_ms_most": round(1e3 * ordered[-1], 1),
            "slow_probes_ms": [round(1e3 * took) for took in prober.slow],
            "failed_probes": prober.failures[:5],
            "memory_MB": [round(start_), round(peak), f"at most {start_ + bound:.0f}"],
            "worker_lives": alive,
            "answers_rightly": right,
            "bugs": bugs[:3],
            "exit_code": server.stop(),
            "stderr": server.errors.read_text()[-1000:],
        }
        rows.append(row)
        good = alive and right and not (bugs or prober.slow or prober.failures or row["stderr"])
        fine = fine and good and row["exit_code"] == 0 and peak - start_ < bound
    unexpected = {status for status in answered if not (status.isdigit() and int(status) in FINE)}
    fine = fine and not unexpected and bool(answered)
    table = {"seed": seed, "servers": rows, "answers": dict(answered.most_common()), "fine": fine}
    print("\n" + json.dumps(table, indent=2))
    return 0 if fine else 1


def start(*words: str) -> "subprocess.Popen[str]":
    """Start this program in its other role."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.torture", *words],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def end(process: "subprocess.Popen[str]") -> str:
    """End a program, unless it has ended, and return what it has said."""
    if process.returncode is not None:
        return ""
    process.terminate()
    said, _ = process.communicate()
    return said


def progress(left: float, seconds: float, probers: list[Prober], most: list[float]) -> None:
    """Say on one line how it goes."""
    probes = sum(len(prober.seconds) for prober in probers)
    slow = sum(len(prober.slow) for prober in probers)
    memory = ", ".join(f"{size:.0f}" for size in most)
    print(
        f"\r{seconds - left:.0f} of {seconds:.0f} s: {probes} probes, {slow} slow, {memory} MB  ",
        end="",
        file=sys.stderr,
        flush=True,
    )


def main() -> int:
    """Read the command line, and do as it says."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--attack", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.attack:
        os.nice(10)
        host, port, seed = given.attack
        attack((host, int(port)), int(seed))
    return torture(given.minutes * 60, given.seed)


if __name__ == "__main__":
    sys.exit(main())
