"""Operations of contracts as OpenAPI describes them: requests, answers, errors."""

from collections.abc import Mapping, Sequence
from typing import Any

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contracts.description import (
    arrays_schema,
    instance_schema,
    output_schema,
    score_schemas,
)
from iris_deploy.serving.route import Operation
from iris_deploy.serving.schemas import an_array, an_object, answer, refer, sentence

STATUSES = (400, 401, 408, 413, 415, 431, 503)
"""Of errors that any question may get."""

PARAMETERS_SCHEMA = an_object({"details": {"type": "boolean"}}) | {"type": ["object", "null"]}
"""What may stand beside the instances."""

ERROR = an_object({"error": {"type": "string"}}, "error")
"""An error of most contracts."""


def describe_errors(schema: dict[str, Any], *statuses: int) -> dict[str, Any]:
    """Describe answers that are errors, by status."""
    content = {"application/json": {"schema": schema}}
    return {
        str(status): {"description": "What is wrong", "content": content} for status in statuses
    }


def components(signature: Signature) -> dict[str, Any]:
    """Return the schemas that contracts refer to."""
    return {
        "Instance": instance_schema(signature),
        "Arrays": arrays_schema(signature),
        "Prediction": output_schema(signature.output),
    }


def detailed_schema(predictor: Predictor) -> dict[str, Any]:
    """Describe what is told of one row, with details."""
    members: dict[str, Any] = {"prediction": refer("Prediction")}
    members |= score_schemas(predictor)
    if predictor.signature.anomaly is not None:
        members["anomaly"] = {"type": "boolean"}
    return an_object(members | {"warnings": an_array({"type": "string"})}, "prediction")


def predictions_schema(predictor: Predictor) -> dict[str, Any]:
    """Describe ``{"predictions": [...]}``, without details and with them."""
    item = {"anyOf": [refer("Prediction"), detailed_schema(predictor)]}
    return an_object({"predictions": an_array(item)}, "predictions")


def instances_schema(signature: Signature) -> dict[str, Any]:
    """Describe an array of instances: objects, arrays, or values of the only column."""
    values: list[dict[str, Any]] = [refer("Instance"), an_array({})]
    if len(signature.columns) == 1:
        values.append({"type": ["string", "number", "boolean", "null"]})
    return an_array({"anyOf": values})


def describe_instances(
    predictor: Predictor, summary: str, members: Sequence[str], example: Mapping[str, Any]
) -> Operation:
    """Describe ``{"instances": [...]}`` in, ``{"predictions": [...]}`` out.

    Parameters
    ----------
    predictor : Predictor
    summary : str
    members : sequence of str
        That may hold the instances.
    example : mapping
        An instance.
    """
    forms = [
        an_object(
            {name: instances_schema(predictor.signature), "parameters": PARAMETERS_SCHEMA}, name
        )
        for name in members
    ]
    body = {"schema": {"anyOf": forms}, "example": {members[0]: [example]}}
    content = {
        "summary": sentence(summary),
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "200": answer("A prediction for each instance", predictions_schema(predictor)),
            **describe_errors(ERROR, *STATUSES),
        },
    }
    return Operation(content, components(predictor.signature))
