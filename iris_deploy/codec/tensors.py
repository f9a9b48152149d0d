"""Tensors of the Open Inference Protocol: JSON and raw bytes to arrays and lists.

References
----------
kserve.github.io, "Open Inference Protocol (V2)", REST; Triton's binary tensor data extension.
"""

import math
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np

from iris_deploy.codec import strict_json
from iris_deploy.codec.datatypes import BOOL, BYTES, NUMBERS, check_datatype, read_raw
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.kernels.garbage import NoCollection
from iris_deploy.schema.problems import LONGEST_NAME

BINARY_SIZE = "binary_data_size"
MOST_DIMENSIONS = 2
_MOST = 1 << 32  # of a dimension
_LONGEST = 200  # characters of a decoder's words


class InputTensor(msgspec.Struct, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """A tensor as JSON describes it; see the protocol for its members."""

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | None = None


class RequestedOutput(msgspec.Struct, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] | None = None


T = TypeVar("T")


class InferRequest(
    msgspec.Struct, Generic[T], forbid_unknown_fields=True, gc=False, omit_defaults=True
):
    """The JSON of an inference request; what names a model is said by the path, too."""

    inputs: list[T]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[RequestedOutput] | None = None
    model_name: str | None = None
    model_version: str | None = None


class Tensor(NamedTuple):
    """A tensor that is read.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Of one dimension or two.
    values : ndarray of float64, or list
        In row-major order: numbers; or texts, booleans, and None for what is null.
    """

    name: str
    shape: tuple[int, ...]
    values: Any


_REQUEST = msgspec.json.Decoder(InferRequest[InputTensor])
_FLAT = msgspec.json.Decoder(list[float])
_NESTED = msgspec.json.Decoder(list[list[float]])


def read_request(
    body: bytes, json_length: str | None
) -> tuple[InferRequest[InputTensor], list[Tensor]]:
    """Read a request and its tensors.

    Parameters
    ----------
    body : bytes
    json_length : str or None
        Header ``Inference-Header-Content-Length``: bytes of JSON in front of raw ones.

    Raises
    ------
    MalformedError
        If anything is not as the protocol has it.
    """
    size = len(body) if json_length is None else _read_length(json_length, len(body))
    request = _decode(body[:size])
    at, tensors = size, []
    for position, tensor in enumerate(request.inputs):
        where = f"inputs[{position}] {tensor.name[:LONGEST_NAME]!r}"
        n_elements = _check_shape(tensor.shape, where)
        raw_size = (tensor.parameters or {}).get(BINARY_SIZE)
        if raw_size is None:
            values = _read_json(tensor, n_elements, where)
        else:
            if type(raw_size) is not int or not 0 <= raw_size <= len(body) - at:
                raise MalformedError(
                    f"{where}: {BINARY_SIZE} is {raw_size!r:.40}; {len(body) - at} bytes are left"
                )
            if tensor.data is not msgspec.UNSET:
                raise MalformedError(f"{where}: expected data or {BINARY_SIZE}, got both")
            values = read_raw(tensor.datatype, body[at : at + raw_size], n_elements, where)
            at += raw_size
        tensors.append(Tensor(tensor.name, tuple(tensor.shape), values))
    if at != len(body):
        raise MalformedError(f"{len(body) - at} bytes follow the last tensor")
    return request, tensors


def _read_length(text: str, size: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > size:
        raise MalformedError(
            f"Inference-Header-Content-Length: expected a number up to {size}, got {text!r:.40}"
        )
    return int(text)


def _decode(data: bytes) -> InferRequest[InputTensor]:
    data = strict_json.without_literals(data)
    try:
        request = _REQUEST.decode(data)
        # As many quotes as when it is written again: no member came twice.
        if b"\\" not in data and data.count(b'"') == msgspec.json.encode(request).count(b'"'):
            return request
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        strict_json.decode(data)
        why = str(exc)[:_LONGEST]  # it may name a member
        raise MalformedError(f"the request is not one of the protocol: {why}") from exc
    strict_json.decode(data)
    return request


def _check_shape(shape: Sequence[int], where: str) -> int:
    if not 1 <= len(shape) <= MOST_DIMENSIONS or not all(0 <= n <= _MOST for n in shape):
        shown = str([*shape[:8]])[:80]
        raise MalformedError(f"{where}: the shape is {shown}; expected [rows] or [rows, columns]")
    return math.prod(shape)


def _read_json(tensor: InputTensor, n_elements: int, where: str) -> Any:
    if tensor.data is msgspec.UNSET:
        raise MalformedError(f"{where}: expected data, got none")
    data = bytes(tensor.data)
    check_datatype(tensor.datatype, where)
    if tensor.datatype in NUMBERS:
        numbers = _read_numbers(data, tensor.shape)
        if numbers is not None and len(numbers) == n_elements:
            return _checked(numbers, tensor.datatype, where)
    elements = _flatten(strict_json.decode(data), tensor.shape, where)
    if len(elements) != n_elements:
        raise MalformedError(
            f"{where}: data has {len(elements)} elements; the shape {tensor.shape} has {n_elements}"
        )
    wanted = {BYTES: (str,), BOOL: (bool,)}.get(tensor.datatype, (int, float))
    for position, element in enumerate(elements):
        if element is not None and type(element) not in wanted:
            raise MalformedError(f"{where}: data[{position}] is no {tensor.datatype}")
    if tensor.datatype in {BYTES, BOOL}:
        return elements
    try:
        numbers = np.array([math.nan if each is None else each for each in elements], np.float64)
    except OverflowError as exc:
        raise MalformedError(f"{where}: data has a number that no {tensor.datatype} has") from exc
    return _checked(numbers, tensor.datatype, where, gaps=True)


def _read_numbers(data: bytes, shape: Sequence[int]) -> Any:
    """Read numbers as most clients write them, flat or in rows; None if it could be otherwise."""
    for decoder in (_FLAT, _NESTED):
        try:
            with NoCollection():
                read: Any = decoder.decode(data)
            break
        except (msgspec.MsgspecError, RecursionError):
            continue
    else:
        return None
    if decoder is _FLAT:
        return np.array(read, np.float64)
    width = shape[-1] if len(shape) > 1 else 1
    if any(len(row) != width for row in read):
        return None
    return np.array(read, np.float64).reshape(-1)


def _flatten(value: object, shape: Sequence[int], where: str) -> list[Any]:
    if type(value) is not list:
        raise MalformedError(f"{where}: expected an array in data")
    if not any(type(each) is list for each in value):
        return value
    width = shape[-1] if len(shape) > 1 else 1
    flat: list[Any] = []
    for position, row in enumerate(value):
        if type(row) is not list or len(row) != width:
            raise MalformedError(f"{where}: data[{position}] is no array of {width}")
        flat += row
    return flat


def _checked(numbers: Any, datatype: str, where: str, *, gaps: bool = False) -> Any:
    """Refuse what an integer of a datatype cannot be."""
    kind = NUMBERS[datatype]
    if kind.kind == "f":
        return numbers
    limits = np.iinfo(kind)
    within = (numbers >= limits.min) & (numbers <= limits.max) & (numbers == np.floor(numbers))
    wrong = np.flatnonzero(~(within | np.isnan(numbers)) if gaps else ~within)
    if len(wrong):
        raise MalformedError(f"{where}: data[{wrong[0]}] is no {datatype}")
    return numbers
