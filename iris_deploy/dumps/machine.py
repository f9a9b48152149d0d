"""The stack machine of pickles: it can build plain values and inert records, and nothing else.

A name is looked up in tables of exact ``(module, name)`` pairs, and stands for an inert record.

Each instruction takes as long as what it brings along is large, however large what it recalls is.

Which instruction does what is said in instructions.py; arrays.py knows how joblib puts the bytes of
arrays between them.
"""

import io
import sys
from collections.abc import Iterable
from typing import Any

from iris_deploy.dumps.arrays import read_array, read_scalar
from iris_deploy.dumps.names import ARRAY, DTYPE, NAMES, SCALAR, Classes
from iris_deploy.dumps.records import ClassName, Fitted, PendingArray, PendingDtype
from iris_deploy.errors import ArtifactError

MAX_INSTRUCTIONS = 100_000
"""A pipeline has a few hundred; each may cost some hundred bytes that the file does not."""

MAX_ATTRIBUTES = 64
"""Estimators have up to 30; a dump may set the same ones again and again, each time a copy."""

MAX_KEYS = 1000
"""Keys of a dict; numbers can be chosen so that it looks for one in the slots of all others."""

MAX_KEY = 1000
"""Characters of a key; a dump may look for the same key again and again, each time compared."""

_NOTHING = object()


class StackMachine:
    """Only the instructions that build plain values.

    Parameters
    ----------
    stream : io.BytesIO
        The whole dump, uncompressed.
    classes : mapping of (str, str) to str
        Those that it may name.
    hint : str
        Which these are, for whoever has others.

    Notes
    -----
    Damage shows as `ArithmeticError`, `EOFError`, `LookupError`, `TypeError` or `ValueError`, as it
    would in the standard library's unpickler.
    """

    def __init__(self, stream: io.BytesIO, classes: Classes, hint: str) -> None:
        self.stream = stream
        self._classes = classes
        self._hint = hint
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # stacks set aside by MARK
        self.memo: list[Any] = []  # numbers can be chosen to collide in a dict

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
        if index is None:
            index = len(self.memo)
        if not 0 <= index <= MAX_INSTRUCTIONS:
            raise ValueError(f"it remembers a value as number {index}")
        self.memo += [_NOTHING] * (index + 1 - len(self.memo))
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        """Push a remembered value."""
        if not 0 <= index < len(self.memo) or self.memo[index] is _NOTHING:
            raise LookupError(f"it recalls value {index}, which it never remembered")
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
        if type(target) is not dict:
            raise TypeError
        if len(target) + len(items) // 2 > MAX_KEYS:
            raise ValueError(f"a dict has more than {MAX_KEYS} keys")
        if not all(map(_is_plain_key, items[::2])):
            raise TypeError("it has a key that is neither text nor a number, or too large")
        target.update(zip(items[::2], items[1::2], strict=True))

    def find(self, module: object, name: object) -> None:
        """Push what a name of the dump stands for, if it is in the list."""
        if type(module) is not str or type(name) is not str:
            raise TypeError
        found = NAMES.get((module, name))
        if found is None and (module, name) in self._classes:
            found = ClassName(self._classes[module, name])
        if found is None:
            raise ArtifactError(
                f"the dump refers to {f'{module}.{name}'[:100]!r}, "
                "which is not in the list of what is read",
                hint=self._hint,
            )
        self.push(found)

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
            self.push(read_scalar(data, dtype.resolve()))
        else:
            raise ArtifactError("the dump calls something that is not a supported class")

    def build(self, _: object) -> None:
        """Carry out BUILD: give a record its attributes."""
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, (Fitted, PendingArray)) and type(state) is dict:
            if len(state) > MAX_ATTRIBUTES:
                raise ValueError(
                    f"an object has {len(state)} attributes; expected at most {MAX_ATTRIBUTES}"
                )
            target.state.update(state)
            if isinstance(target, PendingArray):
                self.stack[-1] = read_array(self.stream, target.state)
        elif isinstance(target, PendingDtype) and type(state) is tuple and type(state[1]) is str:
            target.order = state[1]
        else:
            raise ArtifactError(
                "the dump sets attributes of something that is not a supported object"
            )


def _is_plain_key(key: object) -> bool:
    """Tell whether a key is found in a time that whoever chose it has no say in.

    The hash of a tuple goes down into it without looking at the depth. That of an integer is its
    remainder by a prime, which is the integer itself below it; above it many can share one.
    """
    if type(key) is str:
        return len(key) <= MAX_KEY
    if type(key) is int:
        return -sys.hash_info.modulus < key < sys.hash_info.modulus
    return type(key) in {float, bool}
