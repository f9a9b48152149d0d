"""Azure ML's online endpoints and Azure Web Apps: scoring, its Swagger, warm-up.

Scoring is the native contract at another path; whatever id a request has comes back with its
answer.

References
----------
learn.microsoft.com/azure/machine-learning, "Use a custom container to deploy a model to an online
endpoint" and "Inference HTTP server"; azure/app-service, "Environment variables", warm-up.
"""

import dataclasses
import re
from typing import Final

from iris_deploy.serving.contracts.azure_swagger import PATH, VERSIONS, build_swagger
from iris_deploy.serving.contracts.native import NativeContract
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.reply import JSON, Reply
from iris_deploy.serving.route import Asked, Below, Operation, Route, answer_at_once
from iris_deploy.serving.schemas import describe_get

NAME: Final = "azure"

_WARM_UP = "/robots933456.txt"
_IDS = (
    ("X_MS_REQUEST_ID", "x-ms-request-id"),
    ("X_MS_CLIENT_REQUEST_ID", "x-ms-client-request-id"),
)
_CLEAN_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_WARM = Reply(200, (("Content-Type", "text/plain; charset=utf-8"),), b"ready\n")


def build_routes(served: ServedModel) -> list[Route | Below]:
    """Build the routes of Azure."""
    return [_score(served), _describe_score(served), _warm_up()]


def _score(served: ServedModel) -> Route:
    """Build the native contract's route, whose answers have the ids of their requests."""
    score = served.route(NativeContract(served.predictor, served.readers, NAME, PATH, ()))
    handle, quick = score.handle, score.quick

    def handle_with_ids(asked: Asked, body: bytes) -> Reply:
        return _with_ids(asked, handle(asked, body))

    def quick_with_ids(asked: Asked, body: bytes) -> Reply | None:
        reply = None if quick is None else quick(asked, body)
        return None if reply is None else _with_ids(asked, reply)

    return dataclasses.replace(score, handle=handle_with_ids, quick=quick and quick_with_ids)


def _describe_score(served: ServedModel) -> Route:
    documents = {version: build_swagger(served, version) for version in VERSIONS}

    def swagger(asked: Asked, _body: bytes) -> Reply:
        version = asked.query.removeprefix("version=") or VERSIONS[0]
        if version not in documents:
            detail = f"unknown version {version[:40]!r} of Swagger; expected 2 or 3"
            return reply_problem(404, detail)
        return Reply(200, JSON, documents[version])

    described = describe_get("Scoring in the form of Swagger 2, or 3", {"type": "object"}, 401, 404)
    versions = {"name": "version", "in": "query", "schema": {"enum": [*VERSIONS]}}
    return Route(
        method="GET",
        path="/swagger.json",
        summary="scoring in the form of Swagger 2, or 3 by ?version=3",
        handle=swagger,
        describe=lambda: Operation(described | {"parameters": [versions]}),
        contract=NAME,
    )


def _warm_up() -> Route:
    described = describe_get("Warm-up", {})
    text = {"text/plain": {"schema": {"type": "string"}}}
    described["responses"]["200"] = {"description": "It runs", "content": text}
    return answer_at_once(
        _WARM_UP,
        "warm-up, as Azure Web Apps ask for it",
        lambda: _WARM,
        describe=lambda: Operation(described),
        open=True,
        probe=True,
        contract=NAME,
    )


def _with_ids(asked: Asked, reply: Reply) -> Reply:
    """Send the ids of a request back with its answer."""
    given = [(name, asked.headers.get(key, "")) for key, name in _IDS]
    found = tuple((name, text) for name, text in given if _CLEAN_ID.fullmatch(text))
    return reply._replace(headers=reply.headers + found) if found else reply
