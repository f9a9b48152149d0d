"""Answers for many rows, written in pieces: none takes long to make, nor much room.

Knows what a predictor gives, and JSON.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats, Indices
from iris_deploy.serving.contracts.labels import LabelWriter
from iris_deploy.serving.reply import Stream

_FIGURES = 2048
"""Scores and values that are written at a time, some 2 ms."""

_LABELS_AT_A_TIME = 16384  # some 0.3 ms
_LARGE = 1 << 16
"""Bytes of an answer from which on it is a stream."""


class RowWriter:
    """Write what is predicted for rows.

    Parameters
    ----------
    predictor : Predictor

    Attributes
    ----------
    quick_rows : int
        Rows whose details are written in some 2 ms; 0 if that is not even one.
    """

    def __init__(self, predictor: Predictor) -> None:
        signature = predictor.signature
        self._predictor = predictor
        self._labels = LabelWriter(signature.classes)
        self._lengths = np.array([len(label) for label in self._labels.labels], np.int64)
        self._name = msgspec.json.encode(predictor.score_name)
        self.quick_rows = _FIGURES // (len(signature.classes) + len(signature.features))
        self._at_a_time = max(self.quick_rows, 1)

    def write_one(self, row: Sequence[float], index: int, scores: Sequence[float]) -> bytes:
        """Write the details of one row.

        Parameters
        ----------
        row : sequence of float, length n_features
        index : int
            Position of its class.
        scores : sequence of float, length n_classes
        """
        signature = self._predictor.signature
        return msgspec.json.encode(
            {
                "prediction": signature.classes[index],
                self._predictor.score_name: self._by_class(scores),
                "warnings": signature.warnings(row),
            }
        )

    def write_labels(self, indices: Indices) -> bytes | Stream:
        """Write the labels of many rows.

        Parameters
        ----------
        indices : ndarray of int, shape (n_rows,)
            Positions of their classes.
        """
        start, end = b'{"predictions":[', b"]}"
        length = self._length_of(indices) + len(start) + len(end)
        if length <= _LARGE:
            return start + self._labels.write(indices) + end
        return Stream(
            self._enclose(start, self._label_pieces(indices), end), length, indices.nbytes
        )

    def write_details(
        self, values: Sequence[Sequence[float]] | Floats, indices: Indices
    ) -> bytes | Stream:
        """Write labels, scores and warnings of many rows.

        Parameters
        ----------
        values : sequence of rows, or ndarray of shape (n_rows, n_features)
            Whose scores do not overflow.
        indices : ndarray of int, shape (n_rows,)
            Positions of their classes.
        """
        pieces = self._detail_pieces(np.asarray(values, np.float64), indices)
        if len(indices) <= self._at_a_time:
            return b"".join(pieces)
        held = indices.nbytes + 8 * len(self._predictor.signature.features) * len(indices)
        return Stream(pieces, None, held)

    def _detail_pieces(self, values: Floats, indices: Indices) -> Iterator[bytes]:
        yield b'{"predictions":['
        yield from self._label_pieces(indices)
        yield b"],%b:[" % self._name
        yield from self._score_pieces(values)
        yield b'],"warnings":['
        yield from self._warning_pieces(values)
        yield b"]}"

    def _label_pieces(self, indices: Indices) -> Iterator[bytes]:
        for at in range(0, len(indices), _LABELS_AT_A_TIME):
            comma = b"," if at else b""
            yield comma + self._labels.write(indices[at : at + _LABELS_AT_A_TIME])

    def _score_pieces(self, values: Floats) -> Iterator[bytes]:
        for at in range(0, len(values), self._at_a_time):
            scores = self._predictor.predict(values[at : at + self._at_a_time]).scores
            yield _elements([self._by_class(row) for row in scores.tolist()], at)

    def _warning_pieces(self, values: Floats) -> Iterator[bytes]:
        warnings = self._predictor.signature.warnings
        for at in range(0, len(values), self._at_a_time):
            rows = values[at : at + self._at_a_time].tolist()
            yield _elements([warnings(row) for row in rows], at)

    def _by_class(self, scores: Sequence[float]) -> dict[str, float]:
        return dict(zip(self._predictor.signature.classes, scores, strict=True))

    def _length_of(self, indices: Indices) -> int:
        counts = np.bincount(indices, minlength=len(self._lengths))
        return int(counts @ self._lengths) + max(len(indices) - 1, 0)

    def _enclose(self, start: bytes, pieces: Iterator[bytes], end: bytes) -> Iterator[bytes]:
        yield start
        yield from pieces
        yield end


def _elements(rows: Sequence[object], at: int) -> bytes:
    """Write elements of a JSON array of which so many are written already."""
    elements = msgspec.json.encode(rows)[1:-1]
    return b"," + elements if at else elements
