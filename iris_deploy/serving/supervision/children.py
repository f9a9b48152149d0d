"""Workers as their supervisor sees them: processes that are forked, heard, told, killed, reaped."""

import contextlib
import gc
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from iris_deploy.serving.supervision.orders import CANNOT_RELOAD, Order, encode
from iris_deploy.serving.supervision.signals import Signals, held_signals, ignore_signals
from iris_deploy.serving.telemetry.log import Log

TICK = 1.0
"""Seconds between two looks at the clock."""


@dataclass(slots=True)
class Child:
    """One worker.

    Parameters
    ----------
    number, pid : int
    line : socket
        On which it is told orders, and gives signs of life.
    born, heard : float
        When it was forked, and gave the last sign, on the monotonic clock.
    """

    number: int
    pid: int
    line: socket.socket
    born: float
    heard: float


class Children:
    """All workers.

    Parameters
    ----------
    spawn : callable
        Gets a worker's number and its line, in the new process; does not return.
    share : callable
        Loads what workers have in common. Called before each fork beside a living worker, so that
        the first one answers while it is loaded, and the others need not load it.
    on_end : callable
        Gets a worker that has ended, and its exit code, negative for a signal.
    log : Log
    """

    def __init__(
        self,
        spawn: Callable[[int, socket.socket], NoReturn],
        share: Callable[[], object],
        on_end: Callable[[Child, int], None],
        log: Log,
    ) -> None:
        self._spawn = spawn
        self._share = share
        self._on_end = on_end
        self._log = log
        self._living: dict[int, Child] = {}  # by process id
        self._ticked = time.monotonic()

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._living)

    def fork(self, number: int, orders: Sequence[Order]) -> None:
        """Start a worker, and tell it orders that others have been told already.

        Raises
        ------
        OSError
            If it cannot be started now.
        """
        if self._living:
            self._share()
        gc.freeze()  # shared pages stay shared if no collection touches them
        ours, theirs = socket.socketpair()
        try:
            with held_signals():
                pid = os.fork()
                if pid == 0:
                    ignore_signals()
        except OSError:
            ours.close()
            theirs.close()
            raise
        if pid == 0:
            ours.close()
            for child in self._living.values():
                child.line.close()  # else its worker would not see us go
            self._spawn(number, theirs)
        theirs.close()
        ours.settimeout(0)
        now = time.monotonic()
        self._living[pid] = Child(number, pid, ours, now, now)
        with contextlib.suppress(OSError):  # it is dead already, and will be reaped
            ours.send(b"".join(map(encode, orders)))

    def wait(self, signals: Signals, seconds: float) -> None:
        """Wait for a signal or a word from a worker."""
        poll = select.poll()
        poll.register(signals, select.POLLIN)
        lines = {child.line.fileno(): child for child in self._living.values()}
        for descriptor in lines:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(seconds * 1000 + 1):
            child = lines.get(descriptor)
            if child is not None:
                self._listen(child)

    def send_all(self, order: Order) -> None:
        """Tell all an order; whoever does not listen is killed."""
        line = encode(order)
        for child in list(self._living.values()):
            try:
                child.line.sendall(line)
            except OSError:  # dead, or so stuck that its line is full
                self._kill(child, "it does not listen")

    def kill_all(self) -> None:
        """End all at once."""
        for child in self._living.values():
            _end(child)

    def kill_silent(self, now: float, patience: float) -> None:
        """Kill who has given no sign of life for so many seconds.

        If all of us stood still (Ctrl-Z, a paused container), nobody is to blame.
        """
        paused, self._ticked = max(now - self._ticked - 2 * TICK, 0.0), now
        for child in list(self._living.values()):
            child.heard += paused
            if now - child.heard > patience:
                child.heard = now
                self._kill(child, f"no sign of life for {patience:g} s")

    def reap(self, patience: float = 0.0) -> None:
        """Take note of workers that have ended; wait so many seconds for one."""
        deadline = time.monotonic() + patience
        while self._living:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._living.clear()
                return
            if pid == 0:
                if time.monotonic() >= deadline:
                    return
                time.sleep(0.005)
                continue
            deadline = 0.0
            child = self._living.pop(pid, None)
            if child is not None:  # as PID 1 we are also told of orphans of others
                child.line.close()
                self._on_end(child, os.waitstatus_to_exitcode(status))

    def _listen(self, child: Child) -> None:
        try:
            words = child.line.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            words = b""
        if not words:
            # It closed its end, which it does by dying: SIGCHLD is on its way.
            self.reap(patience=1.0)
            return
        child.heard = time.monotonic()
        if CANNOT_RELOAD in words:  # let it make room for one that has what was read here
            self._kill(child, "it could not reload the bundle")

    def _kill(self, child: Child, reason: str) -> None:
        message = f"worker {child.number} (pid {child.pid}) is killed: {reason}"
        self._log.event("error", "kill", message, worker=child.number, pid=child.pid)
        _end(child)


def _end(child: Child) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGKILL)
