"""The Flask application: routes, and errors turned into HTTP.

One of the two boundaries where errors become something else. Knows nothing of sockets, threads
and signals (server.py).
"""

from http import HTTPStatus

import msgspec
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.errors import MalformedError, SignatureError
from iris_deploy.serving.problem import (
    CONTENT_TYPE,
    build_problem,
    describe_error,
    phrase,
    too_large,
)
from iris_deploy.serving.protocols import prediction

ROUTES = {
    "POST /predict": "predict the class of one instance, or of an array of them; ?details=true",
    "GET /health/live": "the process runs",
    "GET /health/ready": "the bundle is verified and predictions are answered",
    "GET /": "this description",
}
"""Every route and what it is for, as ``GET /`` tells it."""


def create_app(bundle: Bundle, *, max_body_bytes: int) -> Flask:
    """Create the WSGI application that serves a bundle.

    Parameters
    ----------
    bundle : Bundle
        Read and verified: the application is ready as soon as it exists.
    max_body_bytes : int
        Largest request body; a larger one is answered with 413.

    Returns
    -------
    Flask
    """
    app = Flask("iris_deploy", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    predictor = bundle.predictor
    description = _describe(bundle)

    @app.post("/predict")
    def predict() -> Response:
        _expect_json()
        details = _flag("details")
        return _json(prediction.answer(predictor, request.get_data(), details=details))

    @app.get("/health/live")
    def live() -> Response:
        return _json(b'{"status":"live"}')

    @app.get("/health/ready")
    def ready() -> Response:
        return _json(b'{"status":"ready"}')

    @app.get("/")
    def index() -> Response:
        return _json(description)

    app.register_error_handler(MalformedError, _answer_error)
    app.register_error_handler(SignatureError, _answer_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_bug)
    return app


def _describe(bundle: Bundle) -> bytes:
    """Write the answer of ``GET /``: what is served, and how to ask it."""
    manifest = bundle.manifest
    description = {
        "model": manifest.model,
        "version": manifest.version,
        "digest": manifest.digest,
        "accuracy": manifest.evaluation.accuracy,
        "features": [
            {
                "name": feature.name,
                "unit": feature.unit,
                "minimum": feature.minimum,
                "maximum": feature.maximum,
            }
            for feature in manifest.signature.features
        ],
        "classes": manifest.signature.classes,
        "example": manifest.examples[-1].instance,
        "routes": ROUTES,
    }
    return msgspec.json.format(msgspec.json.encode(description), indent=2) + b"\n"


def _json(body: bytes) -> Response:
    return Response(body, mimetype="application/json")


def _expect_json() -> None:
    """Refuse bodies of another kind before they are read."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in {"utf-8", "utf8", "us-ascii"}:
        got = request.headers.get("Content-Type")
        message = (
            f"expected Content-Type: application/json; got {got or 'none'}. "
            "With curl add -H 'Content-Type: application/json'"
        )
        raise _http_error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)


def _flag(name: str) -> bool:
    """Return a boolean query parameter; absent is false, ``?name`` alone is true."""
    values = request.args.getlist(name)
    if not values:
        return False
    if len(values) == 1 and (value := values[0].lower()) in _FLAGS:
        return _FLAGS[value]
    message = f"the query parameter {name} is {', '.join(values)[:40]!r}; expected true or false"
    raise _http_error(HTTPStatus.BAD_REQUEST, message)


_FLAGS = {"": True, "true": True, "1": True, "false": False, "0": False}


def _http_error(status: HTTPStatus, detail: str) -> HTTPException:
    error = HTTPException(detail)
    error.code = status
    return error


def _answer_error(error: MalformedError | SignatureError) -> Response:
    status, body = describe_error(error)
    return Response(body, status, content_type=CONTENT_TYPE)


def _answer_http_error(error: HTTPException) -> Response:
    """Keep the status and headers of Flask's own errors, but answer as problem details."""
    status = error.code or 500
    response = Response(status=status, content_type=CONTENT_TYPE)
    allowed = getattr(error, "valid_methods", None)
    if status == HTTPStatus.METHOD_NOT_ALLOWED and allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
        expected = " or ".join(sorted(set(allowed) - {"HEAD", "OPTIONS"}))
        detail = f"{request.method} is not allowed here; expected {expected}"
    elif status == HTTPStatus.NOT_FOUND:
        detail = f"there is no such path; there is {', '.join(ROUTES)}"
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        detail = too_large(request.max_content_length or 0)
    else:
        detail = error.description or phrase(status)
    response.data = build_problem(status, detail)
    return response


def _answer_bug(error: Exception) -> Response:
    """Answer what nobody expected without telling the client anything of the inside."""
    current_app.logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return Response(
        build_problem(500, "the server failed; its log says why"), 500, content_type=CONTENT_TYPE
    )
