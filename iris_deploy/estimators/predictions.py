"""Answers for several rows."""

from dataclasses import dataclass
from typing import Any

from iris_deploy.schema.batch import Floats, Outcomes


@dataclass(frozen=True, slots=True)
class Predictions:
    """Answers for several rows.

    Parameters
    ----------
    outcomes : ndarray of int or float, shape (n_rows,)
        Position of each row's label in the signature's classes; or the number.
    values : list of str, int, bool or float, length n_rows
        Labels, or numbers.
    scores : ndarray of shape (n_rows, n_classes)
        Probabilities or decision values, as the predictor's ``score_name`` says; for a number no
        columns.
    """

    outcomes: Outcomes
    values: list[Any]
    scores: Floats
