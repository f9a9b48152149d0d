"""Arrays and scalars of a dump, as joblib puts their bytes into it and as NumPy pickles them.

Knows how an array is described. Knows no instructions (machine.py).
"""

import io
import sys
from typing import Any, Literal

import numpy as np

from iris_deploy.dumps.dtypes import PendingDtype, in_native_order
from iris_deploy.dumps.names import NDARRAY

MAX_LENGTH = 2**31
"""No dimension of an array comes near; larger numbers need not be multiplied."""

MAX_DIMENSIONS = 3
"""Fitted attributes are vectors and matrices; the values of a tree have an axis more."""

MAX_SCALAR_BYTES = 1024
"""A number has 8, a word 4 a character; a dump may make scalars of the same bytes many times."""

Array = np.ndarray[Any, Any]


def describe_array(
    wrapper: dict[str, Any],
) -> tuple[np.dtype[Any], tuple[int, ...], Literal["C", "F"]]:
    """Return dtype, shape and order of an array as joblib describes it.

    Parameters
    ----------
    wrapper : dict of str to object
        Attributes of joblib's ``NumpyArrayWrapper``.

    Raises
    ------
    ArtifactError, LookupError, TypeError, ValueError
        If it is not described as joblib does it.
    """
    pending, shape, order = wrapper["dtype"], wrapper["shape"], wrapper["order"]
    if not isinstance(pending, PendingDtype) or wrapper["subclass"] is not NDARRAY:
        raise TypeError
    return pending.resolve(), checked_shape(shape), checked_order(order)


def checked_shape(shape: object) -> tuple[int, ...]:
    """Return a shape; raise `TypeError` or `ValueError` if no attribute of an estimator has it."""
    if type(shape) is not tuple or any(type(n) is not int or n < 0 for n in shape):
        raise TypeError
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"an array has {len(shape)} dimensions; expected at most {MAX_DIMENSIONS}")
    return shape


def checked_order(order: object) -> Literal["C", "F"]:
    """Return an order of memory; raise `ValueError` if it is none."""
    if type(order) is not str or order not in {"C", "F"}:
        raise ValueError("an array has an odd order")
    return "F" if order == "F" else "C"


def read_array(stream: io.BytesIO, wrapper: dict[str, Any]) -> Array:
    """Take the bytes of an array, which follow its description in the file.

    Parameters
    ----------
    stream : io.BytesIO
        The dump, behind the description.
    wrapper : dict of str to object
        Attributes of joblib's ``NumpyArrayWrapper``.

    Returns
    -------
    ndarray
        In the byte order of this machine; read only, where it had that already.

    Raises
    ------
    ArtifactError, EOFError, LookupError, TypeError, ValueError
        If it is not described as joblib does it, or its bytes are missing.
    """
    dtype, shape, order = describe_array(wrapper)
    if wrapper.get("numpy_array_alignment_bytes") is not None:
        (padding,) = stream.read(1)
        stream.read(padding)
    size = dtype.itemsize
    for n in shape:
        size *= min(n, MAX_LENGTH)
    data = stream.read(min(size, sys.maxsize))  # no more than there is, whatever is asked for
    if len(data) < size:
        raise EOFError("an array is cut off")
    return view_array(data, dtype, shape, order)


def view_array(
    data: bytes | bytearray, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any
) -> Array:
    """View bytes as an array of numbers, text or structures.

    Raises
    ------
    TypeError, ValueError
        If there are more or fewer bytes than the shape has.
    """
    if dtype.hasobject:
        raise TypeError
    return in_native_order(_values(data, dtype).reshape(shape, order=order))


def fill_array(items: list[Any], shape: tuple[int, ...], order: Any) -> Array | list[Array]:
    """Make an array of objects: plain values and inert records.

    One that holds nothing but arrays of values becomes a list of them: nobody who looks at an array
    of objects then finds an array where a value should be.

    Raises
    ------
    TypeError, ValueError
        If there are more or fewer than the shape has, or arrays among other things.
    """
    if any(isinstance(item, np.ndarray) for item in items):
        if any(not isinstance(item, np.ndarray) or item.dtype.hasobject for item in items):
            raise TypeError("an array of objects holds an array")
        if shape != (len(items),):
            raise ValueError("an array of arrays has more or fewer than its shape")
        return [*items]
    array = np.empty(len(items), object)
    array[:] = items
    return array.reshape(shape, order=order)


def read_scalar(data: object, dtype: np.dtype[Any]) -> object:
    """Return the one number or text that some bytes are, as Python's own.

    Raises
    ------
    TypeError, ValueError
        If they are no bytes, or more or fewer than one value has.
    """
    if type(data) is not bytes or dtype.hasobject or dtype.names:
        raise TypeError
    if len(data) != dtype.itemsize or len(data) > MAX_SCALAR_BYTES:
        message = f"a scalar has {len(data)} bytes; expected {dtype.itemsize}"
        if dtype.itemsize > MAX_SCALAR_BYTES:
            message = f"a scalar has {dtype.itemsize} bytes; expected at most {MAX_SCALAR_BYTES}"
        raise ValueError(message)
    return _values(data, dtype)[0].item()


def _values(data: bytes | bytearray, dtype: np.dtype[Any]) -> Array:
    """View bytes as numbers or text; text that is none would crash those who look at it."""
    if dtype.kind == "U" and data:
        points = np.frombuffer(data, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if points.max() > sys.maxunicode:
            raise ValueError("an array of text holds what is no character")
    return np.frombuffer(data, dtype)
