"""The native contract as OpenAPI describes it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contracts.by_row import write_table
from iris_deploy.serving.contracts.content_type import CSV, FORM, LINES
from iris_deploy.serving.contracts.description import score_schemas
from iris_deploy.serving.contracts.operations import components
from iris_deploy.serving.contracts.words import what
from iris_deploy.serving.route import Operation
from iris_deploy.serving.schemas import an_array, an_object, answer, refer, refusals

_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
_FLAG = r"^([tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|1|0|)$"
_DETAILS = {
    "name": "details",
    "in": "query",
    "description": "Whether to add scores and warnings",
    "schema": {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": _FLAG}]},
}


def describe_native(predictor: Predictor, example: Mapping[str, Any]) -> Operation:
    """Describe ``POST /predict``.

    Parameters
    ----------
    predictor : Predictor
    example : mapping
        An instance.
    """
    told = answer("The prediction, or one for each instance", _answers(predictor))
    told["content"] |= {CSV: _TEXT, LINES: _TEXT}
    content = {
        "summary": f"Predict {what(predictor)} of one instance or of many",
        "parameters": [_DETAILS],
        "requestBody": {"required": True, "content": _bodies(predictor.signature, example)},
        "responses": {
            "200": told,
            **refusals(400, 401, 408, 413, 415, 422, 431, 503),
        },
    }
    return Operation(content, components(predictor.signature))


def _bodies(signature: Signature, example: Mapping[str, Any]) -> dict[str, Any]:
    """Describe bodies of each kind, with an instance as an example."""
    instance, width = refer("Instance"), len(signature.columns)
    row = an_array({}) | {"minItems": width, "maxItems": width}
    forms = [instance, an_array({"anyOf": [instance, row]}), refer("Arrays")]
    line = msgspec.json.encode(example).decode() + "\n"
    return {
        "application/json": {"schema": {"anyOf": forms}, "example": example},
        FORM: {"schema": instance, "example": example},
        CSV: _TEXT | {"example": write_table(example)},
        LINES: _TEXT | {"example": line},
    }


def _answers(predictor: Predictor) -> dict[str, Any]:
    """Describe the answers for one instance and for many."""
    value, warnings = refer("Prediction"), an_array({"type": "string"})
    one = {"prediction": value, "warnings": warnings}
    many = {"predictions": an_array(value), "warnings": an_array(warnings)}
    for name, scores in score_schemas(predictor).items():
        one, many = one | {name: scores}, many | {name: an_array(scores)}
    if predictor.signature.anomaly is not None:
        flag = {"type": "boolean"}
        one, many = one | {"anomaly": flag}, many | {"anomalies": an_array(flag)}
    return {"anyOf": [an_object(one, "prediction"), an_object(many, "predictions")]}
