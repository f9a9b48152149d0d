"""Tensors of the Open Inference Protocol as metadata and as JSON Schema."""

from collections.abc import Mapping
from typing import Any

from iris_deploy.codec.datatypes import BOOL, BYTES, NUMBERS
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contracts.operations import ERROR, STATUSES, describe_errors
from iris_deploy.serving.contracts.tensor_answers import list_outputs
from iris_deploy.serving.route import Operation
from iris_deploy.serving.schemas import an_array, an_object, answer, sentence

ALL_COLUMNS = "input"
"""Name of the tensor that holds all columns; any that no column has will do."""


def input_tensors(signature: Signature) -> list[dict[str, Any]]:
    """Describe the tensors that go in: one where all columns are numbers, or one for each."""
    if signature.is_numeric and len(signature.columns) > 1:
        shape = [-1, len(signature.columns)]
        return [{"name": ALL_COLUMNS, "datatype": "FP64", "shape": shape}]
    return [
        {"name": column.name, "datatype": _datatype(column), "shape": [-1]}
        for column in signature.columns
    ]


def output_tensors(predictor: Predictor) -> list[dict[str, Any]]:
    """Describe the tensors that come out."""
    return [
        {"name": output.name, "datatype": output.datatype, "shape": output.shape(-1)}
        for output in list_outputs(predictor)
    ]


def example_tensors(signature: Signature, example: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write an instance as tensors."""
    values = [example.get(name) for name in signature.names]
    tensors = input_tensors(signature)
    if len(tensors) == 1 and len(values) > 1:
        values = [int(value) if type(value) is bool else value for value in values]
        return [tensors[0] | {"shape": [1, len(values)], "data": values}]
    return [
        tensor | {"shape": [1], "data": [value]}
        for tensor, value in zip(tensors, values, strict=True)
    ]


def describe_infer(predictor: Predictor, summary: str, example: Mapping[str, Any]) -> Operation:
    """Describe an inference request and its answer."""
    parameters = {"type": ["object", "null"]}
    text = {"type": ["string", "null"]}
    name = {"name": {"type": "string"}}
    shape = {"shape": an_array({"type": "integer", "minimum": 0})}
    datatype = {"datatype": {"enum": [*NUMBERS, BOOL, BYTES]}}
    tensor: dict[str, Any] = {**name, **shape, **datatype, "parameters": parameters, "data": {}}
    outputs = an_array(an_object({**name, "parameters": parameters}, "name"))
    request = an_object(
        {
            "id": text,
            "parameters": parameters,
            "inputs": an_array(an_object(tensor, "name", "shape", "datatype")),
            "outputs": outputs | {"type": ["array", "null"]},
            "model_name": text,
            "model_version": text,
        },
        "inputs",
    )
    told = an_object(
        {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": an_array(an_object(tensor, "name", "shape", "datatype")),
        },
        *("model_name", "outputs"),
    )
    asked = {"inputs": example_tensors(predictor.signature, example)}
    raw = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    response = answer("The outputs that were asked for, or all", told)
    response["content"] |= raw
    content = {
        "summary": sentence(summary),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": request, "example": asked}, **raw},
        },
        "responses": {"200": response, **describe_errors(ERROR, *STATUSES)},
    }
    return Operation(content)


def _datatype(column: Column) -> str:
    if isinstance(column, NumberColumn):
        return BOOL if column.boolean else "FP64"
    return "FP64" if isinstance(column, CategoryColumn) and not column.is_text else BYTES
