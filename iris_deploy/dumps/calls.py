"""What NumPy's functions make that a dump may call, carried out here: none of them is called."""

from typing import Any

import numpy as np

from iris_deploy.dumps.arrays import (
    checked_order,
    checked_shape,
    fill_array,
    read_scalar,
    view_array,
)
from iris_deploy.dumps.budget import Budget
from iris_deploy.dumps.dtypes import PendingDtype
from iris_deploy.dumps.names import (
    BYTES,
    DTYPE,
    ENCODE,
    FROM_BUFFER,
    MAPPING,
    NDARRAY,
    RECONSTRUCT,
    SCALAR,
    SET,
)
from iris_deploy.dumps.records import ClassName, PlainArray
from iris_deploy.errors import ArtifactError

Array = np.ndarray[Any, Any]


def make_value(callee: object, arguments: tuple[Any, ...], budget: Budget) -> object:
    """Return what a function would make of its arguments.

    Parameters
    ----------
    callee : object
        One of `dumps.names`.
    arguments : tuple of object
    budget : Budget

    Raises
    ------
    ArtifactError
        If it is not one of these functions.
    LookupError, TypeError, ValueError
        At arguments that it would not take.
    """
    if callee is DTYPE and type(arguments[0]) is str:
        return PendingDtype(arguments[0])
    if callee is SCALAR:
        dtype, data = arguments
        if not isinstance(dtype, PendingDtype):
            raise TypeError
        return read_scalar(data, dtype.resolve())
    if callee is RECONSTRUCT and arguments[0] is NDARRAY:
        return PlainArray()
    if callee is FROM_BUFFER:
        data, dtype, shape, order = arguments
        return _view(data, dtype, shape, order, budget)
    if callee is SET and len(arguments) == 1 and type(arguments[0]) is list:
        budget.spend(8 * len(arguments[0]))
        return [*arguments[0]]
    if callee is ENCODE:
        return _encode(*arguments, budget=budget)
    if callee is BYTES:
        return _bytes(*arguments, budget=budget)
    if callee is MAPPING and all(map(_is_class, arguments)):
        return {}
    raise ArtifactError("the dump calls something that is not a supported class")


def _is_class(value: object) -> bool:
    return value is MAPPING or isinstance(value, ClassName)


def make_array(state: tuple[Any, ...], budget: Budget) -> Array | list[Array]:
    """Return an array as NumPy pickles it: version, shape, dtype, whether in Fortran's order, data.

    Raises
    ------
    ArtifactError, LookupError, TypeError, ValueError
        If it does not pickle arrays so.
    """
    _, shape, dtype, fortran, data = state
    if not isinstance(dtype, PendingDtype):
        raise TypeError
    order, kind = "F" if fortran is True else "C", dtype.resolve()
    if kind.hasobject and type(data) is list:
        budget.spend(kind.itemsize * len(data))
        return fill_array(data, checked_shape(shape), order)
    return _view(data, dtype, shape, order, budget)


def _view(data: object, dtype: object, shape: object, order: object, budget: Budget) -> Array:
    if not isinstance(dtype, PendingDtype) or not isinstance(data, (bytes, bytearray)):
        raise TypeError
    budget.spend(len(data))
    return view_array(data, dtype.resolve(), checked_shape(shape), checked_order(order))


def _bytes(data: object = b"", encoding: object = None, *, budget: Budget) -> bytes:
    """Return the bytes of an array of them; protocols before 3 have them as text."""
    if isinstance(data, bytes) and encoding is None:
        return data
    return _encode(data, "latin1" if encoding == "latin-1" else encoding, budget=budget)


def _encode(data: object, encoding: object, *, budget: Budget) -> bytes:
    """Return bytes that are written as text, as protocols before 3 have it."""
    if type(data) is not str or type(encoding) is not str or encoding != "latin1":
        raise TypeError
    budget.spend(len(data))
    return data.encode("latin1")
