"""Records that are read, but that no predictor can be built of, are refused."""

import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators import registry
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import build_model
from iris_deploy.estimators.registry import all_families, find, public_name, read_estimator
from tests.pickling import CHILD, CLASSIFIERS, SCALERS, dump, samples, signature
from tests.signatures import numbers_to_classes


def classifier(name: str = "linear_model.LogisticRegression", **changes: object) -> Fitted:
    """Build the record of a classifier of three classes; a change to ... takes it away."""
    state: dict[str, object] = {
        "coef_": np.array([[1.0, -0.5], [0.25, 0.75], [-1.0, 0.5]]),
        "intercept_": np.array([0.5, -0.25, 0.125]),
        "classes_": np.arange(3),
        "_sklearn_version": "1.7.2",
        **changes,
    }
    return Fitted(f"sklearn.{name}", {k: v for k, v in state.items() if v is not ...})


def scaler(name: str = "StandardScaler", **changes: object) -> Fitted:
    state: dict[str, object] = {
        "mean_": np.array([3.8, 1.2]),
        "min_": np.array([-0.2, -0.1]),
        "scale_": np.array([1.8, 0.8]),
        "feature_range": (0, 1),
        **changes,
    }
    return Fitted(f"sklearn.preprocessing.{name}", {k: v for k, v in state.items() if v is not ...})


def pipeline(*steps: object) -> Fitted:
    return Fitted("sklearn.pipeline.Pipeline", {"steps": [("step", step) for step in steps]})


def test_the_records_that_the_refusals_change_make_a_predictor() -> None:
    for estimators in (
        [classifier()],
        [scaler(), scaler("MinMaxScaler", clip=True), classifier()],
        [pipeline(scaler(), None, "passthrough", pipeline(classifier()))],
    ):
        assert Predictor(signature(), estimators).score_name == "probabilities"


@pytest.mark.parametrize("name", [*SCALERS, *CLASSIFIERS])
def test_an_estimator_that_was_not_fitted_is_refused(name: str) -> None:
    fitted = read_estimator(dump({**SCALERS, **CLASSIFIERS}[name]()))
    estimators = [fitted, classifier()] if name in SCALERS else [fitted]
    learns_nothing = {"StandardScaler(with_mean=False, with_std=False)"} | {
        scaler for scaler in SCALERS if scaler.startswith(("Normalizer", "Binarizer"))
    }
    if name in learns_nothing:
        assert Predictor(signature(), estimators).score_name == "probabilities"
        return
    with pytest.raises(ArtifactError, match="fitted"):
        Predictor(signature(), estimators)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("attribute", ["mean_", "scale_", "coef_", "intercept_"])
def test_numbers_that_are_not_finite_are_refused(attribute: str, value: float) -> None:
    X, y = samples("3 classes")
    estimator = make_pipeline(StandardScaler(), Perceptron(random_state=0)).fit(X, y)
    for step in estimator:
        if hasattr(step, attribute):
            getattr(step, attribute).flat[1] = value
    with pytest.raises(ArtifactError, match=f"{attribute} that is not finite"):
        Predictor(signature(), [read_estimator(dump(estimator))])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"coef_": np.ones((2, 2))}, "coef_ of shape"),
        ({"coef_": np.ones((4, 2))}, "coef_ of shape"),
        ({"coef_": np.ones((1, 2))}, "coef_ of shape"),
        ({"coef_": np.ones(2)}, "coef_ of shape"),
        ({"coef_": np.ones(3)}, "coef_ of shape"),
        ({"coef_": 1.0}, "coef_ of shape"),
        ({"coef_": np.ones((3, 3))}, "takes 3 features"),
        ({"coef_": np.ones((3, 0))}, "no features"),
        ({"coef_": np.array([["a", "b"]] * 3)}, "coef_"),
        ({"coef_": np.ones((3, 2), dtype=bool)}, "coef_"),
        ({"coef_": [[1.0, 2.0]] * 3}, "coef_"),
        ({"coef_": None}, "coef_"),
        ({"coef_": ...}, "coef_"),
        # A signalling NaN, of which the conversion to float64 would warn.
        ({"coef_": np.full((3, 2), 0x7FA00000, "u4").view("f4")}, "coef_ that is not finite"),
        ({"intercept_": np.ones(2)}, "intercept_"),
        ({"intercept_": np.ones(4)}, "intercept_"),
        ({"intercept_": np.ones((1, 1, 3))}, "intercept_"),
        ({"intercept_": np.ones((3, 1))}, "intercept_"),
        ({"intercept_": np.empty(0)}, "intercept_"),
        ({"intercept_": "0"}, "intercept_"),
        ({"intercept_": 10**400}, "intercept_"),
        ({"intercept_": True}, "intercept_"),
        ({"intercept_": ...}, "intercept_"),
        ({"classes_": ...}, "classes_"),
        ({"classes_": [0, 1, 2]}, "classes_"),
        ({"classes_": np.arange(2)}, "classes_"),
        ({"classes_": np.arange(3).reshape(3, 1)}, "classes_"),
        ({"multi_class": []}, "multi_class"),
        ({"multi_class": np.array(["ovr", "auto"])}, "multi_class"),
        ({"multi_class": "auto", "solver": np.array(["a", "b"])}, "solver"),
    ],
    ids=repr,
)
def test_a_classifier_that_is_inconsistent_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature(), [classifier(**changes)])


def test_a_classifier_of_no_features_is_refused() -> None:
    weights = {"coef_": np.empty((3, 0)), "intercept_": np.zeros(3), "classes_": np.arange(3)}
    with pytest.raises(ArtifactError, match="no features"):
        build_model(
            [Fitted("sklearn.linear_model.Perceptron", {**weights})], numbers_to_classes(0, 3)
        )


@pytest.mark.parametrize("version", [..., None, "", "one", "1", "1.x", [], "9" * 5000 + ".1"])
def test_a_rule_that_depends_on_the_release_needs_one(version: object) -> None:
    estimator = classifier(
        "discriminant_analysis.LinearDiscriminantAnalysis", _sklearn_version=version
    )
    with pytest.raises(ArtifactError, match="does not say which scikit-learn"):
        Predictor(signature(), [estimator])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scale_": np.array([1.0, 0.0])}, "scale_ of zero"),
        ({"scale_": np.array([1.0, -0.0])}, "scale_ of zero"),
        ({"scale_": np.ones(3)}, "scale_ of shape"),
        ({"scale_": None}, "scale_"),
        ({"scale_": ...}, "scale_"),
        ({"mean_": np.ones((1, 2))}, "mean_ of shape"),
        ({"mean_": 0.0}, "mean_ of shape"),
        ({"mean_": ...}, "mean_"),
        ({"with_mean": np.array([True, False])}, "with_mean"),
        ({"with_std": np.array([True, False])}, "with_std"),
    ],
    ids=repr,
)
def test_a_standard_scaler_that_is_inconsistent_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature(), [scaler(**changes), classifier()])


@pytest.mark.parametrize(
    "feature_range",
    [
        *((0.0, np.nan), (np.nan, 1.0), (-np.inf, 1.0), (0.0, np.inf), (0, 10**400), ("0", "1")),
        *((0.0,), (0.0, 1.0, 2.0), None, ..., 1.0, "01"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_clipped_range_that_is_none_is_refused(feature_range: object) -> None:
    estimators = [scaler("MinMaxScaler", clip=True, feature_range=feature_range), classifier()]
    with pytest.raises(ArtifactError, match="feature_range"):
        Predictor(signature(), estimators)


def circular() -> Fitted:
    inside = pipeline()
    inside.state["steps"] = [("scaler", scaler()), ("itself", inside)]
    return inside


def deep() -> Fitted:
    inside = pipeline(classifier())
    for _ in range(20_000):
        inside = pipeline(inside)
    return inside


@pytest.mark.parametrize(
    "estimators",
    [
        [],
        [pipeline()],
        [pipeline("passthrough")],
        [scaler()],
        [classifier(), scaler()],
        [classifier(), classifier()],
        [pipeline(classifier(), "passthrough", scaler())],
        [Fitted("sklearn.preprocessing.LabelBinarizer", {}), classifier()],
        [Fitted("sklearn.preprocessing.LabelBinarizer", {})],
        [Fitted("sklearn.linear_model.Hinge", {})],
        [Fitted("sklearn.pipeline.Pipeline", {})],
        [Fitted("sklearn.pipeline.Pipeline", {"steps": None})],
        [Fitted("sklearn.pipeline.Pipeline", {"steps": (("a", classifier()),)})],
        [Fitted("sklearn.pipeline.Pipeline", {"steps": [classifier()]})],
        [Fitted("sklearn.pipeline.Pipeline", {"steps": [("a", "b", classifier())]})],
        [pipeline(1, classifier())],
        [pipeline("drop", classifier())],
        [pipeline(np.array(["a", "b"]), classifier())],
        [pipeline([[[]]], classifier())],
        [circular()],
        [deep()],
    ],
    ids=lambda estimators: ", ".join(e.name.rpartition(".")[2] for e in estimators),
)
def test_estimators_that_make_no_classifier_are_refused(estimators: list[Fitted]) -> None:
    with pytest.raises(ArtifactError):
        Predictor(signature(), estimators)


def test_a_pipeline_that_holds_itself_many_times_over_is_refused() -> None:
    inside = pipeline()
    for _ in range(60):
        inside = pipeline(inside, inside)
    child = f"""{CHILD}
import sys, pickle
try:
    Predictor(signature, [pickle.load(sys.stdin.buffer)])
except ArtifactError:
    print("refused")
"""
    ran = subprocess.run(
        [sys.executable, "-c", child],
        input=pickle.dumps(inside),
        capture_output=True,
        timeout=10,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, b"refused\n"), ran.stderr[-2000:]


def test_a_family_is_loaded_for_every_name_that_it_reads() -> None:
    """The registry lists them, so that no family is loaded for nothing."""
    for family, parts in all_families().items():
        read = {part.name.rpartition(".")[2] for part in parts}
        if family in registry.LINES:
            assert set(registry.LINES[family].split()) == read, family
        for part in parts:
            assert find(part.name) is not None
            short = part.name.rpartition(".")[2]
            assert all(
                public_name(module, short) != f"{module}.{short}" or module in part.name
                for module in part.modules
            )


def test_no_two_families_read_the_same_class() -> None:
    read = Counter(
        (module, part.name)
        for parts in all_families().values()
        for part in parts
        for module in part.modules
    )
    assert [key for key, times in read.items() if times > 1] == []


def test_what_a_dump_does_not_name_is_not_loaded(tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    joblib.dump(StandardScaler().fit([[1.0], [2.0]]), file)
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import sys; from pathlib import Path\n"
                "from iris_deploy.estimators.registry import read_estimator\n"
                f"read_estimator(Path({str(file)!r}).read_bytes())\n"
                "print(*(m for m in sys.modules if m.startswith('iris_deploy.')))"
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "iris_deploy.estimators.scaling" in told
    for family in ("linear", "trees", "svm", "xgboost", "text"):
        assert f"iris_deploy.estimators.{family}" not in told
