"""Signals as bytes on a socket, so that one wait is for them and for everything else."""

import contextlib
import signal
import socket
from collections.abc import Iterator

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_SIGNALS = (*STOP_SIGNALS, signal.SIGHUP, signal.SIGCHLD)


@contextlib.contextmanager
def caught_signals() -> Iterator[socket.socket]:
    """Have the numbers of signals written to a socket, so that one wait is for everything."""
    reader, writer = socket.socketpair()
    reader.settimeout(0)
    writer.settimeout(0)
    # In this order: one that comes in between finds the handler of before.
    wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, _note) for number in _SIGNALS}
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()


def _note(_number: int, _frame: object) -> None:
    """Do nothing: the wake-up socket has the number. As PID 1 a signal needs some handler."""


def read_signals(received: socket.socket) -> bytes:
    """Return the numbers of the signals that have come."""
    try:
        return received.recv(4096)
    except BlockingIOError:
        return b""


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """Let signals wait, so that none reaches a new process before it has said what to do."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def ignore_signals() -> None:
    """Leave all decisions to the supervisor: Ctrl-C and a session's end reach every process."""
    signal.set_wakeup_fd(-1)
    for number in (*STOP_SIGNALS, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def signal_name(number: int) -> str:
    """Return SIGTERM for 15; real-time signals have a number only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
