"""``python -m tests.soak --minutes 10``: serve under a mixture of everything, and watch what grows.

Ends with a table and exit code 0 if no good request failed and memory, descriptors and threads are
flat; else 1. ``--kill`` kills a worker every so many seconds; then the requests in its hands may
fail, and nothing else. ``--reload`` sends SIGHUP, with a newly trained version each time.
"""

import argparse
import json
import random
import signal
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from os import kill
from pathlib import Path

from iris_deploy.cli import main as iris_deploy
from tests.conftest import Server, serving
from tests.load import Load, batch
from tests.pieces import DETAILED, post
from tests.waits import pause

KEEP_ALIVE, RENEWING, ODD = 6, 3, 2  # clients
WARM_UP = 120.0  # seconds after which growth counts: pools and allocators have filled by then
MOST_GROWTH = 0.002  # of resident memory a minute: large requests at work make it jump by 1.5 %
GARBAGE = (
    b"NONSENSE\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    post(b'{"length": NaN}'),
    post(b"[" * 5000),
)


@dataclass
class Watch:
    """What the kernel said of the processes, sample by sample."""

    at: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)

    def look(self, server: Server) -> None:
        """Add one sample: sums over the supervisor and its workers."""
        pids = [server.process.pid, *server.workers()]
        try:
            stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2] for pid in pids]
            files = [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids]
        except OSError:
            return  # one of them has just been killed
        self.at.append(time.monotonic())
        self.resident.append(sum(int(stat.split()[21]) for stat in stats) * 4)
        self.threads.append(sum(int(stat.split()[17]) for stat in stats))
        self.files.append(sum(files))
        self.processes.append(len(pids))

    def growth(self) -> float | None:
        """Return the share by which resident memory grows a minute; None after a short time."""
        first = next((k for k, at in enumerate(self.at) if at > self.at[0] + WARM_UP), None)
        if first is None or len(self.at) - first < 30:
            return None
        slope, _ = statistics.linear_regression(self.at[first:], self.resident[first:])
        return slope * 60 / statistics.median(self.resident)


def odd_client(server: Server, stop: threading.Event) -> None:
    """Do what clients should not do, and what only some do."""
    chance = random.Random(threading.get_ident())
    reset = struct.pack("ii", 1, 0)
    actions: list[Callable[[socket.socket], None]] = [
        lambda line: line.sendall(chance.choice(GARBAGE)),
        lambda line: line.sendall(post(batch(chance.choice((200, 5000))), target=DETAILED)),
        lambda line: line.sendall(post(batch(2000))[: chance.randrange(1, 5000)]),
        lambda line: line.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
        lambda line: line.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n" * 20),
    ]
    while not stop.wait(0.05):
        try:
            with server.connect() as line:
                chance.choice(actions)(line)
                if chance.random() < 0.3:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                elif chance.random() < 0.8:
                    line.settimeout(0.5)
                    line.recv(1 << 20)
        except OSError:
            continue


def train(artifacts: Path) -> None:
    """Add a version."""
    with redirect_stdout(StringIO()):
        assert iris_deploy(["train", "--artifacts", str(artifacts)]) == 0


def soak(seconds: float, kill_every: float | None, reload_every: float | None) -> int:
    """Run, print what was seen, and return the exit code."""
    watch, kills, reloads = Watch(), 0, 0
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as directory:
        artifacts = Path(directory) / "artifacts"
        train(artifacts)
        with serving(artifacts, "--workers", 2, "--access-log", "off") as server:
            stop = threading.Event()
            odd = [threading.Thread(target=odd_client, args=(server, stop)) for _ in range(ODD)]
            with Load(
                server.connect, keep_alive=KEEP_ALIVE, renewing=RENEWING, pause=0.002
            ) as load:
                for thread in odd:
                    thread.start()
                begun = time.monotonic()
                due = {"look": 0.0, "kill": kill_every or 1e9, "reload": reload_every or 1e9}
                while (passed := time.monotonic() - begun) < seconds:
                    pause(0.05)
                    if passed >= due["look"]:
                        due["look"] += max(1.0, seconds / 300)
                        watch.look(server)
                        progress(passed, seconds, load, watch)
                    if passed >= due["kill"] and (workers := server.workers()):
                        due["kill"] += kill_every or 0
                        kill(chance.choice(workers), signal.SIGKILL)
                        kills += 1
                    if passed >= due["reload"]:
                        due["reload"] += reload_every or 0
                        train(artifacts)
                        server.process.send_signal(signal.SIGHUP)
                        reloads += 1
            stop.set()
            for thread in odd:
                thread.join()
            code = server.stop()
            errors = server.errors.read_text()
    growth, kinds = watch.growth(), load.kinds()
    # A worker that is killed has at most one request of each client in its hands.
    explained = kills * (KEEP_ALIVE + RENEWING)
    flat = growth is None or growth < MOST_GROWTH
    fine = code == 0 and not errors and sum(kinds.values()) <= explained and flat
    report = {
        "minutes": round(seconds / 60, 1),
        "right_answers": load.right,
        "failures": kinds,
        "kills": kills,
        "reloads": reloads,
        "resident_KiB": [round(watch.resident[0]), round(watch.resident[-1])],
        "growth_percent_per_minute": growth and round(100 * growth, 3),
        "files": [min(watch.files), max(watch.files), watch.files[-1]],
        "threads": [min(watch.threads), max(watch.threads), watch.threads[-1]],
        "exit_code": code,
        "stderr": errors[-2000:],
        "fine": fine,
    }
    print("\n" + json.dumps(report, indent=2))
    return 0 if fine else 1


def progress(passed: float, seconds: float, load: Load, watch: Watch) -> None:
    """Say on one line how it goes."""
    print(
        f"\r{passed:.0f} of {seconds:.0f} s: {load.right} right, {len(load.failures)} failed, "
        f"{watch.resident[-1]:.0f} KiB, {watch.files[-1]} files, {watch.threads[-1]} threads   ",
        end="",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--kill", type=float, metavar="SECONDS", help="kill a worker this often")
    parser.add_argument("--reload", type=float, metavar="SECONDS", help="reload this often")
    arguments = parser.parse_args()
    sys.exit(soak(arguments.minutes * 60, arguments.kill, arguments.reload))
