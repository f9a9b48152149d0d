"""Answers row by row: an object, a line or a record for each, where clients want them so.

Knows what a writer tells of rows, JSON Lines and CSV.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import msgspec

from iris_deploy.codec.csv_text import read_records
from iris_deploy.codec.plain import Rows
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Outcomes
from iris_deploy.serving.contracts.content_type import Kind
from iris_deploy.serving.contracts.rows import FIGURES, Many, RowWriter, elements, held_by, keep
from iris_deploy.serving.reply import Stream

PREDICTION = "prediction"
"""Name of what is predicted, in objects and in the header of CSV."""

_LINE_END = "\n"  # as pandas has it; who joins lines would keep a CR


class Form(NamedTuple):
    """How rows are to be answered.

    Parameters
    ----------
    kind : {'json', 'csv', 'lines'}
    details : bool
        Whether scores and warnings are wanted.
    headers : tuple of (name, value)
        Of the answer.
    header : sequence of str or None
        Of CSV: the columns that came, behind which those of the answer are named; None for no
        header.
    body : bytes
        The CSV whose fields are repeated in front.
    """

    kind: Kind
    details: bool
    headers: tuple[tuple[str, str], ...]
    header: Sequence[str] | None = None
    body: bytes = b""


class ByRow:
    """Write what is predicted of many rows, each for itself.

    Parameters
    ----------
    predictor : Predictor
    writer : RowWriter
    """

    def __init__(self, predictor: Predictor, writer: RowWriter) -> None:
        self._predictor = predictor
        self._writer = writer

    def write(self, rows: Rows, outcomes: Outcomes, form: Form) -> bytes | Stream:
        """Write an object, a line or a record for each row.

        Parameters
        ----------
        rows : Rows
        outcomes : ndarray of int or float
            See `Contract.encode_many`.
        form : Form
        """
        values = keep(self._predictor.signature, rows.values) if form.details else ()
        if form.kind == "csv":
            pieces = self._csv(values, outcomes, form)
        elif form.kind == "lines":
            pieces = self._pieces(values, outcomes, form, _lines)
        else:
            pieces = self._json(values, outcomes, form)
        if len(outcomes) <= self._step(form):
            return b"".join(pieces)
        return Stream(pieces, None, outcomes.nbytes + len(form.body) + held_by(values))

    def _step(self, form: Form) -> int:
        if form.details:
            return self._writer.at_a_time
        return max(FIGURES // (len(self._predictor.parts) + len(form.header or ())), 1)

    def _pieces(
        self,
        values: Many,
        outcomes: Outcomes,
        form: Form,
        write: Callable[[list[dict[str, Any]], int], bytes],
    ) -> Iterator[bytes]:
        step = self._step(form)
        for at in range(0, len(outcomes), step):
            yield write(self._objects(values, outcomes, form, slice(at, at + step)), at)

    def _objects(
        self, values: Many, outcomes: Outcomes, form: Form, part: slice
    ) -> list[dict[str, Any]]:
        if form.details:
            return self._writer.list_objects(values[part], outcomes[part])
        return [{PREDICTION: value} for value in self._predictor.named(outcomes[part])]

    def _json(self, values: Many, outcomes: Outcomes, form: Form) -> Iterator[bytes]:
        yield b'{"predictions":['
        yield from self._pieces(values, outcomes, form, elements)
        yield b"]}"

    def _csv(self, values: Many, outcomes: Outcomes, form: Form) -> Iterator[bytes]:
        step = self._step(form)
        before: Iterator[Sequence[str]] = read_records(form.body) if form.body else repeat(())
        if form.body and form.header is not None:
            next(before)
        for at in range(0, max(len(outcomes), 1), step):
            part = slice(at, at + step)
            answers = [dict(_flat(each)) for each in self._objects(values, outcomes, form, part)]
            if not at and form.header is not None:
                yield _record([*form.header, *(answers[0] if answers else [PREDICTION])])
            yield b"".join(
                _record([*fields, *answer.values()])
                for answer, fields in zip(answers, before, strict=False)
            )


def _flat(answer: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the columns that an answer is in CSV, and its values: names of members with dots."""
    for name, value in answer.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield prefix + name, "; ".join(value)
        elif isinstance(value, bool):
            yield prefix + name, "true" if value else "false"
        else:
            yield prefix + name, value


def _lines(objects: Sequence[dict[str, Any]], _at: int) -> bytes:
    return b"".join(msgspec.json.encode(each) + b"\n" for each in objects)


def _record(fields: Sequence[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=_LINE_END).writerow(fields)
    return text.getvalue().encode()


def write_table(instance: Mapping[str, Any]) -> str:
    """Write an instance as CSV with a header."""
    flat = dict(_flat(dict(instance)))
    return (_record([*flat]) + _record([*flat.values()])).decode()
