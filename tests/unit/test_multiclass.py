"""Classifiers of two classes that make one of several decide as scikit-learn's do."""

from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import (
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.labels import read_labels
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.signature import Signature
from iris_deploy.training.evaluation import evaluate_rows
from tests import data
from tests.signatures import classes, number
from tests.unit.test_ensembles import assert_alike, build
from tests.unit.test_forged_records import assert_refused_or_answered, forgeries

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*failed to converge"),
    pytest.mark.filterwarnings("ignore:The `probability` parameter was deprecated"),
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
]

TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
BASES: dict[str, Any] = {
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()),
    "perceptron": Perceptron(random_state=0),
    "ridge": RidgeClassifier(),
    "huber": make_pipeline(StandardScaler(), SGDClassifier("modified_huber", random_state=0)),
    "discriminant": LinearDiscriminantAnalysis(),
    "margin": make_pipeline(StandardScaler(), LinearSVC(random_state=0)),
    "machine": make_pipeline(StandardScaler(), SVC()),
    "machine with probabilities": SVC(probability=True, random_state=0),
    "tree": TREE,
    "forest": RandomForestClassifier(5, max_depth=4, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=5, random_state=0),
    "hist boosting": HistGradientBoostingClassifier(max_iter=5),
    "adaptive boosting": AdaBoostClassifier(TREE, n_estimators=5, random_state=0),
    "near": KNeighborsClassifier(3),
    "bayes": GaussianNB(),
    "network": make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=50, random_state=0)),
    "voting": VotingClassifier([("tree", TREE), ("bayes", GaussianNB())], voting="soft"),
}
EXACT = {"tree", "forest", "near"}
"""Those whose probabilities have scikit-learn's bits, and so have their shares of the whole."""

COUNTS = [(2, "text"), (3, "number"), (4, "text")]


def numbers_to(n_classes: int) -> Signature:
    return Signature(columns=tuple(map(number, data.NAMES)), output=classes(*range(n_classes)))


@pytest.mark.parametrize(("n_classes", "kind"), COUNTS)
@pytest.mark.parametrize("name", BASES)
def test_one_against_the_rest_decides_as_scikit_learn_does(
    name: str, n_classes: int, kind: str
) -> None:
    estimator = OneVsRestClassifier(clone(BASES[name]))
    estimator.fit(data.numbers(), data.labels(n_classes, kind))
    rows = np.vstack([data.probes(None, 2000), data.numbers()])
    predictor = build(estimator)
    found = predictor.predict(rows)
    assert found.values == estimator.predict(rows).tolist()
    assert (predictor.score_name == "probabilities") == hasattr(estimator, "predict_proba")
    if hasattr(estimator, "predict_proba"):
        expected = estimator.predict_proba(rows)
        assert np.abs(found.scores - expected).max() < 1e-9
        if name in EXACT:
            assert found.scores.tobytes() == np.ascontiguousarray(expected).tobytes()
    else:
        expected = estimator.decision_function(rows)
        np.testing.assert_allclose(
            found.scores[:, 1] if n_classes == 2 else found.scores, expected, rtol=1e-9, atol=1e-9
        )
    assert_alike(predictor, rows[::40])


@pytest.mark.parametrize(("n_classes", "kind"), COUNTS)
@pytest.mark.parametrize("name", BASES)
def test_one_against_one_decides_as_scikit_learn_does(name: str, n_classes: int, kind: str) -> None:
    estimator = OneVsOneClassifier(clone(BASES[name]))
    estimator.fit(data.numbers(), data.labels(n_classes, kind))
    rows = np.vstack([data.probes(None, 2000), data.numbers()])
    predictor = build(estimator)
    found = predictor.predict(rows)
    assert found.values == estimator.predict(rows).tolist()
    assert predictor.score_name == "decision_values"
    expected = estimator.decision_function(rows)
    scores = found.scores[:, 1] if n_classes == 2 else found.scores
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-9)
    if name in EXACT:
        assert scores.tobytes() == np.ascontiguousarray(expected).tobytes()
    assert_alike(predictor, rows[::40])


def test_of_classes_that_are_equally_sure_each_release_takes_its_own() -> None:
    estimator = OneVsRestClassifier(DecisionTreeClassifier(random_state=0))
    estimator.fit(data.numbers(), data.labels(4, "number"))
    rows = data.probes(None, 1000)
    shares = np.array([e.predict_proba(rows)[:, 1] for e in estimator.estimators_]).T
    tops = shares == shares.max(axis=1, keepdims=True)
    assert (tops.sum(axis=1) > 1).any()
    first, last = tops.argmax(axis=1).tolist(), (3 - tops[:, ::-1].argmax(axis=1)).tolist()
    record = data.read(estimator)
    for version, expected in (("0.19.2", last), ("1.7.2", last), ("1.8.0", first)):
        record.state["_sklearn_version"] = version
        predictor = Predictor(numbers_to(4), [record])
        assert predictor.values(rows) == expected
        assert [predictor.value(row) for row in rows.tolist()] == expected
    newer = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8)
    assert estimator.predict(rows).tolist() == (first if newer else last)


def test_two_classes_by_probabilities_are_as_their_release_decided() -> None:
    estimator = OneVsOneClassifier(clone(TREE)).fit(data.numbers(), data.labels(2, "number"))
    record, rows = data.read(estimator), data.numbers()
    shares = estimator.estimators_[0].predict_proba(rows)[:, 1]
    for version, least in (("0.19.2", 0.0), ("1.1.0", 0.5)):
        record.state["_sklearn_version"] = version
        predictor = Predictor(numbers_to(2), [record])
        assert predictor.values(rows) == (shares > least).astype(int).tolist()
        assert [predictor.value(row) for row in rows.tolist()] == predictor.values(rows)


def test_a_row_that_no_classifier_takes_has_no_share_of_any_class() -> None:
    estimator = OneVsRestClassifier(DecisionTreeClassifier(random_state=0))
    estimator.fit(data.numbers(), data.labels(3, "number"))
    rows = data.probes(None, 2000)
    shares = build(estimator).predict(rows).scores
    assert (shares.sum(axis=1) == 0).any()
    with np.errstate(invalid="ignore"):
        assert (shares == np.nan_to_num(estimator.predict_proba(rows))).all()


def test_rows_without_a_share_are_measured_but_for_their_area() -> None:
    X, y = data.numbers(), data.labels(3, "number")
    estimator = OneVsRestClassifier(DecisionTreeClassifier(random_state=0)).fit(X[:150], y[:150])
    predictor = build(estimator)
    assert (predictor.predict(X).scores.sum(axis=1) == 0).any()
    measured = evaluate_rows(predictor, X, y).metrics
    assert "log_loss" in measured
    assert "roc_auc" not in measured
    soft = build(OneVsRestClassifier(GaussianNB()).fit(X, y))
    assert "roc_auc" in evaluate_rows(soft, X, y).metrics


def test_releases_without_classes_of_their_own_have_those_of_their_binarizer() -> None:
    estimator = OneVsRestClassifier(GaussianNB()).fit(data.numbers(), data.labels(3, "text"))
    record = data.read(estimator)
    record.state.pop("classes_", None)
    assert read_labels(record) == ("ant", "bee", "cat")
    signature = Signature(columns=tuple(map(number, data.NAMES)), output=classes("a", "b", "c"))
    assert len(Predictor(signature, [record]).values(data.numbers())) == 300


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "several labels": (
        OneVsRestClassifier(GaussianNB()),
        {"label_binarizer_": Fitted("x", {"y_type_": "multilabel-indicator"})},
        "y_type_='multilabel-indicator', where a row may have several",
    ),
    "no binarizer": (
        OneVsRestClassifier(GaussianNB()),
        {"label_binarizer_": None},
        "no label_binarizer_",
    ),
    "a member too few": (
        OneVsRestClassifier(GaussianNB()),
        {"estimators_": [Fitted("sklearn.naive_bayes.GaussianNB")] * 2},
        "2 members; expected 3",
    ),
    "no members": (OneVsOneClassifier(GaussianNB()), {"estimators_": ()}, "has 0 members"),
    "what always says the same": (
        OneVsOneClassifier(GaussianNB()),
        {"estimators_": (Fitted("sklearn.multiclass._ConstantPredictor"),) * 3},
        "_ConstantPredictor is not supported",
    ),
    "kernels": (
        OneVsOneClassifier(GaussianNB()),
        {"pairwise_indices_": (np.arange(3),)},
        "pairwise_indices_",
    ),
    "a regressor": (OneVsRestClassifier(Ridge()), {}, "Ridge is not supported"),
    "votes without probabilities": (
        OneVsRestClassifier(VotingClassifier([("tree", TREE)])),
        {},
        "wants probabilities, which .*VotingClassifier has not",
    ),
    "no version": (OneVsRestClassifier(GaussianNB()), {"_sklearn_version": None}, "does not say"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_together_is_refused(name: str) -> None:
    estimator, changes, words = REFUSED[name]
    if not name.startswith("votes"):
        estimator = clone(estimator).fit(data.numbers(), data.labels(3, "number"))
    else:
        soft = clone(estimator).set_params(estimator__voting="soft")
        estimator = soft.fit(data.numbers(), data.labels(3, "number"))
        for each in estimator.estimators_:
            each.voting = "hard"
    record = data.read(estimator)
    record.state.update(changes)
    with pytest.raises(ArtifactError, match=words):
        Predictor(numbers_to(3), [record])


@pytest.mark.parametrize("kind", [OneVsRestClassifier, OneVsOneClassifier])
@pytest.mark.parametrize("name", ["scaled", "tree", "machine"])
def test_a_forged_one_is_refused_or_answers(name: str, kind: Any) -> None:
    estimator = kind(clone(BASES[name])).fit(data.numbers(), data.labels(3, "number"))
    for _, record in forgeries(data.read(estimator), f"{name} {kind.__name__}"):
        assert_refused_or_answered(numbers_to(3), record, data.numbers()[:20])
