"""Python text for one row: what it may be made of.

Text is made of numbers that were checked, and of names that are made up here: no name and no string
of an artifact can get into it.
"""

from collections.abc import Callable, Sequence
from typing import Any

_INDENT = "    "


class Names:
    """What the text refers to that is no number: made-up names of tables and functions."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"inf": float("inf"), "nan": float("nan")}
        self._bound: dict[int, str] = {}

    def bind(self, value: Any) -> str:
        """Return the name of a value."""
        name = self._bound.get(id(value))
        if name is None:
            name = self._bound[id(value)] = f"c{len(self._bound)}"
            self.values[name] = value
        return name


def number(value: float) -> str:
    """Write a number; infinities and NaN by name."""
    return repr(float(value))


def build_function(body: Sequence[str], names: Names) -> Callable[..., Any]:
    """Make a function ``row(x)`` of lines of Python."""
    lines = "".join(f"{_INDENT}{line}\n" for line in body)
    exec(compile(f"def row(x):\n{lines}", "<kernel>", "exec"), names.values)  # noqa: S102
    function: Callable[..., Any] = names.values["row"]
    return function
