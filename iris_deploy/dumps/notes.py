"""What a pickle says, as notes: objects it would make, functions it would call, arrays."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from iris_deploy.dumps.arrays import read_scalar, view_array
from iris_deploy.dumps.budget import Budget

_DTYPE = re.compile(r"([?biufcSUVOMm])(\d{0,9})")
_MOST_SHOWN = 10  # values of an array that are looked at

SHOWN_BYTES = 4096
"""Of an array whose values are kept; others are as long as the file."""
_MOST_STATES, _MOST_ATTRIBUTES = 100, 2000  # of an object: a dump may use one dict for many


@dataclass(slots=True, eq=False)
class Global:
    """A name that loading would import.

    Parameters
    ----------
    module, name : str
        As they can be shown.
    position : int
        Of the byte behind the instruction that names it first.
    is_called : bool
        Whether loading would call it.
    """

    module: str
    name: str
    position: int = 0
    is_called: bool = False

    def __str__(self) -> str:
        """Write it as it is imported."""
        return f"{self.module}.{self.name}"


def printable(text: str) -> str:
    """Return somebody's text as it can be encoded and shown: no commands to a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


DICT, SET = Global("builtins", "dict"), Global("builtins", "set")
"""That an instruction of its own makes, without a name."""


@dataclass(slots=True, eq=False)
class Noted:
    """An object that loading would make, or the call of a function.

    Parameters
    ----------
    made_by : object
        A `Global`; or what stands there instead, such as the result of another call.
    arguments : object
    states : list of object
        What it is given after it was made.
    items : list of object
        What is appended to it.
    pairs : list of (object, object)
        Keys and values that are set in it.
    instead : object
        What it has turned out to be, such as an array; None if it is what it is.
    """

    made_by: object
    arguments: object = ()
    states: list[object] = field(default_factory=list)
    items: list[object] = field(default_factory=list)
    pairs: list[tuple[object, object]] = field(default_factory=list)
    instead: object = None

    @property
    def name(self) -> str:
        """The class or function, with its module."""
        return str(self.made_by) if isinstance(self.made_by, Global) else "the result of a call"

    @property
    def attributes(self) -> dict[str, object]:
        """Attributes by name, in the order in which they were given."""
        found: dict[str, object] = {}
        for state in self.states[:_MOST_STATES]:
            # Objects with slots have a pair: the dict, and the slots.
            for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
                if isinstance(part, Noted):
                    pairs = part.pairs[:_MOST_ATTRIBUTES]
                    found |= {k: v for k, v in pairs if isinstance(k, str)}
        return found


@dataclass(slots=True, eq=False)
class NotedArray:
    """An array, less what it takes to make one.

    Parameters
    ----------
    dtype : str
        As NumPy writes it: ``<f8``.
    shape : tuple of int
    data : bytes, bytearray, list or None
        Its values, if they are at hand.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes | bytearray | list[object] | None = None

    @property
    def size(self) -> int:
        """How many values it has."""
        size = 1
        for n in self.shape:
            size *= n
        return size

    def values(self) -> list[object] | None:
        """Return the values of a small array of one axis; None of another."""
        if len(self.shape) != 1 or self.data is None or len(self.data) > SHOWN_BYTES:
            return None
        if isinstance(self.data, list):
            return self.data if len(self.data) <= _MOST_SHOWN else None
        if self.size > _MOST_SHOWN:
            return None
        try:
            array = view_array(self.data, np.dtype(self.dtype), self.shape, "C")
        except (TypeError, ValueError):
            return None
        values: list[object] = array.tolist()
        return values


def dtype_of(note: object) -> tuple[str, int] | None:
    """Return how a noted dtype is written, and the bytes of a value; None if it is none.

    Of values that are objects it says nothing: they follow as a pickle of their own.
    """
    if not isinstance(note, Noted) or note.name != "numpy.dtype":
        return None
    arguments: Any = note.arguments
    code = arguments[0] if isinstance(arguments, tuple) and arguments else None
    found = _DTYPE.fullmatch(code) if isinstance(code, str) else None
    if found is None:
        return None
    letter, digits = found.groups()
    state = note.states[-1] if note.states else None
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else ""
    order = order if order in {"<", ">"} else ""
    count = int(digits or 1)
    return order + found[0], 4 * count if letter == "U" else count


def shape_of(value: object) -> tuple[int, ...] | None:
    """Return the shape of an array, None if it is none."""
    if not isinstance(value, tuple) or len(value) > 32:
        return None
    if not all(type(n) is int and 0 <= n < 2**40 for n in value):
        return None
    return value


def simplify(note: Noted, budget: Budget) -> object:
    """Return the array, the number or the bytes that a note stands for; else the note.

    Parameters
    ----------
    note : Noted
    budget : Budget
        Of bytes that are made of others.
    """
    name, arguments = note.name, note.arguments
    if not isinstance(arguments, tuple):
        return note
    match name.rpartition(".")[2], arguments:
        case "_reconstruct", _ if note.states and name.startswith("numpy."):
            return _array_of_state(note.states[-1]) or note
        case "_frombuffer", tuple((bytes() | bytearray() as data, dtype, shape, _)):
            return _array(dtype, shape, data) or note
        case "scalar", tuple((dtype, bytes() as data)) if name.startswith("numpy."):
            return _scalar(dtype, data, note)
        case "encode", tuple((str() as text, "latin1")) if name == "_codecs.encode":
            budget.spend(len(text))
            return text.encode("latin1", "replace")
    return note


def _scalar(dtype: object, data: bytes, note: Noted) -> object:
    written = dtype_of(dtype)
    try:
        return note if written is None else read_scalar(data, np.dtype(written[0]))
    except (TypeError, ValueError):
        return note


def _array_of_state(state: object) -> NotedArray | None:
    """Return an array as NumPy pickles it: version, shape, dtype, whether Fortran's order, data."""
    if not isinstance(state, tuple) or len(state) != 5:
        return None
    _, shape, dtype, _, data = state
    return _array(dtype, shape, data if isinstance(data, (bytes, bytearray, list)) else None)


def _array(
    dtype: object, shape: object, data: bytes | bytearray | list[object] | None
) -> NotedArray | None:
    written, size = dtype_of(dtype), shape_of(shape)
    if isinstance(data, (bytes, bytearray)) and len(data) > SHOWN_BYTES:
        data = None
    return None if written is None or size is None else NotedArray(written[0], size, data)
