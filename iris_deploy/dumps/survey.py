"""What any pickle says, a hostile one too: written down, and nothing of it done.

The machine that reads estimators (machine.py) refuses what it does not know. The one that is run
here (surveyor.py) knows nothing and refuses nothing: a name that would be imported, an object that
would be made, a function that would be called are notes. Time and memory are in proportion to the
file.
"""

import io
import pickletools
from collections.abc import Callable
from typing import Any

from iris_deploy.dumps.budget import Budget
from iris_deploy.dumps.notes import DICT, SET, Global, Noted, NotedArray
from iris_deploy.dumps.stack import DAMAGE
from iris_deploy.dumps.surveyor import Survey, Surveyor

MAX_INSTRUCTIONS = 20_000_000
"""That are looked at: half a minute."""

MAX_PICKLES = 1000
"""In one file, one after the other."""

_MAX_NESTED = 20  # pickles within pickles: joblib writes arrays of objects so


def survey(data: bytes) -> Survey:
    """Look at all pickles of a file.

    Parameters
    ----------
    data : bytes
        Uncompressed.

    Returns
    -------
    Survey
        With what was found before the damage, if there is any.
    """
    stream, found, budget = io.BytesIO(data), Survey(), Budget(len(data))
    try:
        while stream.tell() < len(data) and len(found.values) < MAX_PICKLES:
            found.values.append(_run(Surveyor(stream, found, budget)))
    except DAMAGE as exc:
        found.damage = f"at byte {stream.tell()}: {str(exc)[:100] or type(exc).__name__}"
    return found


def _run(machine: Surveyor) -> object:
    """Follow the instructions of a pickle up to STOP; return what is on top then."""
    found = machine.found
    for opcode, argument, _ in pickletools.genops(machine.stream):
        found.instructions += 1
        if found.instructions > MAX_INSTRUCTIONS:
            raise ValueError(f"more than {MAX_INSTRUCTIONS:,} instructions")
        if opcode.name == "STOP":
            break
        _ACTS[opcode.name](machine, argument)
    return machine.stack[-1]


def _build(machine: Surveyor, _: object) -> None:
    machine.build(_)
    array, machine.awaited = machine.awaited, None
    if array is not None:
        if machine.depth > _MAX_NESTED:
            raise ValueError("pickles are too deep within one another")
        inner = _run(Surveyor(machine.stream, machine.found, machine.budget, machine.depth + 1))
        array.data = inner.data if isinstance(inner, NotedArray) else None


def _new(machine: Surveyor, _: object) -> None:
    made_by, arguments = machine.last(2)
    machine.make(made_by, arguments)


def _new_with_keywords(machine: Surveyor, _: object) -> None:
    made_by, arguments, keywords = machine.last(3)
    machine.make(made_by, (arguments, keywords))


def _new_of_marked(machine: Surveyor, _: object) -> None:
    made_by, *arguments = machine.marked()
    machine.make(made_by, tuple(arguments))


def _new_by_name(machine: Surveyor, argument: str) -> None:
    machine.find(*argument.split(" ", 1))
    machine.make(machine.stack.pop(), tuple(machine.marked()))


def _note(name: str) -> Callable[[Surveyor, Any], None]:
    """Push a note of a plain value that is none here, or of what stands for something elsewhere."""
    return lambda machine, argument: machine.push(Noted(Global("pickle", name), (argument,)))


def _forget_marked(machine: Surveyor, _: object) -> None:
    machine.marked()


def _dict_of_marked(machine: Surveyor, _: object) -> None:
    items = machine.marked()
    machine.push(Noted(DICT))
    machine.update(items)


def _set_of_marked(machine: Surveyor, _: object) -> None:
    machine.push(Noted(SET, items=machine.marked()))


_Act = Callable[[Surveyor, Any], None]
_ACTS: dict[str, _Act] = {
    "PROTO": Surveyor.protocol,
    "FRAME": lambda _machine, _: None,
    **dict.fromkeys(
        (
            *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
            *("STRING", "BINSTRING", "SHORT_BINSTRING", "FLOAT", "BINFLOAT"),
            *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
            *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        ),
        Surveyor.push,
    ),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),  # noqa: FBT003
    "NEWFALSE": lambda machine, _: machine.push(False),  # noqa: FBT003
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_DICT": lambda machine, _: machine.push(Noted(DICT)),
    "EMPTY_SET": lambda machine, _: machine.push(Noted(SET)),
    "LIST": lambda machine, _: machine.push(machine.marked()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.marked())),
    "TUPLE1": lambda machine, _: machine.push(machine.last(1)),
    "TUPLE2": lambda machine, _: machine.push(machine.last(2)),
    "TUPLE3": lambda machine, _: machine.push(machine.last(3)),
    "DICT": _dict_of_marked,
    "FROZENSET": _set_of_marked,
    "APPEND": lambda machine, _: machine.append([machine.stack.pop()]),
    **dict.fromkeys(("APPENDS", "ADDITEMS"), lambda machine, _: machine.append(machine.marked())),
    "SETITEM": lambda machine, _: machine.update(list(machine.last(2))),
    "SETITEMS": lambda machine, _: machine.update(machine.marked()),
    "MARK": Surveyor.mark,
    "POP": Surveyor.pop,
    "POP_MARK": _forget_marked,
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), Surveyor.memoize),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Surveyor.recall),
    "GLOBAL": lambda machine, argument: machine.find(*argument.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.find(*machine.last(2)),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _new),
    "NEWOBJ_EX": _new_with_keywords,
    "OBJ": _new_of_marked,
    "INST": _new_by_name,
    "BUILD": _build,
    "PERSID": _note("persistent_load"),
    "BINPERSID": lambda machine, _: _note("persistent_load")(machine, machine.stack.pop()),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _note("extension")),
    "NEXT_BUFFER": _note("buffer"),
    "READONLY_BUFFER": lambda _machine, _: None,
}
