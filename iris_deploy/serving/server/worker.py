"""The loop of one worker: accepts, looks after its connections, obeys the supervisor, drains."""

import contextlib
import ctypes
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher

from iris_deploy.serving.late import LateApp
from iris_deploy.serving.metrics import CONNECTIONS, IN_FLIGHT, QUEUED
from iris_deploy.serving.server.balance import Balance
from iris_deploy.serving.server.listener import Listener
from iris_deploy.serving.server.poller import Poller
from iris_deploy.serving.server.quick import QuickLane
from iris_deploy.serving.server.service import Service
from iris_deploy.settings import ServeSettings

if TYPE_CHECKING:
    from iris_deploy.serving.server.channel import Channel

TICK = 1.0
"""Seconds between two looks at deadlines, and two signs of life."""

_DRAIN_TICK = 0.05  # seconds
_QUIET = 1.0  # seconds without traffic after which a kept-alive connection is closed in a drain
_LAST_ACCEPT = 0.1  # seconds for handshakes that are under way when listening ends
_RECEIVED = 1 << 16  # bytes at a time; with waitress's 8 KiB, a third of the time of a large body
_ENDLESS = 1 << 62  # bytes; buffers stay in memory, and a thread never waits for a client to read


class _Control(wasyncore.dispatcher):
    """The supervisor's end of the line: one word a line."""

    def __init__(self, line: socket.socket, obey: Callable[[str], None], map_: Any) -> None:
        super().__init__(line, map_)
        self._obey = obey
        self._rest = b""

    def writable(self) -> bool:
        return False

    def handle_read(self) -> None:
        *lines, self._rest = (self._rest + self.recv(4096)).split(b"\n")
        for line in lines:
            self._obey(line.decode())

    def handle_close(self) -> None:
        self.close()
        self._obey("orphaned")


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
        Swaps in the bundle that an order names, by generation, version and digest, and returns
        whether it could.
    balance : Balance

    Notes
    -----
    Orders: ``drain DEADLINE`` (not ready any more), ``close`` (stop listening, answer the rest,
    exit), ``reload GENERATION VERSION DIGEST``. Answers: ``.`` (alive), ``-`` (could
    not reload).
    """

    def __init__(
        self,
        app: LateApp,
        service: Service,
        listeners: Sequence[socket.socket],
        settings: ServeSettings,
        control: socket.socket,
        reload: Callable[[int, int, str], bool],
        balance: Balance,
    ) -> None:
        self._app = app
        self._service = service
        self._settings = settings
        self._line = control
        self._reload = reload
        self._map = Poller()
        self._channels: dict[int, Channel] = {}
        self._dispatcher: Any = ThreadedTaskDispatcher()
        self._dispatcher.set_thread_count(settings.threads)
        adjustments: Any = Adjustments(
            ident="iris-deploy",
            recv_bytes=_RECEIVED,
            max_request_body_size=_ENDLESS,  # the parser has a limit that does not count framing
            max_request_header_size=settings.max_header_bytes,
            inbuf_overflow=_ENDLESS,
            outbuf_overflow=_ENDLESS,
            outbuf_high_watermark=_ENDLESS,
            url_prefix=settings.url_prefix,
            clear_untrusted_proxy_headers=False,  # nothing reads them but service.py
        )
        adjustments.max_body_bytes = settings.max_body_bytes
        self._listeners = []
        quick = QuickLane(service)
        for listener in listeners:
            name = (listener.family, listener.type, listener.proto, None)
            server = Listener(
                app,
                self._map,
                _sock=listener,
                dispatcher=self._dispatcher,
                adj=adjustments,
                sockinfo=name,
                bind_socket=False,
            )
            server.service, server.quick, server.balance = service, quick, balance
            server.connections = settings.connections
            server.active_channels = self._channels  # one limit for all listeners
            self._listeners.append(server)
        self._control = _Control(control, self._obey, self._map)
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
        self._app.load_beside()
        next_tick = 0.0
        while True:
            now = time.monotonic()
            draining = self._service.endpoints.draining
            if now >= next_tick:
                self._tick(now)
                self._map.look_at_all()
                next_tick = now + TICK
            if self._closed_at is not None:
                code = self._drained(now)
                if code is not None:
                    return code
                self._map.look_at_all()
            pause = _DRAIN_TICK if draining else max(next_tick - now, 0.001)
            for server in self._listeners:
                if server.open_again:
                    pause = min(pause, max(server.open_again - now, 0.001))
            self._map.wait(pause)

    def _tick(self, now: float) -> None:
        settings, metrics = self._settings, self._service.metrics
        with contextlib.suppress(OSError):
            self._line.send(b".")
        for channel in list(self._channels.values()):
            channel.time_out(now, network=settings.request_timeout, idle=settings.idle_timeout)
        self._shed(now)
        metrics.set(CONNECTIONS, len(self._channels))
        queued = len(self._dispatcher.queue)
        waiting = sum(bool(channel.requests) for channel in self._channels.values())
        metrics.set(QUEUED, queued)
        metrics.set(IN_FLIGHT, max(waiting - queued, 0))

    def _shed(self, now: float) -> None:
        """Refuse what waits too long for a thread, should every thread be stuck."""
        stale = []
        with self._dispatcher.lock:
            queue = self._dispatcher.queue
            while queue and now - queue[0].requests[0].queued > self._settings.queue_timeout:
                stale.append(queue.popleft())
        for channel in stale:
            channel.answer_now()

    def _obey(self, order: str) -> None:
        word, *rest = order.split(" ")
        if word == "drain":
            self._service.endpoints.draining = True
            self._deadline = float(rest[0])
        elif word == "close":
            self._close()
        elif word == "reload":
            thread = threading.Thread(target=self._swap, args=(int(rest[0]), int(rest[1]), rest[2]))
            thread.start()  # reading takes some ten milliseconds, which no request shall wait
        elif word == "orphaned" and self._closed_at is None:
            self._service.log.event("error", "orphaned", "the supervisor is gone; stopping")
            self._service.endpoints.draining = True
            self._deadline = time.monotonic() + self._settings.grace
            self._close()

    def _swap(self, generation: int, version: int, digest: str) -> None:
        if not self._reload(generation, version, digest):
            with contextlib.suppress(OSError):
                self._line.send(b"-")

    def _close(self) -> None:
        """Stop listening, when what the kernel has taken is accepted."""
        self._closed_at = time.monotonic()

    def _drained(self, now: float) -> int | None:
        """Go on with the drain; return the exit code when it is over."""
        assert self._closed_at is not None  # noqa: S101
        if self._listeners:
            for server in self._listeners:
                server.take_all()
            if now - self._closed_at >= _LAST_ACCEPT:
                for server in self._listeners:
                    wasyncore.dispatcher.close(server)  # its own close would stop the trigger too
                self._listeners = []
        for channel in list(self._channels.values()):
            channel.finish(now, _QUIET)
        if not self._listeners and not self._channels:
            return 0
        if now < self._deadline:
            return None
        lost = sum(channel.busy for channel in self._channels.values())
        if lost:
            message = f"{lost} requests were not answered within --grace"
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
