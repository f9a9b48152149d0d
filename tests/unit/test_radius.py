"""Neighbours within a radius: those that scikit-learn finds, and rows that have none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import RadiusNeighborsClassifier, RadiusNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.labels import read_labels
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import NUMBER, classes, number
from tests.unit.test_forged_records import assert_refused_or_answered, forgeries
from tests.unit.test_neighbors import assert_alike, lattice, predictor_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:Outlier label"),
    pytest.mark.filterwarnings("ignore:One or more samples have no neighbors"),
]

COLUMNS = tuple(map(number, data.NAMES))


AT_RADIUS = [
    (algorithm, metric, n_features, size)
    for algorithm in ("kd_tree", "ball_tree", "brute")
    for metric in ("euclidean", "manhattan", "chebyshev")
    for n_features in (1, 2, 3, 6)
    for size in (1.0, 0.3, 1 / 3)
    if (algorithm, metric) != ("brute", "euclidean") or size == 1
]
"""Without those that scikit-learn rounds as BLAS does."""


@pytest.mark.parametrize(("algorithm", "metric", "n_features", "size"), AT_RADIUS)
def test_of_samples_just_at_the_radius_the_same_are_asked(
    algorithm: str, metric: str, n_features: int, size: float
) -> None:
    """Rows and samples of a lattice, whose distances are the radius but for their rounding."""
    X, rows = lattice(400, n_features, 0) * size, lattice(300, n_features, 1) * size
    y = np.random.default_rng(2).integers(0, 3, len(X))
    for radius in (size, 2 * size, np.sqrt(2) * size):
        for weights in ("uniform", "distance"):
            estimator = RadiusNeighborsClassifier(
                radius,
                algorithm=algorithm,
                metric=metric,
                leaf_size=7,
                weights=weights,
                outlier_label=1,
            ).fit(X, y)
            predictor = predictor_of(estimator, n_features)
            found = predictor.predict(rows)
            assert found.values == estimator.predict(rows).tolist()
            assert (found.scores == estimator.predict_proba(rows)).all()
            assert_alike(predictor, rows[:30])


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
def test_numbers_of_samples_just_at_the_radius_are_those_of_scikit_learn(
    algorithm: str, weights: str
) -> None:
    X, rows = lattice(400, 3, 0) * 0.3, lattice(2000, 3, 1) * 0.3
    y = np.random.default_rng(2).normal(size=len(X))
    estimator = RadiusNeighborsRegressor(0.6, algorithm=algorithm, weights=weights).fit(X, y)
    predictor = predictor_of(estimator, 3)
    np.testing.assert_allclose(predictor.outcomes(rows), estimator.predict(rows), rtol=1e-13)
    assert_alike(predictor, rows[:50])


@pytest.mark.parametrize("options", [{"metric": "cosine"}, {"algorithm": "brute"}], ids=str)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_distances_that_scikit_learn_takes_by_blas_are_those(
    options: dict[str, Any], weights: Any
) -> None:
    radius = 0.02 if "metric" in options else 3.0
    estimator = RadiusNeighborsClassifier(radius, weights=weights, outlier_label=1, **options)
    estimator.fit(data.numbers(), data.labels(3, "number"))
    rows = data.numbers(2000, 1)
    predictor = predictor_of(estimator, 5)
    found = predictor.predict(rows)
    assert found.values == estimator.predict(rows).tolist()
    np.testing.assert_allclose(found.scores, estimator.predict_proba(rows), atol=1e-6)
    assert_alike(predictor, rows[::50])


def fitted(radius: float = 2.0, kind: str = "text", **options: Any) -> Any:
    estimator = RadiusNeighborsClassifier(radius, **options)
    return estimator.fit(data.numbers(), data.labels(3, kind))


def signature(record: Fitted) -> Signature:
    return Signature(columns=COLUMNS, output=classes(*read_labels(record)))


@pytest.mark.parametrize("estimator", [RadiusNeighborsClassifier(2.0), RadiusNeighborsRegressor()])
def test_a_row_that_nothing_is_near_is_refused_and_says_why(estimator: Any) -> None:
    is_class = isinstance(estimator, RadiusNeighborsClassifier)
    estimator.fit(data.numbers(), data.labels(3, "number") if is_class else data.target())
    predictor = predictor_of(estimator, 5)
    near, far = data.numbers()[:20], np.full(5, 1e6)
    assert predictor.values(near) == estimator.predict(near).tolist()
    with pytest.raises(SignatureError, match="no sample is near enough"):
        predictor.score(far.tolist())
    for n_rows in (3, 20):
        rows = np.vstack([near[: n_rows - 1], far])
        for ask in (predictor.predict, predictor.values):
            with pytest.raises(SignatureError, match="no sample is near enough") as caught:
                ask(rows)
            assert caught.value.problems[0].row == n_rows - 1


OUTLIERS: dict[str, tuple[dict[str, Any], Any]] = {
    "the most frequent": ({"outlier_label": "most_frequent"}, None),
    "one of the classes": ({"outlier_label": "cat"}, "cat"),
    "one of the classes, by number": ({"outlier_label": 2, "kind": "number"}, 2),
    "another": ({"outlier_label": "eel"}, "eel"),
    "another number": ({"outlier_label": -1, "kind": "number"}, -1),
    "a list": ({"outlier_label": ["bee"], "weights": "distance"}, "bee"),
    "its own position": ({"outlier_label": 1, "kind": "number", "algorithm": "brute"}, 1),
    "another, by brute force": (
        {"outlier_label": -1, "kind": "number", "algorithm": "brute"},
        -1,
    ),
    "weighed by brute force": (
        {"outlier_label": "bee", "algorithm": "brute", "weights": "distance"},
        "bee",
    ),
    "angles": ({"outlier_label": "bee", "metric": "cosine", "radius": 1e-6}, "bee"),
}


@pytest.mark.parametrize("name", OUTLIERS)
def test_outliers_have_the_label_that_somebody_chose(name: str) -> None:
    options, label = OUTLIERS[name]
    estimator = fitted(**options)
    record = data.read(estimator)
    predictor = Predictor(signature(record), [record])
    rows = np.vstack([data.numbers(), data.probes(None, 2000), np.full((1, 5), 1e90)])
    found = predictor.predict(rows)
    assert found.values == estimator.predict(rows).tolist()
    assert label is None or found.values[-1] == label
    n_known = len(estimator.classes_)
    expected = estimator.predict_proba(rows)
    np.testing.assert_allclose(found.scores[:, :n_known], expected, rtol=1e-13, atol=1e-300)
    assert (found.scores[:, n_known:].sum(axis=1) == (expected.sum(axis=1) == 0.0)).all()
    assert_alike(predictor, rows[::50])


def test_a_label_of_outliers_that_no_sample_has_is_a_class_behind_the_others() -> None:
    assert read_labels(data.read(fitted(outlier_label="eel"))) == ("ant", "bee", "cat", "eel")
    assert read_labels(data.read(fitted(outlier_label="ant"))) == ("ant", "bee", "cat")
    assert read_labels(data.read(fitted())) == ("ant", "bee", "cat")


def test_releases_that_kept_the_label_of_outliers_alone_are_read() -> None:
    record = data.read(fitted(outlier_label="bee"))
    del record.state["outlier_label_"]
    predictor = Predictor(Signature(columns=COLUMNS, output=classes("a", "b", "c")), [record])
    assert predictor.value([1e6] * 5) == "b"


def test_what_overflows_before_distances_is_no_outlier() -> None:
    pipeline = make_pipeline(FunctionTransformer(np.exp), fitted(outlier_label="bee"))
    predictor = Predictor(signature(data.read(pipeline[-1])), [data.read(pipeline)])
    assert predictor.value([100.0] * 5) == "bee"
    with pytest.raises(SignatureError):
        predictor.value([1000.0] * 5)


FORGED: dict[str, tuple[dict[str, Any], Callable[[Fitted], Any], str]] = {
    "most frequent, for a position": (
        {"outlier_label": "most_frequent", "algorithm": "brute"},
        lambda _: None,
        "position of another class",
    ),
    "a class, for a position": (
        {"outlier_label": "bee", "algorithm": "brute"},
        lambda _: None,
        "position of another class",
    ),
    "a position that is no class": (
        {"outlier_label": 0, "kind": "number", "algorithm": "brute"},
        lambda record: record.state.update(classes_=np.array([1, 2, 3])),
        "position of another class",
    ),
    "no label": (
        {},
        lambda record: record.state.update(outlier_label_=[{}]),
        "expected text, whole numbers",
    ),
    "a negative radius": ({}, lambda record: record.state.update(radius=-1.0), "radius"),
    "no radius": ({}, lambda record: record.state.update(radius=float("nan")), "radius"),
    "an endless radius": ({}, lambda record: record.state.update(radius=float("inf")), "radius"),
    "a radius in words": ({}, lambda record: record.state.update(radius="1"), "radius"),
    "fewer answers": (
        {},
        lambda record: record.state.update(_y=np.zeros(299, int)),
        "299 answers",
    ),
    "answers beyond": (
        {"outlier_label": "eel"},
        lambda r: r.state.update(_y=np.full(300, 3)),
        "_y",
    ),
    "no samples": (
        {},
        lambda r: r.state.update(_fit_X=np.zeros((0, 5)), _y=np.zeros(0, int), _tree=None),
        "of 0 samples",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_does_not_fit_together_is_refused(name: str) -> None:
    options, forge, words = FORGED[name]
    record = data.read(fitted(**options))
    forge(record)
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature(record), [record])


@pytest.mark.parametrize("name", OUTLIERS)
def test_a_forged_label_of_outliers_is_refused_or_answers(name: str) -> None:
    whole = data.read(fitted(**OUTLIERS[name][0]))
    for _, record in forgeries(whole, name):
        assert_refused_or_answered(signature(whole), record, data.probes(None, 20))


def test_one_sample_answers_for_what_is_near() -> None:
    estimator = RadiusNeighborsRegressor(1.0).fit([[1.0]], [2.5])
    predictor = Predictor(Signature(columns=(number("x"),), output=NUMBER), [data.read(estimator)])
    assert predictor.values(np.array([[1.0], [2.0], [0.25]])) == [2.5] * 3
    assert predictor.value([0.0]) == 2.5
