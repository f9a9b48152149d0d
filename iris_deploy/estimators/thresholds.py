"""The family of classifiers of two classes whose threshold somebody chose, or a search found."""

from dataclasses import replace

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import count_classes, read_number, read_record, read_word
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.thresholds import Cut
from iris_deploy.schema.outputs import Output

_DEPTH = 20
_METHODS = {"auto", "predict_proba", "decision_function"}


def _fixed(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    threshold = record.state.get("threshold", "auto")
    model = _inner(record, features, output, reading)
    link = None if _method(record) == "decision_function" else model.link
    usual = 0.5 if link else 0.0
    least = usual if threshold == "auto" else read_number(record, "threshold", usual)
    return _cut(record, model, least, record.state.get("pos_label"))


def _tuned(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    scorer = read_record(record, "_curve_scorer")
    asked = scorer.state.get("_kwargs")
    label = asked.get("pos_label") if isinstance(asked, dict) else None
    if "best_threshold_" not in record.state:
        raise ArtifactError(f"{record.name} has no best_threshold_; expected a fitted estimator")
    model = _inner(record, features, output, reading)
    return _cut(record, model, read_number(record, "best_threshold_", 0.0), label)


def _inner(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    if count_classes(output) != 2:
        raise ArtifactError(f"{record.name} tells two classes apart, not {count_classes(output)}")
    held = "estimator_" if "estimator_" in record.state else "estimator"  # one that was fitted
    return reading.predict(read_record(record, held), features, output)


def _method(record: Fitted) -> str:
    method = read_word(record, "response_method", "auto")
    if method not in _METHODS:
        raise ArtifactError(f"{record.name} has response_method={method!r:.40}")
    return method


def _cut(record: Fitted, model: Model, least: float, label: object) -> Model:
    """Let a class be predicted from a threshold on: the second, unless another is named."""
    method = _method(record)
    if method == "predict_proba" and not model.link:
        raise ArtifactError(f"{record.name} wants probabilities of a classifier without any")
    if not np.isfinite(least):
        raise ArtifactError(f"{record.name} has a threshold that is not finite")
    positive = 1
    if label is not None:
        known = _classes(record)
        if label not in known:
            raise ArtifactError(f"{record.name} has pos_label={label!r:.40}, which is no class")
        positive = known.index(label)
    link = None if method == "decision_function" else model.link
    return replace(model, cut=Cut(positive, least, link))


def _classes(record: Fitted) -> list[object]:
    """Return the classes of what predicts within."""
    for _ in range(_DEPTH):
        classes = record.state.get("classes_")
        if isinstance(classes, np.ndarray) and classes.ndim == 1:
            return list(classes.tolist())
        steps = record.state.get("steps")
        last = steps[-1] if isinstance(steps, list) and steps else None
        inside = last[-1] if isinstance(last, tuple) and last else record.state.get("estimator_")
        if not isinstance(inside, Fitted):
            break
        record = inside
    raise ArtifactError(f"{record.name} does not say which classes it knows")


_MODULES = ("sklearn.model_selection._classification_threshold",)

FAMILY = (
    Predicting(
        name="sklearn.model_selection.FixedThresholdClassifier",
        modules=_MODULES,
        task="classification",
        read=_fixed,
        since="1.5",
        ulp=None,
        cases=(),
    ),
    Predicting(
        name="sklearn.model_selection.TunedThresholdClassifierCV",
        modules=_MODULES,
        task="classification",
        read=_tuned,
        since="1.5",
        ulp=None,
        cases=(),
    ),
    Part(
        name="sklearn.utils.MetadataRequest",
        modules=("sklearn.utils._metadata_requests",),
    ),
    Part(
        name="sklearn.utils.MethodMetadataRequest",
        modules=("sklearn.utils._metadata_requests",),
    ),
    Part(name="sklearn.metrics._CurveScorer", modules=("sklearn.metrics._scorer",)),
)
