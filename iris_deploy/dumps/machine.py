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

import numpy as np

from iris_deploy.dumps.arrays import describe_array, read_array
from iris_deploy.dumps.budget import Budget, size_of
from iris_deploy.dumps.calls import make_array, make_value
from iris_deploy.dumps.dtypes import PendingDtype
from iris_deploy.dumps.names import ARRAY, NAMES, OBJECT, RECONSTRUCTOR, Classes
from iris_deploy.dumps.records import ClassName, Fitted, PendingArray, PlainArray
from iris_deploy.dumps.stack import Stack
from iris_deploy.errors import ArtifactError

MAX_ATTRIBUTES = 64
"""Estimators have up to 30; a dump may set the same ones again and again, each time a copy."""

MAX_KEYS = 1000
"""Keys of a dict other than text, as a vocabulary has: numbers can be chosen so that it looks for
one in the slots of all others. Where text goes, each process draws for itself."""

MAX_KEY = 1000
"""Characters of a key; a dump may look for the same key again and again, each time compared."""


class StackMachine(Stack):
    """Only the instructions that build plain values.

    Parameters
    ----------
    stream : io.BytesIO
        The whole dump, uncompressed.
    classes : mapping of (str, str) to str
        Those that it may name.
    hint : str
        Which these are, for whoever has others.
    budget : Budget, optional
        What is left of it, for a pickle within the dump: joblib writes arrays of objects so.

    Attributes
    ----------
    awaited : tuple of int or None
        Shape of the array of objects whose pickle follows in the stream.

    Notes
    -----
    Damage shows as `ArithmeticError`, `EOFError`, `LookupError`, `TypeError` or `ValueError`, as it
    would in the standard library's unpickler.
    """

    def __init__(
        self, stream: io.BytesIO, classes: Classes, hint: str, budget: Budget | None = None
    ) -> None:
        super().__init__(budget or Budget(size_of(stream)))
        self.stream = stream
        self.is_inside = budget is not None
        self.awaited: tuple[int, ...] | None = None
        self._classes = classes
        self._hint = hint

    def inside(self) -> "StackMachine":
        """Make the machine for a pickle that follows in the stream."""
        return StackMachine(self.stream, self._classes, self._hint, self.budget)

    def recall(self, index: int) -> None:
        """Push a remembered value."""
        value = self.remembered(index)
        if type(value) is PlainArray:
            value = value.value
            if value is None:
                raise LookupError("it recalls an array that is not there yet")
        self.push(value)

    def tuple_of(self, count: int) -> None:
        """Replace the topmost values by a tuple of them."""
        self.push(self.last(count))

    def append(self, items: Iterable[object]) -> None:
        """Extend the list on top."""
        target = self.stack[-1]
        if type(target) is not list:
            raise TypeError
        target.extend(items)

    def update(self, items: list[Any]) -> None:
        """Update the dict on top with keys and values in turn; a record that is one needs none."""
        target = self.stack[-1]
        if isinstance(target, Fitted):
            return
        if type(target) is not dict:
            raise TypeError
        keys = items[::2]
        if len(target) + len(keys) > MAX_KEYS and not all(type(key) is str for key in keys):
            raise ValueError(f"a dict has more than {MAX_KEYS} keys, not all of them text")
        if not all(map(_is_plain_key, keys)):
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
        if callee is RECONSTRUCTOR:
            callee, base, state = arguments
            if base is not OBJECT or state is not None:
                raise TypeError("it makes an object otherwise than of its class")
            arguments = ()
        if isinstance(callee, ClassName):
            self.push(Fitted(callee.name, arguments=arguments))
        elif callee is ARRAY:
            self.push(PendingArray())
        else:
            self.push(make_value(callee, arguments, self.budget))

    def build(self, _: object) -> None:
        """Carry out BUILD: give a record its attributes.

        NumPy's generators, compiled losses and trees of samples have some without names.
        """
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, (Fitted, PendingArray)) and type(state) is dict:
            if len(state) > MAX_ATTRIBUTES:
                raise ValueError(
                    f"an object has {len(state)} attributes; expected at most {MAX_ATTRIBUTES}"
                )
            target.state.update(state)
            if isinstance(target, PendingArray):
                self._take_array(target.state)
        elif isinstance(target, PendingDtype) and type(state) is tuple and type(state[1]) is str:
            target.state = state
        elif isinstance(target, PlainArray) and type(state) is tuple and target.value is None:
            target.value = self.stack[-1] = make_array(state, self.budget)
        elif isinstance(target, Fitted):
            target.unnamed = state if type(state) is tuple else ()
        else:
            raise ArtifactError(
                "the dump sets attributes of something that is not a supported object"
            )

    def _take_array(self, wrapper: dict[str, Any]) -> None:
        """Read what joblib has written behind the description of an array."""
        if self.is_inside:
            raise TypeError("a pickle within the dump holds an array of joblib's")
        dtype, shape, _ = describe_array(wrapper)
        if dtype.hasobject:
            self.awaited = shape
        else:
            self.stack[-1] = read_array(self.stream, wrapper)

    def take_objects(self, array: object) -> None:
        """Take the array of objects that was awaited."""
        shape, self.awaited = self.awaited, None
        if isinstance(array, list):  # of arrays
            is_described = shape == (len(array),)
        else:
            is_objects = isinstance(array, np.ndarray) and array.dtype.hasobject
            is_described = is_objects and array.shape == shape  # type: ignore[attr-defined]
        if not is_described:
            raise TypeError("an array of objects is not as it is described")
        self.stack[-1] = array


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
