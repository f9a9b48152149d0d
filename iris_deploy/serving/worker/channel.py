"""One connection: how its requests are read and its answers sent, and how it ends.

All of it happens in the loop; a thread only ever sees the request that it answers.
"""

import socket
import sys
import time
from functools import partial
from typing import Any

from waitress import wasyncore

from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.reply import Reply, Stream
from iris_deploy.serving.worker.connection import Rank
from iris_deploy.serving.worker.connections import Connections
from iris_deploy.serving.worker.lanes import CLOSED_BY_CLIENT, Lane
from iris_deploy.serving.worker.memory import SMALL
from iris_deploy.serving.worker.output import Output
from iris_deploy.serving.worker.poller import Poller
from iris_deploy.serving.worker.request import Request
from iris_deploy.serving.worker.response import CONTINUE, build_head, choose_framing

_RECEIVED = 1 << 16  # bytes at a time; a third of the time of a large body against 8 KiB
_TURN = 0.003  # seconds that a connection's requests are answered before others have their turn
_PATIENCE = 0.010  # seconds after which whoever sends much has to wait for a turn
_LITTLE = 1024  # bytes that are read at once all the same: most requests, and all probes
_LINGER = 2.0  # seconds after the last byte of a client that still sends, to read its answer
_SETTLED = 1.0  # seconds without anything after which a connection may have to make room

_RETRY = (("Retry-After", "1"),)
_FULL = reply_problem(503, "the server has no room for another connection", _RETRY)
_NO_MEMORY = reply_problem(503, "the server has no memory for another large request", _RETRY)


class Channel(wasyncore.dispatcher):
    """A connection in the loop.

    Parameters
    ----------
    connection : socket
    peer : str
        Address at the other end, or ``unix``.
    connections : Connections
        Those of the worker.
    poller : Poller

    Attributes
    ----------
    touched : float
        When something was received or sent last, on the monotonic clock.
    last_head : bytes
        Of the request before, if it was quick.
    is_reserved : bool
        Whether it has come when all but the reserved places were taken.
    """

    socket: Any

    def __init__(
        self, connection: socket.socket, peer: str, connections: Connections, poller: Poller
    ) -> None:
        self.peer = peer
        self.touched = time.monotonic()
        self.last_head = b""
        self.is_reserved = False
        self._connections = connections
        self._poller = poller
        self._service = connections.service
        self._unread, self._at = b"", 0  # what has come, and how far it is read
        self._request: Request | None = None  # that arrives
        self._asked: Request | None = None  # that a thread answers
        self._output = Output(connections.memory)
        self._counted = 0  # bytes of a body that are taken from the budget
        self._has_asked = False
        self._ends = False  # with what is still to be sent
        self._given_up = self._awaits_turn = False
        self._lingering_until: float | None = None
        self._linger_end = 0.0
        super().__init__(connection, poller)
        self.connected = True
        connections.add(self)

    @property
    def busy(self) -> bool:
        """Whether a request is under way in either direction."""
        arriving = self._request is not None and not self._request.blank
        return bool(arriving or self._asked or self._output.pending or self._unread)

    # What the loop asks and says.

    def readable(self) -> bool:
        """Tell the loop whether to read: not before what has come is answered, and that sent."""
        if self._lingering_until is not None:
            return True
        waits = self._asked or self._output.pending or self._unread
        return not (waits or self._ends or self._given_up)

    def writable(self) -> bool:
        """Tell the loop whether to write."""
        return self._given_up or (self._lingering_until is None and self._output.waiting > 0)

    def handle_read(self) -> None:
        """Read; what comes after the last answer is thrown away."""
        if self._given_up:
            return
        try:
            data: bytes = self.recv(_RECEIVED)  # closes at the end of the stream
        except BlockingIOError:
            return
        if not data:
            return
        now = time.monotonic()
        if self._lingering_until is not None:
            self._lingering_until = min(now + _LINGER, self._linger_end)
            return
        self.touched, self._has_asked = now, True
        if len(data) > _LITTLE and now - self._poller.woke > _PATIENCE:
            self._unread, self._at = data, 0
            self._ask_for_turn()
        elif self._request is not None or not self._connections.quick.answer(self, data):
            self._unread, self._at = data, 0
            self._proceed()

    def handle_write(self) -> None:
        """Write, and go on reading once all is written."""
        if self._given_up:
            self.handle_close()
            return
        self._send_on()

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
        self._output.cut()
        if self._asked is None:  # its body is in memory until the thread is done with it
            self._give_back()

    def send(self, data: bytes | memoryview, do_close: bool = True) -> int:  # noqa: FBT001, FBT002
        """Send, and note when the client took something."""
        sent: int = super().send(data, do_close)  # type: ignore[arg-type]
        if sent:
            self.touched = time.monotonic()
        return sent

    def queue(self, data: bytes) -> None:
        """Send some bytes when the client takes them."""
        self._output.add(data)

    # One request after another.

    def _ask_for_turn(self) -> None:
        if not self._awaits_turn:
            self._awaits_turn = True
            self._connections.resume_later(self)

    def take_turn(self) -> None:
        """Go on where the last turn has ended."""
        self._awaits_turn = False
        if not self.connected:
            return
        if not self._output.pending:
            self._proceed()
            return
        if not self._output.waiting:
            try:
                self._output.make_piece()
            except Exception as exc:  # noqa: BLE001 - the beginning of the answer is sent already
                self._service.log.bug("an answer could not be finished", exc)
                self.handle_close()
                return
        self._send_on()

    def _proceed(self) -> None:
        """Read requests out of what has come and answer them, until the turn is over."""
        end = time.monotonic() + _TURN
        while self._at < len(self._unread) and not (self._asked or self._ends or self._given_up):
            if time.monotonic() > end or self._output.is_long:
                break
            self._read()
        if self._at >= len(self._unread):
            self._unread, self._at = b"", 0
        self._send_on()

    def _read(self) -> None:
        """Read on, and answer the request if it is complete."""
        request = self._request
        if request is None:
            request = self._request = Request(self._connections.limits, self.peer)
        was_open = request.is_open
        self._at = request.take(self._unread, self._at)
        if request.is_open and not was_open and request.error is None:
            self._admit(request)
        if len(request.body) > SMALL:
            self._count(request)
        if request.completed:
            self._request = None
            self._respond(request)

    def _admit(self, request: Request) -> None:
        """Judge a request by its head, before anything of its body is taken."""
        request.client, refusal = self._service.admit(request, self.peer)
        has_place = not (self.is_reserved and self._connections.full)
        if refusal is None and not (has_place or self._service.is_vital(request)):
            request.fail(_FULL)  # and make room
        elif refusal is not None:
            request.refuse(refusal)
        if request.waits and self._at >= len(self._unread):
            if refusal is None:
                self._output.add(CONTINUE)
            else:
                request.fail(refusal)  # nothing says whether the body will come all the same

    def _count(self, request: Request) -> None:
        """Take memory for what has come of a large body."""
        growth = len(request.body) - self._counted
        if self._connections.memory.take(growth):
            self._counted += growth
        else:
            request.fail(_NO_MEMORY)

    def _give_back(self) -> None:
        self._connections.memory.give_back(self._counted)
        self._counted = 0

    def _respond(self, request: Request) -> None:
        """Answer a request in the loop, if that is quick, or else on a thread."""
        service = self._service
        request.queued = time.monotonic()
        request.identity = service.identify(request.headers.get("X_REQUEST_ID"))
        request.client = request.client or self.peer
        reply = request.error or request.refusal
        if reply is not None:
            self._answer(request, reply, "loop")
            return
        if len(request.body) <= SMALL:
            reply = service.answer_quickly(request, bytes(request.body))
        if reply is None:
            self._asked = request
            size = service.memory_of(request)
            self._connections.pool.put(request, size, partial(self._deliver, request))
            return
        self._answer(request, reply, "loop")
        if not (self._ends or request.chunked):
            self._connections.quick.remember(self, request)

    def _deliver(self, request: Request, reply: Reply) -> None:
        """Send what a thread has answered."""
        self._asked = None
        request.body = b""  # not to be kept until its answer is read
        self._give_back()
        try:
            self._answer(request, reply, "pool")
            if self.connected:
                self._proceed()
        except Exception:  # noqa: BLE001 - nobody above knows whose it is
            self.handle_error()

    def _answer(self, request: Request, reply: Reply, lane: Lane) -> None:
        self._give_back()
        body = reply.body
        if not self._output.take(len(body) if isinstance(body, bytes) else body.held):
            reply = _NO_MEMORY
            body = reply.body
        closes = request.error is not None or self._service.readiness.draining
        framing = choose_framing(request, reply.length, closes=closes)
        self._ends = framing.closes
        headers = self._service.complete(request, reply.headers)
        head = build_head(request, reply.status, headers, framing)
        record = partial(self._record, request, reply.status, lane)
        if isinstance(body, Stream):
            self._output.add(head)
            self._output.add_stream(body, record, chunked=framing.chunked)
        else:
            if request.method == "HEAD":
                body = b""
            self._output.add(head + body)
            record(len(body))
        if not self.connected:
            self._output.cut()

    def _record(self, request: Request, status: int, lane: Lane, size: int) -> None:
        self._service.record(
            request,
            identity=request.identity,
            client=request.client,
            status=status if self.connected else CLOSED_BY_CLIENT,
            seconds=time.monotonic() - request.arrived,
            size=size,
            lane=lane,
        )

    def _send_on(self) -> None:
        """Send what can be sent, and ask for a turn if there is more to make, or to read."""
        self._flush()
        more = self._output.pending or (self._unread and not (self._asked or self._ends))
        if more and not self._output.waiting:
            self._ask_for_turn()

    def _flush(self) -> None:
        """Send what can be sent, and say good-bye after the last of it."""
        if self._output.pending and self.connected:
            self._output.send(self.send)
        done = self._ends and not self._output.pending
        if done and self.connected and self._lingering_until is None:
            self._say_good_bye()

    def _say_good_bye(self) -> None:
        """Close our side only, until the client has closed its own.

        Closing a socket with unread input resets the connection, and the client may never see the
        answer that told it why.
        """
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.handle_close()
            return
        now = time.monotonic()
        self._unread, self._at = b"", 0
        self._lingering_until = now + _LINGER
        self._linger_end = now + self._service.settings.request_timeout

    # How it ends.

    def time_out(self, now: float, *, network: float, idle: float) -> None:
        """Give up what takes too long.

        Parameters
        ----------
        now : float
            Monotonic clock.
        network : float
            Seconds for a request to arrive, and for a client to take something of an answer.
        idle : float
            Seconds without any traffic.
        """
        if self._lingering_until is not None:
            if now > self._lingering_until:
                self.handle_close()
        elif self._output.pending:
            if now - self.touched > network:
                self.handle_close()
        elif self._request is not None:
            if now - self._request.begun > network:
                self._refuse_late(self._request, network)
        elif self._asked is None and now - self.touched > idle:
            self._given_up = True

    def _refuse_late(self, request: Request, seconds: float) -> None:
        self._request = None
        detail = f"the request did not arrive within {seconds:g} seconds"
        request.fail(reply_problem(408, detail))
        self._respond(request)
        self._flush()

    def finish(self, now: float, quiet: float) -> None:
        """Close, if nothing has happened for so many seconds and nothing is under way."""
        if not self.busy and self._lingering_until is None and now - self.touched >= quiet:
            self._given_up = True

    def rank(self, now: float) -> Rank | None:
        """Tell how soon the connection has to make room for another; None if it does not have to.

        First goes who has its last answer, then who has been idle longest, then whose request or
        answer takes longest. Whoever has just come is left the time to say something.
        """
        if self._given_up or self._asked is not None or self._unread:
            return None
        if self._lingering_until is not None:
            return 0, self._lingering_until
        pending, request = self._output.pending, self._request
        if self._has_asked and not (pending or request):
            return 1, self.touched
        since = request.begun if request and not pending else self.touched
        return (2, since) if now - since > _SETTLED else None

    def evict(self) -> None:
        """Do nothing any more: the connection is about to be closed for another."""
        self._given_up = True
