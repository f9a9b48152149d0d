"""Numbers in tensors as most clients write them, decoded straight into floats.

What is taken here is taken by the reader of tensors too, with the same bits; whatever is not, or
could be something else, is left to it, and it says what is wrong.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from iris_deploy.codec.datatypes import NUMBERS
from iris_deploy.codec.frames import find_order
from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.plain import Rows, in_bounds
from iris_deploy.codec.tensor_rows import TensorLayout
from iris_deploy.codec.tensors import BINARY_SIZE, InferRequest
from iris_deploy.schema.batch import FEW

_FLOATS = {name for name, kind in NUMBERS.items() if kind.kind == "f"}  # others have limits


class _Tensor(msgspec.Struct, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """A tensor of numbers in a flat array; see `InputTensor`."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]
    parameters: dict[str, Any] | None = None


_REQUEST = msgspec.json.Decoder(InferRequest[_Tensor])
_NONE: list[float] = []


class PlainTensorReader:
    """Read plain requests.

    Parameters
    ----------
    reader : InstanceReader
    """

    def __init__(self, reader: InstanceReader) -> None:
        self._reader = reader
        self._names = reader.signature.names
        self._is_numeric = reader.signature.is_numeric

    def read(self, body: bytes) -> tuple[Rows, InferRequest[Any]] | None:
        """Decode a request.

        Parameters
        ----------
        body : bytes
            JSON alone.

        Returns
        -------
        tuple of Rows and InferRequest, or None
            The rows, and the request without them; None if the reader of all tensors has to judge.
        """
        if not self._is_numeric or b"\\" in body:
            return None
        try:
            request = _REQUEST.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        data = []
        for tensor in request.inputs:
            if tensor.datatype not in _FLOATS or BINARY_SIZE in (tensor.parameters or ()):
                return None
            data.append(tensor.data)
            tensor.data = _NONE
        # As many quotes as when it is written again: no member came twice.
        if body.count(b'"') != msgspec.json.encode(request).count(b'"'):
            return None
        if len(data) == 1 and not self._reader.knows(request.inputs[0].name):
            rows = self._read_matrix(request.inputs[0], data[0])
        else:
            rows = self._read_columns(request.inputs, data)
        return None if rows is None else (rows, request)

    def _read_matrix(self, tensor: _Tensor, data: list[float]) -> Rows | None:
        n_columns = len(self._names)
        n_rows = len(data) // n_columns
        if tensor.shape != [n_rows, n_columns] or len(data) != n_rows * n_columns:
            return None
        layout = TensorLayout([tensor.name], n_columns)
        if n_rows > FEW:
            return in_bounds(np.array(data, np.float64).reshape(-1, n_columns), layout)
        few = [tuple(data[at : at + n_columns]) for at in range(0, len(data), n_columns)]
        return in_bounds(few, layout)

    def _read_columns(self, tensors: Sequence[_Tensor], data: list[list[float]]) -> Rows | None:
        names = [tensor.name for tensor in tensors]
        order = find_order(names, self._names)
        if order is None:
            return None
        n_rows = len(data[0])
        shapes = ([n_rows], [n_rows, 1])
        if any(tensor.shape not in shapes for tensor in tensors) or len({*map(len, data)}) > 1:
            return None
        columns = [data[at] for at in order]
        layout = TensorLayout(names, 0)
        if n_rows > FEW:
            return in_bounds(np.array(columns, np.float64).T, layout)
        return in_bounds(list(zip(*columns, strict=True)), layout)
