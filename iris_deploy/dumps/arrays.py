"""Arrays and scalars of a dump: joblib puts their bytes between the instructions of the pickle.

Knows how joblib describes an array. Knows no instructions (machine.py).
"""

import io
import sys
from typing import Any

import numpy as np

from iris_deploy.dumps.names import NDARRAY
from iris_deploy.dumps.records import PendingDtype

MAX_LENGTH = 2**31
"""No dimension of an array comes near; larger numbers need not be multiplied."""

MAX_DIMENSIONS = 2
"""Fitted attributes of linear classifiers and scalers are vectors and matrices."""

MAX_SCALAR_BYTES = 1024
"""A number has 8, a word 4 a character; a dump may make scalars of the same bytes many times."""


def read_array(stream: io.BytesIO, wrapper: dict[str, Any]) -> np.ndarray[Any, Any]:
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
        In the byte order of this machine.

    Raises
    ------
    EOFError, LookupError, TypeError, ValueError
        If it is not described as joblib does it, or its bytes are missing.
    ArtifactError
        If its dtype is anything but numbers or text.
    """
    pending, shape, order = wrapper["dtype"], wrapper["shape"], wrapper["order"]
    if not isinstance(pending, PendingDtype) or wrapper["subclass"] is not NDARRAY:
        raise TypeError
    if type(shape) is not tuple or any(type(n) is not int or n < 0 for n in shape):
        raise TypeError
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"an array has {len(shape)} dimensions; expected at most {MAX_DIMENSIONS}")
    dtype = pending.resolve()
    if wrapper.get("numpy_array_alignment_bytes") is not None:
        (padding,) = stream.read(1)
        stream.read(padding)
    size = dtype.itemsize
    for n in shape:
        size *= min(n, MAX_LENGTH)
    data = stream.read(min(size, sys.maxsize))  # no more than there is, whatever is asked for
    if len(data) < size:
        raise EOFError("an array is cut off")
    flat = _values(data, dtype)
    return flat.reshape(shape, order=order).astype(dtype.newbyteorder("="))


def read_scalar(data: object, dtype: np.dtype[Any]) -> object:
    """Return the one number or text that some bytes are, as Python's own.

    Raises
    ------
    TypeError, ValueError
        If they are no bytes, or more or fewer than one value has.
    """
    if type(data) is not bytes:
        raise TypeError
    if len(data) != dtype.itemsize or len(data) > MAX_SCALAR_BYTES:
        message = f"a scalar has {len(data)} bytes; expected {dtype.itemsize}"
        if dtype.itemsize > MAX_SCALAR_BYTES:
            message = f"a scalar has {dtype.itemsize} bytes; expected at most {MAX_SCALAR_BYTES}"
        raise ValueError(message)
    return _values(data, dtype)[0].item()


def _values(data: bytes, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """View bytes as numbers or text; text that is none would crash those who look at it."""
    if dtype.kind == "U" and data:
        points = np.frombuffer(data, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if points.max() > sys.maxunicode:
            raise ValueError("an array of text holds what is no character")
    return np.frombuffer(data, dtype)
