"""JSON read strictly, RFC 8259 and nothing beside it.

Refuses what Python's own reader lets through: NaN and Infinity, numbers that overflow to infinity,
an object with the same key twice, other encodings than UTF-8, and nesting without end.
"""

import json
import math
from typing import Any, NoReturn

import msgspec

from iris_deploy.errors import MalformedError


def decode(body: bytes) -> Any:
    """Decode one JSON value.

    Raises
    ------
    MalformedError
        Saying where and why.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as exc:
        message = f"the body is not UTF-8: byte {exc.start} is wrong"
        raise MalformedError(message) from exc
    if text.startswith("\ufeff"):
        message = "the body starts with a byte order mark; expected JSON without one"
        raise MalformedError(message)
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:
            msgspec.json.encode(value)  # which half a surrogate pair cannot pass
    except UnicodeEncodeError as exc:
        message = "a string of the JSON holds half a surrogate pair, which is no character"
        raise MalformedError(message) from exc
    except MalformedError:
        raise
    except json.JSONDecodeError as exc:
        if not text.strip():
            message = "the body is empty; expected JSON"
        else:
            message = f"the body is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}"
        raise MalformedError(message) from exc
    except RecursionError as exc:
        message = "the JSON is nested too deeply"
        raise MalformedError(message) from exc
    except ValueError as exc:  # an integer of more digits than Python converts
        message = "the JSON holds a number with too many digits"
        raise MalformedError(message) from exc
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        message = f"the key {twice[:64]!r} appears twice in one object"
        raise MalformedError(message)
    return members


def _finite(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        message = f"the number {literal[:40]} is too large for a 64-bit float"
        raise MalformedError(message)
    return number


def _refuse(literal: str) -> NoReturn:
    message = f"{literal} is not JSON; expected a finite number"
    raise MalformedError(message)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse)
