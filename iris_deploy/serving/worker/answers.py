"""Answers of one connection: framed, written to its output, counted and logged once sent."""

import time
from functools import partial
from http import HTTPStatus

from iris_deploy.serving.reply import Reply, Stream
from iris_deploy.serving.worker.connection import Connection
from iris_deploy.serving.worker.intake import NO_MEMORY, Intake
from iris_deploy.serving.worker.lanes import CLOSED_BY_CLIENT, Lane, Service
from iris_deploy.serving.worker.output import Output
from iris_deploy.serving.worker.request import Request
from iris_deploy.serving.worker.response import build_head, choose_framing


class Answers:
    """Write answers.

    Parameters
    ----------
    connection : Connection
    service : Service
    intake : Intake
    output : Output
    """

    def __init__(
        self, connection: Connection, service: Service, intake: Intake, output: Output
    ) -> None:
        self._connection = connection
        self._service = service
        self._intake = intake
        self._output = output

    def put(self, request: Request, reply: Reply, lane: Lane) -> bool:
        """Write one, and return whether the connection ends with it."""
        self._intake.release()
        held = len(reply.body) if isinstance(reply.body, bytes) else reply.body.held
        if not self._output.take(held):
            reply = NO_MEMORY
        if reply.status >= HTTPStatus.BAD_REQUEST:
            reply = self._service.restate(request, reply)
        body = reply.body
        closes = request.error is not None or self._service.readiness.draining
        framing = choose_framing(request, reply.length, closes=closes)
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
        if not self._connection.connected:
            self._output.cut()
        return framing.closes

    def _record(self, request: Request, status: int, lane: Lane, size: int) -> None:
        self._service.record(
            request,
            identity=request.identity,
            client=request.client,
            status=status if self._connection.connected else CLOSED_BY_CLIENT,
            seconds=time.monotonic() - request.arrived,
            size=size,
            lane=lane,
        )
