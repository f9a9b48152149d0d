"""The family of nearest neighbours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_array,
    fitted_floats,
    fitted_positions,
    read_word,
)
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.separating import separate_answers
from iris_deploy.kernels.distances import Metric, prepare
from iris_deploy.kernels.neighbor_order import SampleTree
from iris_deploy.kernels.neighbors import NeighborKernel
from iris_deploy.kernels.scores import Rule
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output

_METRICS: dict[str, Metric] = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "manhattan": "manhattan",
    "l1": "manhattan",
    "cityblock": "manhattan",
    "chebyshev": "chebyshev",
    "infinity": "chebyshev",
    "cosine": "cosine",
}

_TREES = {"sklearn.neighbors.KDTree": 2, "sklearn.neighbors.BallTree": 1}
"""Trees of samples, and how many bounds their nodes have."""


def _classifier(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    samples = _samples(record, features)
    found = fitted_positions(record, record.state.get("_y"), "_y", n_classes)
    answers = np.array(found, np.int64)
    kernel = _kernel(record, features, samples, answers, n_classes, "largest")
    return Model(kernel=kernel, link="weights")


def _regressor(record: Fitted, features: Features, _output: Output, _: Reading) -> Model:
    samples = _samples(record, features)
    shape = (samples.shape[1],)
    answers = fitted_floats(record, "_y", shape, (*shape, 1)).ravel()
    return Model(kernel=_kernel(record, features, samples, answers, 1, "none"))


def _samples(record: Fitted, features: Features) -> Floats:
    """Return the samples of training, one a column."""
    features.check_numbers(record.name)
    features.check_filled(record.name)
    if isinstance(record.state.get("_fit_X"), Fitted):
        raise ArtifactError(
            f"{record.name} was fitted to a sparse matrix",
            hint="fit it to an array, for instance with sparse_output=False before it",
        )
    found = fitted_array(record, "_fit_X")
    shape = (found.shape[0] if found.ndim else 0, features.width)
    return np.ascontiguousarray(fitted_floats(record, "_fit_X", shape).T)


def _kernel(
    record: Fitted,
    features: Features,
    samples: Floats,
    answers: NDArray[Any],
    n_scores: int,
    rule: Rule,
) -> NeighborKernel:
    k, n_samples = record.state.get("n_neighbors"), samples.shape[1]
    if type(k) is not int or not 1 <= k <= n_samples or len(answers) != n_samples:
        raise ArtifactError(
            f"{record.name} asks for {k!s:.20} neighbours, of {n_samples} samples with "
            f"{len(answers)} answers"
        )
    weights = read_word(record, "weights", "uniform")
    if weights not in {"uniform", "distance"}:
        raise ArtifactError(
            f"{record.name} has weights {weights!r:.40}; expected 'uniform' or 'distance'"
        )
    metric = _metric(record)
    return NeighborKernel(
        features.transform,
        prepare(samples, metric),
        answers,
        n_scores,
        k,
        metric,
        weights == "distance",
        read_sample_tree(record, samples),
        rule,
    )


def _metric(record: Fitted) -> Metric:
    name = read_word(record, "effective_metric_", "")
    more = record.state.get("effective_metric_params_")
    metric = _METRICS.get(name)
    if metric is None or (isinstance(more, dict) and more.get("w") is not None):
        raise ArtifactError(
            f"{record.name} has the metric {name!r:.40}, or weighs features; expected euclidean, "
            "manhattan, chebyshev or cosine (minkowski with p of 1, 2 or infinity)"
        )
    return metric


def read_sample_tree(record: Fitted, samples: Floats) -> SampleTree | None:
    """Return the tree of the samples, if there is one.

    Parameters
    ----------
    record : Fitted
        With a ``_tree``, or None.
    samples : ndarray of shape (n_features, n_samples)

    Raises
    ------
    ArtifactError
        If its nodes do not hold every sample once, each node what its children hold.
    """
    tree = record.state.get("_tree")
    if tree is None:
        return None
    n_bounds = _count_bounds(tree) if isinstance(tree, Fitted) else 0
    layout: Any = tree.unnamed if isinstance(tree, Fitted) else ()
    if not n_bounds or len(layout) < 4 or not all(isinstance(a, np.ndarray) for a in layout[1:4]):
        raise ArtifactError(f"{record.name} has a tree that is none")
    order, nodes, bounds = layout[1:4]
    n_features, n_samples = samples.shape
    if order.dtype.kind not in "iu" or order.shape != (n_samples,):
        raise ArtifactError(f"{record.name} has a tree of other samples")
    if nodes.ndim != 1 or not _holds(nodes, order):
        raise ArtifactError(f"{record.name} has a tree that does not hold every sample once")
    shape = (n_bounds, len(nodes), n_features)
    if bounds.dtype != np.float64 or bounds.shape != shape:
        raise ArtifactError(f"{record.name} has a tree with bounds of shape {bounds.shape}")
    return SampleTree(
        order.astype(np.int64),
        nodes["idx_start"].tolist(),
        nodes["idx_end"].tolist(),
        np.ascontiguousarray(bounds[0].T),
        np.ascontiguousarray(bounds[-1].T),
        nodes["radius"].astype(np.float64) if n_bounds == 1 else None,
    )


def is_sample_tree(record: Fitted) -> bool:
    """Tell whether a record is a tree of samples."""
    return _count_bounds(record) > 0


def _count_bounds(tree: Fitted) -> int:
    """Return how many bounds the nodes of a tree of samples have; 0 of anything else."""
    # A pickle has a function make it of its class; skops says the class itself.
    made_of = tree.arguments[0] if tree.arguments else tree
    return _TREES.get(made_of.name, 0) if isinstance(made_of, (ClassName, Fitted)) else 0


def _holds(nodes: NDArray[Any], order: NDArray[Any]) -> bool:
    """Tell whether every sample is in one leaf, and each node has what its children have."""
    if not {"idx_start", "idx_end", "radius"} <= {*(nodes.dtype.names or ())} or not len(nodes) % 2:
        return False
    start, end = nodes["idx_start"], nodes["idx_end"]
    if start.dtype.kind != "i" or end.dtype.kind != "i" or nodes["radius"].dtype.kind != "f":
        return False
    parents = np.arange(len(nodes) // 2)
    first, second = 2 * parents + 1, 2 * parents + 2
    return bool(
        (start[0], end[0]) == (0, len(order))
        and (start <= end).all()
        and (start[first] == start[parents]).all()
        and (end[first] == start[second]).all()
        and (end[second] == end[parents]).all()
        and (np.sort(order) == np.arange(len(order))).all()
    )


def _part(name: str, *modules: str) -> Part:
    return Part(name=name, modules=tuple(f"sklearn.{module}" for module in modules))


_CLASSIFICATION = ("sklearn.neighbors._classification", "sklearn.neighbors.classification")
_REGRESSION = ("sklearn.neighbors._regression", "sklearn.neighbors.regression")
_DISTANCES = ("metrics._dist_metrics", "neighbors._dist_metrics", "neighbors.dist_metrics")
_CASES: tuple[dict[str, Any], ...] = (
    {},
    {"weights": "distance", "n_neighbors": 11, "algorithm": "ball_tree"},
    {"p": 1, "n_neighbors": 3},
    {"metric": "chebyshev", "weights": "distance"},
    {"algorithm": "brute", "p": 1, "n_neighbors": 2, "weights": "distance"},
)

_REFUSED = (
    "metrics other than cosine and minkowski with p of 1, 2 or infinity, weights of one's own, and "
    "what was fitted to a sparse matrix"
)

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
    _part("sklearn.neighbors.KDTree", "neighbors._kd_tree", "neighbors.kd_tree"),
    _part("sklearn.neighbors.BallTree", "neighbors._ball_tree", "neighbors.ball_tree"),
    _part("sklearn.neighbors._kd_tree.newObj", "neighbors._kd_tree", "neighbors.kd_tree"),
    _part("sklearn.neighbors._ball_tree.newObj", "neighbors._ball_tree", "neighbors.ball_tree"),
    _part("sklearn.metrics._dist_metrics.newObj", *_DISTANCES),
    *(
        _part(f"sklearn.metrics.{name}Distance{bits}", *_DISTANCES)
        for name in ("Euclidean", "Manhattan", "Chebyshev", "Minkowski")
        for bits in ("", "64")
    ),
)
