"""One waitress server on a socket of its own: binds, runs, stops.

The only module that knows waitress. Knows nothing of routes and bundles.
"""

import signal
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from iris_deploy.errors import ServerError
from iris_deploy.serving.problem import CONTENT_TYPE, build_problem, phrase, too_large
from iris_deploy.settings import ServeSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class _ProblemTask(ErrorTask):
    """Answer what waitress itself refuses, before any application sees it, as problem details."""

    def execute(self) -> None:
        error: Any = self.request.error  # type: ignore[attr-defined]
        status = HTTPStatus(error.code)
        detail = str(error.body)
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            server: Any = self.channel.server
            detail = too_large(server.max_body_bytes)
        body = build_problem(status, detail)
        self.status = f"{status} {phrase(status)}"
        self.response_headers = [("Content-Type", CONTENT_TYPE)]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


_FRAMING = 2  # times the limit of a body, for the sizes and line ends between its chunks


class _Channel(HTTPChannel):
    error_task_class = _ProblemTask


def open_socket(host: str, port: int) -> socket.socket:
    """Bind and listen.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        0 lets the system choose.

    Returns
    -------
    socket.socket

    Raises
    ------
    ServerError
        If the address is not to be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1024)
        except BaseException:
            listener.close()
            raise
    except OSError as exc:
        message = f"cannot listen on {host} port {port}: {exc.strerror or exc}"
        raise ServerError(message, hint=_HINTS.get(type(exc), _HINT)) from exc
    return listener


_HINT = "stop what listens there, or choose another with --port (0 picks a free one)"
_HINTS: dict[type[OSError], str] = {
    PermissionError: "ports below 1024 need privileges; choose another with --port",
    socket.gaierror: "choose an address of this machine with --host",
}


def serve(
    app: "WSGIApplication", settings: ServeSettings, on_listening: Callable[[str], None]
) -> None:
    """Serve an application until SIGTERM or SIGINT.

    Parameters
    ----------
    app : callable
        The WSGI application.
    settings : ServeSettings
    on_listening : callable
        Gets the URL as soon as connections are accepted.

    Raises
    ------
    ServerError
        If the address is not to be had.
    """
    listener = open_socket(settings.host, settings.port)
    received = _FRAMING * settings.max_body_bytes
    server: Any = create_server(
        app,
        sockets=[listener],
        threads=settings.threads,
        # The application holds bodies to their limit exactly; waitress, which counts the framing of
        # chunks too, keeps what is received within bounds before that.
        max_request_body_size=received,
        # A body stays in memory, so that no writable directory is needed.
        inbuf_overflow=received + 1,
        ident="iris-deploy",
    )
    server.channel_class = _Channel
    server.max_body_bytes = settings.max_body_bytes

    def stop(_signal: int, _frame: Any) -> NoReturn:
        raise SystemExit  # waitress ends its loop on it and lets running requests finish

    signal.signal(signal.SIGTERM, stop)
    on_listening(url_of(listener))
    server.run()


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
