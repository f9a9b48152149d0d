"""``python strict_models.py KIND FILE.json...``: a platform's files against the model in its SDK.

KIND is a name of `CHECKS`, or says of AWS the service and its operation, as ``ecs:CreateService``,
or of Azure ML how the file is loaded, as ``azure-ml:load_online_endpoint``.

Says what the file has that the model has not, and exits with 1: the platforms' own programs send a
misspelt key on, and some of them drop it without a word.
"""

import ast
import importlib.util
import json
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def aws(data: Any, service: str, operation: str) -> Iterator[str]:
    """Check what an operation of AWS is given, by the model that botocore has of it."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator

    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    shape = model.operation_model(operation).input_shape
    report = ParamValidator().validate(data, shape).generate_report()
    if report:
        yield report
    else:
        yield from _beyond(data, shape, "$")


def _beyond(data: Any, shape: Any, where: str) -> Iterator[str]:
    """Yield what botocore leaves to the service: patterns of text, and the most that is allowed."""
    if shape.type_name == "structure":
        for name, value in data.items():
            yield from _beyond(value, shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list":
        for number, value in enumerate(data):
            yield from _beyond(value, shape.member, f"{where}[{number}]")
    size = len(data) if isinstance(data, (str, bytes, list)) else data
    if "max" in shape.metadata and size > shape.metadata["max"]:
        yield f"{where}: {data} is more than {shape.metadata['max']}"
    pattern = shape.metadata.get("pattern", ".*")
    java = r"\p" in pattern  # which Python's do not know
    if isinstance(data, str) and not java and not re.fullmatch(pattern, data, re.DOTALL):
        yield f"{where}: {data} is not {pattern}"
    if shape.metadata.get("enum") and data not in shape.metadata["enum"]:
        yield f"{where}: {data} is none of {shape.metadata['enum']}"


def knative(data: Any) -> Iterator[str]:
    """Check a Service of Knative."""
    from cloudcoil.pydantic import BaseModel

    BaseModel.model_config["extra"] = "forbid"  # before the models are made of it
    from cloudcoil.models.knative_serving.serving.v1 import Service

    try:
        Service.model_validate(data)
    except ValueError as exc:
        yield str(exc)


def cloud_run(
    data: Any, schemas: Any = None, schema: Any = None, where: str = "$"
) -> Iterator[str]:
    """Check a Service of Cloud Run, by the document in which Google describes its API."""
    if schemas is None:
        document = Path(__file__).parent / "run.v1.json"
        schemas = json.loads(document.read_text())["schemas"]
        schema = schemas["Service"]
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if "properties" in schema:
        for key, value in data.items():
            known = schema["properties"].get(key)
            if known is None or "Not supported by Cloud Run" in known.get("description", ""):
                yield f"{where}.{key}: unknown"
            else:
                yield from cloud_run(value, schemas, known, f"{where}.{key}")
    elif schema.get("type") == "array":
        for number, value in enumerate(data):
            yield from cloud_run(value, schemas, schema["items"], f"{where}[{number}]")


def container_app(data: Any, kind: Any = "ContainerApp", where: str = "$") -> Iterator[str]:
    """Check an app of Azure Container Apps."""
    from azure.mgmt.appcontainers import models

    kind = _resolve(kind, {**vars(models), **vars(models._models), "_models": models._models})
    if isinstance(data, list):
        for number, value in enumerate(data):
            yield from container_app(value, typing.get_args(kind)[0], f"{where}[{number}]")
    elif isinstance(data, dict) and hasattr(kind, "_is_model"):
        known = dict(_fields(kind))
        for key, value in data.items():
            if key not in known:
                yield f"{where}.{key}: unknown"
            elif isinstance(value, (dict, list)):
                yield from container_app(value, known[key], f"{where}.{key}")


def _resolve(kind: Any, names: dict[str, Any]) -> Any:
    """Return what an annotation stands for, without None."""
    if isinstance(kind, typing.ForwardRef):
        kind = kind.__forward_arg__
    if isinstance(kind, str):
        return _resolve(eval(kind, names), names)
    if typing.get_origin(kind) is typing.Union:
        return _resolve(typing.get_args(kind)[0], names)
    return kind


def _fields(kind: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names of a model's fields, as they are sent, and their annotations."""
    for base in reversed(kind.__mro__):
        for name, annotation in vars(base).get("__annotations__", {}).items():
            field = vars(base).get(name)
            if hasattr(field, "_rest_name_input"):
                yield field._rest_name_input or name, annotation


_SCALARS = {"str": str, "int": int, "bool": bool, "ResourceQuantity": (str, int)}
_ALIASES = {"K8sIoApiAppsV1DeploymentStrategy": "V1DeploymentStrategy"}


def kserve(data: Any, kind: str = "V1beta1InferenceService", where: str = "$") -> Iterator[str]:
    """Check an InferenceService by the models of KServe's client, and by those of Kubernetes'."""
    if kind == "object":
        return
    if kind in _SCALARS:
        if not isinstance(data, _SCALARS[kind]):
            yield f"{where}: expected {kind}, got {data!r}"
    elif inner := re.fullmatch(r"list\[(.+)\]", kind):
        for number, value in enumerate(data):
            yield from kserve(value, inner[1], f"{where}[{number}]")
    elif inner := re.fullmatch(r"dict\(str, (.+)\)", kind):
        for key, value in data.items():
            yield from kserve(value, inner[1], f"{where}.{key}")
    else:
        known = _openapi_fields(kind)
        for key, value in data.items():
            if key not in known:
                yield f"{where}.{key}: unknown"
            else:
                yield from kserve(value, known[key], f"{where}.{key}")


def _openapi_fields(kind: str) -> dict[str, str]:
    """Return the types of a model's fields, by the names that are sent; its module is only read."""
    kind = _ALIASES.get(kind, kind)
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind))
    for package, folder in (("kserve", "models"), ("kubernetes", "client/models")):
        (place,) = importlib.util.find_spec(package).submodule_search_locations
        path = Path(place, folder, f"{words.lower()}.py")
        if path.is_file():
            break
    tables = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in {"openapi_types", "attribute_map"}
    }
    return {sent: tables["openapi_types"][name] for name, sent in tables["attribute_map"].items()}


def azure_ml(path: str, load: str) -> Iterator[str]:
    """Check a file of Azure ML, by what reads it for the command line."""
    from azure.ai import ml
    from azure.ai.ml.exceptions import ValidationException
    from marshmallow import ValidationError

    try:
        getattr(ml, load)(source=path)
    except (ValidationException, ValidationError) as exc:
        yield str(exc)


CHECKS = {
    "knative": knative,
    "cloud-run": cloud_run,
    "container-app": container_app,
    "kserve": kserve,
}


def check(kind: str, path: str) -> Iterator[str]:
    """Check a file."""
    platform, _, rest = kind.partition(":")
    if platform == "azure-ml":
        yield from azure_ml(path, rest)
        return
    data = json.loads(Path(path).read_text())
    yield from CHECKS[kind](data) if kind in CHECKS else aws(data, platform, rest)


def main(kind: str, *paths: str) -> int:
    """Check files."""
    wrong = [f"{path}: {line}" for path in paths for line in check(kind, path)]
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
