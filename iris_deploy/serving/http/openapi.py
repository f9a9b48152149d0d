"""The API described for machines: OpenAPI 3.1, derived from the signature."""

from collections.abc import Collection
from typing import Any

from iris_deploy import __version__
from iris_deploy.bundle.bundle import Bundle
from iris_deploy.schema.features import LARGEST, Feature
from iris_deploy.schema.signature import Signature

_TOKEN = {"token": {"type": "http", "scheme": "bearer"}}

_PROBLEM = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail", "pointer"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string"},
                    "suggestion": {"type": "string"},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


def build_openapi(
    bundle: Bundle, *, paths: Collection[str], open_paths: Collection[str] | None, root: str
) -> dict[str, Any]:
    """Describe the API of a bundle.

    Parameters
    ----------
    bundle : Bundle
    paths : collection of str
        That there are.
    open_paths : collection of str or None
        Paths that need no token where the others do; None if none does.
    root : str
        Path at which the client sees the server.

    Returns
    -------
    dict
        An OpenAPI document.

    References
    ----------
    OpenAPI Specification 3.1.0.
    """
    manifest = bundle.manifest
    guarded = open_paths is not None
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": f"{manifest.model} version {manifest.version}",
            "version": __version__,
            "description": "Classifies instances; served by iris-deploy.",
        },
        "servers": [{"url": root or "/"}],
        "paths": {
            "/predict": {"post": _predict(bundle)},
            "/health/live": {"get": _get("Liveness: the process runs", _status("live"))},
            "/health/ready": {
                "get": _get("Readiness: predictions are answered", _status("ready"), 503)
            },
            "/metrics": {
                "get": {
                    "summary": "Figures for Prometheus",
                    "responses": {
                        "200": {
                            "description": "Figures",
                            "content": {
                                kind: {"schema": {"type": "string"}}
                                for kind in ("text/plain", "application/openmetrics-text")
                            },
                        },
                        **_problems(400, 401, 404, 503),
                    },
                }
            },
            "/openapi.json": {"get": _get("This document", {"type": "object"}, 401)},
            "/": {"get": _get("What is served", {"type": "object"}, 401)},
        },
        "components": {
            "schemas": {
                "Instance": _instance(manifest.signature),
                "Arrays": _arrays(manifest.signature),
                "Class": {"type": "string", "enum": list(manifest.signature.classes)},
                "Problem": _PROBLEM,
            },
            **({"securitySchemes": _TOKEN} if guarded else {}),
        },
        **({"security": [{"token": []}]} if guarded else {}),
    }
    document["paths"] = {path: of for path, of in document["paths"].items() if path in paths}
    for path in open_paths or ():
        document["paths"][path]["get"]["security"] = []
    return document


def _predict(bundle: Bundle) -> dict[str, Any]:
    instance, label = _ref("Instance"), _ref("Class")
    classes = bundle.manifest.signature.classes
    scores = {
        "type": "object",
        "required": list(classes),
        "properties": {name: {"type": "number"} for name in classes},
        "additionalProperties": False,
    }
    warnings = {"type": "array", "items": {"type": "string"}}
    name = bundle.predictor.score_name
    one = {"prediction": label, name: scores, "warnings": warnings}
    many = {
        "predictions": _array(label),
        name: _array(scores),
        "warnings": _array(warnings),
    }
    return {
        "summary": "Predict the class of one instance or of many",
        "parameters": [
            {
                "name": "details",
                "in": "query",
                "description": "Whether to add scores and warnings",
                "schema": {"type": "boolean"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [instance, _array(instance), _ref("Arrays")]},
                    "example": bundle.manifest.examples[-1].instance,
                }
            },
        },
        "responses": {
            "200": _answer(
                "The prediction, or one for each instance",
                {"anyOf": [_object(one, "prediction"), _object(many, "predictions")]},
            ),
            **_problems(400, 401, 408, 413, 415, 422, 431, 503),
        },
    }


def _instance(signature: Signature) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [feature.name for feature in signature.features],
        "properties": {feature.name: _value(feature) for feature in signature.features},
        "additionalProperties": False,
    }


def _arrays(signature: Signature) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Many instances: an array for each feature, all of one length",
        "required": [feature.name for feature in signature.features],
        "properties": {feature.name: _array(_value(feature)) for feature in signature.features},
        "additionalProperties": False,
    }


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


def _get(summary: str, schema: dict[str, Any], *problems: int) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {"200": _answer(summary, schema), **_problems(400, *problems)},
    }


def _status(word: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"const": word}},
        "additionalProperties": False,
    }


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problems(*statuses: int) -> dict[str, Any]:
    return {
        str(status): {
            "description": "Problem details, RFC 9457",
            "content": {"application/problem+json": {"schema": _ref("Problem")}},
        }
        for status in statuses
    }


def _object(properties: dict[str, Any], required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [required],
        "properties": properties,
        "additionalProperties": False,
    }


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
