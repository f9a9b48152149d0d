"""The family of naive Bayes whose scores are sums: of counts, of what is there, of categories."""

from collections.abc import Callable

import numpy as np

from iris_deploy.dumps.records import Fitted, read_each_once
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_array,
    fitted_floats,
    read_list,
    read_number,
)
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.kernels import exact
from iris_deploy.kernels.categories import CategoricalKernel, Figures
from iris_deploy.kernels.linear import LinearKernel
from iris_deploy.kernels.steps import Above
from iris_deploy.kernels.sums import sum_in_order
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output

MAX_LOGARITHMS = 50_000
"""That are computed when a BernoulliNB is read, rounded correctly: two seconds."""

_Weights = Callable[[Fitted, Features, Floats], tuple[Features, Floats, Floats]]
"""From the logarithms of the features' shares to features, their weights, and what is added."""


def _reader(weights_of: _Weights) -> Callable[..., Model]:
    """Make the reader of a classifier from what tells how its logarithms become weights."""

    def read(classifier: Fitted, features: Features, output: Output, _: Reading) -> Model:
        n_classes = count_classes(output)
        check_classes(classifier, n_classes)
        found = fitted_array(classifier, "feature_log_prob_")
        width = found.shape[-1] if found.ndim else 0
        features.check_width(width, classifier.name)
        features.check_numbers(classifier.name)
        features.check_filled(classifier.name)
        logarithms = fitted_floats(classifier, "feature_log_prob_", (n_classes, width))
        features, coef, intercept = weights_of(classifier, features, logarithms)
        kernel = LinearKernel(features.transform, np.ascontiguousarray(coef), intercept, "largest")
        return Model(kernel=kernel, link="softmax")

    return read


def _priors(classifier: Fitted, n_classes: int) -> Floats:
    return fitted_floats(classifier, "class_log_prior_", (n_classes,))


def _multinomial(
    classifier: Fitted, features: Features, logarithms: Floats
) -> tuple[Features, Floats, Floats]:
    return features, logarithms, _priors(classifier, len(logarithms))


def _complement(
    _: Fitted, features: Features, logarithms: Floats
) -> tuple[Features, Floats, Floats]:
    """Its classes are weighed by what is not in them; their shares do not count."""
    return features, logarithms, np.zeros(len(logarithms))


def _bernoulli(
    classifier: Fitted, features: Features, logarithms: Floats
) -> tuple[Features, Floats, Floats]:
    """Weigh what is there against what is not, above a threshold."""
    if logarithms.size > MAX_LOGARITHMS:
        raise ArtifactError(
            f"{classifier.name} has {logarithms.size:,} shares; expected {MAX_LOGARITHMS:,} at most"
        )
    if (logarithms > 0).any():
        raise ArtifactError(f"{classifier.name} has shares above 1")
    absent = np.array(
        [[exact.log1p(-exact.exp(x)) if x < 0 else -np.inf for x in line] for line in logarithms]
    )
    if not np.isfinite(absent).all():
        raise ArtifactError(f"{classifier.name} has a feature that is always there")
    if classifier.state.get("binarize", 0.0) is not None:
        features = features.then(Above(read_number(classifier, "binarize", 0.0)))
    sums = np.array([sum_in_order(line) for line in absent])
    return features, logarithms - absent, _priors(classifier, len(logarithms)) + sums


def _categorical(classifier: Fitted, features: Features, output: Output, _: Reading) -> Model:
    """Add up what each feature's category says of each class."""
    n_classes = count_classes(output)
    check_classes(classifier, n_classes)
    features.check_numbers(classifier.name)
    features.check_filled(classifier.name)
    name = "feature_log_prob_"

    def read(own: object) -> Figures:
        n_categories = own.shape[-1] if isinstance(own, np.ndarray) and own.ndim else 0
        shape = (n_classes, n_categories)
        return Figures(fitted_floats(Fitted(classifier.name, {name: own}), name, shape))

    figures = read_each_once(read_list(classifier, name, features.width), read)
    kernel = CategoricalKernel(features.transform, figures, _priors(classifier, n_classes))
    return Model(kernel=kernel, link="softmax")


_MODULES = ("sklearn.naive_bayes",)

FAMILY = (
    Predicting(
        name="sklearn.naive_bayes.MultinomialNB",
        modules=_MODULES,
        task="classification",
        read=_reader(_multinomial),
        ulp=64,
        cases=({}, {"alpha": 0.1, "fit_prior": False}),
    ),
    Predicting(
        name="sklearn.naive_bayes.ComplementNB",
        modules=_MODULES,
        task="classification",
        read=_reader(_complement),
        since="0.20",
        ulp=64,
        cases=({}, {"norm": True}),
    ),
    Predicting(
        name="sklearn.naive_bayes.BernoulliNB",
        modules=_MODULES,
        task="classification",
        read=_reader(_bernoulli),
        ulp=64,
        cases=({"binarize": 0.5}, {"binarize": None}),
    ),
    Predicting(
        name="sklearn.naive_bayes.CategoricalNB",
        modules=_MODULES,
        task="classification",
        read=_categorical,
        since="0.22",
        ulp=64,
        same_scores=True,
        cases=({}, {"alpha": 0.1, "min_categories": 7}),
    ),
)
