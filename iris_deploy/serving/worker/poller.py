"""Waiting for sockets, where the kernel is told of changes only.

waitress would ask every connection before every wait what it waits for, and hand the kernel the
whole list: with 16 connections 16 microseconds of each turn, with 1,000 a millisecond.
"""

import select
import time
from typing import Any

from iris_deploy.serving.worker.adapter import Handler, handle_events, poll

_READ = select.POLLIN  # not POLLPRI: urgent data that nobody takes would be told again for ever
_WRITE = select.POLLOUT


class Poller(dict[int, Handler]):
    """The map of waitress's loop, from descriptors to what handles them.

    Notes
    -----
    What an object waits for is looked up after each of its events. Threads change only that of
    connections whose requests they work on, and these do not wait for anything to read: whatever
    does not is looked up before every wait. What the loop changes beside events, at deadlines, has
    to be followed by `poll_all`.

    Without epoll, which is Linux's own, waitress's way stays.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoll: Any = select.epoll() if hasattr(select, "epoll") else None
        self._waits: dict[int, int] = {}
        self._to_look_at: set[int] = set()
        self.woke = float("inf")
        """When the last wait was over, on the monotonic clock; unknown without epoll."""

    def __setitem__(self, descriptor: int, handler: Handler) -> None:
        super().__setitem__(descriptor, handler)
        self._waits[descriptor] = 0
        self._to_look_at.add(descriptor)  # looked at later: it is not even whole yet

    def __delitem__(self, descriptor: int) -> None:
        super().__delitem__(descriptor)
        if self._waits.pop(descriptor) and self._epoll:
            self._epoll.unregister(descriptor)
        self._to_look_at.discard(descriptor)

    def wait(self, seconds: float) -> None:
        """Wait for events, at most so long, and have them handled."""
        if self._epoll is None:
            poll(seconds, self)
            return
        for descriptor in tuple(self._to_look_at):
            self._poll_one(descriptor, self[descriptor])
        found = self._epoll.poll(seconds)
        self.woke = time.monotonic()
        for descriptor, events in found:
            handler = self.get(descriptor)
            if handler is None:  # closed by an event before
                continue
            handle_events(handler, events)
            if self.get(descriptor) is handler:
                self._poll_one(descriptor, handler)

    def poll_all(self) -> None:
        """Look up what everybody waits for."""
        self._to_look_at.update(self)

    def _poll_one(self, descriptor: int, handler: Handler) -> None:
        waits = _READ if handler.readable() else 0
        if handler.writable() and not handler.accepting:
            waits |= _WRITE
        before = self._waits[descriptor]
        if waits != before:
            self._waits[descriptor] = waits
            if not before:
                self._epoll.register(descriptor, waits)
            elif waits:
                self._epoll.modify(descriptor, waits)
            else:
                self._epoll.unregister(descriptor)
        if waits == _READ:
            self._to_look_at.discard(descriptor)
        else:
            self._to_look_at.add(descriptor)
