"""The family of linear classifiers: weighted sums, and what makes probabilities of them.

Across scikit-learn's releases the attributes have kept their meaning; what has changed is when
scores become probabilities, and how.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_array,
    fitted_floats,
    read_version,
    read_word,
)
from iris_deploy.estimators.decomposition import discriminating
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.linear import LinearKernel
from iris_deploy.kernels.links import Link
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output

_LinkOf = Callable[[Fitted, int], Link | None]


def _reader(link_of: _LinkOf) -> Callable[..., Model]:
    """Make the reader of a classifier from what tells how its scores become probabilities."""

    def read(classifier: Fitted, features: Features, output: Output, _: Reading) -> Model:
        n_classes = count_classes(output)
        n_scores = 1 if n_classes == 2 else n_classes
        coef = read_weights(classifier, features, n_scores, f"{n_classes} classes")
        check_classes(classifier, n_classes)
        kernel = LinearKernel(
            features.transform,
            coef,
            read_intercept(classifier, n_scores),
            "above" if n_scores == 1 else "largest",
        )
        return Model(kernel=kernel, link=link_of(classifier, n_scores))

    return read


def read_weights(estimator: Fitted, features: Features, n_scores: int, what: str) -> Floats:
    """Return the weights of features, one line for each score.

    Parameters
    ----------
    estimator : Fitted
    features : Features
    n_scores : int
    what : str
        What the lines are for.

    Raises
    ------
    ArtifactError
        If there are more or fewer, or features that it cannot weigh.
    """
    weights = fitted_array(estimator, "coef_")
    n_lines, width = np.atleast_2d(weights).shape[:2]
    if n_lines != n_scores or n_scores < 1:
        raise ArtifactError(
            f"{estimator.name} has coef_ of shape {weights.shape}; "
            f"expected {n_scores} lines for {what}"
        )
    if not width:
        raise ArtifactError(f"{estimator.name} was fitted to no features")
    features.check_width(width, estimator.name)
    features.check_numbers(estimator.name)
    features.check_filled(estimator.name)
    coef = np.atleast_2d(fitted_floats(estimator, "coef_", weights.shape))
    return np.ascontiguousarray(coef)


def read_intercept(estimator: Fitted, n_scores: int) -> Floats:
    """Return what is added to each score; without an intercept some have a plain 0.0."""
    intercept = fitted_floats(estimator, "intercept_", (n_scores,), ())
    return np.broadcast_to(intercept, (n_scores,)).copy()


def _without_probabilities(_classifier: Fitted, _n_scores: int) -> Link | None:
    """Perceptron, RidgeClassifier and LinearSVC have decision values only."""
    return None


def _logistic_regression(classifier: Fitted, n_scores: int) -> Link | None:
    """Softmax, but one against the rest for two classes and where ``multi_class`` asked for it.

    scikit-learn before 1.8 had ``multi_class``: 'ovr' was the default until 0.21 ('warn' in 0.20
    and 0.21), 'auto' (later 'deprecated') from 0.22 on, which means 'ovr' for liblinear, and up to
    1.5 for newton-cholesky.
    """
    choice = read_word(classifier, "multi_class", "auto")
    if choice in {"auto", "deprecated"}:
        if n_scores == 1:
            return "logistic"
        solver = read_word(classifier, "solver", "")
        rest = solver == "liblinear" or (
            solver == "newton-cholesky" and read_version(classifier) < (1, 6)
        )
        choice = "ovr" if rest else "multinomial"
    if choice == "multinomial" and not (n_scores == 1 and read_version(classifier) < (0, 20)):
        return "softmax"
    return "logistic"


def _sgd_classifier(classifier: Fitted, _n_scores: int) -> Link | None:
    """Two of the losses give probabilities; 'log' is 'log_loss' before scikit-learn 1.1."""
    losses: dict[str, Link] = {
        "log": "logistic",
        "log_loss": "logistic",
        "modified_huber": "modified_huber",
    }
    return losses.get(read_word(classifier, "loss", ""))


def _discriminant_analysis(classifier: Fitted, n_scores: int) -> Link | None:
    """Softmax, but one against the rest for two classes and before scikit-learn 0.21."""
    return "logistic" if n_scores == 1 or read_version(classifier) < (0, 21) else "softmax"


def _classifier(
    name: str,
    *modules: str,
    link_of: _LinkOf,
    cases: Sequence[dict[str, Any]],
    transform: Callable[[Fitted, Features, Reading], Features] | None = None,
    ulp: int = 16,
) -> Predicting:
    return Predicting(
        name=f"sklearn.{name}",
        modules=tuple(f"sklearn.{module}" for module in modules),
        task="classification",
        read=_reader(link_of),
        cases=tuple(cases),
        transform=transform,
        ulp=ulp,
    )


_SEED: dict[str, Any] = {"random_state": 0}

FAMILY = (
    _classifier(
        "linear_model.Perceptron",
        *("linear_model._perceptron", "linear_model.perceptron"),
        link_of=_without_probabilities,
        cases=[{"max_iter": 40, "tol": None, "eta0": 0.1} | _SEED],
    ),
    _classifier(
        "linear_model.LogisticRegression",
        *("linear_model._logistic", "linear_model.logistic"),
        link_of=_logistic_regression,
        cases=[{}],
    ),
    _classifier(
        "linear_model.SGDClassifier",
        *("linear_model._stochastic_gradient", "linear_model.stochastic_gradient"),
        link_of=_sgd_classifier,
        cases=[
            _SEED,
            {"loss": "log_loss"} | _SEED,
            {"loss": "modified_huber"} | _SEED,
            {"loss": "squared_hinge"} | _SEED,
            {"loss": "log_loss", "average": True} | _SEED,
        ],
        ulp=2048,  # of probabilities that modified_huber makes of next to nothing
    ),
    _classifier(
        "linear_model.RidgeClassifier",
        *("linear_model._ridge", "linear_model.ridge"),
        link_of=_without_probabilities,
        cases=[{}],
    ),
    _classifier(
        "linear_model.RidgeClassifierCV",
        *("linear_model._ridge", "linear_model.ridge"),
        link_of=_without_probabilities,
        cases=[{}],
    ),
    _classifier(
        "linear_model.LogisticRegressionCV",
        *("linear_model._logistic", "linear_model.logistic"),
        link_of=_logistic_regression,
        cases=[],
    ),
    _classifier(
        "linear_model.PassiveAggressiveClassifier",
        *("linear_model._passive_aggressive", "linear_model.passive_aggressive"),
        link_of=_without_probabilities,
        cases=[_SEED],
    ),
    _classifier(
        "svm.LinearSVC",
        *("svm._classes", "svm.classes"),
        link_of=_without_probabilities,
        cases=[_SEED, {"fit_intercept": False} | _SEED],
    ),
    _classifier(
        "discriminant_analysis.LinearDiscriminantAnalysis",
        "discriminant_analysis",
        link_of=_discriminant_analysis,
        cases=[
            {},
            {"solver": "lsqr", "shrinkage": "auto"},
            {"solver": "eigen", "shrinkage": 0.1},
        ],
        transform=discriminating,
        ulp=512,
    ),
)
