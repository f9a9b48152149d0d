"""KServe's V1 protocol.

References
----------
kserve.github.io, "V1 Inference Protocol": model list, model ready, predict.
"""

from typing import Final

from iris_deploy.serving.contracts.errors import reply_error
from iris_deploy.serving.contracts.instances import InstancesContract
from iris_deploy.serving.contracts.operations import ERROR, describe_errors
from iris_deploy.serving.contracts.served import ServedModel, tell
from iris_deploy.serving.contracts.words import what
from iris_deploy.serving.reply import Refusal
from iris_deploy.serving.route import Below, Operation, Route

NAME: Final = "v1"
START: Final = "/v1/"

_NO_EXPLAINER = reply_error(Refusal(501, "there is no explainer; POST to :predict"))


def build_routes(served: ServedModel) -> list[Route | Below]:
    """Build the routes of V1 for one model."""
    name, at = served.name, f"{START}models/{served.name}"

    def no_such_path(path: str) -> str:
        return f"there is no {path[:128]!r}; this server has the model {name!r}, at {at}"

    summary = f"predict {what(served.predictor)} of instances, as KServe's V1 has it"
    contract = InstancesContract(served, NAME, f"{at}:predict", ("instances", "inputs"), summary)
    models = f"{START}models"
    listed = {"models": [name]}
    return [
        tell(NAME, models, "models that are served", lambda: (200, listed), also=(f"{models}/",)),
        tell(
            NAME,
            at,
            "whether the model is ready",
            lambda: served.readiness(name=name),
            also=(f"{at}/",),
        ),
        served.route(contract),
        _explain(f"{at}:explain"),
        Below(path=START, contract=NAME, explain=no_such_path, refuse=reply_error),
    ]


def _explain(path: str) -> Route:
    """Build the route that says plainly that nothing is explained."""
    responses = describe_errors(ERROR, 400, 401, 408, 413, 431, 501, 503)
    described = {"summary": "There is no explainer", "responses": responses}
    return Route(
        method="POST",
        path=path,
        summary="there is no explainer",
        handle=lambda _asked, _body: _NO_EXPLAINER,
        describe=lambda: Operation(described),
        contract=NAME,
        refuse=reply_error,
    )
