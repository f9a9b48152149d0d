"""Answers for several rows, and for those that have none."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.kernels.scores import OVERFLOW
from iris_deploy.schema.batch import Floats, Indices, Outcomes
from iris_deploy.schema.problems import Problem, SignatureError


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


def check_decided(indices: Indices, at: int = 0) -> Indices:
    """Make sure that every row was decided on.

    Parameters
    ----------
    indices : ndarray of int, shape (n_rows,)
    at : int
        Which the first row is of all.

    Raises
    ------
    SignatureError
        If a score of one overflows.
    """
    if (indices == OVERFLOW).any():
        raise overflow(at + int(np.argmax(indices == OVERFLOW)))
    return indices


def overflow(position: int | None = None) -> SignatureError:
    """Return the error of a row whose values are too large; its position, among several."""
    detail = "the values are too large: a score overflows; expected values near the training range"
    return SignatureError([Problem(position, None, detail)])
