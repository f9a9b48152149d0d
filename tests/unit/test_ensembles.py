"""Several estimators put together answer as scikit-learn's ensembles of them do."""

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.outputs import Output
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import NUMBER, classes, number
from tests.unit.test_forged_records import assert_refused_or_answered, forgeries

SCALED = make_pipeline(StandardScaler(), LogisticRegression())
FOREST = RandomForestClassifier(5, max_depth=4, random_state=0)
KINDS: list[Any] = [("scaled", SCALED), ("forest", FOREST), ("near", KNeighborsClassifier(3))]

CLASSIFYING: dict[str, Any] = {
    "means": VotingClassifier(KINDS, voting="soft"),
    "means by weight": VotingClassifier(KINDS, voting="soft", weights=[2, 0.5, 1]),
    "votes": VotingClassifier([*KINDS, ("svc", SVC()), ("ridge", RidgeClassifier())]),
    "votes by weight": VotingClassifier(KINDS, weights=[1.0, 2.0, 1.5]),
    "some dropped": VotingClassifier(
        [*KINDS[:2], ("off", "drop"), KINDS[2]], voting="soft", weights=[1, 2, 9, 3]
    ),
    "bags of pipelines": BaggingClassifier(SCALED, 5, max_features=0.8, random_state=0),
    "bags of machines": BaggingClassifier(SVC(), 5, max_samples=0.2, random_state=0),
    "bags of few": BaggingClassifier(
        DecisionTreeClassifier(), 30, max_samples=4, bootstrap_features=True, random_state=3
    ),
    "calibrated": CalibratedClassifierCV(SCALED, cv=3),
    "calibrated forests": CalibratedClassifierCV(FOREST, cv=3, method="isotonic"),
    "calibrated machines": CalibratedClassifierCV(SVC(), cv=2, ensemble=False),
    "calibrated boosting": CalibratedClassifierCV(
        GradientBoostingClassifier(n_estimators=5), method="isotonic", cv=3
    ),
    "calibrated neighbours": CalibratedClassifierCV(KNeighborsClassifier(5), cv=3),
    "stacked": StackingClassifier([*KINDS, ("svc", SVC()), ("ridge", RidgeClassifier())], cv=3),
    "stacked trees, features too": StackingClassifier(
        [("off", "drop"), *KINDS], FOREST, cv=3, passthrough=True
    ),
    "stacked labels": StackingClassifier(KINDS, GaussianNB(), cv=3, stack_method="predict"),
    "stacked behind a scaler": make_pipeline(
        StandardScaler(), PCA(4), StackingClassifier(KINDS, cv=3, passthrough=True)
    ),
    "boosted": AdaBoostClassifier(n_estimators=30, random_state=0),
    "boosted machines": AdaBoostClassifier(GaussianNB(), n_estimators=5),
}

PREDICTING: dict[str, Any] = {
    "means": VotingRegressor([("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=4))]),
    "means by weight": VotingRegressor(
        [
            ("poisson", PoissonRegressor()),
            ("off", "drop"),
            ("hist", HistGradientBoostingRegressor()),
        ],
        weights=[1, 5, 3],
    ),
    "stacked": StackingRegressor(
        [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=4)), ("poisson", SVR())],
        cv=3,
        passthrough=True,
    ),
    "bags": BaggingRegressor(Ridge(), 12, max_features=0.5, random_state=0),
    "boosted": AdaBoostRegressor(n_estimators=20, random_state=0),
    "boosted lines": AdaBoostRegressor(Ridge(), n_estimators=5, random_state=0),
}


def build(estimator: Any) -> Predictor:
    output: Output = NUMBER
    if hasattr(estimator, "classes_"):
        output = classes(*estimator.classes_.tolist())
    signature = Signature(columns=tuple(map(number, data.NAMES)), output=output)
    return Predictor(signature, [data.read(estimator)])


def assert_alike(predictor: Predictor, rows: np.ndarray) -> None:
    whole = predictor.predict(rows)
    for row, value, scores in zip(rows.tolist(), whole.values, whole.scores.tolist(), strict=True):
        assert predictor.score(row) == (value, tuple(scores))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*failed to converge")
@pytest.mark.parametrize(("n_classes", "kind"), [(2, "text"), (3, "text"), (4, "number")])
@pytest.mark.parametrize("name", CLASSIFYING)
def test_an_ensemble_decides_as_scikit_learn_does(name: str, n_classes: int, kind: str) -> None:
    estimator = CLASSIFYING[name].fit(data.numbers(), data.labels(n_classes, kind))
    if name == "bags of few":  # members of one class are asked nothing
        keep = [k for k, tree in enumerate(estimator.estimators_) if len(tree.classes_) > 1]
        estimator.estimators_ = [estimator.estimators_[k] for k in keep]
        estimator._seeds = estimator._seeds[keep]
        estimator.n_estimators = len(keep)
    rows = data.probes(None, 2000)
    predictor = build(estimator)
    found = predictor.predict(rows)
    assert found.values == estimator.predict(rows).tolist()
    if hasattr(estimator, "predict_proba"):
        assert predictor.score_name == "probabilities"
        assert np.abs(found.scores - estimator.predict_proba(rows)).max() < 1e-12
    assert_alike(predictor, rows[::40])


@pytest.mark.parametrize("name", PREDICTING)
def test_an_ensemble_predicts_scikit_learns_numbers(name: str) -> None:
    estimator = PREDICTING[name].fit(data.numbers(), data.target())
    rows = np.random.default_rng(0).normal(size=(500, 5)) * [1, 10, 0.1, 3, 1]
    predictor = build(estimator)
    np.testing.assert_allclose(predictor.outcomes(rows), estimator.predict(rows), rtol=1e-10)
    assert_alike(predictor, rows[::10])


def test_one_member_that_overflows_refuses_the_row_by_every_path() -> None:
    estimator = CLASSIFYING["means"].fit(data.numbers(), data.labels(3, "number"))
    estimator.estimators_[0][-1].coef_ *= 1e250
    kernel = build(estimator)._kernel
    rows = np.concatenate([data.numbers()[:3], np.full((1, 5), 1e80)])
    assert np.isnan(kernel.columns(rows)[:, -1]).all()
    assert [kernel.build_row()(row)[0] for row in rows.tolist()][-1] == -1


def test_a_member_is_read_once_however_often_it_is_named() -> None:
    estimator = BaggingClassifier(FOREST, 3, random_state=0)
    estimator.fit(data.numbers(), data.labels(3, "number"))
    estimator.estimators_ = [estimator.estimators_[0]] * 900
    estimator.estimators_features_ = [np.arange(5)] * 900
    members = build(estimator)._kernel.members  # type: ignore[attr-defined]
    assert len({id(member.kernel) for member in members}) == 1


REAL: dict[str, Any] = {
    "stumps": DecisionTreeClassifier(max_depth=1),
    "trees": DecisionTreeClassifier(max_depth=4, random_state=0),  # with leaves of one class
    "Bayes": GaussianNB(),
}


@pytest.mark.parametrize(("n_classes", "kind"), [(2, "text"), (3, "text"), (4, "number")])
@pytest.mark.parametrize("name", REAL)
def test_real_boosting_adds_up_logarithms_of_probabilities(
    name: str, n_classes: int, kind: str
) -> None:
    """As Zhu et al. (2009) have SAMME.R, which scikit-learn before 1.6 fitted; it had weights of 1.

    Of 1.5.2 itself, on 20,300 rows each, no label differed, and no probability by 1e-14.
    """
    estimator = AdaBoostClassifier(REAL[name], n_estimators=12, random_state=0)
    estimator.fit(data.numbers(), data.labels(n_classes, kind))
    record, n_members = data.read(estimator), len(estimator.estimators_)
    changes = {"algorithm": "SAMME.R", "estimator_weights_": np.ones(n_members)}
    record.state.update(changes)
    rows = data.probes(None, 2000)
    total = np.zeros((len(rows), n_classes))
    for member in estimator.estimators_:
        logarithms = np.log(np.maximum(member.predict_proba(rows), 2.0**-52))
        total += (n_classes - 1) * (logarithms - logarithms.mean(axis=1, keepdims=True))
    shares = np.exp(total / n_members / (n_classes - 1))
    shares /= shares.sum(axis=1, keepdims=True)
    signature = Signature(
        columns=tuple(map(number, data.NAMES)), output=classes(*estimator.classes_.tolist())
    )
    predictor = Predictor(signature, [record])
    found = predictor.predict(rows)
    top = np.sort(total, axis=1)[:, -2:]
    clear = top[:, 1] - top[:, 0] > 1e-9
    assert clear.sum() > 1000
    labels = estimator.classes_[total.argmax(axis=1)]
    assert (np.array(found.values, object) == labels)[clear].all()
    assert np.abs(found.scores - shares).max() < 1e-12
    assert_alike(predictor, rows[::40])
    for _, forged in forgeries(record, name):
        assert_refused_or_answered(signature, forged, rows[:20])


def test_real_boosting_wants_members_that_have_probabilities() -> None:
    estimator = AdaBoostClassifier(RidgeClassifier(), n_estimators=3)
    record = data.read(estimator.fit(data.numbers(), data.labels(3, "number")))
    record.state["algorithm"] = "SAMME.R"
    signature = Signature(columns=tuple(map(number, data.NAMES)), output=classes(0, 1, 2))
    with pytest.raises(ArtifactError, match=r"wants probabilities, which .*Ridge.* has not"):
        Predictor(signature, [record])


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no members": ("means", {"estimators_": []}, "has 0 members"),
    "members that are none": ("means", {"estimators_": [None]}, "has 1 members"),
    "weights of others": ("means by weight", {"weights": [1, 2]}, "weights for other members"),
    "weights of zero": ("means by weight", {"weights": [0, 0, 0]}, "all zero"),
    "weights below zero": ("means by weight", {"weights": [1, -1, 1]}, "below zero"),
    "no weights": ("boosted", {"estimator_weights_": None}, "no estimator_weights_"),
    "another way to ask": ("stacked", {"stack_method_": ["transform"] * 5}, "by transform, which"),
    "no last one": ("stacked", {"final_estimator_": None}, "no final_estimator_"),
    "no curves": ("calibrated", {"calibrated_classifiers_": []}, "has 0 members"),
    "curves that are none": ("calibrated", {"calibrated_classifiers_": [Fitted("x")]}, "no estim"),
    "features of others": (
        "bags of pipelines",
        {"estimators_features_": [np.arange(9)] * 5},
        "estimators_features_ beyond",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_ensemble_that_does_not_fit_together_is_refused(name: str) -> None:
    ensemble, changes, words = REFUSED[name]
    estimator = CLASSIFYING[ensemble].fit(data.numbers(), data.labels(3, "number"))
    record = data.read(estimator)
    record.state.update(changes)
    signature = Signature(columns=tuple(map(number, data.NAMES)), output=classes(0, 1, 2))
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature, [record])


def test_a_vote_by_probabilities_wants_members_that_have_some() -> None:
    estimator = VotingClassifier([("one", RidgeClassifier()), ("other", FOREST)])
    estimator.fit(data.numbers(), data.labels(3, "number")).set_params(voting="soft")
    with pytest.raises(
        ArtifactError, match=r"wants probabilities, which .*RidgeClassifier has not"
    ):
        build(estimator)


CURVES: dict[str, tuple[str, dict[str, Any], str]] = {
    "points that fall": ("isotonic", {"X_thresholds_": np.array([2.0, 1.0])}, "ascend|shape"),
    "no points": ("isotonic", {"X_thresholds_": np.zeros(0), "y_thresholds_": np.zeros(0)}, "asc"),
    "out of bounds": ("isotonic", {"out_of_bounds": "nan"}, "expected 'clip'"),
    "no slope": ("sigmoid", {"a_": None}, "no a_"),
}


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_that_is_none_is_refused(name: str) -> None:
    method, changes, words = CURVES[name]
    estimator = CalibratedClassifierCV(FOREST, cv=2, method=method)
    record = data.read(estimator.fit(data.numbers(), data.labels(3, "number")))
    parts: Any = record.state["calibrated_classifiers_"]
    parts[0].state["calibrators"][0].state.update(changes)
    signature = Signature(columns=tuple(map(number, data.NAMES)), output=classes(0, 1, 2))
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature, [record])


def test_a_curve_of_one_point_is_the_same_everywhere() -> None:
    estimator = CalibratedClassifierCV(FOREST, cv=2, method="isotonic")
    record = data.read(estimator.fit(data.numbers(), data.labels(2, "number")))
    parts: Any = record.state["calibrated_classifiers_"]
    for part in parts:
        one = {"X_thresholds_": np.array([0.5]), "y_thresholds_": np.array([0.75])}
        part.state["calibrators"][0].state.update(one)
    signature = Signature(columns=tuple(map(number, data.NAMES)), output=classes(0, 1))
    predictor = Predictor(signature, [record])
    assert (predictor.predict(data.numbers()).scores == [0.25, 0.75]).all()
    assert_alike(predictor, data.numbers()[:20])


@pytest.mark.filterwarnings("ignore:.*failed to converge")
@pytest.mark.parametrize(
    "name", ["means by weight", "calibrated", "calibrated machines", "stacked", "bags of pipelines"]
)
def test_a_forged_ensemble_is_refused_or_answers(name: str) -> None:
    estimator = CLASSIFYING[name].fit(data.numbers(), data.labels(3, "number"))
    signature = Signature(columns=tuple(map(number, data.NAMES)), output=classes(0, 1, 2))
    for _, record in forgeries(data.read(estimator), name):
        assert_refused_or_answered(signature, record, data.numbers()[:20])
