"""Pickle's instructions, less everything that could run code: what is not in the table is refused.

``pickletools.genops`` of the standard library splits a pickle into instructions; each is carried
out by the stack machine (machine.py).
"""

import pickletools
from collections.abc import Callable
from typing import Any

from iris_deploy.dumps.machine import StackMachine
from iris_deploy.errors import ArtifactError


def run(machine: StackMachine) -> object:
    """Carry out the instructions up to STOP, and return the one value that is left.

    Raises
    ------
    ArtifactError
        At an instruction that no supported estimator needs.
    ArithmeticError, EOFError, LookupError, TypeError, ValueError
        At damage, as the standard library's unpickler would.
    """
    budget = machine.budget
    for opcode, argument, position in pickletools.genops(machine.stream):
        if opcode.name in _ENTRIES:
            budget.entries -= 1
        else:
            budget.instructions -= 1
        if budget.instructions < 0 or budget.entries < 0:
            raise ArtifactError("the dump has more instructions than its size could need")
        if opcode.name == "STOP":
            break
        act = _INSTRUCTIONS.get(opcode.name)
        if act is None:
            raise ArtifactError(
                f"the dump uses the instruction {opcode.name} at byte {position}, "
                "which no supported estimator needs"
            )
        act(machine, argument)
    (value,) = machine.stack
    return value


_ENTRIES = frozenset(
    (
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "INT"),
        *("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"),
    )
)
"""What the words of a vocabulary are written with."""


def _pop_to_append(machine: StackMachine, _: object) -> None:
    machine.append([machine.stack.pop()])


def _pop_to_update(machine: StackMachine, _: object) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.update([key, value])


def _make_dict(machine: StackMachine, _: object) -> None:
    items = machine.marked()
    machine.push({})
    machine.update(items)


def _find_on_stack(machine: StackMachine, _: object) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.find(module, name)


def _build(machine: StackMachine, _: object) -> None:
    machine.build(_)
    if machine.awaited is not None:
        machine.take_objects(run(machine.inside()))


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
            *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
            *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        ),
        StackMachine.push,
    ),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    # A set stays a list: nothing of an estimator looks for something in one.
    "EMPTY_SET": lambda machine, _: machine.push([]),
    "FROZENSET": lambda machine, _: machine.push(machine.marked()),
    "LIST": lambda machine, _: machine.push(machine.marked()),
    "DICT": _make_dict,
    "MARK": StackMachine.mark,
    "TUPLE": lambda machine, _: machine.push(tuple(machine.marked())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": _pop_to_append,
    "ADDITEMS": lambda machine, _: machine.append(machine.marked()),
    "APPENDS": lambda machine, _: machine.append(machine.marked()),
    "SETITEM": _pop_to_update,
    "SETITEMS": lambda machine, _: machine.update(machine.marked()),
    **dict.fromkeys(("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"), StackMachine.memoize),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), StackMachine.recall),
    "GLOBAL": lambda machine, argument: machine.find(*argument.split(" ", 1)),
    "STACK_GLOBAL": _find_on_stack,
    "NEWOBJ": StackMachine.create,
    "REDUCE": StackMachine.create,
    "BUILD": _build,
}
