"""How tests wait: for a state, or to see that it stays. The only place where tests sleep."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_EVERY = 0.02  # s between two looks
_PATIENCE = 10  # s that a busy machine may take for itself
_ESTABLISHED = "01"  # as /proc/net/tcp has it


def wait_until(
    condition: Callable[[], object],
    seconds: float = 20,
    *,
    failed: Callable[[], object] = lambda: "waited in vain",
) -> None:
    """Wait for something to become true; fail, with what `failed` returns, if it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, failed()
        time.sleep(_EVERY)


def assert_stays(condition: Callable[[], object], seconds: float) -> None:
    """Look again and again whether something is true; fail as soon as it is not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), "true no more"
        time.sleep(_EVERY)


@contextmanager
def within(seconds: float, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Fail if a block takes longer than it may, and no busy machine can explain it.

    It is for faults that take for ever, or grow faster than their input. What else is done soon
    shows by the state that is seen, not by a clock.
    """
    begun = clock()
    yield
    assert clock() - begun < seconds + _PATIENCE


def pause(seconds: float) -> None:
    """Let time pass that is a part of the case: how slow a client is, when a signal comes."""
    time.sleep(max(seconds, 0))


def wait_until_read(*connections: socket.socket) -> None:
    """Wait until the server has accepted TCP connections of ours, and read all that was sent."""
    for connection in connections:
        ends = [_hexadecimal(connection.getpeername()), _hexadecimal(connection.getsockname())]
        wait_until(lambda ends=ends: _is_read(ends))  # type: ignore[misc]


def _hexadecimal(address: tuple[str, int]) -> str:
    """Return an IPv4 address as /proc/net/tcp has it."""
    number = int.from_bytes(socket.inet_aton(address[0]), "little")
    return f"{number:08X}:{address[1]:04X}"


def _is_read(ends: list[str]) -> bool:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues, _, _, _, _, inode, *_ = line.split()
        if [local, remote] == ends:  # one that is not accepted yet has no inode
            return (state, queues[9:], inode == "0") == (_ESTABLISHED, "00000000", False)
    return False
