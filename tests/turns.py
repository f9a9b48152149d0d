"""A worker in this process, without a loop: what one would do is done step by step."""

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from iris_deploy.bundle.repository import Repository
from iris_deploy.serving.http.access import Access
from iris_deploy.serving.http.app import follow_app
from iris_deploy.serving.http.endpoints import Endpoints
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.route import Route
from iris_deploy.serving.settings import ServeSettings
from iris_deploy.serving.supervision.balance import Balance
from iris_deploy.serving.telemetry.exposition import Exposition
from iris_deploy.serving.telemetry.log import Log
from iris_deploy.serving.telemetry.metrics import Metrics
from iris_deploy.serving.telemetry.slots import SharedMemory
from iris_deploy.serving.worker.channel import Channel
from iris_deploy.serving.worker.connections import Connections
from iris_deploy.serving.worker.fast_path import QuickLane
from iris_deploy.serving.worker.lanes import Service
from iris_deploy.serving.worker.memory import Budget
from iris_deploy.serving.worker.poller import Poller
from iris_deploy.serving.worker.request import Request
from tests.conftest import Answer
from tests.pieces import take_apart


class Threads:
    """In place of the pool: what is answered on a thread waits until it is asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.waiting: list[tuple[Request, Callable[[Reply], None]]] = []

    def put(self, request: Request, _size: int, deliver: Callable[[Reply], None]) -> None:
        """Take a request."""
        self.waiting.append((request, deliver))

    def answer(self) -> Callable[[], None]:
        """Answer a request, and return what the loop does then."""
        request, deliver = self.waiting.pop(0)
        return partial(deliver, self._service.answer(request))


class Turns:
    """One connection of a worker whose loop does not run."""

    def __init__(
        self,
        artifacts: Path,
        stack: contextlib.ExitStack,
        *,
        token: str = "",
        others: Sequence[Route] = (),
        prefix: str = "",
        log: Log | None = None,
        knows: bool = True,
    ) -> None:
        memory = SharedMemory(1)
        bundle = Repository(artifacts).read(None, 1)
        figures = Exposition(memory, lambda: bundle.manifest).build_route(is_open=False)
        endpoints = Endpoints(bundle, [figures, *others], guarded=bool(token), prefix=prefix)
        self.memory = memory
        self.endpoints = endpoints
        metrics = Metrics(memory.slot(0))
        metrics.predictions.begin(endpoints.bundle.manifest, 1)
        endpoints.observer.observe = metrics.predictions.observe
        settings = ServeSettings(trusted_proxies=("127.0.0.1",), url_prefix=prefix)
        access = Access((token,) if token else (), ("https://a.example",))
        app = follow_app(endpoints, max_body_bytes=settings.max_body_bytes)
        log = log or Log("json", access=False)
        service = Service(endpoints, access, metrics, log, settings, app)
        self.threads = Threads(service)
        self.connections = Connections(
            service,
            cast("Any", self.threads),
            QuickLane(service),
            Budget(1 << 28),
            Balance(memory.connections, 0),
            settings.connections,
        )
        if not knows:  # any head: all goes the long way
            self.connections.quick.answer = lambda *_: False  # type: ignore[method-assign]
        self._stack = stack
        self.connect()

    def connect(self) -> None:
        """Open the connection, in place of one that was closed."""
        self.client, theirs = socket.socketpair()
        self._stack.enter_context(self.client)
        for end in (self.client, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.client.setblocking(False)
        self.channel = Channel(theirs, "127.0.0.1", self.connections, Poller())
        self._stack.callback(self.channel.handle_close)

    def work(self) -> Iterator[Callable[[], object]]:
        """Yield what the loop would do, one step after another, until nothing is left to do."""
        yield self.channel.handle_read
        while True:
            if self.connections.is_busy:
                yield self.connections.go_on
            elif self.channel.connected and self.channel.writable():
                yield self.channel.handle_write
            elif self.threads.waiting:
                yield self.threads.answer()
            else:
                return
            self.answered += self.read()

    def ask(self, request: bytes) -> Answer:
        """Send one request, do what the loop would do, and return its answer."""
        (answer,) = take_apart(self.exchange(request))
        return answer

    def exchange(self, *pieces: bytes) -> bytes:
        """Send something, piece by piece, and return what is answered."""
        self.answered = b""
        for piece in pieces:
            self.client.sendall(piece)
            for step in self.work():
                step()
        return self.answered + self.read()

    answered = b""

    def read(self) -> bytes:
        """Return what has been answered."""
        answered = []
        with contextlib.suppress(BlockingIOError):  # in small pieces: their room is measured, too
            while piece := self.client.recv(4096):
                answered.append(piece)
        return b"".join(answered)
