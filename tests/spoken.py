"""The routes of all contracts, asked without a server."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.facts import MAX_BODY_BYTES
from iris_deploy.serving.contract_settings import ContractSettings
from iris_deploy.serving.contracts.exchange import QUICK_SUMS, Observer
from iris_deploy.serving.contracts.registry import build_routes
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.http.routes import RouteTable
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.route import Route
from tests.contracts import Asked

VERTEX = "/vertex:predict"
V1, V2 = "/v1/models/m:predict", "/v2/models/m/infer"
JSON = "application/json"
LENGTH = "Inference-Header-Content-Length"


class Spoken:
    """All contracts for one predictor, served as the model ``m``.

    Parameters
    ----------
    predictor : Predictor
    example : mapping
        An instance; empty, where none is asked for.
    """

    def __init__(self, predictor: Predictor, example: Mapping[str, Any]) -> None:
        examples = [SimpleNamespace(instance=dict(example))]
        manifest = SimpleNamespace(model="m", version=1, examples=examples)
        served = ServedModel(
            bundle=cast("Any", SimpleNamespace(predictor=predictor, manifest=manifest)),
            observer=Observer(),
            is_ready=lambda: True,
            settings=ContractSettings(health_route="/vertex", predict_route=VERTEX),
            max_body_bytes=MAX_BODY_BYTES,
        )
        if not example:  # there is none to try
            vars(served)["is_quick"] = predictor.sums <= QUICK_SUMS
        routes, below = build_routes(served)
        self.table = RouteTable(routes, "", below)

    def ask(
        self,
        path: str,
        body: bytes,
        content_type: str | None = JSON,
        accept: str | None = None,
        query: str = "",
        length: int | str | None = None,
    ) -> Reply:
        """Ask by POST, in both lanes where the quick one answers; return the answer."""
        asked = Asked(query, _headers(content_type, accept, length))
        resource = self.table.find(path)
        assert resource is not None
        route = resource.routes["POST"]
        reply = self.handle(route, asked, body)
        quick = None if route.quick is None else route.quick(asked, body)
        if quick is None:
            return reply._replace(body=reply.read())
        told = reply.read()
        assert (quick.status, quick.headers, quick.read()) == (reply.status, reply.headers, told)
        return reply._replace(body=told)

    def handle(self, route: Route, asked: Asked, body: bytes) -> Reply:
        """Answer on a thread."""
        return route.handle(asked, body)


def _headers(
    content_type: str | None, accept: str | None, length: int | str | None
) -> dict[str, str]:
    given = {
        "CONTENT_TYPE": content_type,
        "ACCEPT": accept,
        "INFERENCE_HEADER_CONTENT_LENGTH": None if length is None else str(length),
    }
    return {name: value for name, value in given.items() if value is not None}
