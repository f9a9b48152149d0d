"""The code-free reader: fitted attributes out of a ``joblib.dump``, without unpickling it.

A pickle is a program for a small stack machine, and ``joblib.load`` runs it: every class and
function that the file names is imported and called. This module reads the same instructions
(``pickletools.genops`` of the standard library splits them) and carries out only those that build
plain values. A name in the file is looked up in a table of exact ``(module, name)`` pairs
(fitted.py); what it stands for is an inert record, never the class itself. Anything else ends the
reading.

Knows the layout of joblib's files. Must not import joblib or scikit-learn.
"""

import bz2
import io
import lzma
import pickletools
import struct
import zlib
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

MAX_DUMP_BYTES = 256 * 1024 * 1024
"""A decompressed dump may have this many bytes; a linear model of a million weights has 8 MB."""

MAX_DIMENSIONS = 2
"""Fitted attributes of linear classifiers and scalers are vectors and matrices."""


_DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
    struct.error,
)


def read_dump(data: bytes, *, limit: int = MAX_DUMP_BYTES) -> Fitted:
    """Read the estimator that ``joblib.dump`` wrote, without running any of it.

    Parameters
    ----------
    data : bytes
        The whole file, plain or compressed with zlib, gzip, bz2, lzma or xz.
    limit : int
        Largest size after decompression, bytes.

    Returns
    -------
    Fitted
        The estimator's class name and attributes.

    Raises
    ------
    ArtifactError
        If the bytes are damaged or hold anything but a supported estimator.
    """
    try:
        plain = _decompress(data, limit)
        reader = _Reader(io.BytesIO(plain))
        value = reader.read()
        trailing = len(plain) - reader.stream.tell()
    except ArtifactError:
        raise
    except (*_DAMAGE, zlib.error, lzma.LZMAError, OSError) as exc:
        message = f"the dump is damaged: {str(exc) or type(exc).__name__}"
        raise ArtifactError(message, hint="dump the estimator again") from exc
    if trailing:
        message = f"the dump is damaged: {trailing} bytes follow its end"
        raise ArtifactError(message, hint="dump the estimator again")
    if not isinstance(value, Fitted):
        message = f"expected a fitted estimator in the dump, got {type(value).__name__}"
        raise ArtifactError(message, hint="dump the fitted estimator itself")
    return value


def _decompress(data: bytes, limit: int) -> bytes:
    """Return the plain dump; a bomb is cut off at the limit."""
    decompressor: Any
    if data.startswith((b"\x78", b"\x1f\x8b")):
        decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: zlib or gzip by its header
    elif data.startswith(b"BZ"):
        decompressor = bz2.BZ2Decompressor()
    elif data.startswith((b"\xfd7zXZ", b"\x5d\x00")):
        decompressor = lzma.LZMADecompressor()
    elif data.startswith((b"\x04\x22\x4d\x18", b"ZF")):
        kind = "with lz4" if data[:1] == b"\x04" else "by a joblib older than 0.10"
        message = f"the dump was written {kind}, which cannot be read"
        raise ArtifactError(message, hint="dump again, uncompressed or with zlib")
    else:
        return data
    plain: bytes = decompressor.decompress(data, limit + 1)
    if len(plain) > limit:
        message = f"the dump has more than {limit} bytes when decompressed"
        raise ArtifactError(message)
    if not decompressor.eof:
        message = "the compressed stream ends too early"
        raise EOFError(message)
    if decompressor.unused_data:
        message = f"{len(decompressor.unused_data)} bytes follow the compressed stream"
        raise ValueError(message)
    return plain


class _Reader:
    """The stack machine: only the instructions that build plain values."""

    def __init__(self, stream: io.BytesIO) -> None:
        self.stream = stream
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # stacks set aside by MARK
        self.memo: dict[int, Any] = {}

    def read(self) -> object:
        """Carry out the instructions up to STOP and return the one value that is left."""
        for opcode, argument, position in pickletools.genops(self.stream):
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
        (value,) = self.stack
        return value

    def push(self, value: object) -> None:
        self.stack.append(value)

    def marked(self) -> list[Any]:
        """Return what was pushed since the last MARK and take up the stack before it."""
        items = self.stack
        self.stack = self.outer.pop()
        return items

    def mark(self, _: object) -> None:
        self.outer.append(self.stack)
        self.stack = []

    def memoize(self, index: int | None) -> None:
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def recall(self, index: int) -> None:
        self.push(self.memo[index])

    def tuple_of(self, count: int) -> None:
        if len(self.stack) < count:
            raise IndexError
        items = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        self.push(items)

    def append(self, items: Iterable[object]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise TypeError
        target.extend(items)

    def update(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise TypeError
        target.update(zip(items[::2], items[1::2], strict=True))

    def find(self, module: object, name: object) -> None:
        """Push what a name of the dump stands for, if it is in the list."""
        try:
            self.push(NAMES[module, name])  # type: ignore[index]
        except (KeyError, TypeError):
            message = (
                f"the dump refers to {module}.{name}, which is not in the list of what is read"
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
            self.push(np.frombuffer(data, dtype.resolve(), count=1)[0].item())
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
        elif (
            isinstance(target, PendingDtype)
            and type(state) is tuple
            and state[1] in {"<", ">", "|"}
        ):
            target.order = state[1]
        else:
            message = "the dump sets attributes of something that is not a supported object"
            raise ArtifactError(message)

    def array(self, wrapper: dict[str, Any]) -> np.ndarray[Any, Any]:
        """Take the bytes of an array, which follow its description in the file."""
        dtype: np.dtype[Any] = wrapper["dtype"].resolve()
        shape = wrapper["shape"]
        if wrapper["subclass"] is not NDARRAY or wrapper["order"] not in {"C", "F"}:
            raise ValueError
        if len(shape) > MAX_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
            message = f"an array has shape {shape}; expected at most {MAX_DIMENSIONS} dimensions"
            raise ValueError(message)
        if wrapper.get("numpy_array_alignment_bytes") is not None:
            (padding,) = self.stream.read(1)
            self.stream.read(padding)
        size = dtype.itemsize
        for n in shape:
            size *= n
        if size > len(self.stream.getbuffer()) - self.stream.tell():
            message = f"an array of {size} bytes is cut off"
            raise EOFError(message)
        flat = np.frombuffer(self.stream.read(size), dtype)
        return flat.reshape(shape, order=wrapper["order"]).astype(dtype.newbyteorder("="))


def _pop_to_append(reader: _Reader, _: object) -> None:
    reader.append([reader.stack.pop()])


def _pop_to_update(reader: _Reader, _: object) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    reader.update([key, value])


def _find_on_stack(reader: _Reader, _: object) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    reader.find(module, name)


_Act = Callable[[_Reader, Any], None]

_INSTRUCTIONS: dict[str, _Act] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda _reader, _: None),
    "NONE": lambda reader, _: reader.push(None),
    "NEWTRUE": lambda reader, _: reader.push(True),  # noqa: FBT003
    "NEWFALSE": lambda reader, _: reader.push(False),  # noqa: FBT003
    **dict.fromkeys(
        (
            *("INT", "LONG", "BININT", "BININT1", "BININT2", "LONG1", "LONG4"),
            *("FLOAT", "BINFLOAT"),
            *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
            *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        ),
        _Reader.push,
    ),
    "EMPTY_TUPLE": lambda reader, _: reader.push(()),
    "EMPTY_LIST": lambda reader, _: reader.push([]),
    "EMPTY_DICT": lambda reader, _: reader.push({}),
    "MARK": _Reader.mark,
    "TUPLE": lambda reader, _: reader.push(tuple(reader.marked())),
    "TUPLE1": lambda reader, _: reader.tuple_of(1),
    "TUPLE2": lambda reader, _: reader.tuple_of(2),
    "TUPLE3": lambda reader, _: reader.tuple_of(3),
    "APPEND": _pop_to_append,
    "APPENDS": lambda reader, _: reader.append(reader.marked()),
    "SETITEM": _pop_to_update,
    "SETITEMS": lambda reader, _: reader.update(reader.marked()),
    **dict.fromkeys(("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"), _Reader.memoize),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Reader.recall),
    "GLOBAL": lambda reader, argument: reader.find(*argument.split(" ", 1)),
    "STACK_GLOBAL": _find_on_stack,
    "NEWOBJ": _Reader.create,
    "REDUCE": _Reader.create,
    "BUILD": _Reader.build,
}
