"""Figures of a predictor on labelled samples.

Measures with the very predictor that serves. Prints nothing.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from iris_deploy.bundle.evaluation import ClassFigures, Evaluation, Metric
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import ClassOutput
from iris_deploy.training.calibration import calibrate, calibration_error
from iris_deploy.training.intervals import bootstrap_interval, draw_samples, wilson_interval


def evaluate_rows(predictor: Predictor, rows: Floats, y: NDArray[Any]) -> Evaluation:
    """Measure a predictor on labelled rows, as its output has it."""
    if isinstance(predictor.signature.output, ClassOutput):
        return evaluate_classes(predictor, rows, y)
    return evaluate_numbers(predictor, rows, y)


def join_figures(evaluations: Mapping[str, Evaluation]) -> Evaluation:
    """Return the figures of all outputs, each named after its output if there are several.

    Parameters
    ----------
    evaluations : mapping of str to Evaluation
        By output.
    """
    if len(evaluations) == 1:
        return next(iter(evaluations.values()))
    return Evaluation(
        samples=min(own.samples for own in evaluations.values()),
        metrics={
            f"{output}.{name}": metric
            for output, own in evaluations.items()
            for name, metric in own.metrics.items()
        },
        classes=(),
        confusion_matrix=(),
    )


def evaluate_classes(predictor: Predictor, rows: Floats, y: NDArray[np.int64]) -> Evaluation:
    """Measure a classifier on labelled samples.

    Parameters
    ----------
    predictor : Predictor
    rows : ndarray of shape (n_samples, n_columns)
    y : ndarray of int, shape (n_samples,)
        Positions of the true classes in the signature.

    Returns
    -------
    Evaluation
    """
    classes = predictor.signature.classes
    positions = range(len(classes))
    predicted = predictor.predict(rows)
    found = predicted.outcomes
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        y, found, labels=positions, zero_division=0.0
    )
    shares = np.bincount(y, minlength=len(classes)) / len(y)
    there = np.flatnonzero(shares)
    figures = {
        "accuracy": _accuracy(int((found == y).sum()), len(y), float(shares.max())),
        "balanced_accuracy": Metric(
            value=float(np.mean(recall[there])), interval=None, baseline=1.0 / len(there)
        ),
    }
    if predictor.score_name == "probabilities":
        figures |= _of_probabilities(predicted.scores, y, shares)
        error = calibration_error(calibrate(predicted, y))
        figures["calibration_error"] = Metric(value=error, interval=None, baseline=None)
    matrix = metrics.confusion_matrix(y, found, labels=positions)
    return Evaluation(
        samples=len(y),
        metrics=figures,
        classes=tuple(
            ClassFigures(
                label=label,
                precision=float(precision[k]),
                recall=float(recall[k]),
                f1=float(f1[k]),
                support=int(support[k]),
            )
            for k, label in enumerate(classes)
        ),
        confusion_matrix=tuple(tuple(row) for row in matrix.tolist()),
    )


def _accuracy(correct: int, total: int, baseline: float) -> Metric:
    interval = wilson_interval(correct, total)
    return Metric(value=correct / total, interval=interval, baseline=baseline)


def _of_probabilities(scores: Floats, y: NDArray[np.int64], shares: Floats) -> dict[str, Metric]:
    """Measure what probabilities are worth: their order, and themselves."""
    there = np.flatnonzero(shares)
    figures = {}
    two = len(shares) == 2
    # One against the rest may give a row no share of any class; scikit-learn refuses such areas.
    whole = two or np.allclose(scores.sum(axis=1), 1.0)
    if len(there) == len(shares) and whole:
        area = metrics.roc_auc_score(y, scores[:, 1] if two else scores, multi_class="ovr")
        figures["roc_auc"] = Metric(value=float(area), interval=None, baseline=0.5)
    smallest = np.finfo(np.float64).eps
    of_truth = np.clip(scores[np.arange(len(y)), y], smallest, 1.0)
    figures["log_loss"] = Metric(
        value=float(-np.mean(np.log(of_truth))),
        interval=None,
        baseline=float(-np.sum(shares[there] * np.log(shares[there]))),
    )
    return figures


def evaluate_numbers(predictor: Predictor, rows: Floats, y: Floats) -> Evaluation:
    """Measure a regressor on labelled samples.

    Parameters
    ----------
    predictor : Predictor
    rows : ndarray of shape (n_samples, n_columns)
    y : ndarray of float, shape (n_samples,)

    Returns
    -------
    Evaluation
        Of the mean absolute and the root mean squared error, and of R squared, with intervals by
        bootstrap, and the same of the median and the mean that always answer.
    """
    errors = predictor.outcomes(rows) - y
    distances = y - y.mean()
    resamples = draw_samples(len(y))
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (distances**2)[resamples].mean(axis=1)
        squared = (errors**2)[resamples].mean(axis=1)
        found = {
            "mae": (np.abs(errors)[resamples].mean(axis=1), np.abs(errors).mean()),
            "rmse": (np.sqrt(squared), math.sqrt(np.mean(errors**2))),
            "r2": (1.0 - squared / spread, 1.0 - np.mean(errors**2) / np.mean(distances**2)),
        }
    baselines = {
        "mae": float(np.abs(y - np.median(y)).mean()),
        "rmse": float(np.sqrt(np.mean(distances**2))),
        "r2": 0.0,
    }
    return Evaluation(
        samples=len(y),
        metrics={
            name: Metric(
                value=float(value), interval=bootstrap_interval(drawn), baseline=baselines[name]
            )
            for name, (drawn, value) in found.items()
        },
        classes=(),
        confusion_matrix=(),
    )


def decision_grid(
    predictor: Predictor, x: Sequence[float], y: Sequence[float]
) -> NDArray[np.int32]:
    """Predict on a grid of two columns.

    Parameters
    ----------
    predictor : Predictor
        Of a bundle with two columns.
    x, y : sequence of float
        Values of the first and of the second column.

    Returns
    -------
    ndarray of int, shape (len(y), len(x))
        Positions of the labels in the signature's classes.
    """
    xx, yy = np.meshgrid(x, y)
    return predictor.predict(np.column_stack([xx.ravel(), yy.ravel()])).outcomes.reshape(xx.shape)
