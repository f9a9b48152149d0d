"""Several outputs by name: a predictor for each, of the same rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.family import Composite, Model, Predicting
from iris_deploy.estimators.predictions import Predictions
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import MAX_DEPTH, MAX_ESTIMATORS, build_model
from iris_deploy.estimators.registry import find
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.batch import Floats, Outcomes
from iris_deploy.schema.outputs import SeveralOutputs
from iris_deploy.schema.signature import Signature


class SeveralPredictor(Predictor):
    """Predict several outputs; see `Predictor`.

    Parameters
    ----------
    signature : Signature
    parts : sequence of Predictor
        One for each output, in their order.

    Notes
    -----
    What a row is decided by are the outcomes of the parts: positions of labels, or numbers. A
    value is a dict, by the names of the outputs.
    """

    def __init__(self, signature: Signature, parts: Sequence[Predictor]) -> None:
        self.signature = signature
        self.sums = sum(part.sums for part in parts)
        self.score_name = None
        self._parts = tuple(parts)
        self._outputs = [part.signature.output.name for part in parts]
        self._are_classes = [bool(part.signature.classes) for part in parts]

    @property
    def parts(self) -> tuple[Predictor, ...]:
        """One predictor for each output."""
        return self._parts

    def decide(self, row: Sequence[float]) -> tuple[int, tuple[float, ...]]:
        """Return 0, and the outcome of each output for one row."""
        decided = (part.decide(row) for part in self._parts)
        return 0, tuple(
            index if are_classes else decision[0]
            for (index, decision), are_classes in zip(decided, self._are_classes, strict=True)
        )

    def value(self, row: Sequence[float]) -> Any:
        """Return what is predicted for one row, by name."""
        values = (part.value(row) for part in self._parts)
        return dict(zip(self._outputs, values, strict=True))

    def score(self, row: Sequence[float]) -> tuple[Any, tuple[float, ...]]:
        """Return what is predicted for one row, by name, and the scores of all outputs."""
        scored = [part.score(row) for part in self._parts]
        values = dict(zip(self._outputs, (value for value, _ in scored), strict=True))
        return values, tuple(score for _, scores in scored for score in scores)

    def predict(self, rows: Sequence[Sequence[float]] | Floats) -> Predictions:
        """Return what is predicted for many rows, without scores: each part has its own."""
        outcomes = self.outcomes(rows)
        return Predictions(outcomes, self.named(outcomes), np.empty((len(outcomes), 0)))

    def outcomes(self, rows: Sequence[Sequence[float]] | Floats) -> Outcomes:
        """Return the outcomes of all outputs, shape (n_rows, n_outputs)."""
        found = np.empty((len(rows), len(self._parts)))
        for k, part in enumerate(self._parts):
            found[:, k] = part.outcomes(rows)
        return found

    def named(self, outcomes: Outcomes) -> list[Any]:
        """Return what is predicted by name, for each row of outcomes."""
        columns = [part.named(outcomes[:, k]) for k, part in enumerate(self._parts)]
        return [dict(zip(self._outputs, row, strict=True)) for row in zip(*columns, strict=True)]


def build_predictor(
    signature: Signature, estimators: Sequence[Fitted], adapter: Adapter | None = None
) -> Predictor:
    """Build the predictor of one output, or of several; see `build_models`."""
    return join(signature, build_models(signature, estimators, adapter))


def join(signature: Signature, models: Sequence[Model]) -> Predictor:
    """Return the predictor of models, one for each output."""
    pairs = zip(signature.parts, models, strict=True)
    parts = [Predictor(own, model) for own, model in pairs]
    if not isinstance(signature.output, SeveralOutputs):
        return parts[0]
    return SeveralPredictor(signature, parts)


def build_models(
    signature: Signature, estimators: Sequence[Fitted], adapter: Adapter | None = None
) -> list[Model]:
    """Build the model of each output.

    Parameters
    ----------
    signature : Signature
    estimators : sequence of Fitted
        Transformers, and what predicts.
    adapter : Adapter or None

    Raises
    ------
    ArtifactError
        If the estimators do not fit together or do not fit the signature.
    """
    *transformers, last = estimators or [Fitted("nothing")]
    members = take_outputs(last)
    if len(members) != len(signature.parts):
        raise ArtifactError(
            f"{last.name} has {len(members)} outputs; the signature has {len(signature.parts)}"
        )
    return [
        build_model([*transformers, member], own, adapter)
        for own, member in zip(signature.parts, members, strict=True)
    ]


def take_outputs(record: Fitted, depth: int = MAX_DEPTH) -> list[Fitted]:
    """Return for each of several outputs the estimator that predicts it alone.

    Parameters
    ----------
    record : Fitted
        Pipelines and searches are opened up.
    depth : int
        How many of these there may be within one another.

    Returns
    -------
    list of Fitted
        The estimator itself if it has one output.

    Raises
    ------
    ArtifactError
        If it has several, and they cannot be told apart.
    """
    part = find(record.name)
    if isinstance(part, Predicting) and part.separate is not None:
        return part.separate(record) or [record]
    if not isinstance(part, Composite) or not depth:
        return [record]
    steps = record.state.get("steps")
    pair = steps[-1] if isinstance(steps, list) and 0 < len(steps) <= MAX_ESTIMATORS else None
    if isinstance(steps, list) and isinstance(pair, tuple) and pair:
        *before, (*name, last) = steps
        if not isinstance(last, Fitted):
            return [record]
        return [
            Fitted(record.name, record.state | {"steps": [*before, (*name, member)]})
            for member in take_outputs(last, depth - 1)
        ]
    best = record.state.get("best_estimator_")
    if not isinstance(best, Fitted):
        return [record]
    return [
        Fitted(record.name, record.state | {"best_estimator_": member})
        for member in take_outputs(best, depth - 1)
    ]
