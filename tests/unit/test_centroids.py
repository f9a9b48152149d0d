"""The nearest centroid is that of scikit-learn, by either distance, with shares and without."""

from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import classes, number
from tests.unit.test_ensembles import assert_alike, build
from tests.unit.test_forged_records import assert_refused_or_answered, forgeries

SIGNATURE = Signature(columns=tuple(map(number, data.NAMES)), output=classes(0, 1, 2))

CASES: dict[str, dict[str, Any]] = {
    "euclidean": {},
    "shrunken": {"shrink_threshold": 0.5},
    "uneven": {"priors": [0.2, 0.5, 0.3]},
    "shrunken and uneven": {"shrink_threshold": 0.5, "priors": "empirical"},
    "manhattan": {"metric": "manhattan"},
    "uneven manhattan": {"metric": "manhattan", "priors": [0.2, 0.5, 0.3]},
}


def fitted(name: str) -> Any:
    return NearestCentroid(**CASES[name]).fit(data.numbers(), data.labels(3, "number"))


@pytest.mark.parametrize("name", CASES)
def test_the_nearest_centroid_is_scikit_learns(name: str) -> None:
    estimator = fitted(name)
    rows = np.vstack([data.probes(None, 20_000), data.numbers()])
    predictor = build(estimator)
    found = predictor.predict(rows)
    assert found.values == estimator.predict(rows).tolist()
    assert_alike(predictor, rows[::100])
    near = np.abs(rows).max(axis=1) < 50.0  # scikit-learn squares rows, which costs digits
    if "manhattan" not in name:
        expected = estimator.predict_proba(rows[near])
        assert np.abs(found.scores[near] - expected).max() < 1e-9
    else:
        assert predictor.score_name == "decision_values"


def test_absolute_differences_have_scikit_learns_bits() -> None:
    rows = data.probes(None, 2000)
    estimator = fitted("uneven manhattan")
    assert (
        build(estimator).predict(rows).scores.tobytes()
        == estimator._decision_function(rows).tobytes()
    )
    found = build(fitted("manhattan")).predict(rows).scores
    centroids = fitted("manhattan").centroids_
    assert (found == -np.abs(rows[:, None] - centroids).cumsum(axis=2)[:, :, -1]).all()


def test_the_first_of_centroids_at_one_distance_is_taken() -> None:
    X = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
    for metric in ("euclidean", "manhattan"):
        estimator = NearestCentroid(metric=metric).fit(
            np.vstack([X - 0.125, X + 0.125]), [3, 2, 1, 0] * 2
        )
        record = data.read(estimator)
        signature = Signature(columns=(number("x"), number("y")), output=classes(0, 1, 2, 3))
        rows = np.array([[x / 4, y / 4] for x in range(-9, 9) for y in range(-9, 9)])
        predictor = Predictor(signature, [record])
        assert predictor.values(rows) == estimator.predict(rows).tolist()
        assert [predictor.value(row) for row in rows.tolist()] == predictor.values(rows)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_releases_without_shares_have_decision_values(metric: str) -> None:
    estimator = fitted(metric)
    record, rows = data.read(estimator), data.probes(None, 2000)
    for name in ("class_prior_", "within_class_std_dev_", "priors", "deviations_"):
        record.state.pop(name)
    predictor = Predictor(SIGNATURE, [record])
    assert predictor.score_name == "decision_values"
    assert predictor.values(rows) == estimator.predict(rows).tolist()


def test_features_that_do_not_vary_are_not_divided() -> None:
    X = data.numbers().copy()
    X[:, 2] = data.labels(3, "number")
    estimator = NearestCentroid(priors=[0.2, 0.5, 0.3])
    with pytest.warns(UserWarning, match="zero standard deviation"):
        estimator.fit(X, data.labels(3, "number"))
    predictor = Predictor(SIGNATURE, [data.read(estimator)])
    assert predictor.values(X) == estimator.predict(X).tolist()
    assert np.abs(predictor.predict(X).scores - estimator.predict_proba(X)).max() < 1e-12


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "another metric": ("euclidean", {"metric": "cosine"}, "metric='cosine'"),
    "centroids of others": ("euclidean", {"centroids_": np.zeros((3, 4))}, r"shape \(3, 4\)"),
    "no share": ("euclidean", {"class_prior_": np.array([0.0, 0.5, 0.5])}, "without a share"),
    "below zero": ("uneven", {"within_class_std_dev_": np.full(5, -1.0)}, "below zero"),
    "no spread": ("uneven", {"within_class_std_dev_": np.full(5, 5e-324)}, "or no spread"),
    "far away": ("euclidean", {"centroids_": np.full((3, 5), 1e300)}, "too far away"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_centroid_is_refused(name: str) -> None:
    case, changes, words = REFUSED[name]
    record = data.read(fitted(case))
    record.state.update(changes)
    with pytest.raises(ArtifactError, match=words):
        Predictor(SIGNATURE, [record])


@pytest.mark.parametrize("name", CASES)
def test_a_forged_centroid_is_refused_or_answers(name: str) -> None:
    for _, record in forgeries(data.read(fitted(name)), name):
        assert_refused_or_answered(SIGNATURE, record, data.numbers()[:20])
