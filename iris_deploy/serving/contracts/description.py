"""A signature as JSON Schema, for the contracts that take and give JSON."""

from typing import Any

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.columns import LARGEST, CategoryColumn, Column, NumberColumn, TextColumn
from iris_deploy.schema.outputs import (
    ClassOutput,
    NumberOutput,
    Output,
    SeveralOutputs,
    label_text,
)
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.schemas import an_array, an_object

MOST_LISTED = 1000
"""Categories of a column that are listed; of more, none is."""


def instance_schema(signature: Signature) -> dict[str, Any]:
    """Describe one instance."""
    properties = {column.name: _value(column) for column in signature.columns}
    return an_object(properties, *_required(signature))


def arrays_schema(signature: Signature) -> dict[str, Any]:
    """Describe many instances as an array for each column."""
    return {
        "type": "object",
        "description": "Many instances: an array for each column, all of one length",
        "required": _required(signature),
        "properties": {column.name: an_array(_value(column)) for column in signature.columns},
        "additionalProperties": False,
    }


def output_schema(output: Output) -> dict[str, Any]:
    """Describe what is predicted: a class, a number, or several of these by name."""
    if isinstance(output, SeveralOutputs):
        parts = {each.name: output_schema(each) for each in output.outputs}
        return an_object(parts, *parts)
    if isinstance(output, ClassOutput):
        return {"enum": list(output.classes), "description": output.name}
    return {"type": "number", "description": f"{output.name}{_told(output, before=': ')}"}


def score_schemas(predictor: Predictor) -> dict[str, Any]:
    """Describe the scores that there are, by what they are: probabilities or decision values."""
    parts = predictor.parts
    if len(parts) == 1:
        name = predictor.score_name
        return {name: _scores(predictor.signature)} if name is not None else {}
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        if part.score_name is not None:
            own = found.setdefault(part.score_name, {})
            own[part.signature.output.name] = _scores(part.signature)
    return {name: an_object(own, *own) for name, own in found.items()}


def _scores(signature: Signature) -> dict[str, Any]:
    """Describe a number for each class."""
    names = [label_text(label) for label in signature.classes]
    return an_object({name: {"type": "number"} for name in names}, *names)


def _required(signature: Signature) -> list[str]:
    return [column.name for column in signature.columns if not column.missing]


def _value(column: Column) -> dict[str, Any]:
    """Describe a value; null where it may be missing."""
    if isinstance(column, TextColumn):
        described: dict[str, Any] = {"description": "a text", "anyOf": [{"type": "string"}]}
    else:
        described = _number(column) if isinstance(column, NumberColumn) else _category(column)
    if column.missing:
        described["anyOf"].append({"type": "null"})
    return described


def _number(column: NumberColumn) -> dict[str, Any]:
    """Describe a number, or a string that holds one."""
    kinds: list[dict[str, Any]] = [
        {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
        {"type": "string", "pattern": r"^[+-]?[0-9]{1,20}(\.[0-9]{0,20})?$"},
    ]
    if column.boolean:
        kinds.append({"type": "boolean"})
    told = _told(column)
    return {"description": told, "anyOf": kinds} if told else {"anyOf": kinds}


def _told(of: NumberColumn | NumberOutput, *, before: str = "") -> str:
    """Say the unit of a number and its range in training, as far as they are known."""
    unit = of.unit or ""
    if of.seen is None:
        return before + unit if unit else ""
    lasting = f", {unit}" if unit else ""
    return f"{before}{of.seen.minimum} to {of.seen.maximum}{lasting} in training"


def _category(column: CategoryColumn) -> dict[str, Any]:
    """Describe one of several values; any, where others are taken too."""
    listed = list(column.categories[:MOST_LISTED])
    kind = "string" if column.is_text else "number"
    known = f"{len(column.categories)} categories{' in training' if column.seen else ''}"
    if column.unknown:
        return {
            "description": f"{known}; others are taken too",
            "anyOf": [{"type": kind}],
            "examples": listed,
        }
    choice = {"enum": listed} if len(column.categories) <= MOST_LISTED else {"type": kind}
    return {"description": known, "anyOf": [choice]}
