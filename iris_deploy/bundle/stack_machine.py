"""The stack machine of pickles, less everything that could run code.

``pickletools.genops`` of the standard library splits a pickle into instructions; what is not in the
table at the end of this module does not happen. A name is looked up in a table of exact
``(module, name)`` pairs (fitted.py) and stands for an inert record.

Knows pickle's instructions and how joblib puts the bytes of arrays between them.
"""

import io
import itertools
import pickletools
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from iris_deploy.bundle.fitted import (
    ARRAY,
    DTYPE,
    NAMES,
    NDARRAY,
    SCALAR,
    ClassName,
    Fitted,
    PendingArray,
    PendingDtype,
)
from iris_deploy.errors import ArtifactError

MAX_INSTRUCTIONS = 100_000
"""A pipeline has a few hundred; each may cost some hundred bytes that the file does not."""

MAX_LENGTH = 2**31
"""No dimension of an array comes near; larger numbers need not be multiplied."""

MAX_DIMENSIONS = 2
"""Fitted attributes of linear classifiers and scalers are vectors and matrices."""


_KEYS = {str, int, float, bool}


class StackMachine:
    """Only the instructions that build plain values.

    Parameters
    ----------
    stream : io.BytesIO
        The whole dump, uncompressed.

    Notes
    -----
    Damage shows as `ArithmeticError`, `EOFError`, `LookupError`, `TypeError` or `ValueError`, as it
    would in the standard library's unpickler.
    """

    def __init__(self, stream: io.BytesIO) -> None:
        self.stream = stream
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # stacks set aside by MARK
        self.memo: dict[int, Any] = {}

    def run(self) -> object:
        """Carry out the instructions up to STOP and return the one value that is left."""
        instructions = pickletools.genops(self.stream)
        for opcode, argument, position in itertools.islice(instructions, MAX_INSTRUCTIONS):
            if opcode.name == "STOP":
                break
            act = _INSTRUCTIONS.get(opcode.name)
            if act is None:
                message = (
                    f"the dump uses the instruction {opcode.name} at byte {position}, "
                    "which no supported estimator needs"
                )
                raise ArtifactError(message)
            act(self, argument)
        else:
            message = f"the dump has more than {MAX_INSTRUCTIONS} instructions"
            raise ArtifactError(message)
        (value,) = self.stack
        return value

    def push(self, value: object) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def marked(self) -> list[Any]:
        """Return what was pushed since the last MARK and take up the stack before it."""
        items = self.stack
        self.stack = self.outer.pop()
        return items

    def mark(self, _: object) -> None:
        """Set the stack aside and begin another."""
        self.outer.append(self.stack)
        self.stack = []

    def memoize(self, index: int | None) -> None:
        """Remember the value on top; without an index under the next one."""
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def recall(self, index: int) -> None:
        """Push a remembered value."""
        if index not in self.memo:
            message = f"it recalls value {index}, which it never remembered"
            raise LookupError(message)
        self.push(self.memo[index])

    def tuple_of(self, count: int) -> None:
        """Replace the topmost values by a tuple of them."""
        if len(self.stack) < count:
            raise IndexError
        items = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        self.push(items)

    def append(self, items: Iterable[object]) -> None:
        """Extend the list on top."""
        target = self.stack[-1]
        if type(target) is not list:
            raise TypeError
        target.extend(items)

    def update(self, items: list[Any]) -> None:
        """Update the dict on top with keys and values in turn."""
        target = self.stack[-1]
        # The hash of a tuple goes down into it without looking at the depth: plain keys only.
        if type(target) is not dict or not all(type(key) in _KEYS for key in items[::2]):
            raise TypeError
        target.update(zip(items[::2], items[1::2], strict=True))

    def find(self, module: object, name: object) -> None:
        """Push what a name of the dump stands for, if it is in the list."""
        if type(module) is not str or type(name) is not str:
            raise TypeError
        try:
            self.push(NAMES[module, name])
        except KeyError:
            message = (
                f"the dump refers to {f'{module}.{name}'[:100]!r}, "
                "which is not in the list of what is read"
            )
            hint = (
                "supported are StandardScaler, MinMaxScaler, Perceptron, LogisticRegression, "
                "SGDClassifier, RidgeClassifier, LinearSVC, LinearDiscriminantAnalysis and a "
                "Pipeline of these; nothing of the file was run"
            )
            raise ArtifactError(message, hint=hint) from None

    def create(self, _: object) -> None:
        """Carry out NEWOBJ and REDUCE: make the inert record that the callee stands for."""
        arguments = self.stack.pop()
        callee = self.stack.pop()
        if type(arguments) is not tuple:
            raise TypeError
        if isinstance(callee, ClassName):
            self.push(Fitted(callee.name))
        elif callee is ARRAY:
            self.push(PendingArray())
        elif callee is DTYPE and type(arguments[0]) is str:
            self.push(PendingDtype(arguments[0]))
        elif callee is SCALAR:
            dtype, data = arguments
            if not isinstance(dtype, PendingDtype):
                raise TypeError
            self.push(_values(data, dtype.resolve())[0].item())
        else:
            message = "the dump calls something that is not a supported class"
            raise ArtifactError(message)

    def build(self, _: object) -> None:
        """Carry out BUILD: give a record its attributes."""
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, (Fitted, PendingArray)) and type(state) is dict:
            target.state.update(state)
            if isinstance(target, PendingArray):
                self.stack[-1] = self.array(target.state)
        elif isinstance(target, PendingDtype) and type(state) is tuple and type(state[1]) is str:
            target.order = state[1]
        else:
            message = "the dump sets attributes of something that is not a supported object"
            raise ArtifactError(message)

    def array(self, wrapper: dict[str, Any]) -> np.ndarray[Any, Any]:
        """Take the bytes of an array, which follow its description in the file."""
        pending, shape, order = wrapper["dtype"], wrapper["shape"], wrapper["order"]
        if not isinstance(pending, PendingDtype) or wrapper["subclass"] is not NDARRAY:
            raise TypeError
        if type(shape) is not tuple or any(type(n) is not int or n < 0 for n in shape):
            raise TypeError
        if len(shape) > MAX_DIMENSIONS:
            message = f"an array has {len(shape)} dimensions; expected at most {MAX_DIMENSIONS}"
            raise ValueError(message)
        dtype = pending.resolve()
        if wrapper.get("numpy_array_alignment_bytes") is not None:
            (padding,) = self.stream.read(1)
            self.stream.read(padding)
        size = dtype.itemsize
        for n in shape:
            size *= min(n, MAX_LENGTH)
        if size > len(self.stream.getbuffer()) - self.stream.tell():
            message = "an array is cut off"
            raise EOFError(message)
        flat = _values(self.stream.read(size), dtype)
        return flat.reshape(shape, order=order).astype(dtype.newbyteorder("="))


def _values(data: bytes, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """View bytes as numbers or text; text that is none would crash those who look at it."""
    if dtype.kind == "U" and data:
        points = np.frombuffer(data, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if points.max() > sys.maxunicode:
            message = "an array of text holds what is no character"
            raise ValueError(message)
    return np.frombuffer(data, dtype)


def _pop_to_append(machine: StackMachine, _: object) -> None:
    machine.append([machine.stack.pop()])


def _pop_to_update(machine: StackMachine, _: object) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.update([key, value])


def _find_on_stack(machine: StackMachine, _: object) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.find(module, name)


_Act = Callable[[StackMachine, Any], None]

_INSTRUCTIONS: dict[str, _Act] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda _machine, _: None),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),  # noqa: FBT003
    "NEWFALSE": lambda machine, _: machine.push(False),  # noqa: FBT003
    **dict.fromkeys(
        (
            *("INT", "LONG", "BININT", "BININT1", "BININT2", "LONG1", "LONG4"),
            *("FLOAT", "BINFLOAT"),
            *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
            *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        ),
        StackMachine.push,
    ),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "MARK": StackMachine.mark,
    "TUPLE": lambda machine, _: machine.push(tuple(machine.marked())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": _pop_to_append,
    "APPENDS": lambda machine, _: machine.append(machine.marked()),
    "SETITEM": _pop_to_update,
    "SETITEMS": lambda machine, _: machine.update(machine.marked()),
    **dict.fromkeys(("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"), StackMachine.memoize),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), StackMachine.recall),
    "GLOBAL": lambda machine, argument: machine.find(*argument.split(" ", 1)),
    "STACK_GLOBAL": _find_on_stack,
    "NEWOBJ": StackMachine.create,
    "REDUCE": StackMachine.create,
    "BUILD": StackMachine.build,
}
