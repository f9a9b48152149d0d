"""Answers for several rows, and for those that have none."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.kernels.protocol import Kernel, Silent
from iris_deploy.kernels.scores import OVERFLOW
from iris_deploy.schema.batch import Floats, Indices, Outcomes
from iris_deploy.schema.problems import Problem, SignatureError

_TOO_LARGE = "the values are too large: a score overflows; expected values near the training range"


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


class Refusal:
    """What is said of rows that have no answer.

    Parameters
    ----------
    kernel : Kernel
    """

    def __init__(self, kernel: Kernel) -> None:
        self._detail = kernel.unanswered if isinstance(kernel, Silent) else _TOO_LARGE

    def error(self, position: int | None = None) -> SignatureError:
        """Return the error about one row, of several if it has a position."""
        return SignatureError([Problem(position, None, self._detail)])

    def check(self, indices: Indices, at: int = 0) -> Indices:
        """Make sure that every row was decided on; the first is row ``at``.

        Raises
        ------
        SignatureError
        """
        if (indices == OVERFLOW).any():
            raise self.error(at + int(np.argmax(indices == OVERFLOW)))
        return indices
