"""Scoring as Swagger 2 and OpenAPI 3.0 describe it, which Azure's tools read.

References
----------
OpenAPI Specification 2.0 and 3.0.3.
"""

from typing import Any, Final

import msgspec

from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn
from iris_deploy.schema.outputs import ClassOutput, Output, SeveralOutputs, label_text
from iris_deploy.serving.contracts.served import ServedModel

PATH: Final = "/score"
VERSIONS: Final = ("2", "3")

_LISTED = 100  # categories of a column
_PREDICTIONS = "The predictions"
_FAILED = {"description": "Problem details, RFC 9457"}


def build_swagger(served: ServedModel, version: str) -> bytes:
    """Describe scoring in a form that older tools read, for arrays of instances.

    Parameters
    ----------
    served : ServedModel
    version : str
        One of `VERSIONS`.
    """
    signature = served.predictor.signature
    null = "x-nullable" if version == "2" else "nullable"
    properties = {column.name: _value(column, null) for column in signature.columns}
    required = [column.name for column in signature.columns if not column.missing]
    instance = {"type": "object", "properties": properties, "required": required}
    example = [served.bundle.manifest.examples[-1].instance]
    wanted: dict[str, Any] = {
        "type": "object",
        "properties": {"instances": {"type": "array", "items": instance}},
        "example": {"instances": example},
    }
    predictions = {"type": "array", "items": _output(signature.output)}
    told = {"type": "object", "properties": {"predictions": predictions}}
    operation: dict[str, Any] = {"operationId": "RunMLService", "summary": "Score instances"}
    operation |= _bodies_2(wanted, told) if version == "2" else _bodies_3(wanted, told)
    start: dict[str, Any] = {"swagger": "2.0", "schemes": ["https", "http"]}
    if version != "2":
        start = {"openapi": "3.0.3"}
    info = {"title": served.name, "version": served.version}
    return msgspec.json.encode(start | {"info": info, "paths": {PATH: {"post": operation}}})


def _bodies_2(wanted: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    kinds = ["application/json"]
    body = {"name": "input", "in": "body", "required": True, "schema": wanted}
    return {
        "consumes": kinds,
        "produces": kinds,
        "parameters": [body],
        "responses": {
            "200": {"description": _PREDICTIONS, "schema": told},
            "default": _FAILED,
        },
    }


def _bodies_3(wanted: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": told}}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": wanted}}},
        "responses": {
            "200": {"description": _PREDICTIONS, "content": content},
            "default": _FAILED,
        },
    }


def _value(column: Column, null: str) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "string"}
    if isinstance(column, NumberColumn):
        described = {"type": "boolean" if column.boolean else "number"}
    elif isinstance(column, CategoryColumn):
        described = {"type": "string" if column.is_text else "number"}
        if not column.unknown and len(column.categories) <= _LISTED:
            described["enum"] = [*column.categories]
    return described | {null: True} if column.missing else described


def _output(output: Output) -> dict[str, Any]:
    if isinstance(output, SeveralOutputs):
        parts = {each.name: _output(each) for each in output.outputs}
        return {"type": "object", "properties": parts}
    if not isinstance(output, ClassOutput):
        return {"type": "number"}
    label = output.classes[0]
    kind = "boolean" if isinstance(label, bool) else "integer" if isinstance(label, int) else ""
    if kind:
        return {"type": kind}
    return {"type": "string", "enum": [label_text(each) for each in output.classes]}
