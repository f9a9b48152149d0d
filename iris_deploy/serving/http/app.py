"""The Flask application: a view for each route, and errors turned into HTTP.

One of the two boundaries where errors become something else. Knows nothing of sockets, threads
and signals (worker/).
"""

from collections.abc import Iterable
from functools import lru_cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from iris_deploy.serving.http.endpoints import Endpoints
from iris_deploy.serving.http.routes import RouteTable
from iris_deploy.serving.problem import phrase, reply_problem, too_large
from iris_deploy.serving.reply import Reply, Stream
from iris_deploy.serving.route import PlainAsked, Route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def create_app(table: RouteTable, *, max_body_bytes: int) -> Flask:
    """Create the Flask application of a table of routes.

    Parameters
    ----------
    table : RouteTable
    max_body_bytes : int
        Largest request body; a larger one is answered with 413.

    Returns
    -------
    Flask
    """
    app = Flask("iris_deploy", static_folder=None)
    app.url_map.merge_slashes = False  # a path is what it is; no redirects
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.config["PROPAGATE_EXCEPTIONS"] = True  # whoever calls it logs them, and answers
    for route in table.routes:
        for path in (route.path, *route.also):
            name = f"{route.method} {path}"
            app.add_url_rule(path, name, partial(_answer, route), methods=[route.method])
    app.after_request(_sort_allowed)
    app.register_error_handler(HTTPException, lambda error: _answer_http_error(error, table))
    return app


def follow_app(endpoints: Endpoints, *, max_body_bytes: int) -> "WSGIApplication":
    """Create the WSGI application of whatever is served.

    Parameters
    ----------
    endpoints : Endpoints
        Another bundle may have other routes; the next request finds those.
    max_body_bytes : int
        See `create_app`.

    Returns
    -------
    callable
    """

    @lru_cache(1)
    def app_of(table: RouteTable) -> Flask:
        return create_app(table, max_body_bytes=max_body_bytes)

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return app_of(endpoints.served.table)(environ, start_response)

    app_of(endpoints.served.table)  # what goes wrong goes wrong here
    return app


def _answer(route: Route) -> Response:
    headers = {name.upper().replace("-", "_"): value for name, value in request.headers}
    asked = PlainAsked(request.query_string.decode("latin-1"), headers, request.root_path)
    body = request.get_data() if route.method == "POST" else b""
    return _response(route.handle(asked, body))


def _sort_allowed(response: Response) -> Response:
    """Name methods in one order; Flask has them in that of a set, another in each process."""
    if "Allow" in response.headers:
        response.headers["Allow"] = ", ".join(sorted(response.allow))
    return response


def _response(reply: Reply) -> Response:
    body = reply.body.pieces if isinstance(reply.body, Stream) else reply.body
    return Response(body, reply.status, reply.headers)


def _answer_http_error(error: HTTPException, table: RouteTable) -> Response:
    """Keep the status of Flask's own errors, but answer as the path's contract has it."""
    status = error.code or 500
    headers: tuple[tuple[str, str], ...] = ()
    allowed = getattr(error, "valid_methods", None)
    resource = table.find(request.path)
    if status == HTTPStatus.METHOD_NOT_ALLOWED and allowed:
        headers = (("Allow", ", ".join(allowed)),)
        expected = " or ".join(sorted(set(allowed) - {"HEAD", "OPTIONS"}))
        detail = f"{request.method} is not allowed here; expected {expected}"
    elif status == HTTPStatus.NOT_FOUND and resource is not None and resource.explain is not None:
        detail = resource.explain(request.path)
    elif status == HTTPStatus.NOT_FOUND:
        detail = f"there is no such path; there is {', '.join(table.at(request.root_path))}"
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        detail = too_large(request.max_content_length or 0)
    else:
        detail = error.description or phrase(status)
    reply = reply_problem(status, detail, headers)
    return _response(reply if resource is None else resource.restate(reply))
