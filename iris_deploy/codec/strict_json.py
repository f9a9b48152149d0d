"""JSON read strictly, RFC 8259 and nothing beside it.

Refuses what Python's own reader lets through: NaN and Infinity, numbers that overflow to infinity,
an object with the same key twice, other encodings than UTF-8, and nesting without end.
"""

import json
import math
import re
from typing import Any, NoReturn

import msgspec

from iris_deploy.errors import IrisDeployError
from iris_deploy.kernels.garbage import NoCollection

_LARGE = 1 << 16  # characters
_MARKS = re.compile(b"[\0\1]")  # which no JSON has


class MalformedError(IrisDeployError, ValueError):
    """The bytes of a request are not strict JSON."""


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
        raise MalformedError(f"the body is not UTF-8: byte {exc.start} is wrong") from exc
    if text.startswith("\ufeff"):
        raise MalformedError("the body starts with a byte order mark; expected JSON without one")
    try:
        value = _read(text)
        if "\\u" in text:
            msgspec.json.encode(value)  # which half a surrogate pair cannot pass
    except UnicodeEncodeError as exc:
        raise MalformedError(
            "a string of the JSON holds half a surrogate pair, which is no character"
        ) from exc
    except MalformedError:
        raise
    except json.JSONDecodeError as exc:
        if not text.strip():
            message = "the body is empty; expected JSON"
        else:
            message = f"the body is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}"
        raise MalformedError(message) from exc
    except RecursionError as exc:
        raise MalformedError("the JSON is nested too deeply") from exc
    except ValueError as exc:  # an integer of more digits than Python converts
        raise MalformedError("the JSON holds a number with too many digits") from exc
    return value


def _read(text: str) -> Any:
    if len(text) <= _LARGE:
        return _DECODER.decode(text)
    with NoCollection():  # which would have other threads wait twice as long
        return _DECODER.decode(text)


def without_literals(body: bytes) -> bytes:
    """Write what Python and JavaScript write for numbers that JSON has not, so that it is JSON.

    Clients of tensors and data frames send them. NaN becomes null, which is a missing value;
    infinities become texts, which are no numbers wherever they stand.

    Parameters
    ----------
    body : bytes
    """
    if (b"NaN" not in body and b"Infinity" not in body) or _MARKS.search(body):
        return body
    # Quotes that are left are those around strings: what is between them is at every other place.
    parts = body.replace(b"\\\\", b"\0\0").replace(b'\\"', b"\0\1").split(b'"')
    parts[::2] = map(_write_literals, parts[::2])
    return b'"'.join(parts).replace(b"\0\1", b'\\"').replace(b"\0\0", b"\\\\")


def _write_literals(part: bytes) -> bytes:
    if b"N" not in part and b"I" not in part:
        return part
    texts = part.replace(b"Infinity", b'"Infinity"').replace(b'-"Infinity"', b'"-Infinity"')
    return texts.replace(b"NaN", b"null")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise MalformedError(f"the key {twice[:64]!r} appears twice in one object")
    return members


def _finite(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise MalformedError(f"the number {literal[:40]} is too large for a 64-bit float")
    return number


def _refuse(literal: str) -> NoReturn:
    raise MalformedError(f"{literal} is not JSON; expected a finite number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse)
