"""A signature as JSON Schema, for the contracts that take and give JSON."""

from typing import Any

from iris_deploy.schema.features import LARGEST, Feature
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.schemas import an_array, an_object


def instance_schema(signature: Signature) -> dict[str, Any]:
    """Describe one instance."""
    names = [feature.name for feature in signature.features]
    return an_object({feature.name: _value(feature) for feature in signature.features}, *names)


def arrays_schema(signature: Signature) -> dict[str, Any]:
    """Describe many instances as an array for each feature."""
    return {
        "type": "object",
        "description": "Many instances: an array for each feature, all of one length",
        "required": [feature.name for feature in signature.features],
        "properties": {feature.name: an_array(_value(feature)) for feature in signature.features},
        "additionalProperties": False,
    }


def class_schema(signature: Signature) -> dict[str, Any]:
    """Describe a label."""
    return {"type": "string", "enum": list(signature.classes)}


def scores_schema(signature: Signature) -> dict[str, Any]:
    """Describe a number for each class."""
    return an_object({name: {"type": "number"} for name in signature.classes}, *signature.classes)


def _value(feature: Feature) -> dict[str, Any]:
    """Describe a value: a number, or a string that holds one."""
    unit = f", {feature.unit}" if feature.unit else ""
    return {
        "description": f"{feature.minimum} to {feature.maximum}{unit} in training",
        "anyOf": [
            {"type": "number", "minimum": -LARGEST, "maximum": LARGEST},
            {"type": "string", "pattern": r"^[+-]?[0-9]{1,20}(\.[0-9]{0,20})?$"},
        ],
    }
