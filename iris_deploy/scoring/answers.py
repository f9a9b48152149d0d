"""What is predicted for rows, as columns of Arrow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn
from iris_deploy.schema.outputs import Label, label_text
from iris_deploy.schema.problems import SignatureError
from iris_deploy.scoring.arrays import labels_to_arrow, to_arrow
from iris_deploy.scoring.columns import BadValue, Rows

PREDICTION, WARNINGS = "prediction", "warnings"
"""Names of the columns that are added."""

_SINGULAR = {"probabilities": "probability", "decision_values": "decision_value"}


class Answerer:
    """Answer rows.

    Parameters
    ----------
    predictor : Predictor
    details : bool
        Whether scores and a count of warnings are wanted, too.

    Attributes
    ----------
    schema : pyarrow.Schema
        The columns that are added.
    """

    def __init__(self, predictor: Predictor, *, details: bool) -> None:
        self._predictor = predictor
        self._details = details
        self._columns = predictor.signature.columns
        self._labels = [_labels(part.signature.classes) for part in predictor.parts]
        self.schema = pa.schema([*self._fields()])

    def _fields(self) -> Any:
        parts = self._predictor.parts
        for part, labels in zip(parts, self._labels, strict=True):
            prefix = f"{part.signature.output.name}_" if len(parts) > 1 else ""
            suffix = f"_{part.signature.output.name}" if len(parts) > 1 else ""
            kind = pa.float64() if labels is None else labels.type
            if labels is not None and pa.types.is_string(kind):
                kind = pa.dictionary(pa.int32(), kind)
            yield pa.field(PREDICTION + suffix, kind)
            if self._details and part.score_name:
                for label in part.signature.classes:
                    name = f"{prefix}{_SINGULAR[part.score_name]}_{label_text(label)}"
                    yield pa.field(name, pa.float64())
        if self._details:
            yield pa.field(WARNINGS, pa.int32())

    def answer(self, rows: Rows) -> tuple[list[pa.Array], Any, list[BadValue]]:
        """Answer rows.

        Parameters
        ----------
        rows : Rows
            More of them are bad afterwards, if their values are too large.

        Returns
        -------
        arrays : list of pyarrow.Array
            As `schema` has them, null for bad rows.
        outcomes : ndarray of shape (n_good, n_outputs)
        bad : list of BadValue
            Rows that have no answer.
        """
        refused: list[BadValue] = []
        try:
            outcomes = self._outcomes(rows.good)
        except SignatureError:
            refused = self._refuse(rows)
            outcomes = self._outcomes(rows.good)
        good = rows.good
        places = _places(rows.bad)
        arrays: list[pa.Array] = []
        lines = outcomes.reshape(len(good), len(self._labels)).T
        for part, labels, line in zip(self._predictor.parts, self._labels, lines, strict=True):
            arrays.append(_spread(_predictions(line, labels), places))
            if self._details and part.score_name:
                n_classes = len(part.signature.classes)
                scores = part.predict(good).scores if len(good) else np.empty((0, n_classes))
                arrays += [_spread(to_arrow(score), places) for score in scores.T]
        if self._details:
            arrays.append(_spread(to_arrow(self._warnings(good)), places))
        return arrays, lines.T, refused

    def _outcomes(self, rows: Any) -> Any:
        if not len(rows):
            return np.empty((0, len(self._labels)))
        return self._predictor.outcomes(rows)

    def _refuse(self, rows: Rows) -> list[BadValue]:
        """Mark the rows that have no answer, one by one: most have one."""
        refused = []
        for position in np.flatnonzero(~rows.bad).tolist():
            try:
                self._predictor.decide(rows.values[position].tolist())
            except SignatureError as exc:
                rows.bad[position] = True
                refused.append(BadValue(position, None, exc.problems[0].detail))
        return refused

    def _warnings(self, rows: Any) -> np.ndarray:
        """Count what is unlike training in each row, as `Signature.warnings` names it."""
        counts = np.zeros(len(rows), np.int32)
        for line, column in zip(rows.T, self._columns, strict=True):
            counts += _is_unlike(line.astype(np.float64, copy=False), column)
        return counts


def _is_unlike(values: Floats, column: Column) -> np.ndarray:
    """Tell of which values `column.warning` would say something."""
    seen = column.seen
    unlike = np.zeros(len(values), bool)
    if seen is not None and not seen.n_missing:
        unlike |= np.isnan(values)
    if isinstance(column, CategoryColumn):
        return unlike | (values < 0)
    if column.seen is not None:
        unlike |= values > column.seen.maximum
        if isinstance(column, NumberColumn):
            unlike |= values < column.seen.minimum
    return unlike


def _labels(classes: Sequence[Label]) -> pa.Array | None:
    return labels_to_arrow(classes) if classes else None


def _predictions(outcomes: np.ndarray, labels: pa.Array | None) -> pa.Array:
    if labels is None:
        return to_arrow(outcomes.astype(np.float64, copy=False))
    indices = to_arrow(outcomes.astype(np.int32))
    if pa.types.is_string(labels.type):
        return pa.DictionaryArray.from_arrays(indices, labels)
    return labels.take(indices)


def _places(bad: np.ndarray) -> pa.Array | None:
    """Return for each row the position of its answer, null for a bad one; None if all are good."""
    if not bad.any():
        return None
    return to_arrow(np.cumsum(~bad) - 1, bad)


def _spread(answers: pa.Array, places: pa.Array | None) -> pa.Array:
    return answers if places is None else answers.take(places)
