"""The family of trees of samples; and the samples that rows are compared with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_array, fitted_floats, read_word
from iris_deploy.estimators.family import Part
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.distances import Metric
from iris_deploy.kernels.neighbor_order import SampleTree
from iris_deploy.schema.batch import Floats

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

REFUSED_METRICS = (
    "metrics other than cosine and minkowski with p of 1, 2 or infinity, and what was fitted to a "
    "sparse matrix"
)

_TREES = {"sklearn.neighbors.KDTree": 2, "sklearn.neighbors.BallTree": 1}
"""Trees of samples, and how many bounds their nodes have."""


def read_samples(record: Fitted, features: Features) -> Floats:
    """Return the samples of training, shape (n_features, n_samples).

    Raises
    ------
    ArtifactError
        If they are no table of so many numbers, or features are no numbers.
    """
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


def read_count(record: Fitted, attribute: str, samples: Floats) -> int:
    """Return how many neighbours are asked for.

    Raises
    ------
    ArtifactError
        If there are not so many samples.
    """
    k, n_samples = record.state.get(attribute), samples.shape[1]
    if type(k) is not int or not 1 <= k <= n_samples:
        raise ArtifactError(f"{record.name} asks for {k!s:.20} neighbours, of {n_samples} samples")
    return k


def read_metric(record: Fitted) -> Metric:
    """Return how distances are measured.

    Raises
    ------
    ArtifactError
        If they are measured otherwise than is supported.
    """
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


_DISTANCES = ("metrics._dist_metrics", "neighbors._dist_metrics", "neighbors.dist_metrics")

FAMILY = (
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
