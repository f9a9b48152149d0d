"""Requests of one connection, read and answered one after another, in turns with others.

All of it happens in the loop; a thread only ever sees the request that it answers.
"""

import time
from functools import partial

from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.worker.answers import Answers
from iris_deploy.serving.worker.connection import Connection
from iris_deploy.serving.worker.connections import Connections
from iris_deploy.serving.worker.intake import Intake
from iris_deploy.serving.worker.output import Output
from iris_deploy.serving.worker.request import Request
from iris_deploy.serving.worker.response import CONTINUE

_TURN = 0.003  # seconds that a connection's requests are answered before others have their turn

_FULL = reply_problem(503, "the server has no room for another connection", (("Retry-After", "1"),))


class Conversation:
    """What is asked and answered on a connection.

    Parameters
    ----------
    connection : Connection
    connections : Connections
        Those of the worker.

    Attributes
    ----------
    intake : Intake
    output : Output
    asked : Request or None
        That a thread answers.
    ends : bool
        Whether nothing comes after what is still to be sent.
    """

    def __init__(self, connection: Connection, connections: Connections) -> None:
        self._connection = connection
        self._connections = connections
        self._service = connections.service
        self.intake = Intake(self._service.limits, connection.peer, connections.memory)
        self.output = Output(connections.memory)
        self._answers = Answers(connection, connections.service, self.intake, self.output)
        self.asked: Request | None = None
        self.ends = False
        self._awaits_turn = False

    @property
    def goes_on(self) -> bool:
        """Whether a request is under way in either direction."""
        request = self.intake.request
        arriving = request is not None and not request.blank
        return bool(arriving or self.asked or self.output.pending or self.intake.more)

    def listen(self, data: bytes) -> None:
        """Take what has come, and answer it until the turn is over."""
        self.intake.add(data)
        self._proceed()

    def close(self) -> None:
        """Let go of everything but what a thread works on."""
        self.output.cut()
        if self.asked is None:  # its body is in memory until the thread is done with it
            self.intake.release()

    def refuse_late(self, seconds: float) -> None:
        """Answer a request of which something is still missing."""
        request, self.intake.request = self.intake.request, None
        if request is not None:
            detail = f"the request did not arrive within {seconds:g} seconds"
            request.fail(reply_problem(408, detail))
            self._respond(request)

    def ask_for_turn(self) -> None:
        """Go on later, when others have had their turn."""
        if not self._awaits_turn:
            self._awaits_turn = True
            self._connections.resume_later(self._connection)

    def take_turn(self) -> None:
        """Go on where the last turn has ended."""
        self._awaits_turn = False
        if not self._connection.connected:
            return
        if not self.output.pending:
            self._proceed()
            return
        if not self.output.waiting:
            try:
                self.output.make_piece()
            except Exception as exc:  # noqa: BLE001 - the beginning of the answer is sent already
                self._service.log.bug("an answer could not be finished", exc)
                self._connection.handle_close()
                return
        self._connection.send_on()

    def _proceed(self) -> None:
        """Read requests out of what has come and answer them, until the turn is over."""
        end, intake = time.monotonic() + _TURN, self.intake
        while intake.more and not (self.asked or self.ends):
            if time.monotonic() > end or self.output.is_long:
                break
            request = intake.read(self._admit)
            if request is not None:
                self._respond(request)
        self._connection.send_on()

    def _admit(self, request: Request) -> None:
        """Judge a request by its head, before anything of its body is taken."""
        request.client, refusal = self._service.admit(request, self._connection.peer)
        has_place = not (self._connection.is_reserved and self._connections.full)
        is_vital = request.resource is not None and request.resource.vital
        if refusal is None and not (has_place or is_vital):
            request.fail(_FULL)  # and make room
        elif refusal is not None:
            request.refuse(refusal)
        if request.waits and not self.intake.more:
            if refusal is None:
                self.output.add(CONTINUE)
            else:
                request.fail(refusal)  # nothing says whether the body will come all the same

    def _respond(self, request: Request) -> None:
        """Answer a request in the loop, if that is quick, or else on a thread."""
        service = self._service
        reply = service.answer_now(request)
        if reply is None:
            self.asked = request
            size = service.memory_of(request)
            self._connections.pool.put(request, size, partial(self._deliver, request))
            return
        self.ends = self._answers.put(request, reply, "loop")
        is_logged = isinstance(reply.body, bytes)  # and not when all of it is sent
        is_plain = request.refusal is None and not request.chunked
        if is_logged and is_plain and not self.ends:
            self._connections.quick.learn(self._connection, request)

    def _deliver(self, request: Request, reply: Reply) -> None:
        """Send what a thread has answered."""
        self.asked = None
        request.body = b""  # not to be kept until its answer is read
        try:
            self.ends = self._answers.put(request, reply, "pool")
            if self._connection.connected:
                self._proceed()
        except Exception:  # noqa: BLE001 - nobody above knows whose it is
            self._connection.handle_error()
