"""Pieces of JSON Schema and OpenAPI, from which routes describe themselves."""

from typing import Any

PROBLEM = {
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
"""Problem details, RFC 9457."""


def sentence(summary: str) -> str:
    """Return a summary with a capital at its start, as descriptions have it."""
    return summary[:1].upper() + summary[1:]


def describe_get(summary: str, schema: dict[str, Any], *problems: int) -> dict[str, Any]:
    """Describe a GET that is answered with JSON.

    Parameters
    ----------
    summary : str
    schema : dict
        Of the answer.
    *problems : int
        Statuses of errors, beside 400.
    """
    return {
        "summary": summary,
        "responses": {"200": answer(summary, schema), **refusals(400, *problems)},
    }


def answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Describe an answer of JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def refusals(*statuses: int) -> dict[str, Any]:
    """Describe answers that are problem details, by status."""
    return {
        str(status): {
            "description": "Problem details, RFC 9457",
            "content": {"application/problem+json": {"schema": refer("Problem")}},
        }
        for status in statuses
    }


def an_object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """Describe an object with these members and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


def an_array(items: dict[str, Any]) -> dict[str, Any]:
    """Describe an array."""
    return {"type": "array", "items": items}


def refer(name: str) -> dict[str, str]:
    """Refer to a component."""
    return {"$ref": f"#/components/schemas/{name}"}
