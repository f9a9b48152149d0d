"""The stack machine that notes what a pickle says, whatever it is, and does nothing of it.

Which instruction is which note is said in survey.py.
"""

import io
from dataclasses import dataclass, field
from typing import Any

from iris_deploy.dumps.budget import Budget
from iris_deploy.dumps.notes import (
    Global,
    Noted,
    NotedArray,
    dtype_of,
    printable,
    shape_of,
    simplify,
)

_MAX_MEMO = 1 << 24
_RECONSTRUCTORS = frozenset({"copy_reg._reconstructor", "copyreg._reconstructor"})
"""By which protocols 0 and 1 make an object of the class that is their first argument."""

_WRAPPERS = frozenset({"joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle"})


@dataclass(slots=True)
class Use:
    """How a pickle uses a name.

    Parameters
    ----------
    position : int
        Of the byte behind the instruction that names it first.
    is_called : bool
        Whether loading would call it.
    """

    position: int
    is_called: bool = False


@dataclass(slots=True)
class Survey:
    """What a file of pickles says.

    Attributes
    ----------
    values : list of object
        What each pickle would give: plain values and notes.
    names : dict of str to Use
        Every name that loading would import.
    protocol : int
        The highest.
    instructions : int
    damage : str or None
        Why the rest was not looked at.
    """

    values: list[object] = field(default_factory=list)
    names: dict[str, Use] = field(default_factory=dict)
    protocol: int = 0
    instructions: int = 0
    damage: str | None = None


class Surveyor:
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
        self.stream = stream
        self.budget = budget
        self.found = found
        self.depth = depth
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: list[Any] = []
        self.awaited: NotedArray | None = None

    def push(self, value: object) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def protocol(self, number: int) -> None:
        """Note the protocol."""
        self.found.protocol = max(self.found.protocol, number)

    def mark(self, _: object) -> None:
        """Set the stack aside and begin another."""
        self.outer.append(self.stack)
        self.stack = []

    def marked(self) -> list[Any]:
        """Return what was pushed since the last MARK, and take up the stack before it."""
        items = self.stack
        self.stack = self.outer.pop()
        return items

    def pop(self, _: object) -> None:
        """Forget the value on top, or the last MARK."""
        if self.stack:
            self.stack.pop()
        else:
            self.marked()

    def last(self, count: int) -> tuple[Any, ...]:
        """Take the topmost values."""
        if len(self.stack) < count:
            raise IndexError("it takes more values than there are")
        taken = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        return taken

    def memoize(self, index: int | None) -> None:
        """Remember the value on top; without an index under the next one."""
        index = len(self.memo) if index is None else index
        if not 0 <= index < _MAX_MEMO:
            raise ValueError(f"it remembers a value as number {index}")
        self.memo += [None] * (index + 1 - len(self.memo))
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        """Push a remembered value."""
        if not 0 <= index < len(self.memo):
            raise LookupError(f"it recalls value {index}, which it never remembered")
        self.push(self.memo[index])

    def find(self, module: object, name: object) -> None:
        """Note a name."""
        named = Global(_text(module), _text(name))
        self.found.names.setdefault(str(named), Use(self.stream.tell()))
        self.push(named)

    def make(self, made_by: object, arguments: object) -> None:
        """Note that an object would be made, or a function called."""
        if isinstance(made_by, Global):
            self.found.names[str(made_by)].is_called = True
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
            self.stack[-1] = self._skip_array(Noted(by, states=[state]).attributes)
        else:  # whoever recalls the shell of an array sees the shell
            self.stack[-1] = simplify(target, self.budget)

    def _skip_array(self, wrapper: dict[str, object]) -> NotedArray:
        """Go behind the bytes of an array of joblib's."""
        dtype, shape = dtype_of(wrapper.get("dtype")), shape_of(wrapper.get("shape"))
        if dtype is None or shape is None:
            raise ValueError("an array of joblib's is not described as joblib does it")
        array = NotedArray(dtype[0], shape)
        if dtype[1] == 0:  # its values follow as a pickle of their own
            self.awaited = array
            return array
        if wrapper.get("numpy_array_alignment_bytes") is not None:
            (padding,) = self.stream.read(1)
            self.stream.read(padding)
        size = dtype[1] * array.size
        if size > len(self.stream.getbuffer()) - self.stream.tell():
            raise EOFError("an array is cut off")
        array.data = self.stream.read(size)
        return array


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("it names something by what is no text")
    return printable(value[:1000])
