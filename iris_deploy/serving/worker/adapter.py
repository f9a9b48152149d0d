"""What of waitress is used: a dispatcher of sockets, threads, and a trigger that wakes the loop.

The only module that imports it. Most of it is not waitress's public interface, so its version is
bounded, and a test holds what is listed here against the version that is installed.
"""

import socket
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from waitress import wasyncore
from waitress.task import ThreadedTaskDispatcher
from waitress.trigger import trigger
from waitress.utilities import build_http_date

INTERNALS = {
    "wasyncore.dispatcher": "(sock=None, map=None)",
    "wasyncore.dispatcher.recv": "(self, buffer_size)",
    "wasyncore.dispatcher.send": "(self, data, do_close=True)",
    "wasyncore.dispatcher.accept": "(self)",
    "wasyncore.dispatcher.close": "(self)",
    "wasyncore.dispatcher.handle_read_event": "(self)",
    "wasyncore.dispatcher.handle_write_event": "(self)",
    "wasyncore.dispatcher.connected": "False",
    "wasyncore.dispatcher.accepting": "False",
    "wasyncore.readwrite": "(obj, flags)",
    "wasyncore.poll2": "(timeout=0.0, map=None)",
    "task.ThreadedTaskDispatcher": "()",
    "task.ThreadedTaskDispatcher.set_thread_count": "(self, count)",
    "task.ThreadedTaskDispatcher.add_task": "(self, task)",
    "trigger.trigger": "(map)",
    "trigger.trigger.pull_trigger": "(self, thunk=None)",
    "utilities.build_http_date": "(when)",
}
"""Every name that is used or overridden, and how it is called, or its value."""

THREADS_HAVE = ("lock", "queue")
"""Attributes of the threads' dispatcher that are used."""

LOGGER = "waitress.queue"
"""Where it says that requests wait for threads."""


class Dispatcher(wasyncore.dispatcher):
    """What handles the events of a socket in a loop.

    Parameters
    ----------
    connection : socket
    handlers : dict of int to Handler
        Of the loop, by descriptors; it puts itself there.
    """

    socket: Any

    def __init__(self, connection: socket.socket, handlers: dict[int, Any]) -> None:
        super().__init__(connection, handlers)


class Handler(Protocol):
    """A dispatcher, as the loop sees it."""

    accepting: bool

    def readable(self) -> bool:
        """Tell whether to wait until there is something to read."""
        ...

    def writable(self) -> bool:
        """Tell whether to wait until something can be written."""
        ...


class Task(Protocol):
    """Something to be done on a thread."""

    def service(self) -> None:
        """Do it. Raises nothing."""


AnyTask = TypeVar("AnyTask", bound=Task)

handle_events: Callable[[Handler, int], None] = wasyncore.readwrite  # type: ignore[assignment]
"""Have events of a socket handled, as `select.poll` has them."""

poll: Callable[[float, dict[int, Any]], None] = wasyncore.poll2
"""Wait for events of all handlers, at most so many seconds, and have them handled."""


def format_date(seconds: int) -> str:
    """Write a time, in seconds since 1970, as RFC 9110 section 5.6.7 has it."""
    date: str = build_http_date(seconds)
    return date


class Waker:
    """Have the loop call something, from any thread.

    Parameters
    ----------
    handlers : dict of int to Handler
        Of the loop.
    """

    def __init__(self, handlers: dict[int, Any]) -> None:
        self._trigger: Any = trigger(handlers)  # type: ignore[arg-type]

    def call_in_loop(self, function: Callable[[], object]) -> None:
        """Have a function called in the loop."""
        self._trigger.pull_trigger(function)


class Threads:
    """Threads that do tasks in the order in which they are given.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self._threads: Any = ThreadedTaskDispatcher()
        self._threads.set_thread_count(count)

    def add(self, task: Task) -> None:
        """Have a task done."""
        self._threads.add_task(task)

    @property
    def queued(self) -> int:
        """Tasks that wait for a thread."""
        return len(self._threads.queue)

    def take_while(self, condition: Callable[[AnyTask], bool]) -> list[AnyTask]:
        """Take back the tasks that have waited longest, as long as a condition holds."""
        taken = []
        with self._threads.lock:
            queue = self._threads.queue
            while queue and condition(queue[0]):
                taken.append(queue.popleft())
        return taken
