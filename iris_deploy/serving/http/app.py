"""The Flask application: routes, and errors turned into HTTP.

One of the two boundaries where errors become something else. Knows nothing of sockets, threads
and signals (server/).
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from iris_deploy.serving.http import endpoints as paths
from iris_deploy.serving.http.endpoints import Endpoints
from iris_deploy.serving.problem import build_problem, phrase, too_large
from iris_deploy.serving.reply import PROBLEM, Reply, Stream


def create_app(
    endpoints: Endpoints,
    *,
    max_body_bytes: int,
    metrics: Callable[[str], Reply] | None = None,
) -> Flask:
    """Create the WSGI application.

    Parameters
    ----------
    endpoints : Endpoints
        What the routes answer.
    max_body_bytes : int
        Largest request body; a larger one is answered with 413.
    metrics : callable, optional
        Answers ``GET /metrics`` for a value of the Accept header; without it there is no such
        route.

    Returns
    -------
    Flask
    """
    app = Flask("iris_deploy", static_folder=None)
    app.url_map.merge_slashes = False  # a path is what it is; no redirects
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.config["PROPAGATE_EXCEPTIONS"] = True  # whoever calls it logs them, and answers

    @app.post(paths.PREDICT)
    def predict() -> Response:
        content_type = request.headers.get("Content-Type")
        query = request.query_string.decode("latin-1")
        return _response(endpoints.predict(query, content_type, request.get_data()))

    @app.get(paths.LIVE)
    def live() -> Response:
        return _response(endpoints.probe(paths.LIVE))

    @app.get(paths.READY)
    def ready() -> Response:
        return _response(endpoints.probe(paths.READY))

    @app.get(paths.OPENAPI)
    def openapi() -> Response:
        return _response(endpoints.openapi(request.root_path))

    @app.get(paths.INDEX)
    def index() -> Response:
        return _response(endpoints.describe(request.root_path))

    if metrics is not None:

        @app.get(paths.METRICS)
        def expose() -> Response:
            return _response(metrics(request.headers.get("Accept", "")))

    app.after_request(_sort_allowed)
    app.register_error_handler(
        HTTPException,
        lambda error: _answer_http_error(error, endpoints.routes_at(request.root_path)),
    )
    return app


def _sort_allowed(response: Response) -> Response:
    """Name methods in one order; Flask has them in that of a set, another in each process."""
    if "Allow" in response.headers:
        response.headers["Allow"] = ", ".join(sorted(response.allow))
    return response


def _response(reply: Reply) -> Response:
    body = reply.body.pieces if isinstance(reply.body, Stream) else reply.body
    return Response(body, reply.status, reply.headers)


def _answer_http_error(error: HTTPException, routes: Iterable[str]) -> Response:
    """Keep the status and headers of Flask's own errors, but answer as problem details."""
    status = error.code or 500
    response = Response(status=status, headers=PROBLEM)
    allowed = getattr(error, "valid_methods", None)
    if status == HTTPStatus.METHOD_NOT_ALLOWED and allowed:
        response.headers["Allow"] = ", ".join(allowed)
        expected = " or ".join(sorted(set(allowed) - {"HEAD", "OPTIONS"}))
        detail = f"{request.method} is not allowed here; expected {expected}"
    elif status == HTTPStatus.NOT_FOUND:
        detail = f"there is no such path; there is {', '.join(routes)}"
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        detail = too_large(request.max_content_length or 0)
    else:
        detail = error.description or phrase(status)
    response.data = build_problem(status, detail)
    return response
