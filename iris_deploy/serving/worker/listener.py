"""A listening socket in the loop: whom it lets in."""

import contextlib
import select
import socket
import time
from typing import Any

from iris_deploy.serving.addresses import UNIX_PEER
from iris_deploy.serving.http.proxies import plain_address
from iris_deploy.serving.supervision.balance import PATIENCE, Balance
from iris_deploy.serving.supervision.handed_socket import HandedSocket
from iris_deploy.serving.worker.adapter import Dispatcher
from iris_deploy.serving.worker.channel import Channel
from iris_deploy.serving.worker.connections import Connections
from iris_deploy.serving.worker.poller import Poller

_NO_FILES_PAUSE = 1.0  # seconds without accepting when the process has no descriptor left


class Listener(Dispatcher):
    """A listening socket in the loop.

    Parameters
    ----------
    listener : socket
    connections : Connections
        Those of the worker.
    balance : Balance
    poller : Poller

    Attributes
    ----------
    is_handed : bool
        Whether who connects later is the next server's.
    open_again : float
        When to accept again, on the monotonic clock; 0 for now.
    """

    open_again = 0.0
    socket: Any

    def __init__(
        self, listener: socket.socket, connections: Connections, balance: Balance, poller: Poller
    ) -> None:
        self._connections = connections
        self._balance = balance
        self._is_unix = listener.family == socket.AF_UNIX
        self.is_handed = isinstance(listener, HandedSocket)
        self._poller = poller
        self._fails = False
        super().__init__(listener, poller)
        self.accepting = True

    def readable(self) -> bool:
        """Tell the loop whether to accept."""
        if self.open_again and time.monotonic() > self.open_again:
            self.open_again = 0.0
        return self.accepting and not self.open_again and self._connections.have_room()

    def writable(self) -> bool:
        """Tell the loop that there is nothing to write."""
        return False

    def handle_accept(self) -> None:
        """Accept all who wait, or leave them to another worker for a moment.

        One at a time newcomers would wait behind a request of every connection that is there
        already.
        """
        while self.readable():
            if self._balance.defers():
                self.open_again = time.monotonic() + PATIENCE
                return
            if not self._accept_one():
                return

    def accept_all(self) -> None:
        """Accept everything that waits."""
        while select.select([self.socket], [], [], 0)[0] and self._accept_one():
            pass

    def _accept_one(self) -> bool:
        try:
            accepted = self.accept()
        except OSError as exc:  # without descriptors not for a while, instead of all the time
            self.open_again = time.monotonic() + _NO_FILES_PAUSE
            if not self._fails:
                message = f"no connection can be accepted for now: {exc.strerror}"
                self._connections.service.log.event("error", "accept", message)
            self._fails = True
            return False
        if accepted is None:
            return False
        self._fails = False
        connection, address = accepted
        if not self._is_unix:
            with contextlib.suppress(OSError):  # it may be gone already
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = UNIX_PEER if self._is_unix else plain_address(address[0])
        Channel(connection, peer, self._connections, self._poller)
        return True
