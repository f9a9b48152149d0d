"""Instances and their answers, recorded to be replayed whenever a bundle is read."""

from typing import Any

import numpy as np

from iris_deploy.bundle.manifest import Example
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats, Text
from iris_deploy.schema.columns import UNKNOWN, CategoryColumn, NumberColumn
from iris_deploy.schema.outputs import ClassOutput

_MOST = 20
"""Answers that are recorded of rows that nobody has chosen."""


def record_examples(
    predictor: Predictor, rows: Floats, y: np.ndarray, n_chosen: int = 0
) -> tuple[Example, ...]:
    """Record answers: for a sample of each class, or of each quartile, and for one with a gap.

    The first ``n_chosen`` rows are recorded in any case. ``y`` are outcomes, see `Predictor`.
    """
    at = [*range(n_chosen)]
    for part, own in zip(predictor.parts, y.reshape(len(y), -1).T, strict=True):
        if isinstance(part.signature.output, ClassOutput):
            at += [int(np.argmax(own == k)) for k in np.unique(own)[:20]]
        else:
            order = np.argsort(own)
            at += [int(order[k]) for k in np.linspace(0, len(own) - 1, 5).astype(int)]
    at = at[: n_chosen + _MOST]
    gaps = np.flatnonzero(np.isnan(rows.astype(np.float64)).any(axis=1))
    at += gaps[:1].tolist()
    unknown = (rows == UNKNOWN) & [
        isinstance(c, CategoryColumn) for c in predictor.signature.columns
    ]
    at = [k for k in at if not unknown[k].any()]
    return tuple(_example(predictor, rows[k]) for k in dict.fromkeys(at))


def _example(predictor: Predictor, row: np.ndarray) -> Example:
    values: dict[str, Any] = {}
    for column, value in zip(predictor.signature.columns, row.tolist(), strict=True):
        if value != value:
            values[column.name] = None
        elif isinstance(column, CategoryColumn):
            values[column.name] = column.categories[int(value)]
        elif isinstance(value, Text):
            values[column.name] = value.text
        elif isinstance(column, NumberColumn):
            values[column.name] = bool(value) if column.boolean else value
    prediction, scores = predictor.score(row.tolist())
    return Example(instance=values, prediction=prediction, scores=scores)
