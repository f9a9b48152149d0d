"""The stack and the memory of a machine that follows a pickle, whatever it makes of it."""

import struct
from typing import Any

from iris_deploy.dumps.budget import Budget

DAMAGE = (
    ArithmeticError,
    DeprecationWarning,  # where warnings are errors: of odd escapes in text
    EOFError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
    struct.error,
)
"""As which a damaged pickle shows."""

_NOTHING = object()


class Stack:
    """The stack and the memory of one pickle.

    Parameters
    ----------
    budget : Budget
        Of the file.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # stacks set aside by MARK
        self.memo: list[Any] = []  # numbers can be chosen to collide in a dict

    def push(self, value: object) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def mark(self, _: object) -> None:
        """Set the stack aside and begin another."""
        self.outer.append(self.stack)
        self.stack = []

    def marked(self) -> list[Any]:
        """Return what was pushed since the last MARK and take up the stack before it."""
        items = self.stack
        self.stack = self.outer.pop()
        return items

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
        further = index + 1 - len(self.memo)
        if index < 0 or not self.budget.can_remember(further):
            raise ValueError(f"it remembers a value as number {index}")
        self.memo += [_NOTHING] * further
        self.memo[index] = self.stack[-1]

    def remembered(self, index: int) -> Any:
        """Return a remembered value."""
        if not 0 <= index < len(self.memo) or self.memo[index] is _NOTHING:
            raise LookupError(f"it recalls value {index}, which it never remembered")
        return self.memo[index]
