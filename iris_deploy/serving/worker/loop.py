"""The loop of one worker: accepts, looks after its connections, obeys the supervisor, drains."""

import contextlib
import ctypes
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from iris_deploy.serving.http.late import LateApp
from iris_deploy.serving.settings import ServeSettings
from iris_deploy.serving.supervision.balance import Balance
from iris_deploy.serving.supervision.orders import (
    ALIVE,
    CANNOT_RELOAD,
    Close,
    Drain,
    Order,
    OrderReader,
    Reload,
)
from iris_deploy.serving.telemetry.metrics import CONNECTIONS, IN_FLIGHT, QUEUED
from iris_deploy.serving.worker.adapter import Dispatcher, Waker
from iris_deploy.serving.worker.connections import Connections
from iris_deploy.serving.worker.fast_path import QuickLane
from iris_deploy.serving.worker.lanes import OVERLOADED, Service
from iris_deploy.serving.worker.listener import Listener
from iris_deploy.serving.worker.memory import PARTS, Budget
from iris_deploy.serving.worker.poller import Poller
from iris_deploy.serving.worker.pool import Pool

TICK = 1.0
"""Seconds between two looks at deadlines, and two signs of life."""

_DRAIN_TICK = 0.05  # seconds
_QUIET = 1.0  # seconds without traffic after which a kept-alive connection is closed in a drain
_LAST_ACCEPT = 0.1  # seconds for handshakes that are under way when listening ends


class _Control(Dispatcher):
    """The supervisor's end of the line."""

    def __init__(
        self,
        line: socket.socket,
        obey: Callable[[Order], None],
        on_loss: Callable[[], None],
        map_: Any,
    ) -> None:
        super().__init__(line, map_)
        self._obey = obey
        self._on_loss = on_loss
        self._reader = OrderReader()

    def writable(self) -> bool:
        return False

    def handle_read(self) -> None:
        for order in self._reader.take(self.recv(4096)):
            self._obey(order)

    def handle_close(self) -> None:
        self.close()
        self._on_loss()


class Worker:
    """Serve on inherited sockets until the supervisor says otherwise.

    Parameters
    ----------
    app : LateApp
        The WSGI application.
    service : Service
    listeners : sequence of socket
    settings : ServeSettings
    control : socket
        The line to the supervisor: orders come in, signs of life go out.
    reload : callable
        Swaps in the bundle that an order names, and returns whether it could.
    balance : Balance
    """

    def __init__(
        self,
        app: LateApp,
        service: Service,
        listeners: Sequence[socket.socket],
        settings: ServeSettings,
        control: socket.socket,
        reload: Callable[[Reload], bool],
        balance: Balance,
    ) -> None:
        self._app = app
        self._service = service
        self._settings = settings
        self._line = control
        self._reload = reload
        self._map = Poller()
        budget = settings.max_memory_bytes // PARTS
        self._pool = Pool(settings.threads, Budget(budget), service.answer, Waker(self._map))
        self._connections = Connections(
            service,
            self._pool,
            QuickLane(service),
            Budget(budget),
            balance,
            settings.connections,
        )
        self._listeners = [
            Listener(listener, self._connections, balance, self._map) for listener in listeners
        ]
        self._control = _Control(control, self._obey, self._on_loss, self._map)
        self._closed_at: float | None = None
        self._deadline = float("inf")

    def run(self) -> int:
        """Serve; return the exit code.

        Returns
        -------
        int
            0 if every request was answered, 1 if some were not before the deadline.
        """
        sys.setswitchinterval(0.001)  # seconds; so long a thread may keep the loop waiting
        _keep_heap()
        self._app.load_in_background()
        self._service.log.gather()
        try:
            return self._go_on()
        finally:
            self._service.log.flush()

    def _go_on(self) -> int:
        next_tick = 0.0
        while True:
            now = time.monotonic()
            draining = self._service.readiness.draining
            if now >= next_tick:
                self._tick(now)
                self._map.poll_all()
                next_tick = now + TICK
            if self._closed_at is not None:
                code = self._drained(now)
                if code is not None:
                    return code
                self._map.poll_all()
            pause = _DRAIN_TICK if draining else max(next_tick - now, 0.001)
            for server in self._listeners:
                if server.open_again:
                    pause = min(pause, max(server.open_again - now, 0.001))
            if self._connections.look_again:
                pause = min(pause, max(self._connections.look_again - now, 0.001))
            self._map.wait(0.0 if self._connections.is_busy else pause)
            self._connections.go_on()
            self._service.log.flush()

    def _tick(self, now: float) -> None:
        settings, metrics = self._settings, self._service.metrics
        with contextlib.suppress(OSError):
            self._line.send(ALIVE)
        for channel in list(self._connections.all):
            channel.time_out(now, network=settings.request_timeout, idle=settings.idle_timeout)
        self._pool.shed(now - settings.queue_timeout, OVERLOADED)
        metrics.set(CONNECTIONS, len(self._connections.all))
        metrics.set(QUEUED, self._pool.queued)
        metrics.set(IN_FLIGHT, self._pool.busy)

    def _obey(self, order: Order) -> None:
        match order:
            case Drain(deadline):
                self._service.readiness.draining = True
                self._deadline = deadline
            case Close():
                self._close()
            case Reload():  # takes some ten milliseconds, which no request shall wait
                threading.Thread(target=self._swap, args=(order,)).start()

    def _on_loss(self) -> None:
        """Stop: whoever would say when is gone."""
        if self._closed_at is None:
            self._service.log.event("error", "orphaned", "the supervisor is gone; stopping")
            self._service.readiness.draining = True
            self._deadline = time.monotonic() + self._settings.grace
            self._close()

    def _swap(self, order: Reload) -> None:
        if not self._reload(order):
            with contextlib.suppress(OSError):
                self._line.send(CANNOT_RELOAD)

    def _close(self) -> None:
        """Stop listening: at once where it can wait, else when what the kernel has is accepted."""
        self._closed_at = time.monotonic()
        for server in [server for server in self._listeners if server.is_handed]:
            server.close()
            self._listeners.remove(server)

    def _drained(self, now: float) -> int | None:
        """Go on with the drain; return the exit code when it is over."""
        assert self._closed_at is not None  # noqa: S101
        if self._listeners:
            for server in self._listeners:
                server.accept_all()
            if now - self._closed_at >= _LAST_ACCEPT:
                for server in self._listeners:
                    server.close()
                self._listeners = []
        for channel in list(self._connections.all):
            channel.finish(now, _QUIET)
        if not self._listeners and not self._connections.all:
            return 0
        if now < self._deadline:
            return None
        lost = sum(channel.busy for channel in self._connections.all)
        if lost:
            message = f"{lost} requests were not answered in time"
            self._service.log.event("error", "cut", message, requests=lost)
        return 1 if lost else 0


def _keep_heap() -> None:
    """Let all threads allocate from one heap, and keep some of it when it is free.

    glibc gives each thread a heap of its own, and what large bodies leave behind in several of them
    is never put together again. With Python's lock around them, the threads would not gain by that.
    And it returns to the kernel what a large request has used, page by page, and takes it again for
    the next: a quarter of the time of 100,000 rows.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_THRESHOLD, _KEPT)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_KEPT = 1 << 24  # bytes; half of what the largest body makes use of by default
