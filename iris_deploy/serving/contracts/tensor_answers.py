"""Predictions as tensors: in JSON, or raw behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import msgspec
import numpy as np

from iris_deploy.codec.datatypes import LENGTH
from iris_deploy.codec.plain import Rows
from iris_deploy.codec.tensors import BINARY_SIZE
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import FEW, Outcomes
from iris_deploy.schema.outputs import Label, label_text
from iris_deploy.serving.contracts.labels import LabelWriter
from iris_deploy.serving.contracts.rows import FIGURES, LARGE_ANSWER, Many, elements, keep

PREDICTION: Final = "prediction"
ANOMALY: Final = "anomaly"

_AT_A_TIME = 4096  # labels, some 0.1 ms; to be joined, each takes 80 bytes for the moment


@dataclass(frozen=True, kw_only=True)
class OutputTensor:
    """An output that there is.

    Parameters
    ----------
    name : str
    datatype : str
    width : int
        Figures of a row; 0 for one, in a tensor of one dimension.
    kind : {'label', 'number', 'scores', 'anomaly'}
    part : int
        Position of the predictor's output that it is about.
    """

    name: str
    datatype: str
    width: int
    kind: Literal["label", "number", "scores", "anomaly"]
    part: int

    @cached_property
    def text(self) -> tuple[bytes, bytes]:
        """Its description in JSON, before the number of rows and behind it, without the end."""
        name, datatype = map(msgspec.json.encode, (self.name, self.datatype))
        width = b",%d" % self.width if self.width else b""
        return b'{"name":%b,"shape":[' % name, b'%b],"datatype":%b' % (width, datatype)

    def shape(self, n_rows: int) -> list[int]:
        """Return the shape for so many rows; -1 for any number."""
        return [n_rows, self.width] if self.width else [n_rows]


def list_outputs(predictor: Predictor) -> tuple[OutputTensor, ...]:
    """List what a predictor gives, each with its name.

    One output is the tensor ``prediction``; several are by their names. Scores are called as they
    are elsewhere, ``probabilities`` or ``decision_values``, behind the name of one of several.
    """
    found = []
    for at, part in enumerate(predictor.parts):
        own = part.signature.output.name if len(predictor.parts) > 1 else ""
        classes = part.signature.classes
        of: Any = {"kind": "label" if classes else "number", "part": at}
        datatype = _datatype(classes[0]) if classes else "FP64"
        found.append(OutputTensor(name=own or PREDICTION, datatype=datatype, width=0, **of))
        if part.score_name is not None:
            name = f"{own}.{part.score_name}" if own else part.score_name
            of = {"kind": "scores", "part": at}
            found.append(OutputTensor(name=name, datatype="FP64", width=len(classes), **of))
    if predictor.signature.anomaly is not None:
        of = {"kind": "anomaly", "part": 0}
        found.append(OutputTensor(name=ANOMALY, datatype="BOOL", width=0, **of))
    return tuple(found)


def _datatype(label: Label) -> str:
    return "BOOL" if isinstance(label, bool) else "INT64" if isinstance(label, int) else "BYTES"


class TensorWriter:
    """Write the tensors of an answer.

    Parameters
    ----------
    predictor : Predictor
    """

    def __init__(self, predictor: Predictor) -> None:
        self._parts = predictor.parts
        self._anomaly = predictor.signature.anomaly
        classes = [part.signature.classes for part in self._parts]
        self._labels = [LabelWriter.of_json(each) for each in classes]
        self._raw = [LabelWriter([*map(_raw_label, each)], b"") for each in classes]
        self._n_columns = len(predictor.signature.columns)
        self._at_a_time = max(self.quick_rows(list_outputs(predictor)), 1)

    def quick_rows(self, outputs: Sequence[OutputTensor]) -> int:
        """Return how many rows are written at once, in some 2 ms; 0 if that is not even one."""
        figures = sum(max(output.width, 1) for output in outputs if output.kind != "label")
        if figures:
            return FIGURES // (figures + self._n_columns)
        return LARGE_ANSWER // sum(self._labels[output.part].longest for output in outputs)

    def describe(
        self, output: OutputTensor, outcomes: Outcomes, *, binary: bool
    ) -> tuple[bytes, int]:
        """Write what a tensor in JSON has beside its data, without the end.

        Returns
        -------
        text : bytes
        size : int
            Bytes of the raw data.
        """
        start, end = output.text
        text = b"%b%d%b" % (start, len(outcomes), end)
        if not binary:
            return text, 0
        size = self._size(output, outcomes)
        return b'%b,"parameters":{"%b":%d}' % (text, BINARY_SIZE.encode(), size), size

    def write_few(self, outputs: Sequence[OutputTensor], rows: Rows, outcomes: Outcomes) -> bytes:
        """Write whole tensors in JSON, of no more than `FEW` rows."""
        tensors = []
        for output in outputs:
            text, _ = self.describe(output, outcomes, binary=False)
            data = self._write_data(output, rows.values, outcomes)
            tensors.append(b'%b,"data":[%b]}' % (text, data))
        return b",".join(tensors)

    def _write_data(self, output: OutputTensor, values: Many, outcomes: Outcomes) -> bytes:
        if output.kind == "scores":
            return elements([x for row in self._few_scores(output, values) for x in row], 0)
        own = self._own(output, outcomes)
        if output.kind == "label":
            return self._labels[output.part].write(own)
        return elements(own.tolist(), 0)

    def write_json(self, output: OutputTensor, rows: Rows, outcomes: Outcomes) -> Iterator[bytes]:
        """Yield the elements of a JSON array."""
        for at, part in self._split(output, rows.values, outcomes):
            if output.kind == "label":
                yield (b"," if at else b"") + self._labels[output.part].write(part)
            else:
                yield elements(part.reshape(-1).tolist(), at)

    def write_raw(self, output: OutputTensor, rows: Rows, outcomes: Outcomes) -> Iterator[bytes]:
        """Yield the elements as raw bytes."""
        for _, part in self._split(output, rows.values, outcomes):
            if output.kind == "label":
                yield self._raw[output.part].write(part)
            else:
                yield part.astype("?" if output.kind == "anomaly" else "<f8").tobytes()

    def _split(
        self, output: OutputTensor, values: Many, outcomes: Outcomes
    ) -> Iterator[tuple[int, Any]]:
        """Yield the figures of an output, some rows at a time, and where they begin."""
        if output.kind == "scores":
            predictor = self._parts[output.part]
            if len(outcomes) <= FEW:
                yield 0, np.array(self._few_scores(output, values))
                return
            kept = keep(predictor.signature, values)
            for at in range(0, len(outcomes), self._at_a_time):
                yield at, predictor.predict(kept[at : at + self._at_a_time]).scores
            return
        step = FIGURES if output.kind == "number" else _AT_A_TIME
        for at in range(0, len(outcomes), step):
            yield at, self._own(output, outcomes[at : at + step])

    def _own(self, output: OutputTensor, outcomes: Outcomes) -> Any:
        """Return what an output has of outcomes: classes, numbers, or whether it is an anomaly."""
        own = outcomes[:, output.part] if outcomes.ndim > 1 else outcomes
        if output.kind == "label":
            return own.astype(np.int32, copy=False)
        return own == self._anomaly if output.kind == "anomaly" else own

    def _few_scores(self, output: OutputTensor, values: Many) -> list[tuple[float, ...]]:
        score = self._parts[output.part].score
        rows = values.tolist() if isinstance(values, np.ndarray) else values
        return [score(row)[1] for row in rows]

    def _size(self, output: OutputTensor, outcomes: Outcomes) -> int:
        n_rows = len(outcomes)
        if output.kind == "label":
            return self._raw[output.part].length_of(self._own(output, outcomes))
        return n_rows if output.kind == "anomaly" else 8 * n_rows * max(output.width, 1)


def _raw_label(label: Label) -> bytes:
    if isinstance(label, bool):
        return bytes([label])
    if isinstance(label, int):
        return label.to_bytes(8, "little", signed=True)
    text = label_text(label).encode()
    return len(text).to_bytes(LENGTH, "little") + text
