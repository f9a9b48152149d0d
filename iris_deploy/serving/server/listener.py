"""A listening socket in the loop: whom it lets in, and where their requests go."""

import select
import socket
import threading
import time
from typing import Any

from waitress.server import BaseWSGIServer

from iris_deploy.serving.server.balance import PATIENCE, Balance
from iris_deploy.serving.server.channel import Channel
from iris_deploy.serving.server.quick import QuickLane
from iris_deploy.serving.server.service import Service
from iris_deploy.settings import UNIX_PEER

_NO_FILES_PAUSE = 1.0  # seconds without accepting when the process has no descriptor left


class Listener(BaseWSGIServer):
    """A listening socket in the loop.

    Attributes
    ----------
    open_again : float
        When to accept again, on the monotonic clock; 0 for now.
    """

    channel_class = Channel
    service: Service
    quick: QuickLane
    balance: Balance
    connections: int
    open_again = 0.0

    socket: Any
    active_channels: Any
    _map: dict[int, Any]

    def getsockname(self) -> Any:
        """Return host and port; a Unix socket has none."""
        if self.family == socket.AF_UNIX:
            return ("localhost", 0)
        name = self.socket.getsockname()
        return (name[0], name[1])

    def fix_addr(self, addr: Any) -> Any:
        """Return the address of a client."""
        return (UNIX_PEER, None) if self.family == socket.AF_UNIX else addr

    def set_socket_options(self, conn: Any) -> None:
        """Send small answers at once."""
        if self.family != socket.AF_UNIX:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def readable(self) -> bool:
        """Tell the loop whether to accept."""
        if self.open_again and time.monotonic() > self.open_again:
            self.open_again = 0.0
        return (
            self.accepting and len(self.active_channels) < self.connections and not self.open_again
        )

    def handle_accept(self) -> None:
        """Accept all who wait, or leave them to another worker for a moment.

        One at a time, as waitress has it, newcomers would wait behind a request of every
        connection that is there already.
        """
        while self.readable():
            if self.balance.leaves():
                self.open_again = time.monotonic() + PATIENCE
                return
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) <= before:
                return

    def accept(self) -> Any:
        """Accept; without descriptors for a while not, instead of trying all the time."""
        try:
            return super().accept()
        except OSError:
            self.open_again = time.monotonic() + _NO_FILES_PAUSE
            raise

    def add_task(self, task: Any) -> None:
        """Leave a quick request to its channel, and give any other to a thread."""
        if task.put_task():
            self.task_dispatcher.add_task(task)

    def pull_trigger(self) -> None:
        """Wake the loop, unless it is the loop that asks: it looks again anyway."""
        if threading.get_ident() != self.service.loop:
            super().pull_trigger()

    def take_all(self) -> None:
        """Accept everything that waits."""
        while select.select([self.socket], [], [], 0)[0]:
            before = len(self._map)
            super().handle_accept()
            if len(self._map) <= before:
                return
