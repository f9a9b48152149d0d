"""What a loaded estimator predicts, as it says itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.labels import ANOMALY, as_label
from iris_deploy.schema.outputs import MAX_OUTPUTS, Label, Task


@dataclass(frozen=True, slots=True)
class Facts:
    """What the last of several estimators does.

    Parameters
    ----------
    task : {'classification', 'regression'}
    classes : tuple of str, int or bool
        That it predicts, in the order of its scores; none if it predicts a number.
    name : str
        What they are; a target has a better name.
    outputs : tuple of Facts
        One for each of several outputs; none where there is one.
    """

    task: Task
    classes: tuple[Label, ...] = ()
    name: str = "class"
    outputs: "tuple[Facts, ...]" = ()


def describe(estimator: Any) -> Facts:
    """Say what an estimator predicts.

    Parameters
    ----------
    estimator : object
        Fitted.

    Raises
    ------
    ArtifactError
        If it predicts nothing, or classes that are none.
    """
    from sklearn.base import is_clusterer, is_outlier_detector, is_regressor
    from sklearn.mixture._base import BaseMixture

    name = type(estimator).__name__
    if not hasattr(estimator, "predict"):
        raise ArtifactError(
            f"{name} does not predict",
            hint="name the file of what does, last; LocalOutlierFactor predicts with novelty=True",
        )
    if is_outlier_detector(estimator):
        return Facts("classification", (-1, 1), ANOMALY)
    classes = getattr(estimator, "classes_", None)
    if classes is not None:
        if isinstance(classes, list):
            return _several("classification", [_classes(name, own) for own in classes])
        return _classes(name, classes)
    if is_clusterer(estimator) or isinstance(estimator, BaseMixture):
        return Facts("classification", tuple(range(_count_clusters(estimator))), "cluster")
    if not is_regressor(estimator) and not hasattr(estimator, "n_features_in_"):
        raise ArtifactError(f"nothing tells what {name} predicts; expected a fitted estimator")
    return _several("regression", [Facts("regression")] * _count_numbers(estimator))


def _several(task: Task, outputs: Sequence[Facts]) -> Facts:
    if len(outputs) == 1:
        return outputs[0]
    if not 0 < len(outputs) <= MAX_OUTPUTS:
        raise ArtifactError(f"expected 1 to {MAX_OUTPUTS} outputs, got {len(outputs)}")
    return Facts(task, outputs=tuple(outputs))


def _classes(name: str, classes: Any) -> Facts:
    labels = np.asarray(classes)
    if labels.ndim != 1:
        raise ArtifactError(f"{name} has classes of {labels.ndim} dimensions")
    return Facts("classification", tuple(as_label(name, label) for label in labels.tolist()))


def _count_numbers(estimator: Any) -> int:
    """Return how many numbers a regressor predicts, as far as it says so."""
    while hasattr(estimator, "best_estimator_") or hasattr(estimator, "steps"):
        best = getattr(estimator, "best_estimator_", None)
        estimator = best if best is not None else estimator.steps[-1][1]
    if type(estimator).__name__ in {"MultiOutputRegressor", "RegressorChain"}:
        return len(estimator.estimators_)
    n_outputs = getattr(estimator, "n_outputs_", None)
    if isinstance(n_outputs, int):
        return n_outputs
    # Partial least squares had their weights the other way round before release 1.3.
    shape = np.shape(getattr(estimator, "y_loadings_", getattr(estimator, "coef_", ())))
    return int(shape[0]) if len(shape) == 2 else 1


def _count_clusters(estimator: Any) -> int:
    for attribute in ("cluster_centers_", "means_"):
        if hasattr(estimator, attribute):
            return len(getattr(estimator, attribute))
    return 1 + int(np.max(getattr(estimator, "labels_", 0)))
