"""Types of arrays as dumps describe them: numbers, text, objects, and structures of numbers."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.errors import ArtifactError

MAX_FIELDS = 32
"""Of a structure; a node of a tree has eleven."""

MAX_ITEM_BYTES = 1024
"""Of a structure; a node of a tree has 64."""

_CODE = re.compile(r"[biuf][1248]|U\d{1,6}")  # kind and bytes; for text, characters
_STRUCTURE = re.compile(r"V\d{1,4}")
_OBJECT = re.compile(r"O8?")
_ORDERS = {"<", ">", "|", "="}
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


@dataclass(slots=True, eq=False)
class PendingDtype:
    """A dtype before and after its byte order and its fields are known.

    Parameters
    ----------
    code : str
        Kind and bytes, as ``f8``.
    state : tuple
        What NumPy pickles of it beside: version, byte order, sub-array, names, fields, bytes, ...
    """

    code: str
    state: tuple[Any, ...] = ()

    def resolve(self) -> np.dtype[Any]:
        """Return the NumPy dtype; refuse every kind that no array of an estimator has.

        Raises
        ------
        ArtifactError
        TypeError, ValueError, LookupError
            At damage.
        """
        order: Any = self.state[1] if self.state else "|"
        if _OBJECT.fullmatch(self.code):
            return np.dtype(object)
        if _STRUCTURE.fullmatch(self.code) and self.state:
            return self._structure()
        # NumPy would read whole expressions here, and warn of some.
        if not _CODE.fullmatch(self.code) or not _is_order(order):
            raise ArtifactError(
                f"the dump holds an array of dtype {self.code[:40]!r}; expected numbers or text"
            )
        return np.dtype(self.code).newbyteorder(order)

    def _structure(self) -> np.dtype[Any]:
        names, fields, size = self.state[3:6]
        if type(names) is not tuple or type(fields) is not dict or type(size) is not int:
            raise TypeError
        if not 0 < size <= MAX_ITEM_BYTES or not 0 < len(names) <= MAX_FIELDS:
            raise ValueError("a structure is too large")
        formats, offsets = [], []
        for name in names:
            if type(name) is not str or not _FIELD.fullmatch(name):
                raise ValueError("a field has an odd name")
            pending, offset = fields[name][:2]
            if not isinstance(pending, PendingDtype) or not _CODE.fullmatch(pending.code):
                raise TypeError("a field of a structure is no number")
            dtype = pending.resolve()
            if type(offset) is not int or not 0 <= offset <= size - dtype.itemsize:
                raise ValueError("a field lies outside of its structure")
            formats.append(dtype)
            offsets.append(offset)
        layout: Any = {"names": names, "formats": formats, "offsets": offsets, "itemsize": size}
        structure: np.dtype[Any] = np.dtype(layout)
        return structure


def _is_order(order: Any) -> bool:
    return type(order) is str and order in _ORDERS


def in_native_order(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array in the byte order of this machine; itself, if it is."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
