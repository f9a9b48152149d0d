"""The routes of SageMaker and MLflow: ``/invocations``, and the paths that go with it."""

from typing import Final

from iris_deploy import __version__
from iris_deploy.serving.contracts.invocations import (
    MESSAGE,
    NAME,
    InvocationsContract,
    reply_message,
)
from iris_deploy.serving.contracts.operations import describe_errors
from iris_deploy.serving.contracts.served import ServedModel, tell
from iris_deploy.serving.reply import Refusal, Reply
from iris_deploy.serving.route import Below, Operation, Route, answer_at_once
from iris_deploy.serving.schemas import sentence

_TEXT: Final = (("Content-Type", "text/plain; charset=utf-8"),)
_MOST_AT_ONCE = 4  # transforms that SageMaker sends at a time; 100 MB of payloads together at most
_MB = 1 << 20


def build_routes(served: ServedModel) -> list[Route | Below]:
    """Build the routes of SageMaker and MLflow."""
    payload = max(served.max_body_bytes // _MB, 1)
    parameters = {
        "MaxConcurrentTransforms": _MOST_AT_ONCE,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": min(payload, 100 // _MOST_AT_ONCE),
    }
    limits = "what batch transform may send at a time"
    return [
        served.route(InvocationsContract(served)),
        tell(
            NAME,
            "/execution-parameters",
            limits,
            lambda: (200, parameters),
            refuse=reply_message,
            error=MESSAGE,
        ),
        _text(served, "/ping", b"", "readiness, where SageMaker asks for it", probe=True),
        _text(served, "/health", b"\n", "readiness, where MLflow asks for it", probe=True),
        _text(served, "/version", __version__.encode(), "version of iris-deploy"),
    ]


def _text(
    served: ServedModel, path: str, told: bytes, summary: str, *, probe: bool = False
) -> Route:
    """Build a route that tells something, and by its status whether requests are taken."""
    ready = Reply(200, _TEXT, told)
    draining = reply_message(Refusal(503, "the server is draining: it stops soon"))

    def reply() -> Reply:
        return ready if served.is_ready() else draining

    content = {
        "summary": sentence(summary),
        "responses": {
            "200": {"description": "Ready", "content": {"text/plain": {"schema": {}}}},
            **describe_errors(MESSAGE, 400, 401, 503),
        },
    }
    return answer_at_once(
        path,
        summary,
        reply,
        describe=lambda: Operation(content),
        open=probe,
        probe=probe,
        vital=probe,
        contract=NAME,
        refuse=reply_message,
    )
