"""Dumps of scikit-learn's past are read as their own release meant them."""

import json
import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from iris_deploy.codec.values import ValueReader
from iris_deploy.dumps.records import Fitted
from iris_deploy.estimators.discovery import find_fields
from iris_deploy.estimators.kinds import find_columns
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import build_model
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.schema.batch import Text
from iris_deploy.schema.columns import widen
from iris_deploy.schema.signature import Signature
from tests.agreement import DECLARED
from tests.data import NAMES
from tests.families import SGD_LOG
from tests.package import ROOT
from tests.pickling import CLASSES, assert_near, dump, fit, signature, transform
from tests.signatures import NUMBER, classes, number, text

DUMPS = ROOT / "tests/dumps"


@cache
def expected(release: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((DUMPS / release / "expected.json").read_text())
    return figures


def recorded(figure: str) -> list[tuple[str, str]]:
    """List release and file of every dump of which scikit-learn recorded a figure."""
    return [
        (folder.name, file)
        for folder in sorted(DUMPS.glob("sklearn-*"))
        for file, figures in expected(folder.name).items()
        if file != "rows" and figure in figures
    ]


def test_every_dump_beside_the_recipe_has_its_expected_figures() -> None:
    for folder in DUMPS.glob("sklearn-*"):
        files = {path.name for path in folder.iterdir()} - {"expected.json"}
        assert files == set(expected(folder.name)) - {"rows"}


@pytest.mark.parametrize(("release", "file"), recorded("labels"))
def test_an_old_classifier_decides_as_its_scikit_learn_did(release: str, file: str) -> None:
    figures, rows = expected(release)[file], np.array(expected(release)["rows"])
    fitted = read_estimator((DUMPS / release / file).read_bytes())
    predictor = Predictor(signature(figures["classes"]), [fitted])
    labels = [CLASSES[index] for index in figures["labels"]]
    assert predictor.values(rows.tolist()) == labels
    assert predictor.predict(rows).values == labels
    kernel = build_model([fitted], signature(figures["classes"])).kernel
    decision = np.array(figures["decision_function"]).reshape(len(rows), -1)
    assert_near(kernel.columns(rows).T, decision, rows)


@pytest.mark.parametrize(("release", "file"), recorded("labels"))
def test_an_old_classifier_has_the_probabilities_of_its_scikit_learn(
    release: str, file: str
) -> None:
    figures, rows = expected(release)[file], np.array(expected(release)["rows"])
    fitted = read_estimator((DUMPS / release / file).read_bytes())
    predictor = Predictor(signature(figures["classes"]), [fitted])
    if "predict_proba" in figures:
        assert predictor.score_name == "probabilities"
        # An error of the decision value is a relative error of a small probability.
        np.testing.assert_allclose(
            predictor.predict(rows).scores, figures["predict_proba"], rtol=1e-12, atol=1e-13
        )
    else:
        assert predictor.score_name == "decision_values"


@pytest.mark.parametrize(("release", "file"), recorded("transform"))
def test_an_old_scaler_scales_as_its_scikit_learn_did(release: str, file: str) -> None:
    figures, rows = expected(release)[file], np.array(expected(release)["rows"])
    fitted = read_estimator((DUMPS / release / file).read_bytes())
    assert_near(transform(fitted, rows), np.array(figures["transform"]), rows)


CHOLESKY = {"solver": "newton-cholesky"}

# Which rule predict_proba followed: measured with these releases, and read in their source.
PAST_RULES = [
    ("LogisticRegression", "0.19.2", {"multi_class": "ovr"}, 3, "logistic"),
    ("LogisticRegression", "0.19.2", {"multi_class": "multinomial"}, 3, "softmax"),
    ("LogisticRegression", "0.19.2", {"multi_class": "multinomial"}, 2, "logistic"),
    ("LogisticRegression", "0.20.4", {"multi_class": "warn"}, 3, "logistic"),
    ("LogisticRegression", "0.20.4", {"multi_class": "multinomial"}, 2, "softmax"),
    ("LogisticRegression", "0.20.4", {"multi_class": "auto"}, 3, "softmax"),
    ("LogisticRegression", "0.20.4", {"multi_class": "auto"}, 2, "logistic"),
    ("LogisticRegression", "0.20.4", {"multi_class": "auto", "solver": "liblinear"}, 3, "logistic"),
    ("LogisticRegression", "0.22.2.post1", {"multi_class": "auto"}, 3, "softmax"),
    ("LogisticRegression", "1.2.2", {"multi_class": "auto", **CHOLESKY}, 3, "logistic"),
    ("LogisticRegression", "1.5.2", {"multi_class": "deprecated"}, 3, "softmax"),
    ("LogisticRegression", "1.5.2", {"multi_class": "deprecated", **CHOLESKY}, 3, "logistic"),
    ("LogisticRegression", "1.5.2", {"multi_class": "multinomial"}, 3, "softmax"),
    ("LogisticRegression", "1.6.1", {"multi_class": "deprecated", **CHOLESKY}, 3, "softmax"),
    ("LogisticRegression", "1.7.2", {"multi_class": "multinomial"}, 2, "softmax"),
    ("LogisticRegression", "1.7.2", {"multi_class": "ovr"}, 3, "logistic"),
    ("LogisticRegression", "1.8.0", {}, 3, "softmax"),
    ("LogisticRegression", "1.8.0", CHOLESKY, 3, "softmax"),
    ("LogisticRegression", "1.8.0", {"solver": "liblinear"}, 2, "logistic"),
    ("LinearDiscriminantAnalysis", "0.20.4", {}, 3, "logistic"),
    ("LinearDiscriminantAnalysis", "0.21.0", {}, 3, "softmax"),
    ("LinearDiscriminantAnalysis", "0.21.0", {}, 2, "logistic"),
    ("LinearDiscriminantAnalysis", "1.9.1", {}, 3, "softmax"),
    ("SGDClassifier", "0.19.2", {"loss": "log"}, 3, "logistic"),
    ("SGDClassifier", "1.1.3", {"loss": "log_loss"}, 3, "logistic"),
    ("SGDClassifier", "1.1.3", {"loss": "hinge"}, 3, "none"),
]


@pytest.mark.parametrize(("estimator", "version", "parameters", "n_classes", "rule"), PAST_RULES)
def test_probabilities_follow_the_rule_of_the_release_that_dumped(
    estimator: str, version: str, parameters: dict[str, str], n_classes: int, rule: str
) -> None:
    lines = 1 if n_classes == 2 else n_classes
    package = "discriminant_analysis" if estimator.startswith("LinearD") else "linear_model"
    coef = np.array([[1.0, -0.5], [0.25, 0.75], [-1.0, 0.5]])[:lines]
    intercept = np.array([0.5, -0.25, 0.125])[:lines]
    state: dict[str, object] = {
        "coef_": coef,
        "intercept_": intercept,
        "classes_": np.arange(n_classes),
        "solver": "lbfgs",
        "_sklearn_version": version,
        **parameters,
    }
    predictor = Predictor(signature(n_classes), [Fitted(f"sklearn.{package}.{estimator}", state)])
    rows = np.array([[0.0, 0.0], [1.0, 2.0], [-3.0, 1.5], [0.3, -4.0]])
    decision = rows @ coef.T + intercept
    shares = 1 / (1 + np.exp(-decision))
    if lines == 1:
        decision, shares = np.hstack([-decision, decision]), np.hstack([1 - shares, shares])
    answers = {
        "none": decision,
        "logistic": shares / shares.sum(axis=1, keepdims=True),
        "softmax": np.exp(decision) / np.exp(decision).sum(axis=1, keepdims=True),
    }
    np.testing.assert_allclose(predictor.predict(rows).scores, answers[rule], rtol=1e-12)


@pytest.mark.parametrize("module", ["_loss", "sklearn._loss._loss"])
def test_the_log_loss_is_read_by_each_name_that_its_module_has_had(module: str) -> None:
    """scikit-learn 1.6 to 1.8 called it ``_loss``, as if it stood alone."""
    data = dump(fit(SGD_LOG, "2 classes"), protocol=3)
    other, found = re.subn(rb"c[\w.]+(?=\nCyHalfBinomialLoss\n)", b"c" + module.encode(), data)
    assert found == 1
    assert Predictor(signature(2), [read_estimator(other)]).score_name == "probabilities"


FAMILIES = {release: DUMPS / f"families-{release}" for release in ("1.1.3", "1.9.1")}
"""The newest with newer packages of NumPy and SciPy than the oldest Python has."""

OF_FAMILIES: dict[str, dict[str, Any]] = {
    release: json.loads((folder / "expected.json").read_text())
    for release, folder in FAMILIES.items()
}


def later(release: str) -> bool:
    """Tell whether a release came after that of the families' oldest dumps."""
    return tuple(map(int, release.split("."))) > (1, 1)


def test_old_dumps_are_of_classes_that_say_that_they_are_read() -> None:
    for release, folder in FAMILIES.items():
        assert set(OF_FAMILIES[release]) == {path.stem for path in folder.glob("*.pkl")}
    for name in OF_FAMILIES["1.1.3"]:
        assert not later(DECLARED[name].since), name


GAPS = {"SimpleImputer", "MissingIndicator"}


def table_of(name: str, record: Fitted, asked: list[Any]) -> tuple[Any, Any]:
    """Return the columns of what a class is asked about, and the rows as a predictor takes them."""
    if isinstance(asked[0], str):
        return (text("text"),), [(Text(row),) for row in asked]
    if isinstance(asked[0], dict):
        found = find_columns([record], find_fields(record), NUMBER)
        columns = tuple(widen(column, missing=True, unknown=True) for column in found)
        reader = ValueReader(Signature(columns=columns, output=NUMBER))
        return columns, reader.rows(asked)
    missing = name in GAPS
    return tuple(number(n, missing=missing) for n in NAMES), np.array(asked, np.float64)


@pytest.mark.parametrize(
    ("release", "name"), [(release, name) for release in FAMILIES for name in OF_FAMILIES[release]]
)
def test_a_dump_of_every_family_predicts_as_its_scikit_learn_did(release: str, name: str) -> None:
    answers = OF_FAMILIES[release][name]
    record = read_estimator((FAMILIES[release] / f"{name}.pkl").read_bytes())
    output: Any = classes(*answers["classes"]) if "classes" in answers else NUMBER
    columns, rows = table_of(name, record, answers["rows"])
    found = Predictor(Signature(columns=columns, output=output), [record]).values(rows)
    if "classes" in answers:
        assert found == answers["predict"]
    else:
        np.testing.assert_allclose(found, answers["predict"], rtol=1e-9, atol=1e-12)
