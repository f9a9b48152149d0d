"""The stack machine that notes what a pickle says, whatever it is, and does nothing of it.

Which instruction is which note is said in survey.py.
"""

import io
from dataclasses import dataclass, field
from typing import Any

from iris_deploy.dumps.budget import Budget, size_of
from iris_deploy.dumps.notes import (
    SHOWN_BYTES,
    Global,
    Noted,
    NotedArray,
    dtype_of,
    printable,
    shape_of,
    simplify,
)
from iris_deploy.dumps.stack import Stack

_LONGEST = 1000  # characters of a name that are shown
_RECONSTRUCTORS = frozenset({"copy_reg._reconstructor", "copyreg._reconstructor"})
"""By which protocols 0 and 1 make an object of the class that is their first argument."""

_WRAPPERS = frozenset({"joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle"})


@dataclass(slots=True)
class Survey:
    """What a file of pickles says.

    Attributes
    ----------
    values : list of object
        What each pickle would give: plain values and notes.
    names : dict of (str, str) to Global
        Every name that loading would import, by module and name.
    protocol : int
        The highest.
    instructions : int
    damage : str or None
        Why the rest was not looked at.
    """

    values: list[object] = field(default_factory=list)
    names: dict[tuple[str, str], Global] = field(default_factory=dict)
    protocol: int = 0
    instructions: int = 0
    damage: str | None = None


class Surveyor(Stack):
    """Notes what one pickle says.

    Parameters
    ----------
    stream : io.BytesIO
        The whole file, uncompressed.
    found : Survey
        Where names are noted.
    budget : Budget
        Of the file.
    depth : int
        Of a pickle within pickles.

    Attributes
    ----------
    awaited : NotedArray or None
        The array of objects whose pickle follows in the stream.
    """

    def __init__(self, stream: io.BytesIO, found: Survey, budget: Budget, depth: int = 0) -> None:
        super().__init__(budget)
        self.stream = stream
        self.found = found
        self.depth = depth
        self.awaited: NotedArray | None = None

    def protocol(self, number: int) -> None:
        """Note the protocol."""
        self.found.protocol = max(self.found.protocol, number)

    def pop(self, _: object) -> None:
        """Forget the value on top, or the last MARK."""
        if self.stack:
            self.stack.pop()
        else:
            self.marked()

    def recall(self, index: int) -> None:
        """Push a remembered value; an array whose shell was remembered before the rest came."""
        value = self.remembered(index)
        is_shell = isinstance(value, Noted) and value.instead is not None
        self.push(value.instead if is_shell else value)

    def find(self, module: object, name: object) -> None:
        """Note a name."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("it names something by what is no text")
        named = self.found.names.get((module, name))
        if named is None:
            named = Global(
                printable(module[:_LONGEST]), printable(name[:_LONGEST]), self.stream.tell()
            )
            self.found.names[module, name] = named
        self.push(named)

    def make(self, made_by: object, arguments: object) -> None:
        """Note that an object would be made, or a function called."""
        if isinstance(made_by, Global):
            made_by.is_called = True
            if str(made_by) in _RECONSTRUCTORS and isinstance(arguments, tuple) and arguments:
                self.make(arguments[0], arguments[1:])
                return
        self.push(simplify(Noted(made_by, arguments), self.budget))

    def append(self, items: list[Any]) -> None:
        """Append to what is on top."""
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, Noted):
            target.items.extend(items)
        else:
            raise TypeError("it appends to what takes no items")

    def update(self, items: list[Any]) -> None:
        """Set keys of what is on top."""
        target = self.stack[-1]
        if not isinstance(target, Noted):
            raise TypeError("it sets keys of what has none")
        target.pairs.extend(zip(items[::2], items[1::2], strict=True))

    def build(self, _: object) -> None:
        """Note the attributes of what is below."""
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, Noted):
            raise TypeError("it sets attributes of a plain value")
        target.states.append(state)
        by = target.made_by
        if isinstance(by, Global) and by.module in _WRAPPERS and by.name == "NumpyArrayWrapper":
            made: object = self._skip_array(Noted(by, states=[state]).attributes)
        else:
            made = simplify(target, self.budget)
        if made is not target:
            self.stack[-1] = target.instead = made

    def _skip_array(self, wrapper: dict[str, object]) -> NotedArray:
        """Go behind the bytes of an array of joblib's."""
        dtype, shape = dtype_of(wrapper.get("dtype")), shape_of(wrapper.get("shape"))
        if dtype is None or shape is None:
            raise ValueError("an array of joblib's is not described as joblib does it")
        array = NotedArray(dtype[0], shape)
        if dtype[0].startswith("O"):  # its values follow as a pickle of their own
            self.awaited = array
            return array
        if wrapper.get("numpy_array_alignment_bytes") is not None:
            (padding,) = self.stream.read(1)
            self.stream.read(padding)
        size = dtype[1] * array.size
        if size > size_of(self.stream) - self.stream.tell():
            raise EOFError("an array is cut off")
        if size > SHOWN_BYTES:
            self.stream.seek(size, io.SEEK_CUR)
        else:
            array.data = self.stream.read(size)
        return array
