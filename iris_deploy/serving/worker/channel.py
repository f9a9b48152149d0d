"""One connection in the loop: its socket, and what happens on it."""

import socket
import sys
import time

from iris_deploy.serving.worker.adapter import Dispatcher
from iris_deploy.serving.worker.connection import Rank
from iris_deploy.serving.worker.connections import Connections
from iris_deploy.serving.worker.conversation import Conversation
from iris_deploy.serving.worker.ending import Ending
from iris_deploy.serving.worker.poller import Poller

_RECEIVED = 1 << 16  # bytes at a time; a third of the time of a large body against 8 KiB
_PATIENCE = 0.010  # seconds after which whoever sends much has to wait for a turn
_LITTLE = 1024  # bytes that are read at once all the same: most requests, and all probes


class Channel(Dispatcher):
    """A connection in the loop.

    Parameters
    ----------
    connection : socket
    peer : str
        Address at the other end, or ``unix``.
    connections : Connections
        Those of the worker.
    poller : Poller
    """

    def __init__(
        self, connection: socket.socket, peer: str, connections: Connections, poller: Poller
    ) -> None:
        self.peer = peer
        self.touched = time.monotonic()
        self.before = 0
        self.is_reserved = False
        self._connections = connections
        self._poller = poller
        self._service = connections.service
        self._conversation = Conversation(self, connections)
        self._intake, self._output = self._conversation.intake, self._conversation.output
        self._ending = Ending(self._intake, self._output)
        self._has_asked = False
        super().__init__(connection, poller)
        self.connected = True
        connections.add(self)

    @property
    def busy(self) -> bool:
        """Whether a request is under way in either direction."""
        return self._conversation.goes_on

    # What the loop asks and says.

    def readable(self) -> bool:
        """Tell the loop whether to read: not before what has come is answered, and that sent."""
        if self._ending.lingers_until is not None:
            return True
        talk = self._conversation
        if talk.asked or talk.ends or self._output.pending or self._intake.more:
            return False
        return not self._ending.given_up

    def writable(self) -> bool:
        """Tell the loop whether to write."""
        return self._ending.given_up or (
            self._ending.lingers_until is None and self._output.waiting > 0
        )

    def handle_read(self) -> None:
        """Read; what comes after the last answer is thrown away."""
        if self._ending.given_up:
            return
        try:
            data: bytes = self.socket.recv(_RECEIVED)
        except BlockingIOError:
            return
        if not data:
            self.handle_close()
            return
        now = time.monotonic()
        if self._ending.lingers_until is not None:
            self._ending.linger(now)
            return
        self.touched, self._has_asked = now, True
        if len(data) > _LITTLE and now - self._poller.woke > _PATIENCE:
            self._intake.add(data)
            self._conversation.ask_for_turn()
        elif self._intake.request is not None or not self._connections.quick.answer(self, data):
            self._conversation.listen(data)

    handle_read_event = handle_read  # what waitress would look at is so from the beginning

    def handle_write(self) -> None:
        """Write, and go on reading once all is written."""
        if self._ending.given_up:
            self.handle_close()
            return
        self.send_on()

    def handle_error(self) -> None:
        """Close after what nobody expected, and say that it was."""
        self._service.log.bug("a connection failed", sys.exception())
        self.handle_close()

    def handle_close(self) -> None:
        """Close, whatever is under way."""
        if self.socket is None:
            return
        self._connections.remove(self)
        self.close()
        self._conversation.close()

    def send(self, data: bytes | memoryview, do_close: bool = True) -> int:  # noqa: FBT001, FBT002
        """Send, and note when the client took something."""
        try:
            sent: int = self.socket.send(data)
        except OSError:  # once more, to be told again by whom it is looked at
            sent = super().send(data, do_close)  # type: ignore[arg-type]
        if sent:
            self.touched = time.monotonic()
        return sent

    def queue(self, data: bytes) -> None:
        """Send some bytes when the client takes them."""
        self._output.add(data)

    def take_turn(self) -> None:
        """Go on where the last turn has ended."""
        self._conversation.take_turn()

    def send_on(self) -> None:
        """Send what can be sent, and ask for a turn if there is more to make, or to read."""
        self._flush()
        talk, output = self._conversation, self._output
        more = output.pending or (self._intake.more and not (talk.asked or talk.ends))
        if more and not output.waiting:
            talk.ask_for_turn()

    def _flush(self) -> None:
        """Send what can be sent, and say good-bye after the last of it."""
        if self._output.pending and self.connected:
            self._output.send(self.send)
        done = self._conversation.ends and not self._output.pending
        if done and self.connected and self._ending.lingers_until is None:
            longest = self._service.settings.request_timeout
            try:
                self._ending.close_our_side(self.socket, time.monotonic(), longest)
            except OSError:
                self.handle_close()
                return
            self._intake.clear()

    # How it ends.

    def time_out(self, now: float, *, network: float, idle: float) -> None:
        """Give up what takes too long."""
        if self._conversation.asked is not None and not self._output.pending:
            return
        match self._ending.overdue(now, self.touched, network=network, idle=idle):
            case "connection":
                self.handle_close()
            case "traffic":
                self._ending.given_up = True
            case "request":
                self._conversation.refuse_late(network)
                self._flush()

    def finish(self, now: float, quiet: float) -> None:
        """Close, if nothing has happened and nothing is under way."""
        if not self.busy and self._ending.lingers_until is None and now - self.touched >= quiet:
            self._ending.given_up = True

    def rank(self, now: float) -> Rank | None:
        """Tell how soon it has to make room for another; None if it does not have to."""
        if self._conversation.asked is not None:
            return None
        return self._ending.rank(now, self.touched, has_asked=self._has_asked)

    def evict(self) -> None:
        """Do nothing any more: the connection is about to be closed for another."""
        self._ending.given_up = True
