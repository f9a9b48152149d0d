"""Rows in, labels and scores out: the one predictor behind every command and every route.

Knows the signature and the kernel. Knows no HTTP, no JSON and no files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.estimators.pipeline import build_kernel
from iris_deploy.kernels.links import ColumnMath, FloatMath, probabilities
from iris_deploy.kernels.scores import OVERFLOW, decide
from iris_deploy.schema.batch import Floats, Indices
from iris_deploy.schema.problems import Problem, SignatureError
from iris_deploy.schema.signature import Signature

ScoreName = Literal["probabilities", "decision_values"]

FEW_ROWS = 16
"""Up to so many rows the function for one row is quicker than NumPy's columns."""

_FIGURES = 1 << 19
"""Decision values that are kept at a time, where only labels are asked: 4 MiB."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Answers for several rows.

    Parameters
    ----------
    indices : ndarray of int, shape (n_rows,)
        Position of each row's label in the signature's classes.
    labels : list of str, length n_rows
    scores : ndarray of shape (n_rows, n_classes)
        Probabilities or decision values, as the predictor's ``score_name`` says.
    """

    indices: Indices
    labels: list[str]
    scores: Floats


class Predictor:
    """Decide as the fitted estimators do, without them.

    Parameters
    ----------
    signature : Signature
        Features and classes, in the estimators' order.
    estimators : sequence of Fitted
        Scalers and the classifier, as the dumps describe them.

    Attributes
    ----------
    sums : int
        Operations for one row.
    score_name : {'probabilities', 'decision_values'}
        What the scores are. With two classes and no probabilities the decision values are the
        classifier's one figure for the second class and its negative for the first.

    Raises
    ------
    ArtifactError
        If the estimators do not fit together or do not fit the signature.

    Notes
    -----
    Immutable once built, so that threads may share it. A label is decided by the decision values,
    as scikit-learn does it: above zero for two classes, else the first of the largest.
    """

    def __init__(self, signature: Signature, estimators: Sequence[Fitted]) -> None:
        self.signature = signature
        self._classes = signature.classes
        self._names = np.array(signature.classes, dtype=object)  # six times as fast as a list
        self._kernel, self._link = build_kernel(
            estimators, len(signature.classes), len(signature.features)
        )
        self._row = self._kernel.build_row()
        self.sums = self._kernel.size
        self._at_a_time = max(_FIGURES // self._kernel.n_scores, 1)
        self.score_name: ScoreName = "probabilities" if self._link else "decision_values"

    def decide(self, row: Sequence[float]) -> tuple[int, tuple[float, ...]]:
        """Return the position of the label of one row, and what it was decided by.

        Parameters
        ----------
        row : sequence of float, length n_features
            Finite.

        Returns
        -------
        index : int
        decision : tuple of float
            See `scores`.

        Raises
        ------
        SignatureError
            If the values are so large that a score overflows.
        """
        index, decision = self._row(row)
        if index == OVERFLOW:
            raise _overflow()
        return index, decision

    def scores(self, decision: Sequence[float]) -> Sequence[float]:
        """Return the scores of one row, in the order of the classes, from its decision values."""
        scores: Sequence[float] = self._scores(decision, FloatMath)
        return scores

    def label(self, row: Sequence[float]) -> str:
        """Return the label of one row; see `decide`."""
        return self._classes[self.decide(row)[0]]

    def score(self, row: Sequence[float]) -> tuple[str, tuple[float, ...]]:
        """Return the label of one row and its scores; see `decide`."""
        index, decision = self.decide(row)
        return self._classes[index], tuple(self._scores(decision, FloatMath))

    def predict(self, rows: Sequence[Sequence[float]] | Floats) -> Predictions:
        """Return labels and scores of many rows, the bits of each as `score` gives them.

        Parameters
        ----------
        rows : sequence of rows, or ndarray of shape (n_rows, n_features)
            Finite floats in the signature's order and units.

        Raises
        ------
        SignatureError
            If the values of a row are so large that a score overflows.
        """
        decision = self._kernel.columns(self._matrix(rows))
        indices = self._decide(decision)
        with np.errstate(over="ignore"):  # scores farther apart than floats go: a probability of 0
            scores = np.stack(self._scores(list(decision), ColumnMath), axis=1)
        return Predictions(indices, self._names.take(indices).tolist(), scores)

    def labels(self, rows: Sequence[Sequence[float]] | Floats) -> list[str]:
        """Return the labels of many rows; see `predict`."""
        labels: list[str] = self._names.take(self.indices(rows)).tolist()
        return labels

    def indices(self, rows: Sequence[Sequence[float]] | Floats) -> Indices:
        """Return the positions of the labels of many rows; see `predict`."""
        if len(rows) <= FEW_ROWS:
            plain = rows.tolist() if isinstance(rows, np.ndarray) else rows
            few = [self._row(row)[0] for row in plain]
            if OVERFLOW in few:
                raise _overflow(few.index(OVERFLOW))
            return np.array(few, np.int32)
        matrix = self._matrix(rows)
        indices = np.empty(len(matrix), np.int32)
        for at in range(0, len(matrix), self._at_a_time):
            part = matrix[at : at + self._at_a_time]
            indices[at : at + len(part)] = self._decide(self._kernel.columns(part), at)
        return indices

    def _matrix(self, rows: Sequence[Sequence[float]] | Floats) -> Floats:
        return np.asarray(rows, np.float64).reshape(-1, len(self.signature.features))

    def _decide(self, decision: Floats, at: int = 0) -> Indices:
        indices = decide(decision)
        if (indices == OVERFLOW).any():
            raise _overflow(at + int(np.argmax(indices == OVERFLOW)))
        return indices

    def _scores(self, decision: Sequence[Any], xp: Any) -> Sequence[Any]:
        if self._link:
            return probabilities(decision, self._link, xp)
        return (-decision[0], decision[0]) if len(decision) == 1 else decision


def _overflow(position: int | None = None) -> SignatureError:
    detail = "the values are too large: a score overflows; expected values near the training range"
    return SignatureError([Problem(position, None, detail)])
