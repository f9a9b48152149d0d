"""The family of classes that are centroids, of which the nearest is chosen."""

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_floats,
    read_word,
)
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.gaussian import read_shares
from iris_deploy.kernels import exact
from iris_deploy.kernels.centroids import ManhattanKernel
from iris_deploy.kernels.linear import LinearKernel
from iris_deploy.kernels.links import Link
from iris_deploy.kernels.steps import Arithmetic
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output


def _nearest_centroid(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    """Choose the nearest centroid; where shares are uneven, the largest discriminant.

    There are shares and probabilities since scikit-learn 1.6.
    """
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    features.check_numbers(record.name)
    features.check_filled(record.name)
    metric = read_word(record, "metric", "euclidean")
    if metric not in {"euclidean", "manhattan"}:
        raise ArtifactError(
            f"{record.name} has metric={metric!r:.40}; expected 'euclidean' or 'manhattan'"
        )
    centroids = fitted_floats(record, "centroids_", (n_classes, features.width))
    if "class_prior_" not in record.state:
        if metric == "manhattan":
            return _manhattan(features, centroids)
        return choose_nearest(record, features, centroids)
    shares = read_shares(record, "class_prior_", n_classes)
    logarithms = np.array([2.0 * exact.log(share) for share in shares.tolist()])
    are_even = bool(np.isclose(shares, 1 / n_classes).all())
    spread = _spread(record, features.width)
    with np.errstate(over="ignore"):
        scaled = centroids / spread
    if metric == "manhattan":
        if are_even:
            return _manhattan(features, centroids)
        return _manhattan(features.then(Arithmetic("/", spread)), scaled, logarithms)
    weights, added = _nearness(scaled)
    with np.errstate(over="ignore"):
        discriminants = 2.0 * (weights / spread), 2.0 * added + logarithms
    if not are_even:
        return _euclidean(record, features, discriminants, "softmax")
    nearness = _nearness(centroids)
    both = np.vstack([nearness[0], discriminants[0]]), np.append(nearness[1], discriminants[1])
    return _euclidean(record, features, both, "second_half")


def _spread(record: Fitted, n_features: int) -> Floats:
    """Return the deviations that features are divided by; 1 for those that do not vary."""
    spread = fitted_floats(record, "within_class_std_dev_", (n_features,))
    if (spread < 0).any():
        raise ArtifactError(f"{record.name} has a within_class_std_dev_ below zero")
    spread[spread == 0.0] = 1.0
    return spread


def _nearness(centroids: Floats) -> tuple[Floats, Floats]:
    """Return the weights of features and what is added to their sums: the larger, the nearer.

    It is half of the negative square of the distance. The square of the row itself is left out, as
    scikit-learn leaves it out: it is the same for all classes, and would cost digits far away.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.add.accumulate(centroids * centroids, axis=1)[:, -1]
    return centroids, -0.5 * squares


def choose_nearest(record: Fitted, features: Features, centroids: Floats) -> Model:
    """Return the model that chooses the nearest of some points, shape (n_points, n_features).

    Raises
    ------
    ArtifactError
        If one is so far away that its square is no number.
    """
    return _euclidean(record, features, _nearness(centroids))


def _euclidean(
    record: Fitted, features: Features, scores: tuple[Floats, Floats], link: Link | None = None
) -> Model:
    weights, added = scores
    if not np.isfinite(weights).all() or not np.isfinite(added).all():
        raise ArtifactError(f"{record.name} has centroids_ that are too far away, or no spread")
    kernel = LinearKernel(
        features.transform,
        np.ascontiguousarray(weights),
        added,
        "first_half" if link == "second_half" else "largest",
    )
    return Model(kernel=kernel, link=link)


def _manhattan(features: Features, centroids: Floats, added: Floats | None = None) -> Model:
    columns = np.ascontiguousarray(centroids.T)
    return Model(kernel=ManhattanKernel(features.transform, columns, added))


FAMILY = (
    Predicting(
        name="sklearn.neighbors.NearestCentroid",
        modules=("sklearn.neighbors._nearest_centroid", "sklearn.neighbors.nearest_centroid"),
        task="classification",
        read=_nearest_centroid,
        ulp=1024,
        refused="metrics other than 'euclidean' and 'manhattan', as there were before 1.5",
        cases=({}, {"priors": "empirical"}),
    ),
)
