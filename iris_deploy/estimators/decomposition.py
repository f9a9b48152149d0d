"""The family of those that project features on fewer axes."""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_array, fitted_floats, read_flag, read_word
from iris_deploy.estimators.family import Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.projection import Projection
from iris_deploy.kernels.steps import Arithmetic
from iris_deploy.schema.batch import Floats


def _principal(record: Fitted, features: Features, _: Reading) -> Features:
    """Project on principal components, and divide by the deviations along them if whitened."""
    components = _axes(record, features, "components_", turned=True)
    features = features.then(Arithmetic("-", fitted_floats(record, "mean_", (features.width,))))
    features = features.mixed(Projection(components))
    if not read_flag(record, "whiten", default=False):
        return features
    variances = fitted_floats(record, "explained_variance_", (features.width,))
    deviations = np.sqrt(np.maximum(variances, 0.0))
    least = float(np.finfo(np.float64).eps)
    return features.then(Arithmetic("/", np.maximum(deviations, least)))


def _singular(record: Fitted, features: Features, _: Reading) -> Features:
    """Project on singular vectors: nothing is centred."""
    return features.mixed(Projection(_axes(record, features, "components_", turned=True)))


def discriminating(record: Fitted, features: Features, _: Reading) -> Features:
    """Project on the axes that tell classes apart: linear discriminant analysis as a transformer.

    Raises
    ------
    ArtifactError
        If its solver finds none.
    """
    solver = read_word(record, "solver", "svd")
    if solver not in {"svd", "eigen"}:
        raise ArtifactError(f"{record.name} with the solver {solver!r:.40} transforms nothing")
    axes = _axes(record, features, "scalings_", turned=False)
    most: Any = record.state.get("_max_components")
    if type(most) is not int or most < 1:
        raise ArtifactError(f"{record.name} has no _max_components; expected a fitted estimator")
    if solver == "svd":
        features = features.then(Arithmetic("-", fitted_floats(record, "xbar_", (features.width,))))
    return features.mixed(Projection(np.ascontiguousarray(axes[:, :most])))


def _axes(record: Fitted, features: Features, attribute: str, *, turned: bool) -> Floats:
    """Return the axes, one a column; in the dump one a line, if they are turned there."""
    features.check_numbers(record.name)
    features.check_filled(record.name)
    found = fitted_array(record, attribute)
    n_axes = found.shape[0 if turned else -1] if found.ndim == 2 else 0
    if not n_axes:
        raise ArtifactError(f"{record.name} has {attribute} of shape {found.shape}; expected axes")
    shape = (n_axes, features.width) if turned else (features.width, n_axes)
    axes = fitted_floats(record, attribute, shape)
    return np.ascontiguousarray(axes.T if turned else axes)


def _transformer(name: str, module: str, read: Any, *cases: dict[str, Any]) -> Transformer:
    return Transformer(
        name=f"sklearn.decomposition.{name}",
        modules=(f"sklearn.decomposition._{module}", f"sklearn.decomposition.{module}"),
        read=read,
        cases=cases,
        ulp=32,
    )


FAMILY = (
    _transformer("PCA", "pca", _principal, {}, {"n_components": 2, "whiten": True}),
    _transformer("IncrementalPCA", "incremental_pca", _principal, {"n_components": 3}),
    _transformer(
        "TruncatedSVD", "truncated_svd", _singular, {"n_components": 3, "random_state": 0}
    ),
)
