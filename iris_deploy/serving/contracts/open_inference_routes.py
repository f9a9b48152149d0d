"""The routes of the Open Inference Protocol, V2: health, metadata, inference."""

from functools import partial
from typing import Final

from iris_deploy import __version__
from iris_deploy.serving.contracts.errors import reply_error
from iris_deploy.serving.contracts.inference_schemas import input_tensors, output_tensors
from iris_deploy.serving.contracts.open_inference import NAME, InferContract
from iris_deploy.serving.contracts.served import ServedModel, tell
from iris_deploy.serving.route import Below, Route

START: Final = "/v2/"

_tell = partial(tell, NAME)
_SERVER = {
    "name": "iris-deploy",
    "version": __version__,
    "extensions": ["binary_tensor_data"],
}


def build_routes(served: ServedModel) -> list[Route | Below]:
    """Build the routes of V2 for one model."""
    name, version = served.name, served.version
    at, versioned = f"{START}models/{name}", f"{START}models/{name}/versions/{version}"
    infer = InferContract(served, f"{at}/infer", (f"{versioned}/infer",))
    metadata = {
        "name": name,
        "versions": [version],
        "platform": "scikit-learn",
        "inputs": input_tensors(served.predictor.signature),
        "outputs": output_tensors(served.predictor),
    }
    others = (f"{at}/", versioned, f"{versioned}/")
    return [
        served.route(infer),
        _tell(at, "metadata of the model", lambda: (200, metadata), also=others),
        _tell(
            f"{at}/ready",
            "whether the model is ready",
            lambda: served.readiness(name=name),
            also=(f"{versioned}/ready",),
        ),
        _tell("/v2", "metadata of the server", lambda: (200, _SERVER), also=(START,)),
        _tell(f"{START}models", "models that are served", lambda: (200, {"models": [name]})),
        *_health(served),
        Below(
            path=START,
            contract=NAME,
            explain=lambda path: _no_such_path(path, name, version),
            refuse=reply_error,
        ),
    ]


def _health(served: ServedModel) -> list[Route]:
    live, ready = f"{START}health/live", f"{START}health/ready"
    return [
        _tell(live, "liveness, as V2 has it", lambda: (200, {"live": True}), probe=True),
        _tell(ready, "readiness, as V2 has it", lambda: served.readiness(live=True), probe=True),
    ]


def _no_such_path(path: str, name: str, version: str) -> str:
    steps = path.partition(f"{START}models/")[2].split("/")
    if steps[0] and steps[0] != name:
        return f"there is no model {steps[0][:128]!r}; there is {name!r}"
    if steps[0] and steps[1:2] == ["versions"] and steps[2:3] != [version]:
        return f"there is no such version of {name!r}; there is {version!r}"
    return f"there is no {path[:128]!r}; this server has the model {name!r} at {START}models/{name}"
