"""Thresholds of two classes decide as scikit-learn has them decide."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.adapter import Adapter, Threshold
from iris_deploy.schema.signature import Signature
from tests import data
from tests.data import NAMES, read
from tests.signatures import classes, number

PIPELINE = make_pipeline(StandardScaler(), LogisticRegression())
FOREST = RandomForestClassifier(8, random_state=0)

CHOSEN: dict[str, Any] = {
    "as it is": FixedThresholdClassifier(PIPELINE),
    "a probability": FixedThresholdClassifier(PIPELINE, threshold=0.2),
    "of the first class": FixedThresholdClassifier(PIPELINE, threshold=0.2, pos_label="ant"),
    "a decision value": FixedThresholdClassifier(
        PIPELINE, threshold=0.7, response_method="decision_function"
    ),
    "a decision value, of the first": FixedThresholdClassifier(
        LinearSVC(), threshold=0.3, pos_label="ant"
    ),
    "of decision values alone": FixedThresholdClassifier(LinearSVC(), threshold=-0.4),
    "shares of trees": FixedThresholdClassifier(FOREST, threshold=0.25),
    "found": TunedThresholdClassifierCV(PIPELINE),
    "found for a class": TunedThresholdClassifierCV(
        FOREST, scoring=make_scorer(f1_score, pos_label="ant"), random_state=0
    ),
}

AMONG_OTHERS: dict[str, Any] = {
    "by vote": VotingClassifier(
        [(name, CHOSEN[name]) for name in CHOSEN if "first" not in name and "class" not in name]
    ),
    "of the first class": VotingClassifier(
        [("shy", FixedThresholdClassifier(FOREST, threshold=0.2, pos_label=0))]
    ),
    "one vote": VotingClassifier([("shy", FixedThresholdClassifier(PIPELINE, threshold=0.95))]),
    "of the same classifier": VotingClassifier(
        [
            ("bold", FixedThresholdClassifier(FOREST, threshold=0.1)),
            ("shy", FixedThresholdClassifier(FOREST, threshold=0.9)),
            ("plain", FOREST),
        ]
    ),
    "by probability": VotingClassifier(
        [("shy", FixedThresholdClassifier(PIPELINE, threshold=0.95)), ("plain", FOREST)],
        voting="soft",
    ),
}


def signature() -> Signature:
    return Signature(columns=tuple(map(number, NAMES)), output=classes("ant", "bee"))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CHOSEN)
def test_a_threshold_of_scikit_learn_decides(name: str) -> None:
    estimator = CHOSEN[name].fit(data.numbers(), data.labels(2, "text"))
    predictor = Predictor(signature(), [read(estimator)])
    rows = data.probes(estimator, 3000)
    expected = estimator.predict(rows).tolist()
    assert predictor.values(rows) == expected
    assert [predictor.value(row) for row in rows[:300].tolist()] == expected[:300]
    assert predictor.predict(rows).values == expected


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", AMONG_OTHERS)
def test_a_threshold_of_scikit_learn_decides_within_an_ensemble(name: str) -> None:
    estimator = AMONG_OTHERS[name].fit(data.numbers(), data.labels(2, "text"))
    predictor = Predictor(signature(), [read(estimator)])
    rows = data.probes(FOREST.fit(data.numbers(), data.labels(2, "text")), 3000)
    expected = estimator.predict(rows).tolist()
    assert predictor.values(rows) == expected
    assert [predictor.value(row) for row in rows[:300].tolist()] == expected[:300]


@pytest.mark.parametrize("positive", ["ant", "bee"])
@pytest.mark.parametrize("least", [0.0, 0.125, 0.25, 0.5, 1.0])
def test_a_threshold_of_an_adapter_decides(positive: str, least: float) -> None:
    forest = FOREST.fit(data.numbers(), data.labels(2, "text"))
    adapter = Adapter(threshold=Threshold(positive=positive, value=least))
    predictor = Predictor(signature(), [read(forest)], adapter)
    rows = data.probes(forest, 1000)
    shares = forest.predict_proba(rows)[:, ["ant", "bee"].index(positive)]
    other = "bee" if positive == "ant" else "ant"
    expected = np.where(shares >= least, positive, other).tolist()
    assert predictor.values(rows) == expected
    assert [predictor.value(row) for row in rows.tolist()] == expected


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": "much"},
        {"threshold": float("nan")},
        {"threshold": float("inf")},
        {"threshold": None},
        {"pos_label": "cat"},
        {"response_method": "predict"},
        {"response_method": 3},
        {"estimator_": None},
    ],
)
def test_a_forged_threshold_is_refused(change: dict[str, Any]) -> None:
    record = read(CHOSEN["a probability"].fit(data.numbers(), data.labels(2, "text")))
    Predictor(signature(), [record])
    record.state.update(change)
    with pytest.raises(ArtifactError):
        Predictor(signature(), [record])


def test_a_threshold_needs_two_classes() -> None:
    record = read(LogisticRegression(max_iter=500).fit(data.numbers(), data.labels(3, "text")))
    three = Signature(columns=signature().columns, output=classes("ant", "bee", "cat"))
    adapter = Adapter(threshold=Threshold(positive="ant", value=0.5))
    Predictor(three, [record])
    with pytest.raises(ArtifactError, match="two classes"):
        Predictor(three, [record], adapter)
