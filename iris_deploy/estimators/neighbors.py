"""The family of nearest neighbours, and of neighbours within a radius."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators import local_outliers
from iris_deploy.estimators import samples as trees
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_floats,
    fitted_positions,
    read_number,
    read_word,
)
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.labels import RADIUS_CLASSIFIER, find_outlier
from iris_deploy.estimators.samples import (
    REFUSED_METRICS,
    read_count,
    read_metric,
    read_sample_tree,
    read_samples,
)
from iris_deploy.estimators.separating import separate_answers
from iris_deploy.kernels.distances import prepare
from iris_deploy.kernels.neighbors import NeighborKernel
from iris_deploy.kernels.radius import RadiusKernel
from iris_deploy.kernels.scores import Rule
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output

_LARGEST_RADIUS = 1e150
"""Its square is a number."""


def _classifier(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    samples = read_samples(record, features)
    answers = _classes(record, samples, n_classes)
    kernel = _kernel(record, features, samples, answers, n_classes, "largest")
    return Model(kernel=kernel, link="weights")


def _regressor(record: Fitted, features: Features, _output: Output, _: Reading) -> Model:
    samples = read_samples(record, features)
    answers = _numbers(record, samples)
    return Model(kernel=_kernel(record, features, samples, answers, 1, "none"))


def _radius_classifier(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    """Ask all within a radius; what has no neighbours may have a class that nobody else has."""
    n_classes = count_classes(output)
    n_known, outlier = find_outlier(record)
    check_classes(record, n_classes - (outlier == n_known))
    samples = read_samples(record, features)
    answers = _classes(record, samples, n_known)
    kernel = _radius_kernel(record, features, samples, answers, n_classes, outlier, "largest")
    if kernel.tree is None and not kernel.by_distance and kernel.metric != "cosine":
        _check_outlier(record, n_known, outlier)
    return Model(kernel=kernel, link="shares")


def _check_outlier(record: Fitted, n_known: int, outlier: int | None) -> None:
    """Make sure that scikit-learn means the class of outliers, which it takes for a position here.

    So do releases from 1.4 on, where samples are compared by brute force and weigh the same.
    """
    given = record.state.get("outlier_label")
    is_position = isinstance(given, (int, float)) and given in range(n_known)
    if outlier is not None and outlier != (given if is_position else n_known):
        raise ArtifactError(
            f"{record.name} compares by brute force, for which scikit-learn takes the "
            f"outlier_label {given!r:.40} for the position of another class",
            hint="fit it with algorithm='ball_tree'",
        )


def _radius_regressor(record: Fitted, features: Features, _output: Output, _: Reading) -> Model:
    samples = read_samples(record, features)
    answers = _numbers(record, samples)
    kernel = _radius_kernel(record, features, samples, answers, 1, None, "none")
    return Model(kernel=kernel)


def _classes(record: Fitted, samples: Floats, n_classes: int) -> NDArray[np.int64]:
    found = fitted_positions(record, record.state.get("_y"), "_y", n_classes)
    if len(found) != samples.shape[1]:
        raise ArtifactError(
            f"{record.name} has {samples.shape[1]} samples with {len(found)} answers"
        )
    return np.array(found, np.int64)


def _numbers(record: Fitted, samples: Floats) -> Floats:
    shape = (samples.shape[1],)
    return fitted_floats(record, "_y", shape, (*shape, 1)).ravel()


def _kernel(
    record: Fitted,
    features: Features,
    samples: Floats,
    answers: NDArray[Any],
    n_scores: int,
    rule: Rule,
) -> NeighborKernel:
    metric = read_metric(record)
    return NeighborKernel(
        features.transform,
        prepare(samples, metric),
        answers,
        n_scores,
        read_count(record, "n_neighbors", samples),
        metric,
        _weighs_by_distance(record),
        read_sample_tree(record, samples),
        rule,
    )


def _weighs_by_distance(record: Fitted) -> bool:
    weights = read_word(record, "weights", "uniform")
    if weights not in {"uniform", "distance"}:
        raise ArtifactError(
            f"{record.name} has weights {weights!r:.40}; expected 'uniform' or 'distance'"
        )
    return weights == "distance"


def _radius_kernel(
    record: Fitted,
    features: Features,
    samples: Floats,
    answers: NDArray[Any],
    n_scores: int,
    outlier: int | None,
    rule: Rule,
) -> RadiusKernel:
    radius, metric = read_number(record, "radius", 1.0), read_metric(record)
    if not 0.0 <= radius < _LARGEST_RADIUS or not samples.shape[1]:
        raise ArtifactError(
            f"{record.name} asks within the radius {radius!r:.40}, of {samples.shape[1]} samples; "
            f"expected one from 0 to {_LARGEST_RADIUS}"
        )
    tree = read_sample_tree(record, samples)
    if tree is not None:  # scikit-learn adds up in the order of its leaves
        samples, answers = samples[:, tree.order], answers[tree.order]
        tree = replace(tree, order=np.arange(samples.shape[1]))
    return RadiusKernel(
        features.transform,
        np.ascontiguousarray(prepare(samples, metric)),
        answers,
        n_scores,
        radius,
        metric,
        _weighs_by_distance(record),
        tree,
        outlier,
        rule,
    )


_CLASSIFICATION = ("sklearn.neighbors._classification", "sklearn.neighbors.classification")
_REGRESSION = ("sklearn.neighbors._regression", "sklearn.neighbors.regression")
_CASES: tuple[dict[str, Any], ...] = (
    {},
    {"weights": "distance", "n_neighbors": 11, "algorithm": "ball_tree"},
    {"p": 1, "n_neighbors": 3},
    {"metric": "chebyshev", "weights": "distance"},
    {"algorithm": "brute", "p": 1, "n_neighbors": 2, "weights": "distance"},
)

_RADIUS_CASES: tuple[dict[str, Any], ...] = (
    {"radius": 4.0},
    {"radius": 6.0, "weights": "distance", "algorithm": "ball_tree"},
    {"radius": 8.0, "p": 1},
    {"radius": 3.0, "metric": "chebyshev", "weights": "distance"},
    {"radius": 4.0, "algorithm": "brute", "p": 1, "weights": "distance"},
)

_REFUSED = f"weights of one's own, {REFUSED_METRICS}"

FAMILY = (
    Predicting(
        name="sklearn.neighbors.KNeighborsClassifier",
        modules=_CLASSIFICATION,
        task="classification",
        read=_classifier,
        separate=separate_answers,
        cases=_CASES,
        ulp=8,
        refused=_REFUSED,
    ),
    Predicting(
        name="sklearn.neighbors.KNeighborsRegressor",
        modules=_REGRESSION,
        task="regression",
        read=_regressor,
        separate=separate_answers,
        cases=_CASES,
        ulp=8,
        refused=_REFUSED,
    ),
    Predicting(
        name=RADIUS_CLASSIFIER,
        modules=_CLASSIFICATION,
        task="classification",
        read=_radius_classifier,
        cases=tuple({**case, "outlier_label": "most_frequent"} for case in _RADIUS_CASES),
        ulp=8,
        refused=f"{_REFUSED}; an outlier_label that scikit-learn takes for a position",
    ),
    Predicting(
        name="sklearn.neighbors.RadiusNeighborsRegressor",
        modules=_REGRESSION,
        task="regression",
        read=_radius_regressor,
        cases=_RADIUS_CASES,
        ulp=8,
        refused=_REFUSED,
    ),
    *local_outliers.FAMILY,
    *trees.FAMILY,
)
