"""Arrays of NumPy to Arrow and back, by their buffers.

Arrow's own functions ask whether they are given something of pandas, and import that for it, which
takes longer than to score a million rows.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from iris_deploy.schema.outputs import Label


def to_arrow(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Return numbers, or true and false, as an array of Arrow.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
    missing : ndarray of bool, shape (n_values,), optional
        Which are null.
    """
    kind = pa.from_numpy_dtype(values.dtype)
    data = _bits(values) if values.dtype == bool else pa.py_buffer(np.ascontiguousarray(values))
    validity = None if missing is None else _bits(~missing)
    return pa.Array.from_buffers(kind, len(values), [validity, data])


def labels_to_arrow(labels: Sequence[Label]) -> pa.Array:
    """Return labels as an array of Arrow.

    Parameters
    ----------
    labels : sequence of str, int or bool
        All of one kind.
    """
    if not isinstance(labels[0], str):
        return to_arrow(np.array(labels))
    texts = [str(label).encode() for label in labels]
    ends = np.cumsum([0, *map(len, texts)]).astype(np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def to_numpy(values: pa.Array) -> np.ndarray:
    """Return an array of numbers of Arrow, NaN where it is null.

    Parameters
    ----------
    values : pyarrow.Array
    """
    if values.null_count:
        return np.asarray(values.to_numpy(zero_copy_only=False))
    return np.from_dlpack(values)


def _bits(values: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(values, bitorder="little"))
