"""Signals noted in memory, and a socket that wakes, so that one wait is for everything."""

import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_SIGNALS = (*STOP_SIGNALS, signal.SIGHUP, signal.SIGCHLD)


class Signals:
    """Which signals have come: that one came is never lost, how many did is never counted.

    Numbers are noted in memory by the handler. The socket tells nothing but that there may be
    something to take; when it is full, it tells that too.

    Attributes
    ----------
    note : callable
        The handler. It is none of Python's own functions: those are interrupted by the handlers of
        further signals, which in a storm are called inside one another until the stack is full.
    """

    def __init__(self) -> None:
        self._came: dict[int, object] = {}
        self.note: Callable[[int, FrameType | None], object] = self._came.setdefault
        self._reader, self.waker = socket.socketpair()
        self._reader.settimeout(0)
        self.waker.settimeout(0)
        self._taken = time.monotonic()

    def fileno(self) -> int:
        """Return what to wait for: it is readable when there may be signals to take."""
        return self._reader.fileno()

    def take(self) -> tuple[frozenset[int], float]:
        """Return the numbers that have come since the last time, and when that was.

        In this order: who wrote to the socket before it is read is noted when the mask has been
        set, which runs all handlers that are due; who writes to it later wakes again.
        """
        since, self._taken = self._taken, time.monotonic()
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(1 << 16)
        signal.pthread_sigmask(signal.SIG_BLOCK, ())
        came = frozenset(self._came)
        for number in came:
            del self._came[number]
        return came, since

    def close(self) -> None:
        """Let go of the socket."""
        self._reader.close()
        self.waker.close()


@contextlib.contextmanager
def early_signals() -> Iterator[Signals]:
    """End at SIGTERM and take note of SIGHUP until `caught_signals` takes over.

    As PID 1 a signal without a handler is lost; what is being read may be old by the first reload.
    """
    signals = Signals()
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, _stop_early),
        signal.SIGHUP: signal.signal(signal.SIGHUP, signals.note),
    }
    try:
        yield signals
    except Exception:
        if signal.getsignal(signal.SIGTERM) is _stop_early:
            for number, handler in before.items():
                signal.signal(number, handler)
            signals.close()
        raise


def _stop_early(_number: int, _frame: object) -> NoReturn:
    _ignore(STOP_SIGNALS)  # it may come twice, which changes nothing
    raise SystemExit(0)


def _ignore(numbers: Iterable[signal.Signals]) -> None:
    """Heed some signals no more.

    Held meanwhile: of one that has come, but whose handler Python has not called when it is taken
    away, it would say on standard error that it was lost.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def caught_signals(signals: Signals) -> Iterator[None]:
    """Take note of signals until the block ends, and heed none from then on.

    A server that has stopped is not to be told once more, which would change its exit code.
    """
    # In this order: one that comes in between finds the handler of before.
    wakeup = signal.set_wakeup_fd(signals.waker.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, signals.note) for number in _SIGNALS}
    with contextlib.suppress(BlockingIOError):
        signals.waker.send(b"\0")  # there may be one that came early
    try:
        yield
    finally:
        _ignore((*STOP_SIGNALS, signal.SIGHUP))
        signal.signal(signal.SIGCHLD, before[signal.SIGCHLD])
        signal.set_wakeup_fd(wakeup)
        signals.close()


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
    _ignore((*STOP_SIGNALS, signal.SIGHUP))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def signal_name(number: int) -> str:
    """Return SIGTERM for 15; real-time signals have a number only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
