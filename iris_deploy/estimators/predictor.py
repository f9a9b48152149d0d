"""Rows in, labels and scores or numbers out: the one predictor behind every command and route.

Knows the signature and the kernel. Knows no HTTP, no JSON and no files.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.estimators.family import Model
from iris_deploy.estimators.predictions import Predictions, Refusal
from iris_deploy.estimators.reading import build_model
from iris_deploy.kernels.code import Names, build_function
from iris_deploy.kernels.elementary import ColumnMath, FloatMath
from iris_deploy.kernels.links import scores_of
from iris_deploy.kernels.proposals import decide_rows
from iris_deploy.kernels.protocol import Batching, DecideRow
from iris_deploy.kernels.scores import OVERFLOW, decide
from iris_deploy.kernels.thresholds import build_row, choose
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.batch import Floats, Indices, Outcomes
from iris_deploy.schema.outputs import ClassOutput, Label
from iris_deploy.schema.signature import Signature

ScoreName = Literal["probabilities", "decision_values"]

FEW_ROWS = 16
"""Up to so many rows the function for one row is quicker than NumPy's columns."""

_LARGEST = float(np.finfo(np.float64).max)

_FIGURES = 1 << 19
"""Decision values that are kept at a time, where only labels are asked: 4 MiB."""


class Predictor:
    """Predict as the fitted estimators do, without them.

    Parameters
    ----------
    signature : Signature
        Columns in the estimators' order, and output.
    estimators : sequence of Fitted, or Model
        Transformers and what predicts, as the dumps describe them; or what was made of them.
    adapter : Adapter or None
        Between the columns and the first estimator, and what decides at last.

    Attributes
    ----------
    sums : int
        Operations for one row.
    score_name : {'probabilities', 'decision_values'} or None
        What the scores are; None where a number is predicted. With two classes and no
        probabilities the decision values are the classifier's one figure for the second class and
        its negative for the first.

    Raises
    ------
    ArtifactError
        If the estimators do not fit together or do not fit the signature.

    Notes
    -----
    Immutable once built, so that threads may share it. A label is decided by the decision values,
    as scikit-learn does it, unless the adapter has a threshold.
    """

    def __init__(
        self,
        signature: Signature,
        estimators: Sequence[Fitted] | Model,
        adapter: Adapter | None = None,
    ) -> None:
        self.signature = signature
        model = (
            estimators
            if isinstance(estimators, Model)
            else build_model(estimators, signature, adapter)
        )
        self._kernel, self._link, self._after = model.kernel, model.link, model.after
        self._refusal = Refusal(self._kernel)
        self._decides = isinstance(signature.output, ClassOutput)
        batching = isinstance(self._kernel, Batching)
        self._few_rows = 0 if batching else FEW_ROWS
        self._by_row = signature.has_text and not batching  # texts have no columns of floats
        self._classes: tuple[Label, ...] = signature.classes
        self._names = np.array([*signature.classes], dtype=object)  # six times as fast as a list
        self._cut = model.cut
        self._row = build_row(self._kernel, self._cut)
        self.sums = self._kernel.size
        self._at_a_time = max(_FIGURES // self._kernel.n_scores, 1)
        self.score_name: ScoreName | None = None
        if self._decides:
            self.score_name = "probabilities" if model.has_probabilities else "decision_values"
        elif self._after:
            self._row = self._finishing(self._row)

    @property
    def parts(self) -> "tuple[Predictor, ...]":
        """One predictor for each of several outputs; itself where there is one."""
        return (self,)

    def decide(self, row: Sequence[float]) -> tuple[int, tuple[float, ...]]:
        """Return the position of the label of one row, and what it was decided by.

        Parameters
        ----------
        row : sequence of float, length n_columns
            See `schema.batch.Row`.

        Returns
        -------
        index : int
            0 where a number is predicted.
        decision : tuple of float
            See `scores`; the number, where one is predicted.

        Raises
        ------
        SignatureError
            If the values are so large that a score overflows.
        """
        index, decision = self._row(row)
        if index == OVERFLOW:
            raise self._refusal.error()
        return index, decision

    def scores(self, decision: Sequence[float]) -> Sequence[float]:
        """Return the scores of one row, in the order of the classes, from its decision values."""
        return scores_of(decision, self._link, FloatMath)

    def value(self, row: Sequence[float]) -> Label | float:
        """Return the label of one row, or the number; see `decide`."""
        index, decision = self.decide(row)
        return self._classes[index] if self._decides else decision[0]

    def score(self, row: Sequence[float]) -> tuple[Label | float, tuple[float, ...]]:
        """Return the label of one row and its scores, or the number and none; see `decide`."""
        index, decision = self.decide(row)
        if not self._decides:
            return decision[0], ()
        return self._classes[index], tuple(scores_of(decision, self._link, FloatMath))

    def predict(self, rows: Sequence[Sequence[float]] | Floats) -> Predictions:
        """Return what is predicted for many rows, the bits of each as `score` gives them.

        Parameters
        ----------
        rows : sequence of rows, or ndarray of shape (n_rows, n_columns)

        Raises
        ------
        SignatureError
            If the values of a row are so large that a score overflows.
        """
        if not self._decides:
            numbers = self.outcomes(rows)
            return Predictions(numbers, numbers.tolist(), np.empty((len(numbers), 0)))
        decision = self._decisions(rows)
        indices = self._choose(decision)
        with np.errstate(over="ignore"):  # scores farther apart than floats go: a probability of 0
            scores = np.stack(scores_of(list(decision), self._link, ColumnMath), axis=1)
        return Predictions(indices, self._names.take(indices).tolist(), scores)

    def values(self, rows: Sequence[Sequence[float]] | Floats) -> list[Any]:
        """Return the labels of many rows, or the numbers; see `predict`."""
        return self.named(self.outcomes(rows))

    def named(self, outcomes: Outcomes) -> list[Any]:
        """Return the labels of positions, or the numbers as they are; see `outcomes`."""
        if not self._decides:
            numbers: list[Any] = outcomes.tolist()
            return numbers
        labels: list[Any] = self._names.take(outcomes.astype(np.int32)).tolist()
        return labels

    def outcomes(self, rows: Sequence[Sequence[float]] | Floats) -> Outcomes:
        """Return the positions of the labels of many rows, or the numbers; see `predict`."""
        if self._by_row or len(rows) <= self._few_rows:
            return self._few(rows.tolist() if isinstance(rows, np.ndarray) else rows)
        matrix = self._matrix(rows)
        outcomes: Outcomes = np.empty(len(matrix), np.int32 if self._decides else np.float64)
        for at in range(0, len(matrix), self._at_a_time):
            part = matrix[at : at + self._at_a_time]
            if self._decides:
                found: Outcomes = (
                    self._choose(self._kernel.columns(part), at)
                    if self._cut
                    else self._refusal.check(decide_rows(self._kernel, part), at)
                )
            else:
                found = self._finish(self._kernel.columns(part))[0]
                if not np.isfinite(found).all():
                    self._refusal.check(decide(found[np.newaxis], "none"), at)
                if len(part) == len(matrix):
                    return found
            outcomes[at : at + len(part)] = found
        return outcomes

    def _few(self, rows: Sequence[Sequence[float]]) -> Outcomes:
        decided = [self._row(row) for row in rows]
        indices = [index for index, _ in decided]
        if OVERFLOW in indices:
            raise self._refusal.error(indices.index(OVERFLOW))
        if self._decides:
            return np.array(indices, np.int32)
        return np.array([decision[0] for _, decision in decided], np.float64)

    def _decisions(self, rows: Sequence[Sequence[float]] | Floats) -> Floats:
        """Return what many rows are decided by, shape (n_scores, n_rows)."""
        if not self._by_row:
            return self._kernel.columns(self._matrix(rows))
        decisions = [self._row(row)[1] for row in rows]
        return np.array(decisions, np.float64).reshape(-1, self._kernel.n_scores).T

    def _matrix(self, rows: Sequence[Sequence[float]] | Floats) -> Floats:
        kind: Any = object if self.signature.has_text else np.float64
        return np.asarray(rows, kind).reshape(-1, len(self.signature.columns))

    def _choose(self, decision: Floats, at: int = 0) -> Indices:
        return self._refusal.check(choose(decision, self._kernel.rule, self._cut), at)

    def _finish(self, decision: Floats) -> Floats:
        """Turn scores into numbers, where they are none yet."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for step in self._after:
                decision = step.change(decision, slice(None))
        return decision

    def _finishing(self, row: DecideRow) -> DecideRow:
        """Turn the score of one row into a number, too."""
        names = Names()
        lines = [step.write("x", 0, names) for step in self._after]
        finish = build_function([*lines, "return x"], names)

        def finished(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            index, (score,) = row(x)
            number = finish(score)
            finite = index != OVERFLOW and -_LARGEST <= number <= _LARGEST
            return 0 if finite else OVERFLOW, (number,)

        return finished
