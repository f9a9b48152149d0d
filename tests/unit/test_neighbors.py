"""Nearest neighbours: ties are broken as scikit-learn breaks them, and forged trees refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import NUMBER, classes, number


def predictor_of(estimator: Any, n_features: int) -> Predictor:
    output = classes(*range(len(estimator.classes_))) if hasattr(estimator, "classes_") else NUMBER
    columns = tuple(number(f"x{k}") for k in range(n_features))
    record = estimator if isinstance(estimator, Fitted) else data.read(estimator)
    return Predictor(Signature(columns=columns, output=output), [record])


def lattice(n: int, n_features: int, seed: int) -> np.ndarray:
    """Return rows of small whole numbers: many at the same distance, many twice."""
    drawn: np.ndarray = np.random.default_rng(seed).integers(0, 6, (n, n_features))
    return drawn.astype(float)


def assert_alike(predictor: Predictor, rows: np.ndarray) -> None:
    whole = predictor.predict(rows)
    for row, value, scores in zip(rows.tolist(), whole.values, whole.scores.tolist(), strict=True):
        assert predictor.score(row) == (value, tuple(scores))


@pytest.mark.parametrize("n_features", [1, 2, 3, 6])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree", "brute"])
def test_of_samples_at_one_distance_the_same_are_asked(
    algorithm: str, metric: str, n_features: int
) -> None:
    X, rows = lattice(400, n_features, 0), lattice(2000, n_features, 1)
    y = np.random.default_rng(2).integers(0, 3, len(X))
    for k in (1, 2, 5, 16):
        estimator = KNeighborsClassifier(
            k, algorithm=algorithm, metric=metric, leaf_size=7, weights="uniform"
        ).fit(X, y)
        predictor = predictor_of(estimator, n_features)
        found = predictor.predict(rows)
        assert found.values == estimator.predict(rows).tolist()
        assert (found.scores == estimator.predict_proba(rows)).all()
        assert_alike(predictor, rows[:50])


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_numbers_of_samples_at_one_distance_are_those_of_scikit_learn(weights: str) -> None:
    X, rows = lattice(400, 3, 0), lattice(2000, 3, 1)
    y = np.random.default_rng(2).normal(size=len(X))
    estimator = KNeighborsRegressor(7, weights=weights).fit(X, y)
    predictor = predictor_of(estimator, 3)
    np.testing.assert_allclose(predictor.outcomes(rows), estimator.predict(rows), rtol=1e-13)
    assert_alike(predictor, rows[:50])


@pytest.mark.parametrize("options", [{"metric": "cosine"}, {"algorithm": "brute"}], ids=str)
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_distances_that_scikit_learn_takes_by_blas_are_those(
    options: dict[str, Any], weights: Any
) -> None:
    estimator = KNeighborsClassifier(4, weights=weights, **options)
    estimator.fit(data.numbers(), data.labels(3, "number"))
    rows = data.numbers(2000, 1)
    predictor = predictor_of(estimator, 5)
    found = predictor.predict(rows)
    assert found.values == estimator.predict(rows).tolist()
    np.testing.assert_allclose(found.scores, estimator.predict_proba(rows), atol=1e-6)
    assert_alike(predictor, rows[::50])


def test_distances_far_beyond_the_samples_are_compared_or_refused() -> None:
    X = data.numbers()
    estimator = KNeighborsClassifier(3).fit(X, data.labels(3, "number"))
    rows = np.vstack([X * 1e12, X * 1e60, X + 1e99])
    predictor = predictor_of(estimator, 5)
    assert predictor.values(rows) == estimator.predict(rows).tolist()
    assert_alike(predictor, rows[::50])


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(1), KNeighborsRegressor(1)])
def test_one_sample_answers_for_all(estimator: Any) -> None:
    y = [0, 1] if isinstance(estimator, KNeighborsClassifier) else [2.5, 3.5]
    estimator.fit([[1.0], [1.0]], y)
    predictor = predictor_of(estimator, 1)
    rows = np.array([[1.0], [2.0], [-3.0]])
    assert predictor.values(rows) == estimator.predict(rows).tolist()
    assert_alike(predictor, rows)


def changed(alter: Callable[[list[Any]], None]) -> Callable[[Fitted], None]:
    """Change the tree's attributes, which have no names."""

    def change(record: Fitted) -> None:
        tree: Any = record.state["_tree"]
        layout = [part.copy() if isinstance(part, np.ndarray) else part for part in tree.unnamed]
        alter(layout)
        tree.unnamed = tuple(layout)

    return change


def _repeat(layout: list[Any]) -> None:
    layout[1][1] = layout[1][0]


def _overlap(layout: list[Any]) -> None:
    layout[2]["idx_start"][2] -= 1


def _reach_beyond(layout: list[Any]) -> None:
    layout[2]["idx_end"][0] += 1


def _cut(at: int, end: int) -> Callable[[list[Any]], None]:
    def cut(layout: list[Any]) -> None:
        layout[at] = layout[at][:end]

    return cut


FORGED: dict[str, Callable[[Fitted], None]] = {
    "a sample twice": changed(_repeat),
    "nodes that overlap": changed(_overlap),
    "a node beyond": changed(_reach_beyond),
    "fewer samples": changed(_cut(1, -1)),
    "fewer nodes": changed(_cut(2, -1)),
    "no node": changed(_cut(2, 0)),
    "fewer bounds": changed(_cut(3, 1)),
    "a short state": changed(lambda layout: layout.__delitem__(slice(2, None))),
    "no state": changed(list.clear),
    "no tree": lambda record: record.state.update(_tree=Fitted("sklearn.neighbors.KDTree")),
    "too many neighbours": lambda record: record.state.update(n_neighbors=301),
    "no neighbours": lambda record: record.state.update(n_neighbors=0),
    "fewer answers": lambda record: record.state.update(_y=np.zeros(299, int)),
    "answers beyond": lambda record: record.state.update(_y=np.full(300, 3)),
    "another metric": lambda record: record.state.update(effective_metric_="minkowski"),
    "a function": lambda record: record.state.update(weights=None),
    "weights of features": lambda record: record.state.update(
        effective_metric_params_={"w": np.ones(5)}
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_does_not_fit_together_is_refused(name: str) -> None:
    estimator = KNeighborsClassifier(3).fit(data.numbers(), data.labels(3, "number"))
    record = data.read(estimator)
    FORGED[name](record)
    signed = Signature(columns=tuple(map(number, data.NAMES)), output=classes(0, 1, 2))
    with pytest.raises(ArtifactError, match="KNeighborsClassifier"):
        Predictor(signed, [record])


def test_samples_of_a_sparse_matrix_are_refused() -> None:
    estimator = KNeighborsClassifier(3)
    estimator.fit(sparse.csr_matrix(data.numbers()), data.labels(3, "number"))
    with pytest.raises(ArtifactError, match="sparse matrix"):
        predictor_of(estimator, 5)
