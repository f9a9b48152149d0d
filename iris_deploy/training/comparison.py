"""Pipelines compared by cross-validation, beside one that always says the same."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, mean_absolute_error
from sklearn.model_selection import KFold, StratifiedKFold

from iris_deploy.errors import DatasetError, TrainingError

BASELINE = "baseline"

Tell = Callable[[str, int, int], None]
"""Gets the name of what is fitted, how many fits are done, and how many there are."""


@dataclass(frozen=True, eq=False)
class Score:
    """How one candidate did.

    Parameters
    ----------
    name : str
    values : tuple of float
        Of each fold: accuracy for classes, mean absolute error for a number.
    """

    name: str
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the folds."""
        return float(np.mean(self.values))

    @property
    def spread(self) -> float:
        """Standard deviation over the folds."""
        return float(np.std(self.values))


def compare(
    pipelines: Mapping[str, Any],
    frame: Any,
    labels: np.ndarray,
    *,
    task: str,
    folds: int,
    random_state: int,
    tell: Tell,
) -> list[Score]:
    """Fit each pipeline on folds of the training samples, and measure it on the rest.

    Parameters
    ----------
    pipelines : mapping of str to Pipeline
        Not fitted; they stay so.
    frame : DataFrame
    labels : ndarray of shape (n_samples,)
    task : {'classification', 'regression'}
    folds : int
    random_state : int
        Seed of the folds.
    tell : callable
        Gets to know how far it is.

    Returns
    -------
    list of Score
        In the order of the pipelines; the baseline last.

    Raises
    ------
    DatasetError
        If there are fewer samples than folds.
    TrainingError
        If a pipeline cannot be fitted.
    """
    classes = task == "classification"
    splitter = (StratifiedKFold if classes else KFold)(
        n_splits=folds, shuffle=True, random_state=random_state
    )
    rarest = int(np.unique(labels, return_counts=True)[1].min()) if classes else len(labels)
    if rarest < folds:
        what = f"a class of {rarest}" if classes else f"{rarest}"
        raise DatasetError(
            f"{what} samples to fit cannot be cut into {folds} folds",
            hint="choose fewer with `cv`, or leave the smallest classes out",
        )
    cuts = list(splitter.split(np.zeros(len(labels)), labels))
    dummy = (
        DummyClassifier(strategy="most_frequent") if classes else DummyRegressor(strategy="median")
    )
    measure = accuracy_score if classes else mean_absolute_error
    everything = {**pipelines, BASELINE: dummy}
    total, done, scores = folds * len(everything), 0, []
    for name, pipeline in everything.items():
        values = []
        for fit, test in cuts:
            tell(name, done, total)
            fitted = fit_pipeline(clone(pipeline), frame.iloc[fit], labels[fit], name)
            values.append(float(measure(labels[test], fitted.predict(frame.iloc[test]))))
            done += 1
        scores.append(Score(name, tuple(values)))
    tell("", total, total)
    return scores


def best_of(scores: Sequence[Score], task: str) -> Score:
    """Return the best but for the baseline; the first of equals."""
    sign = 1.0 if task == "classification" else -1.0
    return max(
        (score for score in scores if score.name != BASELINE), key=lambda score: sign * score.mean
    )


def fit_pipeline(pipeline: Any, frame: Any, labels: np.ndarray, name: str) -> Any:
    """Fit a pipeline.

    Raises
    ------
    TrainingError
        In the words of what cannot be fitted.
    """
    with warnings.catch_warnings():
        # Stopping early is what was asked for; the figures tell how well it went.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        try:
            return pipeline.fit(frame, labels)
        except (ValueError, TypeError, FloatingPointError) as exc:
            raise TrainingError(
                f"{name} cannot be fitted: {str(exc).strip().partition(chr(10))[0][:300]}",
                hint="change the data, `set` a parameter, or choose another `estimator`",
            ) from exc
