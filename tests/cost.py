"""``python -m tests.cost ARTIFACTS``: what answers cost, counted in calls and instructions.

Seconds differ from run to run; these do not. A worker is run in a thread whose calls, Python's and
C's, and for known heads Python's instructions are counted, and asked over a real connection.
"""

import json
import socket
import sys
import threading
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


def main(artifacts: Path) -> None:
    """Print the calls of a request of each kind."""
    bundle = Repository(artifacts).read(None, 1)
    settings = ServeSettings()
    endpoints = Endpoints(bundle)
    memory = SharedMemory(1)
    metrics = Metrics(memory.slot(0))
    metrics.predictions.begin(bundle.manifest, 1)
    endpoints.observer.observe = metrics.predictions.observe
    app = LateApp(lambda: follow_app(endpoints, max_body_bytes=settings.max_body_bytes), print)
    app.load()  # or a thread of the worker's would, and its calls be counted
    log = Log("json", access=False, descriptor=2)
    log.capture_logging()
    listener = socket.create_server(("127.0.0.1", 0))
    ours, theirs = socket.socketpair()
    counter = _Counter()

    def work() -> None:
        service = Service(endpoints, Access(), metrics, log, settings, app)
        balance = Balance(memory.connections, 0)
        worker = Worker(app, service, [listener], settings, theirs, lambda *_: True, balance)
        worker.run()

    threading.setprofile(counter)
    threading.settrace(counter.trace)
    threading.Thread(target=work, daemon=True).start()
    with socket.create_connection(listener.getsockname()) as connection:

        def cost(*requests: bytes) -> float:
            """Return the mean number of calls of requests, whose heads may be known by now."""
            before = counter.calls
            for request in requests:
                connection.sendall(request)
                assert read_answer(connection).status == 200
            return (counter.calls - before) / len(requests)

        known = [post(BODY)] * _REQUESTS
        new = [post(BODY, b"X-Request-ID: %d" % k) for k in range(_REQUESTS)]

        def cost_of_a_row(few: bytes, many: bytes) -> float:
            return (min(map(cost, [post(many)] * 5)) - min(map(cost, [post(few)] * 5))) / 4000

        cost(*known, *new, post(batch(4000)), post(arrays(8000)))
        known_costs = cost(*known)
        counter.traces = True
        cost(*known)
        counter.traces = False
        costs = {
            "known": known_costs,
            "instructions": counter.instructions / len(known),
            "new": cost(*new),
            "a row": cost_of_a_row(batch(4000), batch(8000)),
            "a row in arrays": cost_of_a_row(arrays(8000), arrays(12000)),
        }
    ours.close()
    sys.stdout.write(json.dumps(costs) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
