"""``python -m tests.cost ARTIFACTS``: what answers cost, counted in calls and instructions.

Seconds differ from run to run; these do not. A worker is run in a thread whose calls, Python's and
C's, and for known heads Python's instructions are counted, and asked over a real connection.
"""

import itertools
import json
import os
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from iris_deploy.bundle.repository import Repository
from iris_deploy.serving.http.access import Access
from iris_deploy.serving.http.app import follow_app
from iris_deploy.serving.http.endpoints import Endpoints
from iris_deploy.serving.http.late import LateApp
from iris_deploy.serving.settings import ServeSettings
from iris_deploy.serving.supervision.balance import Balance
from iris_deploy.serving.telemetry.log import Log
from iris_deploy.serving.telemetry.metrics import Metrics
from iris_deploy.serving.telemetry.slots import SharedMemory
from iris_deploy.serving.worker.lanes import Service
from iris_deploy.serving.worker.loop import Worker
from tests.load import batch, read_answer
from tests.pieces import BODY, post

_REQUESTS = 20

FORM = b"application/x-www-form-urlencoded"


def as_proxies_send_it(body: bytes, number: int, target: bytes, *lines: bytes) -> bytes:
    """Write a request whose head no other has: ids, a client and a length of its own."""
    return post(
        body + b" " * (number % 200 if body.startswith(b"{") else 0),
        b"User-Agent: a client of the tests",
        b"X-Request-ID: %032x" % number,
        b"X-Forwarded-For: 192.0.2.%d, 198.51.100.7" % (number % 250),
        b"X-Forwarded-Proto: https",
        b"traceparent: 00-%032x-%016x-01" % (number + 1, number + 1),
        *lines,
        target=target,
    )


CONTRACTS: dict[str, tuple[bytes, bytes]] = {
    "native": (b"/predict", BODY),
    "V1": (b"/v1/models/iris:predict", b'{"instances": [[5.1, 2.4]]}'),
    "V2": (
        b"/v2/models/iris/infer",
        b'{"inputs": [{"name": "X", "shape": [1, 2], "datatype": "FP64", "data": [5.1, 2.4]}]}',
    ),
    "invocations": (
        b"/invocations",
        b'{"dataframe_split": {"columns": ["length", "width"], "data": [[5.1, 2.4]]}}',
    ),
    "form": (b"/predict", b"length=5.1&width=2.4"),
}
"""A request of one row in each contract: its target and body."""


def arrays(n: int) -> bytes:
    """Return a body of so many instances, in an array for each feature."""
    return json.dumps({"length": [5.1] * n, "width": [2.4] * n}).encode()


class _Counter:
    """Counts the calls of a worker's threads, of which one is at work at a time."""

    def __init__(self) -> None:
        self.calls = self.instructions = 0
        self.traces = False

    def __call__(self, _frame: object, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            self.calls += 1

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if not self.traces:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.instructions += event == "opcode"
        return self.trace


class _Worker:
    """A worker in a thread of this process, and a connection to it."""

    def __init__(self, artifacts: Path, settings: ServeSettings, stack: ExitStack) -> None:
        bundle = Repository(artifacts).read(None, 1)
        endpoints = Endpoints(bundle)
        memory = SharedMemory(1)
        metrics = Metrics(memory.slot(0))
        metrics.predictions.begin(bundle.manifest, 1)
        endpoints.observer.observe = metrics.predictions.observe
        app = LateApp(lambda: follow_app(endpoints, max_body_bytes=settings.max_body_bytes), print)
        app.load()  # or a thread of the worker's would, and its calls be counted
        self.log = Log("json", access=False, descriptor=os.open(os.devnull, os.O_WRONLY))
        listener = socket.create_server(("127.0.0.1", 0))
        ours, theirs = socket.socketpair()
        self.counter = _Counter()

        def work() -> None:
            service = Service(endpoints, Access(), metrics, self.log, settings, app)
            balance = Balance(memory.connections, 0)
            Worker(app, service, [listener], settings, theirs, lambda *_: True, balance).run()

        threading.setprofile(self.counter)
        threading.settrace(self.counter.trace)
        thread = threading.Thread(target=work)
        thread.start()
        stack.callback(thread.join)
        stack.callback(ours.close)
        self._connection = stack.enter_context(socket.create_connection(listener.getsockname()))

    def cost(self, *requests: bytes) -> float:
        """Return the mean number of calls of requests, whose heads may be known by now."""
        before = self.counter.calls
        for request in requests:
            self._connection.sendall(request)
            assert read_answer(self._connection).status == 200
        return (self.counter.calls - before) / len(requests)


def of_clients(worker: _Worker) -> dict[str, float]:
    """Ask as one client does that writes the same head again and again, or never."""
    known = [post(BODY)] * _REQUESTS
    # Two targets in turn, so that none of these heads is learned.
    targets = itertools.cycle((b"/predict", b"/predict/"))
    new = [post(BODY, b"X-%d: a" % k, target=next(targets)) for k in range(_REQUESTS)]
    cost, counter = worker.cost, worker.counter

    def of_a_row(few: bytes, many: bytes) -> float:
        return (min(map(cost, [post(many)] * 5)) - min(map(cost, [post(few)] * 5))) / 4000

    cost(*known, post(batch(4000)), post(arrays(8000)))
    costs = {"known": cost(*known)}
    counter.traces = True
    cost(*known)
    counter.traces = False
    costs["instructions"] = counter.instructions / len(known)
    costs["new"] = cost(*new)
    costs["a row"] = of_a_row(batch(4000), batch(8000))
    costs["a row in arrays"] = of_a_row(arrays(8000), arrays(12000))
    return costs


def through_proxies(worker: _Worker) -> dict[str, float]:
    """Ask as proxies do, in each contract, and with the access log on."""
    numbers = itertools.count()

    def cost(target: bytes, body: bytes) -> float:
        asked = [as_proxies_send_it(body, next(numbers), target) for _ in range(2 * _REQUESTS)]
        if not body.startswith(b"{"):
            asked = [each.replace(b"application/json", FORM) for each in asked]
        worker.cost(*asked[:_REQUESTS])
        return worker.cost(*asked[_REQUESTS:])

    costs = {f"varied, {name}": cost(*asked) for name, asked in CONTRACTS.items()}
    worker.log.access = True
    costs["varied, logged"] = cost(*CONTRACTS["native"])
    return costs


def main(artifacts: Path) -> None:
    """Print the calls of a request of each kind."""
    costs: dict[str, float] = {}
    proxied = ServeSettings(trusted_proxies=("127.0.0.1",))
    for ask, settings in ((of_clients, ServeSettings()), (through_proxies, proxied)):
        with ExitStack() as stack:
            costs |= ask(_Worker(artifacts, settings, stack))
    sys.stdout.write(json.dumps(costs) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
