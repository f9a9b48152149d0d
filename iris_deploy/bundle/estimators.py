"""From fitted attributes to arithmetic: what each supported estimator of scikit-learn computes.

Owns the meaning of the attributes, across scikit-learn's versions. Knows neither files nor labels'
names, and never imports scikit-learn.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from iris_deploy.bundle.fitted import Fitted
from iris_deploy.bundle.kernel import Floats, Kernel, Link, Step
from iris_deploy.errors import ArtifactError


def build_kernel(estimators: Sequence[Fitted], n_classes: int) -> tuple[Kernel, Link | None]:
    """Translate fitted scalers and the classifier after them into a kernel.

    Parameters
    ----------
    estimators : sequence of Fitted
        In the order in which they apply; pipelines are opened up.
    n_classes : int
        How many classes the signature has.

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
    flat = [step for estimator in estimators for step in _opened(estimator)]
    if not flat or flat[-1].name not in _CLASSIFIERS:
        last = flat[-1].name if flat else "nothing"
        message = f"expected a supported classifier as the last estimator, got {last}"
        raise ArtifactError(message)
    *scalers, classifier = flat
    lines = 1 if n_classes == 2 else n_classes
    weights = _numbers(classifier, "coef_")
    coef = np.atleast_2d(weights)
    if len(coef) != lines or n_classes < 2:
        message = (
            f"{classifier.name} has coef_ of shape {weights.shape}; "
            f"expected {lines} lines for {n_classes} classes"
        )
        raise ArtifactError(message)
    n_features = coef.shape[1]
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
    intercept = np.broadcast_to(_numbers(classifier, "intercept_"), (lines,))
    kernel = Kernel(tuple(steps), np.ascontiguousarray(coef), intercept.copy())
    return kernel, _CLASSIFIERS[classifier.name](classifier, lines)


def _opened(estimator: Fitted) -> Iterator[Fitted]:
    """Yield the estimators of a pipeline, or the estimator itself."""
    if estimator.name != "sklearn.pipeline.Pipeline":
        yield estimator
        return
    steps = estimator.state.get("steps")
    if not isinstance(steps, list) or not all(isinstance(s, tuple) and len(s) == 2 for s in steps):
        message = "a Pipeline of the dump has no list of steps"
        raise ArtifactError(message)
    for _, step in steps:
        if isinstance(step, Fitted):
            yield from _opened(step)
        elif step is not None and step != "passthrough":
            message = f"a step of the Pipeline is neither an estimator nor 'passthrough': {step!r}"
            raise ArtifactError(message)


def _numbers(estimator: Fitted, attribute: str, shape: tuple[int, ...] | None = None) -> Floats:
    """Return a fitted attribute as finite floats, of the given shape."""
    value = estimator.state.get(attribute)
    if not isinstance(value, (np.ndarray, float, int)):
        message = f"{estimator.name} has no {attribute}; expected a fitted estimator"
        raise ArtifactError(message, hint="fit the estimator before dumping it")
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or (shape is not None and array.shape != shape):
        expected = f"shape {shape}" if shape else "numbers"
        message = (
            f"{estimator.name} has {attribute} of shape {array.shape} and dtype {array.dtype}; "
            f"expected {expected}"
        )
        raise ArtifactError(message)
    floats = array.astype(np.float64)
    if not np.isfinite(floats).all():
        message = f"{estimator.name} has {attribute} that is not finite"
        raise ArtifactError(message)
    return floats


def _standard_scaler(scaler: Fitted, n_features: int) -> list[Step]:
    """Write (x - mean_) / scale_, either part of which may be switched off."""
    steps = []
    if scaler.state.get("with_mean", True):
        steps.append(Step("-", _numbers(scaler, "mean_", (n_features,))))
    if scaler.state.get("with_std", True):
        scale = _numbers(scaler, "scale_", (n_features,))
        if not scale.all():
            message = f"{scaler.name} has a scale_ of zero"
            raise ArtifactError(message)
        steps.append(Step("/", scale))
    return steps


def _min_max_scaler(scaler: Fitted, n_features: int) -> list[Step]:
    """Write x * scale_ + min_, clipped to the range if the scaler was told to."""
    steps = [
        Step("*", _numbers(scaler, "scale_", (n_features,))),
        Step("+", _numbers(scaler, "min_", (n_features,))),
    ]
    if scaler.state.get("clip", False):
        match scaler.state.get("feature_range"):
            case (float() | int() as low, float() | int() as high):
                steps.append(Step("clip", (float(low), float(high))))
            case other:
                message = f"{scaler.name} has feature_range {other!r}; expected two numbers"
                raise ArtifactError(message)
    return steps


def _without_probabilities(_classifier: Fitted, _lines: int) -> Link | None:
    """Perceptron, RidgeClassifier and LinearSVC have decision values only."""
    return None


def _logistic_regression(classifier: Fitted, lines: int) -> Link | None:
    """Softmax, but one against the rest for two classes and where ``multi_class`` asked for it.

    scikit-learn before 1.8 had ``multi_class``: 'ovr' was the default until 0.21 ('warn' in 0.20
    and 0.21), 'auto' (later 'deprecated') from 0.22 on, which means 'ovr' for liblinear.
    """
    choice = classifier.state.get("multi_class", "auto")
    if choice in {"auto", "deprecated"}:
        choice = "ovr" if classifier.state.get("solver") == "liblinear" else "multinomial"
        if lines == 1:
            return "logistic"
    if choice == "multinomial" and not (lines == 1 and _version(classifier) < (0, 20)):
        return "softmax"
    return "logistic"


def _sgd_classifier(classifier: Fitted, _lines: int) -> Link | None:
    """Two of the losses give probabilities; 'log' is 'log_loss' before scikit-learn 1.1."""
    losses: dict[object, Link] = {
        "log": "logistic",
        "log_loss": "logistic",
        "modified_huber": "modified_huber",
    }
    loss = classifier.state.get("loss")
    return losses.get(loss) if isinstance(loss, str) else None


def _discriminant_analysis(classifier: Fitted, lines: int) -> Link | None:
    """Softmax, but one against the rest for two classes and before scikit-learn 0.22."""
    return "logistic" if lines == 1 or _version(classifier) < (0, 22) else "softmax"


def _version(estimator: Fitted) -> tuple[int, int]:
    """Return the major and minor version of the scikit-learn that dumped the estimator."""
    major, _, rest = str(estimator.state.get("_sklearn_version", "")).partition(".")
    minor = rest.partition(".")[0]
    if not (major.isdecimal() and minor.isdecimal()):
        message = f"{estimator.name} does not say which scikit-learn dumped it"
        raise ArtifactError(message)
    return int(major), int(minor)


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
