"""The family of classes that are clouds: Gaussian naive Bayes, quadratic discriminant analysis."""

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_floats,
    read_list,
)
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.elementary import ColumnMath, log
from iris_deploy.kernels.quadratic import Cloud, QuadraticKernel
from iris_deploy.kernels.sums import sum_in_order
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output


def _naive_bayes(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    """Read variances of each feature and class; they were ``sigma_`` before scikit-learn 1.0."""
    n_classes = _count(record, features, output)
    shape = (n_classes, features.width)
    name = "var_" if "var_" in record.state else "sigma_"
    centres, variances = fitted_floats(record, "theta_", shape), fitted_floats(record, name, shape)
    if not (variances > 0).all():
        raise ArtifactError(f"{record.name} has a variance that is not above zero")
    priors = log(read_shares(record, "class_prior_", n_classes), ColumnMath)
    normal = log(2.0 * np.pi * variances, ColumnMath)
    clouds = [
        Cloud(centre, variance, -0.5 * sum_in_order(logarithms), float(prior))
        for centre, variance, logarithms, prior in zip(
            centres, variances, normal, priors, strict=True
        )
    ]
    return Model(kernel=QuadraticKernel(features.transform, clouds), link="softmax")


def _discriminant_analysis(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    """Read the axes of each class and the variances along them."""
    n_classes = _count(record, features, output)
    centres = fitted_floats(record, "means_", (n_classes, features.width))
    priors = log(read_shares(record, "priors_", n_classes), ColumnMath)
    rotations, scalings = (
        read_list(record, name, n_classes) for name in ("rotations_", "scalings_")
    )
    clouds = []
    for k, (rotation, scaling) in enumerate(zip(rotations, scalings, strict=True)):
        own = Fitted(record.name, {"scalings_": scaling, "rotations_": rotation})
        n_axes = scaling.size if isinstance(scaling, np.ndarray) else 0
        variances = fitted_floats(own, "scalings_", (n_axes,))
        if not n_axes or not (variances > 0).all():
            raise ArtifactError(f"{record.name} has a variance that is not above zero")
        weights = fitted_floats(own, "rotations_", (features.width, n_axes)) / np.sqrt(variances)
        if not np.isfinite(weights).all():
            raise ArtifactError(f"{record.name} has a variance that is next to nothing")
        start = -0.5 * sum_in_order(log(variances, ColumnMath))
        clouds.append(Cloud(centres[k], np.ascontiguousarray(weights), float(priors[k]), start))
    return Model(kernel=QuadraticKernel(features.transform, clouds), link="softmax")


def _count(record: Fitted, features: Features, output: Output) -> int:
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    features.check_numbers(record.name)
    features.check_filled(record.name)
    return n_classes


def read_shares(record: Fitted, attribute: str, n_classes: int) -> Floats:
    """Return the classes' shares in training.

    Raises
    ------
    ArtifactError
        If one is not above zero, too.
    """
    shares = fitted_floats(record, attribute, (n_classes,))
    if not (shares > 0).all():
        raise ArtifactError(f"{record.name} has a class without a share in {attribute}")
    return shares


FAMILY = (
    Predicting(
        name="sklearn.naive_bayes.GaussianNB",
        modules=("sklearn.naive_bayes",),
        task="classification",
        read=_naive_bayes,
        ulp=256,
        cases=({}, {"var_smoothing": 0.01}),
    ),
    Predicting(
        name="sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis",
        modules=("sklearn.discriminant_analysis",),
        task="classification",
        read=_discriminant_analysis,
        ulp=256,
        cases=({}, {"reg_param": 0.1}),
    ),
)
