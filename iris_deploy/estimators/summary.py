"""Values of somebody's dump in a short line each, and what a container holds."""

from typing import Any

from iris_deploy.dumps.notes import DICT, Global, Noted, NotedArray, printable

MAX_MEMBERS = 2000
_LONGEST = 100  # characters of a label


def members_of(value: object) -> list[tuple[str, object]]:
    """Return what a container holds, with a label for each; a number where it has none.

    The first two thousand: a dump may recall a large one again and again.
    """
    if isinstance(value, NotedArray):
        value = value.data if isinstance(value.data, list) else []
    if isinstance(value, (list, tuple)):
        if len(value) in {2, 3} and isinstance(value[0], str):  # a step, maybe of some columns
            label = " ".join([printable(value[0][:_LONGEST]), *map(summary, value[2:])])
            return [(label, value[1])]
        return [(str(k), member) for k, member in enumerate(value[:MAX_MEMBERS])]
    if isinstance(value, Noted):
        own = [(str(k), member) for k, member in enumerate(value.items[:MAX_MEMBERS])]
        return own + [
            (printable(key[:_LONGEST]) if isinstance(key, str) else summary(key), member)
            for key, member in value.pairs[:MAX_MEMBERS]
        ]
    return []


def kind_of(value: object) -> str:
    """Say what a value is that is no object of a class."""
    if isinstance(value, Noted):
        return "dict"
    return "array" if isinstance(value, NotedArray) else type(value).__name__


def summary(value: object, length: int = 60) -> str:
    """Write a value in one short line.

    Parameters
    ----------
    value : object
        Plain, or a note.
    length : int
        Characters at most.
    """
    text = _written(value, length)
    return text if len(text) <= length else f"{text[: length - 1]}\u2026"


def _written(value: object, length: int) -> str:
    if isinstance(value, NotedArray):
        values = value.values()
        if values is not None and len(values) <= 10 and not any(map(_is_deep, values)):
            return f"[{', '.join(_written(v, length) for v in values)}]"
        return f"{value.dtype} {value.shape}"
    if isinstance(value, Noted):
        what = "dict" if value.made_by is DICT else value.name
        return f"{what} of {len(value.pairs):,}" if value.pairs else what
    if isinstance(value, Global):
        return str(value)
    if isinstance(value, (list, tuple)):
        if len(value) <= 10 and not any(map(_is_deep, value)):
            return f"[{', '.join(_written(v, length) for v in value)}]"
        return f"{type(value).__name__} of {len(value):,}"
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value):,} bytes"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length():,} bits"
    return repr(value[:length]) if isinstance(value, str) else repr(value)


def _is_deep(value: Any) -> bool:
    return isinstance(value, (list, tuple, NotedArray))
