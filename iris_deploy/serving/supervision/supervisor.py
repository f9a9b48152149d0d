"""Several workers on one set of sockets: start them, watch them, reload them, stop them.

The supervisor answers no requests. It reads and verifies the bundle, binds, forks, and from then on
listens to signals and to its workers. Knows nothing of HTTP.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence, Set
from typing import NoReturn

from iris_deploy.errors import ServerError
from iris_deploy.serving.settings import ServeSettings
from iris_deploy.serving.supervision.backoff import Backoff
from iris_deploy.serving.supervision.children import TICK, Child, Children
from iris_deploy.serving.supervision.orders import Close, Drain, Order, Reload
from iris_deploy.serving.supervision.service_manager import ServiceManager
from iris_deploy.serving.supervision.signals import (
    STOP_SIGNALS,
    Signals,
    caught_signals,
    signal_name,
)
from iris_deploy.serving.supervision.sockets import (
    close_sockets,
    remove_unix_sockets,
    stop_accepting,
)
from iris_deploy.serving.telemetry.log import Log
from iris_deploy.serving.telemetry.metrics import RELOADS, RESTARTS, WORKERS, Metrics

_STANDARD_OUTPUT = 1
_NO_FORK = 1.0  # seconds until a worker that cannot be started is tried again
_CUT = "requests were not answered within `grace`"
_MARGIN = 0.3  # seconds of the grace that are kept for the exit itself
_ONE_WISH = 1.0  # seconds; Ctrl-C below another program comes as two signals: its own, and a copy


class Supervisor:
    """Keep workers running.

    Parameters
    ----------
    listeners : sequence of socket
    settings : ServeSettings
    n_workers : int
    signals : Signals
    spawn, share : callable
        See `Children`.
    reload : callable
        Swaps in the newest bundle here, so that later forks have it; returns the order for the
        workers. Raises nothing.
    watch : callable or None
        Tells whether there is a newer bundle; looked at once a second.
    manager : ServiceManager
    status : callable
        Says what is served, for the manager.
    metrics : Metrics
    log : Log
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        settings: ServeSettings,
        n_workers: int,
        *,
        signals: Signals,
        spawn: Callable[[int, socket.socket], NoReturn],
        share: Callable[[], object],
        reload: Callable[[], Reload],
        watch: Callable[[], bool] | None,
        manager: ServiceManager,
        status: Callable[[], str],
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._listeners = listeners
        self._settings = settings
        self._numbers = range(n_workers)
        self._signals = signals
        self._reload = reload
        self._watch = watch
        self._manager = manager
        self._status = status
        self._metrics = metrics
        self._log = log
        self._children = Children(spawn, share, self._on_end, log)
        self._due: dict[int, float] = {}  # when which number is to be forked
        self._backoff = Backoff()
        self._told = float("inf")  # when the first signal to stop was obeyed
        self._stop_at: float | None = None  # when listening ends
        self._kill_at = float("inf")
        self._closed = False
        self._failures: list[str] = []
        self._orders: list[Order] = []
        self._terminal = os.isatty(_STANDARD_OUTPUT)
        metrics.set(WORKERS, n_workers)
        metrics.add(RESTARTS, 0)
        for result in ("swapped", "refused"):
            metrics.add(RELOADS, 0, result=result)

    def run(self, announce: Callable[[], None]) -> None:
        """Run until SIGTERM or SIGINT, and then until every request is answered.

        Parameters
        ----------
        announce : callable
            Called when the workers are there, and signals are obeyed: whoever is told that the
            server runs may stop it.

        Raises
        ------
        ServerError
            If workers keep dying, if requests were cut off by the end of the grace, or if a second
            signal came.
        """
        with caught_signals(self._signals):
            now = time.monotonic()
            self._due = dict.fromkeys(self._numbers, now)
            self._fork(now)
            announce()
            self._manager.ready(self._status())
            next_tick = now + TICK
            while self._children or not self._closed:
                now = time.monotonic()
                self._fork(now)
                seconds = max(min([next_tick, *self._deadlines()]) - now, 0.0)
                self._children.wait(self._signals, seconds)
                self._on_signals(*self._signals.take())
                self._children.reap()
                now = time.monotonic()
                self._on_time(now)
                if now >= next_tick:
                    next_tick = now + TICK
                    self._manager.alive()
                    if self._watch is not None and self._stop_at is None and self._watch():
                        self._swap()
        remove_unix_sockets(self._listeners)
        if self._failures:
            raise ServerError(self._failures[0])

    def _deadlines(self) -> Iterator[float]:
        """Yield the moments at which something is to be done."""
        if time.monotonic() < self._told + _ONE_WISH < float("inf"):
            yield self._told + _ONE_WISH
        if self._closed:
            yield self._kill_at
            return
        yield from self._due.values()
        if self._stop_at is not None:
            yield self._stop_at

    def _fork(self, now: float) -> None:
        if self._closed:
            return
        for number in [n for n, due in self._due.items() if due <= now]:
            try:
                self._children.fork(number, self._orders)
            except OSError as exc:
                self._due[number] = now + _NO_FORK
                message = f"worker {number} cannot be started now: {exc.strerror}"
                self._log.event("error", "fork", message, number=number)
            else:
                del self._due[number]

    def _on_signals(self, came: Set[int], since: float) -> None:
        stops: tuple[int, ...] = STOP_SIGNALS
        if self._terminal and not os.isatty(_STANDARD_OUTPUT):  # the terminal was closed
            stops += (signal.SIGHUP,)
        # Before a reload, which takes its time and would be for nothing.
        for name in [signal_name(number) for number in stops if number in came]:
            if self._stop_at is None:
                self._told = time.monotonic()
                self._begin_drain(name)
            elif since >= self._told + _ONE_WISH:
                self._failures.insert(0, f"stopped at once by a second signal, {name}")
                self._kill_at = 0.0
                self._closed = True
        if signal.SIGHUP in came and self._stop_at is None:
            self._swap()

    def _begin_drain(self, name: str) -> None:
        settings, now = self._settings, time.monotonic()
        self._stop_at = now + settings.drain_delay
        self._kill_at = now + settings.grace
        deadline = now + max(settings.grace - _MARGIN, settings.grace / 2)
        self._orders = [Drain(deadline)]  # for replacements in the delay, too
        self._children.send_all(self._orders[0])
        self._manager.stopping(f"{name}: answering what has come")
        self._log.event(
            "info",
            "drain",
            f"{name}: not ready any more, listening for {settings.drain_delay:g} s more, "
            f"answering what has come for up to {settings.grace:g} s",
            signal=name,
            drain_delay=settings.drain_delay,
            grace=settings.grace,
        )

    def _on_time(self, now: float) -> None:
        if self._stop_at is not None and not self._closed and now >= self._stop_at:
            self._closed = True
            stop_accepting(self._listeners)
            remove_unix_sockets(self._listeners)
            self._children.send_all(Close())
            close_sockets(self._listeners)
        if now >= self._kill_at:
            self._kill_at = float("inf")
            self._failures.append(_CUT)
            self._children.kill_all()
        self._children.kill_silent(now, self._settings.worker_timeout)

    def _on_end(self, child: Child, code: int) -> None:
        now = time.monotonic()
        how = f"killed by {signal_name(-code)}" if code < 0 else f"exit code {code}"
        if self._closed:
            if code > 0:
                self._failures.append(_CUT)
            elif code < 0:
                self._failures.append(f"worker {child.number} died in the drain: {how}")
            return
        self._backoff.record(child.born, now)
        if self._backoff.exhausted:
            self._failures.append(
                f"{self._backoff.early} workers in a row died within a second of their start; "
                f"the last one: {how}"
            )
            self._stop_at = self._kill_at = now
            return
        delay = self._backoff.delay
        self._metrics.add(RESTARTS)
        self._due[child.number] = now + delay
        self._log.event(
            "error",
            "worker_died",
            f"worker {child.number} (pid {child.pid}) died: {how}; "
            f"replaced {f'in {delay:g} s' if delay else 'at once'}",
            number=child.number,
            pid=child.pid,
            how=how,
        )

    def _swap(self) -> None:
        self._manager.reloading()
        self._children.send_all(self._reload())
        self._manager.ready(self._status())
