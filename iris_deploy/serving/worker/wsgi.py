"""A WSGI application asked for one answer, on a thread."""

from typing import TYPE_CHECKING, Any

from iris_deploy.serving.reply import Reply
from iris_deploy.serving.worker.request import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def call_app(app: "WSGIApplication", request: Request, path: str, root: str) -> Reply:
    """Call an application.

    Parameters
    ----------
    app : WSGI application
    request : Request
        Of which it gets the method, the query and what is preferred: no answer depends on more, and
        what it does not get it cannot judge by rules of its own. No body: no route but
        predictions, which are answered without it, has one.
    path : str
        Below the root.
    root : str
        Path at which clients see the server.

    Returns
    -------
    Reply
        With its body, whose length HEAD is told.

    References
    ----------
    PEP 3333.
    """
    answered: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _failed: Any = None) -> Any:
        kept = tuple(field for field in headers if field[0] != "Content-Length")
        answered[:] = [int(status[:3]), kept]

    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET" if request.method == "HEAD" else request.method,
        "SCRIPT_NAME": root,
        "PATH_INFO": path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": request.headers.get("ACCEPT", ""),
        "HTTP_ACCEPT_LANGUAGE": request.headers.get("ACCEPT_LANGUAGE", ""),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    pieces = app(environ, start_response)
    try:
        body = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    status, headers = answered
    return Reply(status, headers, body)
