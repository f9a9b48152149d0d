"""The family of classifiers whose probabilities were calibrated afterwards."""

from typing import Any

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_floats,
    read_list,
    read_word,
)
from iris_deploy.estimators.ensembles import MAX_MEMBERS, Asked, last_of
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.isotonic import ISOTONIC, read_points
from iris_deploy.kernels.calibration import Calibration, Sigmoid, Steps
from iris_deploy.kernels.members import EnsembleKernel, Member
from iris_deploy.schema.outputs import Output

DECIDING = (
    *("LogisticRegression", "LogisticRegressionCV", "SGDClassifier", "Perceptron", "LinearSVC"),
    *("RidgeClassifier", "RidgeClassifierCV", "PassiveAggressiveClassifier", "SVC", "NuSVC"),
    *("LinearDiscriminantAnalysis", "GradientBoostingClassifier", "HistGradientBoostingClassifier"),
)
"""Those whose scores are the decision values that scikit-learn gives."""

SHARING = (
    *("DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "MLPClassifier"),
    *("ExtraTreesClassifier", "KNeighborsClassifier", "GaussianNB", "MultinomialNB"),
    *("ComplementNB", "BernoulliNB", "VotingClassifier"),
)
"""Those that have probabilities and no decision values."""


def _calibrated(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    """Take the mean of what classifiers and their curves say."""
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    parts = read_list(record, "calibrated_classifiers_")
    if not 0 < len(parts) <= MAX_MEMBERS or not all(isinstance(part, Fitted) for part in parts):
        raise ArtifactError(f"{record.name} has {len(parts)} members; expected 1 to {MAX_MEMBERS}")
    asked = Asked(reading, {})
    members = []
    for part in parts:
        inner = part.state.get("estimator", part.state.get("base_estimator"))  # before 1.2
        if not isinstance(inner, Fitted):
            raise ArtifactError(f"{record.name} has a member that is no estimator")
        last = last_of(inner)
        check_classes(last, n_classes)
        model = asked.model(inner, features, output)
        link = _figures(record, last, model, n_classes)
        calibration = Calibration(link, _curves(part, 1 if n_classes == 2 else n_classes))
        members.append(Member(model.kernel, calibration, (), None, "shares"))
    kernel = EnsembleKernel(members, n_classes, float(len(members)), "largest")
    return Model(kernel=kernel, link="shares")


def _figures(record: Fitted, last: Fitted, model: Model, n_classes: int) -> Any:
    """Return what makes of scores the figures that were calibrated."""
    name = last.name.rpartition(".")[2]
    if name in SHARING and model.has_probabilities:
        return model.link
    if name not in DECIDING:
        raise ArtifactError(f"{record.name} of {last.name} is not supported")
    if name not in {"SVC", "NuSVC"} or n_classes == 2:
        return None
    if read_word(last, "decision_function_shape", "ovr") != "ovr" or model.has_probabilities:
        raise ArtifactError(f"{record.name} of {last.name} by pairs of classes is not supported")
    return model.link


def _curves(part: Fitted, n_curves: int) -> tuple[Sigmoid | Steps, ...]:
    name = "calibrators" if "calibrators" in part.state else "calibrators_"  # before 0.24
    curves = read_list(part, name, n_curves)
    if not all(isinstance(curve, Fitted) for curve in curves):
        raise ArtifactError(f"{part.name} has {name} that are none")
    return tuple(map(_curve, curves))


def _curve(curve: Fitted) -> Sigmoid | Steps:
    if curve.name == "sklearn.calibration._SigmoidCalibration":
        slope, offset = fitted_floats(curve, "a_", ()), fitted_floats(curve, "b_", ())
        return Sigmoid(float(slope), float(offset))
    if curve.name != ISOTONIC:
        raise ArtifactError(f"a classifier that is calibrated by {curve.name} is not supported")
    if read_word(curve, "out_of_bounds", "nan") != "clip":
        raise ArtifactError(f"{curve.name} has scores out of its bounds; expected 'clip'")
    return read_points(curve)


FAMILY = (
    Predicting(
        name="sklearn.calibration.CalibratedClassifierCV",
        modules=("sklearn.calibration",),
        task="classification",
        read=_calibrated,
        cases=(),
        ulp=None,
        refused="method='temperature'",
    ),
    Part(name="sklearn.calibration._CalibratedClassifier", modules=("sklearn.calibration",)),
    Part(name="sklearn.calibration._SigmoidCalibration", modules=("sklearn.calibration",)),
)
