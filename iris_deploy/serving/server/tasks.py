"""How requests are answered: the one place that every answer goes through.

Whatever answers (a pure function on the loop, Flask on a thread, a refusal), its headers are
completed here, it is counted here and logged here.
"""

import threading
import time
from typing import TYPE_CHECKING, Any

from waitress.channel import ClientDisconnected
from waitress.task import ErrorTask, Task, WSGITask

from iris_deploy.serving.problem import phrase, reply_problem
from iris_deploy.serving.reply import Reply

if TYPE_CHECKING:
    from iris_deploy.serving.server.service import Service

CLOSED_BY_CLIENT = 499
"""nginx's status for nobody to answer, in figures and the log."""

_FAILED = "the server failed; its log says why"
_SEND_TOGETHER = 64 * 1024  # bytes of a body up to which copying it is cheaper than a second send


class _Answer(Task):
    """What all tasks have in common."""

    channel: Any
    request: Any
    response_headers: Any
    identity = ""
    client = ""

    @property
    def _service(self) -> "Service":
        service: Service = self.channel.server.service
        return service

    def service(self) -> None:
        """Answer, and then count and log it, also if the client has gone."""
        request = self.request
        self.identity = self._service.identify(request.headers.get("X_REQUEST_ID"))
        self.client = self.channel.addr[0]
        status = 0
        try:
            super().service()
            status = int(self.status[:3])
        except ClientDisconnected:
            status = CLOSED_BY_CLIENT
            raise
        finally:
            if status:
                self._service.record(
                    request,
                    identity=self.identity,
                    client=self.client,
                    status=status,
                    seconds=time.monotonic() - request.arrived,
                    size=self.content_bytes_written,
                    lane="loop" if threading.get_ident() == self._service.loop else "pool",
                )

    def build_response_header(self) -> bytes:
        """Complete the headers with what every answer has."""
        code = int(self.status[:3])
        self.status = f"{code} {phrase(code)}"  # as RFC 9110 has it, whoever answered
        headers = self.request.headers
        method = getattr(self.request, "command", "")
        self.response_headers += self._service.access.headers(method, headers.get("ORIGIN"))
        self.response_headers.append(("X-Request-ID", self.identity))
        if self._service.endpoints.draining:
            self.set_close_on_finish()
        return super().build_response_header()

    def write(self, data: bytes) -> None:
        """Write a part of the body; the first goes out together with the header."""
        if self.wrote_header or not 0 < len(data) <= _SEND_TOGETHER:
            super().write(data)
            return
        header = self.build_response_header()
        self.wrote_header = True
        if self.chunked_response or not self.has_body:
            self.channel.write_soon(header)
            super().write(data)
            return
        if self.content_length is not None:
            data = data[: self.content_length]
        self.channel.write_soon(header + data)
        self.content_bytes_written += len(data)

    def send(self, reply: Reply) -> None:
        """Write a whole answer."""
        self.complete = True
        self.status = str(reply.status)  # its phrase comes with the other headers
        self.response_headers += reply.headers
        self.content_length = len(reply.body)
        if self.request.command != "HEAD":
            self.write(reply.body)

    def execute(self) -> None:
        """Refuse, if there is a reason, or answer."""
        self.client, refusal = self._service.refuse(self.request, self.client)
        if refusal is not None:
            self.send(refusal)
            return
        try:
            self.answer()
        except ClientDisconnected:
            raise
        except Exception:  # Flask answers its own; this is about the quick lane, and about WSGI
            self.logger.exception("answering failed")
            if self.wrote_header:
                raise
            self.response_headers = []
            self.send(reply_problem(500, _FAILED))

    def answer(self) -> None:
        """Answer the request."""
        raise NotImplementedError


class RefusalTask(_Answer, ErrorTask):
    """Answer what the parser refused, and close: what follows cannot be understood."""

    def execute(self) -> None:
        """Answer with the refusal."""
        self.set_close_on_finish()
        error = self.request.error
        self.send(error if isinstance(error, Reply) else reply_problem(500, _FAILED))


class QuickTask(_Answer):
    """Answer with a pure function."""

    def answer(self) -> None:
        """Ask the endpoints."""
        request = self.request
        if request.prepared is not None:
            self.send(request.prepared())
            return
        self.send(self._service.answer(request, request.get_body_stream().read()))
        if not (self.close_on_finish or request.chunked):
            self.channel.server.quick.remember(self.channel, request)


class FlaskTask(_Answer, WSGITask):
    """Answer with the WSGI application."""

    def get_environment(self) -> dict[str, Any]:
        """Return what WSGI says of the request, less what no answer depends on.

        werkzeug checks the host's name by rules of its own, and the other lane does not.
        """
        environ: dict[str, Any] = super().get_environment()
        environ["PATH_INFO"] = environ["PATH_INFO"] or "/"
        environ["HTTP_HOST"] = "localhost"
        return environ

    def answer(self) -> None:
        """Call the application."""
        WSGITask.execute(self)
