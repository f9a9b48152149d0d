"""The family of clusters: a row belongs to the nearest centre, or to the likeliest cloud."""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import count_classes, fitted_floats, read_word
from iris_deploy.estimators.centroids import choose_nearest
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.gaussian import read_shares
from iris_deploy.kernels.elementary import ColumnMath, digamma, log
from iris_deploy.kernels.projection import Projection
from iris_deploy.kernels.quadratic import Cloud, QuadraticKernel
from iris_deploy.kernels.sums import sum_in_order, weigh_many
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output

_PRECISIONS = "precisions_cholesky_"

_MOST_PRODUCTS = 1 << 28
"""Of centres and axes that all clusters have: more take longer than their file is large."""


def _clusters(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    shape = _shape(record, features, output, "cluster_centers_")
    return choose_nearest(record, features, fitted_floats(record, "cluster_centers_", shape))


def _shape(record: Fitted, features: Features, output: Output, attribute: str) -> tuple[int, int]:
    """Return how many clusters and features there are, after the columns and centres were checked.

    Raises
    ------
    ArtifactError
        If features are no numbers, or centres have 32 bits.
    """
    features.check_numbers(record.name)
    features.check_filled(record.name)
    centers = record.state.get(attribute)
    if isinstance(centers, np.ndarray) and centers.dtype == np.float32:
        raise ArtifactError(
            f"{record.name} was fitted to floats of 32 bits",
            hint="fit it to floats of 64 bits, or let scikit-learn predict",
        )
    return count_classes(output), features.width


def _mixture(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    shape = _shape(record, features, output, "means_")
    shares = log(read_shares(record, "weights_", shape[0]), ColumnMath)
    return _clouds(record, features, shape, shares)


def _bayesian_mixture(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    """Read clouds whose shares and precisions are known by distributions alone."""
    n_clusters, n_features = shape = _shape(record, features, output, "means_")
    degrees = fitted_floats(record, "degrees_of_freedom_", (n_clusters,), ())  # one, if tied
    sureness = fitted_floats(record, "mean_precision_", (n_clusters,))
    halves = 0.5 * (degrees.reshape(-1) - np.arange(n_features)[:, np.newaxis])
    if not (halves > 0.0).all() or not (sureness > 0.0).all():
        raise ArtifactError(f"{record.name} has too few degrees_of_freedom_, or no mean_precision_")
    two = log(np.array([2.0]), ColumnMath)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        spread = n_features * two + np.add.accumulate(digamma(halves))[-1] - n_features / sureness
        shares = _expected_shares(record, n_clusters) + 0.5 * spread
        shares -= 0.5 * n_features * log(degrees, ColumnMath)
    return _clouds(record, features, shape, shares)


def _expected_shares(record: Fitted, n_clusters: int) -> Any:
    """Return the expected logarithms of the clusters' shares, shape (n_clusters,)."""
    held = record.state.get("weight_concentration_")
    kind = read_word(record, "weight_concentration_prior_type", "dirichlet_process")
    is_process = kind == "dirichlet_process"
    parts: Any = held if is_process else (held,)
    if is_process and not (isinstance(held, tuple) and len(held) == 2):
        parts = ()
    own = Fitted(record.name, {f"concentration {k}": part for k, part in enumerate(parts)})
    found = [fitted_floats(own, name, (n_clusters,)) for name in own.state]
    if not found or not all((each > 0.0).all() for each in found):
        raise ArtifactError(f"{record.name} has weight_concentration_ that is not above zero")
    if not is_process:
        return digamma(found[0]) - digamma(np.array([sum_in_order(found[0])]))
    first, second = found
    total = digamma(first + second)
    before = np.add.accumulate(digamma(second) - total)
    return digamma(first) - total + np.concatenate((np.zeros(1), before[:-1]))


def _clouds(record: Fitted, features: Features, shape: tuple[int, int], shares: Floats) -> Model:
    """Return the model of clouds, of which the likeliest is chosen.

    Parameters
    ----------
    shape : tuple of int
        Clusters, and features.
    shares : ndarray of shape (n_clusters,)
        What is added to the logarithms of their densities.
    """
    if not np.isfinite(shares).all():
        raise ArtifactError(f"{record.name} has clusters without a share")
    centres, (kind, factors) = fitted_floats(record, "means_", shape), _factors(record, *shape)
    diagonals = factors.reshape(len(factors), -1)
    if kind in {"full", "tied"}:
        diagonals = np.diagonal(factors, axis1=-2, axis2=-1)
    diagonals = np.broadcast_to(diagonals, shape)
    if kind == "tied":  # along the same axes, all clouds are alike
        features = features.mixed(Projection(factors))
        centres = np.ascontiguousarray(weigh_many(factors, centres.T).T)
        factors = np.ones(shape)
    elif kind != "full":
        with np.errstate(divide="ignore", over="ignore"):
            factors = 1.0 / (diagonals * diagonals)
    if not (diagonals > 0.0).all() or not np.isfinite(factors).all():
        raise ArtifactError(f"{record.name} has {_PRECISIONS} that is not above zero")
    logarithms = np.add.accumulate(log(diagonals, ColumnMath), axis=1)[:, -1]
    start = -0.5 * shape[1] * float(log(np.array([2.0 * np.pi]), ColumnMath)[0])
    clouds = [
        Cloud(centre, spread, start, float(constant))
        for centre, spread, constant in zip(centres, factors, logarithms + shares, strict=True)
    ]
    return Model(kernel=QuadraticKernel(features.transform, clouds), link="softmax")


def _factors(record: Fitted, n_clusters: int, n_features: int) -> tuple[str, Floats]:
    """Return the kind of the clouds, and the Cholesky factors of their precisions."""
    kind, square = read_word(record, "covariance_type", "full"), (n_features, n_features)
    shapes = {
        "full": (n_clusters, *square),
        "tied": square,
        "diag": (n_clusters, n_features),
        "spherical": (n_clusters,),
    }
    if kind not in shapes:
        raise ArtifactError(
            f"{record.name} has covariance_type={kind!r:.40}; expected one of {', '.join(shapes)}"
        )
    if kind == "tied" and n_clusters * n_features * n_features > _MOST_PRODUCTS:
        raise ArtifactError(f"{record.name} ties {n_clusters} clusters of {n_features} features")
    return kind, fitted_floats(record, _PRECISIONS, shapes[kind])


_MIXTURES = (
    ("GaussianMixture", "gaussian_mixture", _mixture, "centres of 32 bits"),
    ("BayesianGaussianMixture", "bayesian_mixture", _bayesian_mixture, ""),
)

FAMILY = (
    *(
        Predicting(
            name=f"sklearn.cluster.{name}",
            modules=("sklearn.cluster._kmeans", "sklearn.cluster.k_means_"),
            task="classification",
            read=_clusters,
            refused="centres of 32 bits",
            cases=(),
        )
        for name in ("KMeans", "MiniBatchKMeans")
    ),
    *(
        Predicting(
            name=f"sklearn.mixture.{name}",
            modules=(f"sklearn.mixture._{module}", f"sklearn.mixture.{module}"),
            task="classification",
            read=read,
            ulp=2**10,
            refused=refused,
            cases=(),
        )
        for name, module, read, refused in _MIXTURES
    ),
)
