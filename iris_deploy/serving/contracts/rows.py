"""Answers for many rows, written in pieces: none takes long to make, nor much room.

Knows what a predictor gives, and JSON.
"""

from collections.abc import Iterator, Sequence
from sys import getsizeof
from typing import Any

import msgspec
import numpy as np

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats, Outcomes, Text
from iris_deploy.schema.outputs import label_text
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contracts.labels import LabelWriter
from iris_deploy.serving.reply import Stream

Many = Sequence[Sequence[float]] | Floats
"""Rows, or an array of them."""

FIGURES = 2048
"""Scores and values that are written at a time, some 2 ms."""

_LABELS_AT_A_TIME = 16384  # some 0.3 ms
_CELL = 8  # bytes of a row for each of its values
LARGE_ANSWER = 1 << 16
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
    at_a_time : int
        The same, but one at least.
    """

    def __init__(self, predictor: Predictor) -> None:
        signature = predictor.signature
        self._predictor = predictor
        self._classes = [label_text(label) for label in signature.classes]
        self._labels = LabelWriter.of_json(signature.classes) if signature.classes else None
        self._name = predictor.score_name
        self._anomaly = signature.anomaly
        self.quick_rows = FIGURES // (len(signature.classes) + len(signature.columns))
        self.at_a_time = max(self.quick_rows, 1)

    def write_one(self, row: Sequence[float], index: int, decision: Sequence[float]) -> bytes:
        """Write the details of one row.

        Parameters
        ----------
        row : sequence of float, length n_columns
        index : int
            Position of its class.
        decision : sequence of float
            What it was decided by, or the number.
        """
        signature = self._predictor.signature
        answer: dict[str, Any] = {"prediction": decision[0]}
        if self._name is not None:
            answer["prediction"] = signature.classes[index]
            answer[self._name] = self._by_class(self._predictor.scores(decision))
            if self._anomaly is not None:
                answer["anomaly"] = index == self._anomaly
        answer["warnings"] = signature.warnings(row)
        return msgspec.json.encode(answer)

    def list_objects(self, values: Many, outcomes: Outcomes) -> list[dict[str, Any]]:
        """Return the details of some rows, each as an object of its own.

        Parameters
        ----------
        values : sequence of rows, or ndarray of shape (n_rows, n_columns)
        outcomes : ndarray of int or float, shape (n_rows,)
        """
        rows = values.tolist() if isinstance(values, np.ndarray) else values
        answers = [{"prediction": value} for value in self._predictor.named(outcomes)]
        self._add_scores(answers, values)
        for answer, row, outcome in zip(answers, rows, outcomes.tolist(), strict=True):
            if self._anomaly is not None:
                answer["anomaly"] = outcome == self._anomaly
            answer["warnings"] = self._predictor.signature.warnings(row)
        return answers

    def _add_scores(self, answers: list[dict[str, Any]], values: Many) -> None:
        if self._name is not None:
            scores = self._predictor.predict(values).scores.tolist()
            for answer, each in zip(answers, scores, strict=True):
                answer[self._name] = self._by_class(each)

    def write_value(self, decision: Sequence[float]) -> bytes:
        """Write the number that is predicted of one row."""
        return b'{"prediction":' + msgspec.json.encode(decision[0]) + b"}"

    def write_values(self, outcomes: Outcomes) -> bytes | Stream:
        """Write what is predicted for many rows.

        Parameters
        ----------
        outcomes : ndarray of int or float, shape (n_rows,)
            Positions of their classes, or numbers.
        """
        start, end = b'{"predictions":[', b"]}"
        if self._labels is None:
            if len(outcomes) <= FIGURES:
                return start + elements(outcomes.tolist(), 0) + end
            pieces = self._enclose(start, self._value_pieces(outcomes), end)
            return Stream(pieces, None, outcomes.nbytes)
        if len(outcomes) * self._labels.longest <= LARGE_ANSWER:
            return start + self._labels.write(outcomes) + end
        length = self._labels.length_of(outcomes) + len(start) + len(end)
        pieces = self._enclose(start, self._value_pieces(outcomes), end)
        return Stream(pieces, length, outcomes.nbytes)

    def write_details(self, values: Many, outcomes: Outcomes) -> bytes | Stream:
        """Write labels, scores and warnings of many rows; or numbers and warnings.

        Parameters
        ----------
        values : sequence of rows, or ndarray of shape (n_rows, n_columns)
            Whose scores do not overflow.
        outcomes : ndarray of int or float, shape (n_rows,)
            Positions of their classes, or numbers.
        """
        rows = keep(self._predictor.signature, values)
        pieces = self._detail_pieces(rows, outcomes)
        if len(outcomes) <= self.at_a_time:
            return b"".join(pieces)
        return Stream(pieces, None, outcomes.nbytes + held_by(rows))

    def _detail_pieces(self, values: Many, outcomes: Outcomes) -> Iterator[bytes]:
        yield b'{"predictions":['
        yield from self._value_pieces(outcomes)
        if self._name is not None:
            yield b'],"%b":[' % self._name.encode()
            yield from self._score_pieces(values)
        if self._anomaly is not None:
            yield b'],"anomalies":['
            for at in range(0, len(outcomes), _LABELS_AT_A_TIME):
                part = outcomes[at : at + _LABELS_AT_A_TIME]
                yield elements((part == self._anomaly).tolist(), at)
        yield b'],"warnings":['
        yield from self._warning_pieces(values)
        yield b"]}"

    def _value_pieces(self, outcomes: Outcomes) -> Iterator[bytes]:
        step = FIGURES if self._labels is None else _LABELS_AT_A_TIME
        for at in range(0, len(outcomes), step):
            part = outcomes[at : at + step]
            if self._labels is None:
                yield elements(part.tolist(), at)
            else:
                yield (b"," if at else b"") + self._labels.write(part)

    def _score_pieces(self, values: Many) -> Iterator[bytes]:
        for at in range(0, len(values), self.at_a_time):
            scores = self._predictor.predict(values[at : at + self.at_a_time]).scores
            yield elements([self._by_class(row) for row in scores.tolist()], at)

    def _warning_pieces(self, values: Many) -> Iterator[bytes]:
        warnings = self._predictor.signature.warnings
        for at in range(0, len(values), self.at_a_time):
            part = values[at : at + self.at_a_time]
            rows = part.tolist() if isinstance(part, np.ndarray) else part
            yield elements([warnings(row) for row in rows], at)

    def _by_class(self, scores: Sequence[float]) -> dict[str, float]:
        return dict(zip(self._classes, scores, strict=True))

    def _enclose(self, start: bytes, pieces: Iterator[bytes], end: bytes) -> Iterator[bytes]:
        yield start
        yield from pieces
        yield end


def keep(signature: Signature, values: Many) -> Many:
    """Return rows as they are kept until an answer is written: an array, unless there are texts.

    Parameters
    ----------
    signature : Signature
    values : sequence of rows, or ndarray of shape (n_rows, n_columns)
    """
    return values if signature.has_text else np.asarray(values, np.float64)


def held_by(values: Many) -> int:
    """Return the bytes of memory that rows take, their texts included."""
    if isinstance(values, np.ndarray):
        return values.nbytes
    texts = (value.text for row in values for value in row if type(value) is Text)
    return _CELL * sum(map(len, values)) + sum(map(getsizeof, texts))


def elements(values: Sequence[object], at: int) -> bytes:
    """Write elements of a JSON array of which so many are written already.

    Parameters
    ----------
    values : sequence of object
    at : int
        How many are written.
    """
    elements = msgspec.json.encode(values)[1:-1]
    return b"," + elements if at else elements
