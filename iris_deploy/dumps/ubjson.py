"""UBJSON and JSON, the documents in which XGBoost keeps its models, to plain values.

UBJSON is JSON in binary: a letter for the kind of each value, and arrays of numbers in one piece,
which stay views of the file's bytes (https://ubjson.org/type-reference/). What is read is what
XGBoost writes; each step takes a byte of the file at least, and lengths are believed only as far as
there are bytes.
"""

import json
import struct
from typing import Any, NoReturn

import numpy as np

from iris_deploy.errors import ArtifactError

MAX_DEPTH = 32
"""Values within one another; a model has 8."""

_NUMBERS = {
    kind: struct.Struct(f">{code}")
    for kind, code in zip("iUIlLdD", ("b", "B", "h", "i", "q", "f", "d"), strict=True)
}
_ARRAYS = {
    kind: np.dtype(f">{code}")
    for kind, code in zip("iUIlLdD", ("i1", "u1", "i2", "i4", "i8", "f4", "f8"), strict=True)
}
_CONSTANTS = {"Z": None, "T": True, "F": False}


def read_document(data: bytes) -> dict[str, Any]:
    """Read an object of UBJSON, or of JSON in UTF-8.

    Parameters
    ----------
    data : bytes
        The whole of it.

    Returns
    -------
    dict of str to object
        Of dicts, lists, text, numbers, booleans and None; arrays of one kind of number are ndarrays
        where the document has them in one piece.

    Raises
    ------
    ArtifactError
        If the bytes are damaged, or anything else.
    """
    try:
        is_text = data[:1] == b"{" and data[1:2] in {b'"', b" ", b"\n", b"\r", b"\t", b"}"}
        value = _read_text(data) if is_text else _Reader(data).whole()
    except (LookupError, RecursionError, ValueError, struct.error) as exc:
        detail = str(exc)[:100] or type(exc).__name__
        raise ArtifactError(
            f"the document of the model is damaged: {detail}", hint="save the model again"
        ) from exc
    if type(value) is not dict:
        raise ArtifactError(f"expected an object in the document, got {type(value).__name__}")
    return value


def _read_text(data: bytes) -> object:
    return json.loads(data.decode("utf-8"), parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which JSON has not")


class _Reader:
    """Where one is in a document of UBJSON.

    Parameters
    ----------
    data : bytes
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def whole(self) -> object:
        """Read the one value that all of it is."""
        value = self._value(self._letter(), 0)
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes follow its end")
        return value

    def _take(self, n: int) -> bytes:
        """Return the next bytes."""
        if not 0 <= n <= len(self._data) - self._at:
            raise ValueError(f"it ends too early: byte {self._at} asks for {n} more")
        self._at += n
        return self._data[self._at - n : self._at]

    def _letter(self) -> str:
        return self._take(1).decode("latin1")

    def _expect(self, letter: str) -> None:
        found = self._letter()
        if found != letter:
            raise ValueError(f"expected {letter!r} before byte {self._at}, got {found!r}")

    def _peek(self, letter: str) -> bool:
        """Tell whether a letter is next, and take it if it is."""
        found = self._data[self._at : self._at + 1] == letter.encode()
        self._at += found
        return found

    def _number(self, kind: str) -> Any:
        layout = _NUMBERS[kind]
        return layout.unpack(self._take(layout.size))[0]

    def _length(self) -> int:
        """Return a length, which XGBoost writes with 64 bits."""
        self._expect("L")
        return int(self._number("L"))

    def _value(self, kind: str, depth: int) -> object:
        if kind in _NUMBERS:
            return self._number(kind)
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == "S":
            return self._take(self._length()).decode("utf-8")
        if depth >= MAX_DEPTH:
            raise ValueError(f"values are more than {MAX_DEPTH} deep within one another")
        if kind == "{":
            return self._object(depth + 1)
        if kind == "[":
            return self._array(depth + 1)
        raise ValueError(f"byte {self._at - 1} is no kind of value: {kind!r}")

    def _object(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not self._peek("}"):
            name = self._take(self._length()).decode("utf-8")
            members[name] = self._value(self._letter(), depth)
        return members

    def _array(self, depth: int) -> object:
        if self._peek("$"):
            dtype = _ARRAYS[self._letter()]
            self._expect("#")
            return self._numbers(dtype, self._length())
        values: list[object] = []
        if self._peek("#"):
            values += [self._value(self._letter(), depth) for _ in range(self._length())]
        else:
            while not self._peek("]"):
                values.append(self._value(self._letter(), depth))
        return values

    def _numbers(self, dtype: np.dtype[Any], n: int) -> np.ndarray[Any, Any]:
        if not 0 <= n <= (len(self._data) - self._at) // dtype.itemsize:
            raise ValueError(f"it ends too early: byte {self._at} asks for {n} numbers")
        numbers = np.frombuffer(self._data, dtype, n, self._at) if n else np.empty(0, dtype)
        self._at += n * dtype.itemsize
        return numbers
