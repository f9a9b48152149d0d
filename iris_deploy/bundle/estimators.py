"""From fitted attributes to arithmetic: what each supported estimator of scikit-learn computes.

Owns the meaning of the attributes, across scikit-learn's versions. Knows neither files nor labels'
names, and never imports scikit-learn.
"""

from collections.abc import Callable, Sequence

import numpy as np

from iris_deploy.bundle.attributes import (
    fitted_array,
    fitted_floats,
    read_flag,
    read_version,
    read_word,
)
from iris_deploy.bundle.fitted import Fitted
from iris_deploy.bundle.kernel import Kernel, Step
from iris_deploy.bundle.probabilities import Link
from iris_deploy.errors import ArtifactError

MAX_ESTIMATORS = 100
"""Far above any pipeline; one that holds itself has no end."""


def build_kernel(
    estimators: Sequence[Fitted], n_classes: int, n_features: int
) -> tuple[Kernel, Link | None]:
    """Translate fitted scalers and the classifier after them into a kernel.

    Parameters
    ----------
    estimators : sequence of Fitted
        In the order in which they apply; pipelines are opened up.
    n_classes : int
        How many classes the signature has.
    n_features : int
        How many features it has.

    Returns
    -------
    Kernel
        Steps and weights.
    {'logistic', 'softmax', 'modified_huber'} or None
        How decision values become probabilities; None where the classifier has none.

    Raises
    ------
    ArtifactError
        If an estimator is not fitted, is inconsistent, or is of no supported kind.
    """
    flat = _opened(estimators)
    if not flat or flat[-1].name not in _CLASSIFIERS:
        last = flat[-1].name if flat else "nothing"
        message = f"expected a supported classifier as the last estimator, got {last}"
        raise ArtifactError(message)
    *scalers, classifier = flat
    lines = 1 if n_classes == 2 else n_classes
    weights = fitted_array(classifier, "coef_")
    n_lines, width = np.atleast_2d(weights).shape[:2]
    if n_lines != lines or n_classes < 2:
        message = (
            f"{classifier.name} has coef_ of shape {weights.shape}; "
            f"expected {lines} lines for {n_classes} classes"
        )
        raise ArtifactError(message)
    if not width:
        message = f"{classifier.name} was fitted to no features"
        raise ArtifactError(message)
    if width != n_features:
        message = f"the classifier takes {width} features, but the signature has {n_features}"
        raise ArtifactError(message)
    coef = np.atleast_2d(fitted_floats(classifier, "coef_", weights.shape))
    steps: list[Step] = []
    for scaler in scalers:
        if scaler.name not in _SCALERS:
            message = f"expected a supported scaler before the classifier, got {scaler.name}"
            raise ArtifactError(message)
        steps += _SCALERS[scaler.name](scaler, n_features)
    binarizer = classifier.state.get("_label_binarizer")  # RidgeClassifier before 1.8
    labelled = binarizer if isinstance(binarizer, Fitted) else classifier
    classes = labelled.state.get("classes_")
    if not isinstance(classes, np.ndarray) or classes.shape != (n_classes,):
        message = f"{classifier.name} has no classes_ for {n_classes} classes"
        raise ArtifactError(message, hint="fit the classifier before dumping it")
    # Without an intercept some have a plain 0.0.
    intercept = fitted_floats(classifier, "intercept_", (lines,), ())
    intercept = np.broadcast_to(intercept, (lines,)).copy()
    kernel = Kernel(tuple(steps), np.ascontiguousarray(coef), intercept)
    return kernel, _CLASSIFIERS[classifier.name](classifier, lines)


def _opened(estimators: Sequence[Fitted]) -> list[Fitted]:
    """Return the estimators with all pipelines opened up."""
    flat: list[Fitted] = []
    waiting: list[object] = list(reversed(estimators))
    for _ in range(MAX_ESTIMATORS):
        if not waiting:
            return flat
        match waiting.pop():
            case Fitted(name="sklearn.pipeline.Pipeline", state={"steps": list(steps)}):
                if len(steps) > MAX_ESTIMATORS:
                    break
                if not all(isinstance(step, tuple) and len(step) == 2 for step in steps):
                    message = "a Pipeline of the dump has steps that are no pairs"
                    raise ArtifactError(message)
                waiting += [estimator for _, estimator in reversed(steps)]
            case Fitted() as estimator:
                flat.append(estimator)
            case None | str("passthrough"):
                pass
            case other:
                kind = type(other).__name__
                message = f"expected estimators and 'passthrough' in the Pipeline, got a {kind}"
                raise ArtifactError(message)
    message = f"expected at most {MAX_ESTIMATORS} estimators, pipelines opened up"
    raise ArtifactError(message)


def _standard_scaler(scaler: Fitted, n_features: int) -> list[Step]:
    """Write (x - mean_) / scale_, either part of which may be switched off."""
    steps = []
    if read_flag(scaler, "with_mean", default=True):
        steps.append(Step("-", fitted_floats(scaler, "mean_", (n_features,))))
    if read_flag(scaler, "with_std", default=True):
        scale = fitted_floats(scaler, "scale_", (n_features,))
        if not scale.all():
            message = f"{scaler.name} has a scale_ of zero"
            raise ArtifactError(message)
        steps.append(Step("/", scale))
    return steps


def _min_max_scaler(scaler: Fitted, n_features: int) -> list[Step]:
    """Write x * scale_ + min_, clipped to the range if the scaler was told to."""
    steps = [
        Step("*", fitted_floats(scaler, "scale_", (n_features,))),
        Step("+", fitted_floats(scaler, "min_", (n_features,))),
    ]
    if read_flag(scaler, "clip", default=False):
        steps.append(Step("clip", _feature_range(scaler)))
    return steps


def _feature_range(scaler: Fitted) -> tuple[float, float]:
    """Return the two finite bounds that a scaler clips to."""
    match scaler.state.get("feature_range"):
        case (float() | int() as low, float() | int() as high):
            if abs(low) < 1e300 and abs(high) < 1e300:  # neither infinite nor NaN
                return float(low), float(high)
    message = f"{scaler.name} has no feature_range of two finite numbers"
    raise ArtifactError(message)


def _without_probabilities(_classifier: Fitted, _lines: int) -> Link | None:
    """Perceptron, RidgeClassifier and LinearSVC have decision values only."""
    return None


def _logistic_regression(classifier: Fitted, lines: int) -> Link | None:
    """Softmax, but one against the rest for two classes and where ``multi_class`` asked for it.

    scikit-learn before 1.8 had ``multi_class``: 'ovr' was the default until 0.21 ('warn' in 0.20
    and 0.21), 'auto' (later 'deprecated') from 0.22 on, which means 'ovr' for liblinear, and up to
    1.5 for newton-cholesky.
    """
    choice = read_word(classifier, "multi_class", "auto")
    if choice in {"auto", "deprecated"}:
        if lines == 1:
            return "logistic"
        solver = read_word(classifier, "solver", "")
        rest = solver == "liblinear" or (
            solver == "newton-cholesky" and read_version(classifier) < (1, 6)
        )
        choice = "ovr" if rest else "multinomial"
    if choice == "multinomial" and not (lines == 1 and read_version(classifier) < (0, 20)):
        return "softmax"
    return "logistic"


def _sgd_classifier(classifier: Fitted, _lines: int) -> Link | None:
    """Two of the losses give probabilities; 'log' is 'log_loss' before scikit-learn 1.1."""
    losses: dict[str, Link] = {
        "log": "logistic",
        "log_loss": "logistic",
        "modified_huber": "modified_huber",
    }
    return losses.get(read_word(classifier, "loss", ""))


def _discriminant_analysis(classifier: Fitted, lines: int) -> Link | None:
    """Softmax, but one against the rest for two classes and before scikit-learn 0.21."""
    return "logistic" if lines == 1 or read_version(classifier) < (0, 21) else "softmax"


_SCALERS: dict[str, Callable[[Fitted, int], list[Step]]] = {
    "sklearn.preprocessing.StandardScaler": _standard_scaler,
    "sklearn.preprocessing.MinMaxScaler": _min_max_scaler,
}

_CLASSIFIERS: dict[str, Callable[[Fitted, int], Link | None]] = {
    "sklearn.linear_model.Perceptron": _without_probabilities,
    "sklearn.linear_model.LogisticRegression": _logistic_regression,
    "sklearn.linear_model.SGDClassifier": _sgd_classifier,
    "sklearn.linear_model.RidgeClassifier": _without_probabilities,
    "sklearn.svm.LinearSVC": _without_probabilities,
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis": _discriminant_analysis,
}
