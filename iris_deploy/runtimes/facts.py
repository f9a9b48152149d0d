"""What a loaded estimator predicts, as it says itself."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.labels import ANOMALY, as_label
from iris_deploy.schema.outputs import Label, Task


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
    """

    task: Task
    classes: tuple[Label, ...] = ()
    name: str = "class"


def describe(estimator: Any) -> Facts:
    """Say what an estimator predicts.

    Parameters
    ----------
    estimator : object
        Fitted.

    Raises
    ------
    ArtifactError
        If it predicts nothing, or several numbers or classes at once.
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
        if isinstance(classes, list) or np.ndim(classes) != 1:
            raise ArtifactError(f"{name} predicts several classes at once; expected one")
        return Facts(
            "classification", tuple(as_label(name, label) for label in np.asarray(classes).tolist())
        )
    if is_clusterer(estimator) or isinstance(estimator, BaseMixture):
        return Facts("classification", tuple(range(_count_clusters(estimator))), "cluster")
    if not is_regressor(estimator) and not hasattr(estimator, "n_features_in_"):
        raise ArtifactError(f"nothing tells what {name} predicts; expected a fitted estimator")
    return Facts("regression")


def _count_clusters(estimator: Any) -> int:
    for attribute in ("cluster_centers_", "means_"):
        if hasattr(estimator, attribute):
            return len(getattr(estimator, attribute))
    return 1 + int(np.max(getattr(estimator, "labels_", 0)))
