"""The Open Inference Protocol, V2, over HTTP: what Triton, KServe and MLServer speak.

References
----------
kserve.github.io, "Open Inference Protocol (V2)", REST; Triton's binary tensor data extension.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from iris_deploy.codec.plain import Rows
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.tensors import InferRequest, read_request
from iris_deploy.schema.batch import FEW, Outcomes
from iris_deploy.serving.contracts.errors import reply_error
from iris_deploy.serving.contracts.inference_schemas import describe_infer
from iris_deploy.serving.contracts.native import PLAIN_BODY, QUICK_BODY
from iris_deploy.serving.contracts.protocol import Question
from iris_deploy.serving.contracts.rows import held_by
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.contracts.tensor_answers import (
    OutputTensor,
    TensorWriter,
    list_outputs,
)
from iris_deploy.serving.contracts.words import what
from iris_deploy.serving.reply import JSON, Reply, Stream
from iris_deploy.serving.route import Asked, Operation

NAME: Final = "v2"
BINARY_DATA, ALL_BINARY = "binary_data", "binary_data_output"

_LENGTH_HEADER = "INFERENCE_HEADER_CONTENT_LENGTH"
_RAW = ("Content-Type", "application/octet-stream")
_ONE_BY_ONE = (b"BYTES", b"BOOL")  # datatypes whose elements are looked at one after another
_UNKNOWN = ("classification", "shared_memory_region")
"""Parameters of extensions that are not spoken; leaving them out would mean something else."""


class _Wanted(NamedTuple):
    """What an answer is to have.

    Parameters
    ----------
    identity : str or None
        Of the request.
    outputs : sequence of OutputTensor
    binary : sequence of bool
        Which of them are raw.
    """

    identity: str | None
    outputs: tuple[OutputTensor, ...]
    binary: tuple[bool, ...]


class InferContract:
    """What ``POST /v2/models/.../infer`` takes and gives; see `Contract`.

    Parameters
    ----------
    served : ServedModel
    path : str
    also : tuple of str
    """

    name = NAME
    refuse = staticmethod(reply_error)

    def __init__(self, served: ServedModel, path: str, also: tuple[str, ...]) -> None:
        self.path, self.also = path, also
        predictor = served.predictor
        self._predictor = predictor
        self._reader = served.readers.tensors
        self._plain = served.readers.plain_tensors
        self._writer = TensorWriter(predictor)
        self._outputs = list_outputs(predictor)
        self._quick = self._writer.quick_rows(self._outputs)
        self._by_name = {output.name: output for output in self._outputs}
        model = {"model_name": served.name, "model_version": served.version}
        self._start = msgspec.json.encode(model)[:-1]
        self.summary = f"predict {what(predictor)} of tensors, as V2 has it"

    def decode(self, asked: Asked, body: bytes) -> tuple[Rows, _Wanted]:
        """Read a request, in JSON with or without raw tensors behind it."""
        length = asked.headers.get(_LENGTH_HEADER)
        plain = self._read_plain(body) if length is None else None
        if plain is not None:
            return plain
        request, tensors = read_request(body, length)
        return self._reader.read(tensors), self._choose(request)

    def decode_quickly(self, asked: Asked, body: bytes) -> Question | None:
        """Read a request that is small, or raw."""
        if len(body) > PLAIN_BODY:
            return None
        question: tuple[Rows, _Wanted] | None
        if len(body) <= QUICK_BODY or _is_raw(asked, body):
            question = self.decode(asked, body)
        elif _LENGTH_HEADER not in asked.headers:
            question = self._read_plain(body)
        else:
            question = None
        if question is None or len(question[0].values) > self._quick_rows(question[1]):
            return None
        return question

    def _read_plain(self, body: bytes) -> tuple[Rows, _Wanted] | None:
        found = self._plain.read(body)
        if found is None:
            return None
        return found[0], self._choose(found[1])

    def _quick_rows(self, wanted: _Wanted) -> int:
        if wanted.outputs is self._outputs:
            return self._quick
        return self._writer.quick_rows(wanted.outputs)

    def _choose(self, request: InferRequest[Any]) -> _Wanted:
        """Choose the outputs: those that are asked for, or all."""
        parameters = request.parameters or {}
        _refuse_extensions(parameters, "the request")
        raw = _flag(parameters, ALL_BINARY, default=False)
        if not request.outputs:
            return _Wanted(request.id, self._outputs, (raw,) * len(self._outputs))
        wanted: dict[str, bool] = {}
        for position, output in enumerate(request.outputs):
            if output.name not in self._by_name:
                known = ", ".join([*self._by_name][:10])
                raise MalformedError(
                    f"outputs[{position}]: there is no {output.name[:64]!r}; expected {known}"
                )
            if output.name in wanted:
                raise MalformedError(f"outputs[{position}]: {output.name!r} is there twice")
            _refuse_extensions(output.parameters or {}, f"outputs[{position}]")
            wanted[output.name] = _flag(output.parameters or {}, BINARY_DATA, default=raw)
        outputs = tuple(self._by_name[name] for name in wanted)
        return _Wanted(request.id, outputs, tuple(wanted.values()))

    def encode_many(self, rows: Rows, form: Any, outcomes: Outcomes) -> Reply:
        """Write the tensors that are wanted."""
        wanted: _Wanted = form
        start = self._start
        if wanted.identity is not None:
            start += b',"id":' + msgspec.json.encode(wanted.identity)
        start += b',"outputs":['
        is_quick = len(outcomes) <= self._quick_rows(wanted)
        in_json = not any(wanted.binary)
        if in_json and is_quick and len(outcomes) <= FEW:
            tensors = self._writer.write_few(wanted.outputs, rows, outcomes)
            return Reply(200, JSON, start + tensors + b"]}")
        described = [
            self._writer.describe(output, outcomes, binary=binary)
            for output, binary in zip(wanted.outputs, wanted.binary, strict=True)
        ]
        texts = [text for text, _ in described]
        pieces = self._json_pieces(start, wanted, texts, rows, outcomes)
        if in_json:
            if is_quick:
                return Reply(200, JSON, b"".join(pieces))
            return Reply(200, JSON, Stream(pieces, None, outcomes.nbytes + held_by(rows.values)))
        head = b"".join(pieces)
        raw = [each for each, is_raw in zip(wanted.outputs, wanted.binary, strict=True) if is_raw]
        headers = (_RAW, ("Inference-Header-Content-Length", str(len(head))))
        pieces = self._raw_pieces(head, raw, rows, outcomes)
        if is_quick:
            return Reply(200, headers, b"".join(pieces))
        held = len(head) + outcomes.nbytes + held_by(rows.values)
        length = len(head) + sum(size for _, size in described)
        return Reply(200, headers, Stream(pieces, length, held))

    def _json_pieces(
        self,
        start: bytes,
        wanted: _Wanted,
        described: list[bytes],
        rows: Rows,
        outcomes: Outcomes,
    ) -> Iterator[bytes]:
        yield start
        outputs = zip(wanted.outputs, wanted.binary, described, strict=True)
        for at, (output, binary, text) in enumerate(outputs):
            yield b"," + text if at else text
            if not binary:
                yield b',"data":['
                yield from self._writer.write_json(output, rows, outcomes)
                yield b"]"
            yield b"}"
        yield b"]}"

    def _raw_pieces(
        self, head: bytes, raw: list[OutputTensor], rows: Rows, outcomes: Outcomes
    ) -> Iterator[bytes]:
        yield head
        for output in raw:
            yield from self._writer.write_raw(output, rows, outcomes)

    def describe(self, example: Mapping[str, Any]) -> Operation:
        """Describe request and answer."""
        return describe_infer(self._predictor, self.summary, example)


def _is_raw(asked: Asked, body: bytes) -> bool:
    """Tell whether a body is one of raw numbers."""
    return _LENGTH_HEADER in asked.headers and not any(datatype in body for datatype in _ONE_BY_ONE)


def _refuse_extensions(parameters: Mapping[str, Any], where: str) -> None:
    for name in _UNKNOWN:
        if name in parameters:
            raise MalformedError(f"{where}: the extension {name} is not spoken here")


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if type(value) is not bool:
        raise MalformedError(f"{name}: expected true or false, got {value!r:.40}")
    return value
