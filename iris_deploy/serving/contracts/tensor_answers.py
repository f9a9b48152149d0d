"""Predictions as tensors: in JSON, or raw behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
import numpy as np

from iris_deploy.codec.datatypes import LENGTH
from iris_deploy.codec.plain import Rows
from iris_deploy.codec.tensors import BINARY_SIZE
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Outcomes
from iris_deploy.schema.outputs import Label, label_text
from iris_deploy.serving.contracts.labels import LabelWriter
from iris_deploy.serving.contracts.rows import FIGURES, Many, elements, keep

PREDICTION: Final = "prediction"
ANOMALY: Final = "anomaly"

_FEW = 4  # rows that are quicker one by one than in arrays
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
        self._labels = [
            LabelWriter(part.signature.classes) if part.signature.classes else None
            for part in self._parts
        ]
        self._raw = [_RawLabels(part.signature.classes) for part in self._parts]
        figures = sum(max(output.width, 1) for output in list_outputs(predictor))
        self.quick_rows = FIGURES // (figures + len(predictor.signature.columns))
        self._at_a_time = max(self.quick_rows, 1)

    def describe(
        self, output: OutputTensor, outcomes: Outcomes, *, binary: bool
    ) -> tuple[bytes, int]:
        """Write what is in front of a tensor's data, or all of it in JSON but raw data.

        Returns
        -------
        text : bytes
        size : int
            Bytes of the raw data.
        """
        described: dict[str, Any] = {"name": output.name, "shape": output.shape(len(outcomes))}
        described["datatype"] = output.datatype
        size = self._size(output, outcomes) if binary else 0
        if binary:
            described["parameters"] = {BINARY_SIZE: size}
        return msgspec.json.encode(described), size

    def write_json(self, output: OutputTensor, rows: Rows, outcomes: Outcomes) -> Iterator[bytes]:
        """Yield the elements of a JSON array."""
        for at, part in self._split(output, rows.values, outcomes):
            writer = self._labels[output.part]
            if output.kind == "label" and writer is not None:
                yield (b"," if at else b"") + writer.write(part)
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
            if len(outcomes) <= _FEW:
                rows = values.tolist() if isinstance(values, np.ndarray) else values
                if rows:
                    yield 0, np.array([predictor.score(row)[1] for row in rows])
                return
            kept = keep(predictor.signature, values)
            for at in range(0, len(outcomes), self._at_a_time):
                yield at, predictor.predict(kept[at : at + self._at_a_time]).scores
            return
        own = outcomes[:, output.part] if outcomes.ndim > 1 else outcomes
        step = FIGURES if output.kind == "number" else _AT_A_TIME
        for at in range(0, len(own), step):
            part = own[at : at + step]
            if output.kind == "label":
                yield at, part.astype(np.int32, copy=False)
            else:
                yield at, part == self._anomaly if output.kind == "anomaly" else part

    def _size(self, output: OutputTensor, outcomes: Outcomes) -> int:
        n_rows = len(outcomes)
        if output.kind == "label":
            own = outcomes[:, output.part] if outcomes.ndim > 1 else outcomes
            return self._raw[output.part].length_of(own.astype(np.int32, copy=False))
        return n_rows if output.kind == "anomaly" else 8 * n_rows * max(output.width, 1)


class _RawLabels:
    """Write labels as raw bytes."""

    def __init__(self, classes: tuple[Label, ...]) -> None:
        raw = [_raw_label(label) for label in classes]
        self._raw = np.array([*raw, b""], object)[: len(raw)]
        self._lengths = np.array([len(each) for each in raw], np.int64)

    def length_of(self, indices: Any) -> int:
        return int(np.bincount(indices, minlength=len(self._lengths)) @ self._lengths)

    def write(self, indices: Any) -> bytes:
        return b"".join(self._raw.take(indices).tolist())


def _raw_label(label: Label) -> bytes:
    if isinstance(label, bool):
        return bytes([label])
    if isinstance(label, int):
        return label.to_bytes(8, "little", signed=True)
    text = label_text(label).encode()
    return len(text).to_bytes(LENGTH, "little") + text
