"""Anomalies and clusters: random splits, support vectors, neighbours, the nearest centres."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special  # type: ignore[import-untyped]
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.ensemble import IsolationForest
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.labels import read_labels
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.kernels import quadratic
from iris_deploy.kernels.elementary import ColumnMath, FloatMath, digamma, exp2
from iris_deploy.schema.signature import Signature
from tests import data
from tests.agreement import assert_close, declared
from tests.signatures import NUMBER, classes, number
from tests.unit.test_forged_records import assert_refused_or_answered, forgeries
from tests.unit.test_neighbors import lattice

pytestmark = pytest.mark.filterwarnings("ignore:n_neighbors .1000. is greater")

ROWS = data.numbers()
COLUMNS = tuple(map(number, data.NAMES))
ANOMALIES = Signature(columns=COLUMNS, output=classes(-1, 1))

FORESTS: dict[str, Callable[[], Any]] = {
    "as it comes": lambda: IsolationForest(random_state=0),
    "a share of the samples": lambda: IsolationForest(
        random_state=0, contamination=0.1, max_samples=64
    ),
    "a sample at the offset": lambda: IsolationForest(
        random_state=1, contamination=30 / 299, n_estimators=20
    ),
    "some of the features": lambda: IsolationForest(
        random_state=0, max_features=0.6, n_estimators=15, bootstrap=True
    ),
    "two samples": lambda: IsolationForest(random_state=0, max_samples=2, n_estimators=9),
    "a pipeline": lambda: make_pipeline(StandardScaler(), IsolationForest(random_state=0)),
}


@pytest.mark.parametrize("name", FORESTS)
def test_anomalies_are_those_of_scikit_learn(name: str) -> None:
    fitted = FORESTS[name]().fit(ROWS)
    predictor = Predictor(ANOMALIES, [data.read(fitted)])
    rng = np.random.default_rng(4)
    rows = np.vstack([ROWS, data.probes(fitted, 3000), ROWS * rng.choice([0.5, 2, 1e6], (300, 1))])
    found = predictor.predict(rows)
    assert found.values == fitted.predict(rows).tolist()
    expected = fitted.decision_function(rows)
    np.testing.assert_allclose(found.scores[:, 1], expected, rtol=0, atol=16 * 2.0**-53)
    for k in range(0, len(rows), 97):
        label, scores = predictor.score(rows[k].tolist())
        assert (label, list(scores)) == (found.values[k], found.scores[k].tolist())


DETECTORS: dict[str, Callable[[], Any]] = {
    "rbf": OneClassSVM,
    "rbf of a few": lambda: OneClassSVM(nu=0.02, gamma="auto"),
    "linear": lambda: OneClassSVM(kernel="linear"),
    "poly": lambda: OneClassSVM(kernel="poly", degree=2, coef0=1.0, nu=0.1),
    "sigmoid": lambda: OneClassSVM(kernel="sigmoid", gamma=0.01),
    "local factors": lambda: LocalOutlierFactor(novelty=True),
    "local factors of a ball tree": lambda: LocalOutlierFactor(
        5, novelty=True, algorithm="ball_tree", contamination=0.1
    ),
    "local factors by brute force": lambda: LocalOutlierFactor(
        11, novelty=True, algorithm="brute", p=1
    ),
    "local factors of more samples than there are": lambda: LocalOutlierFactor(1000, novelty=True),
    "local factors of one neighbour": lambda: LocalOutlierFactor(
        1, novelty=True, metric="chebyshev"
    ),
    "local factors of a pipeline": lambda: make_pipeline(
        StandardScaler(), LocalOutlierFactor(novelty=True)
    ),
}


def asked(fitted: Any) -> np.ndarray:
    """Return rows around the samples, the samples themselves, and rows far away; these last."""
    near, far = data.probes(fitted, 3000), ROWS * 1e6
    return np.vstack([ROWS, near[300:], near[:300], far])


def last_of(fitted: Any) -> Any:
    return fitted[-1] if hasattr(fitted, "steps") else fitted


@pytest.mark.parametrize("name", DETECTORS)
def test_what_is_unlike_the_samples_is_what_scikit_learn_says(name: str) -> None:
    fitted = DETECTORS[name]().fit(ROWS)
    predictor = Predictor(ANOMALIES, [data.read(fitted)])
    rows = asked(fitted)
    found = predictor.predict(rows)
    assert found.values == fitted.predict(rows).tolist() == predictor.values(rows)
    assert predictor.score_name == "decision_values"
    assert (found.scores[:, 0] == -found.scores[:, 1]).all()
    ulp = declared(type(last_of(fitted)).__name__).ulp
    assert_close(found.scores[:, 1], fitted.decision_function(rows), ulp, slice(3000))
    for size in (1, 2, 7, 17, 150):
        assert predictor.predict(rows[:size]).scores.tobytes() == found.scores[:size].tobytes()
    for k in range(0, len(rows), 97):
        label, scores = predictor.score(rows[k].tolist())
        assert (label, list(scores)) == (found.values[k], found.scores[k].tolist())


@pytest.mark.parametrize("name", DETECTORS)
def test_a_forged_detector_is_refused_or_answers(name: str) -> None:
    fitted = DETECTORS[name]().fit(ROWS)
    rows = data.probes(fitted, 20)
    for _, record in forgeries(data.read(fitted), name):
        assert_refused_or_answered(ANOMALIES, record, rows)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_of_other_classes_is_refused(name: str) -> None:
    fitted = DETECTORS[name]().fit(ROWS)
    assert read_labels(data.read(last_of(fitted))) == (-1, 1)
    for output in (classes(1, 2, 3), NUMBER):
        with pytest.raises(ArtifactError, match=r"tells -1 from 1|supported regressor"):
            Predictor(Signature(columns=COLUMNS, output=output), [data.read(fitted)])


@pytest.mark.parametrize("n_features", [1, 2, 3])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree", "brute"])
def test_local_factors_are_of_the_samples_that_scikit_learn_asks_of_those_at_one_distance(
    algorithm: str, metric: str, n_features: int
) -> None:
    X, rows = lattice(400, n_features, 0), lattice(1000, n_features, 1)
    X[::7] += 0.25
    fitted = LocalOutlierFactor(7, algorithm=algorithm, metric=metric, leaf_size=7, novelty=True)
    with warnings.catch_warnings(action="ignore"):  # of samples that are there several times
        fitted.fit(X)
    columns = tuple(number(f"x{k}") for k in range(n_features))
    predictor = Predictor(Signature(columns=columns, output=classes(-1, 1)), [data.read(fitted)])
    found = predictor.predict(rows)
    expected = fitted.decision_function(rows)
    np.testing.assert_allclose(found.scores[:, 1], expected, rtol=1e-12, atol=1e-12)
    clear = np.abs(expected) > 1e-12
    assert (np.array(found.values) == fitted.predict(rows))[clear].all()
    for k in range(0, len(rows), 37):
        assert predictor.score(rows[k].tolist())[1] == tuple(found.scores[k].tolist())


@pytest.mark.parametrize(
    "changed",
    [
        {"novelty": False},
        {"offset_": float("inf")},
        {"offset_": None},
        {"n_neighbors_": 301},
        {"n_neighbors_": 5},
        {"_lrd": np.ones(299)},
        {"_lrd": np.full(300, np.inf)},
        {"_distances_fit_X_": np.ones((300, 19))},
    ],
    ids=str,
)
def test_local_factors_that_somebody_forged_are_refused(changed: dict[str, Any]) -> None:
    record = data.read(LocalOutlierFactor(novelty=True).fit(ROWS))
    record.state |= changed
    with pytest.raises(ArtifactError, match="LocalOutlierFactor"):
        Predictor(ANOMALIES, [record])


def test_the_digamma_function_is_that_of_scipy() -> None:
    x = np.concatenate([np.geomspace(1e-6, 1e8, 20_000), np.linspace(1.2, 1.8, 2000)])
    expected = special.digamma(x)
    unit = np.maximum(np.spacing(np.abs(expected)), 2.0**-52)
    assert (np.abs(digamma(x) - expected) <= 8 * unit).all()


def test_powers_of_two_are_within_two_ulp_and_the_same_for_columns() -> None:
    x = np.concatenate([-np.random.default_rng(0).random(20_000) * 5, np.arange(-60.0, 60.0)])
    columns = exp2(x, ColumnMath)
    assert columns.tolist() == [exp2(value, FloatMath) for value in x.tolist()]
    assert (np.abs(columns - np.exp2(x)) <= 2 * np.spacing(np.exp2(x))).all()
    assert exp2(-1.0, FloatMath) == 0.5


CLUSTERINGS: dict[str, Callable[[], Any]] = {
    "two": lambda: KMeans(2, n_init=1, random_state=0),
    "seven": lambda: KMeans(7, n_init=1, random_state=0),
    "elkan": lambda: KMeans(4, n_init=1, algorithm="elkan", random_state=0),
    "in batches": lambda: MiniBatchKMeans(5, n_init=1, random_state=0),
    "a pipeline": lambda: make_pipeline(StandardScaler(), KMeans(3, n_init=1, random_state=0)),
}


@pytest.mark.parametrize("name", CLUSTERINGS)
def test_clusters_are_those_of_scikit_learn(name: str) -> None:
    fitted = CLUSTERINGS[name]().fit(ROWS)
    record = data.read(fitted)
    n_clusters = len(
        fitted[-1].cluster_centers_ if name == "a pipeline" else fitted.cluster_centers_
    )
    signature = Signature(columns=COLUMNS, output=classes(*range(n_clusters)))
    predictor = Predictor(signature, [record])
    rows = np.random.default_rng(5).normal(size=(20_000, 5)) * [2, 20, 0.3, 6, 2] + [0, 5, 1, 0, 0]
    assert predictor.values(rows) == fitted.predict(rows).tolist()
    assert [predictor.value(row) for row in rows[:100].tolist()] == predictor.values(rows[:100])


def bayesian(n: int, **options: Any) -> Any:
    return BayesianGaussianMixture(n_components=n, random_state=0, max_iter=500, **options)


MIXTURES: dict[str, Callable[[], Any]] = {
    "full": lambda: GaussianMixture(3, random_state=0),
    "tied": lambda: GaussianMixture(4, covariance_type="tied", random_state=0),
    "diagonal": lambda: GaussianMixture(2, covariance_type="diag", random_state=0),
    "spherical": lambda: GaussianMixture(5, covariance_type="spherical", random_state=0),
    "in a pipeline": lambda: make_pipeline(StandardScaler(), GaussianMixture(3, random_state=0)),
    "bayesian": lambda: bayesian(3, weight_concentration_prior=1e3),
    "bayesian, few": lambda: bayesian(
        2,
        weight_concentration_prior=1e3,
        weight_concentration_prior_type="dirichlet_distribution",
        covariance_type="diag",
    ),
    "bayesian, tied": lambda: bayesian(4, covariance_type="tied", weight_concentration_prior=1e3),
    "bayesian, spherical": lambda: bayesian(3, covariance_type="spherical"),
}


def mixed(name: str) -> tuple[Any, Fitted, Signature]:
    with warnings.catch_warnings(action="ignore"):  # of what has not converged
        fitted = MIXTURES[name]().fit(ROWS)
    record = data.read(fitted)
    output = classes(*read_labels(data.read(last_of(fitted))))
    return fitted, record, Signature(columns=COLUMNS, output=output)


@pytest.mark.parametrize("name", MIXTURES)
def test_the_likeliest_of_clouds_is_that_of_scikit_learn(name: str) -> None:
    fitted, record, signature = mixed(name)
    predictor = Predictor(signature, [record])
    rows = asked(fitted)[:3300]
    found = predictor.predict(rows)
    assert found.values == fitted.predict(rows).tolist() == predictor.values(rows)
    assert predictor.score_name == "probabilities"
    ulp = declared(type(last_of(fitted)).__name__).ulp
    assert_close(found.scores, fitted.predict_proba(rows), ulp, slice(3000))
    for size in (1, 2, 7, 17, 150):
        assert predictor.predict(rows[:size]).scores.tobytes() == found.scores[:size].tobytes()
    for k in range(0, len(rows), 97):
        label, scores = predictor.score(rows[k].tolist())
        assert (label, list(scores)) == (found.values[k], found.scores[k].tolist())


@pytest.mark.parametrize("limit", ["_MOST_WRITTEN", "_MOST_STACKED"])
@pytest.mark.parametrize("name", ["full", "tied", "diagonal"])
def test_many_clouds_or_features_have_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, name: str, limit: str
) -> None:
    _, record, signature = mixed(name)
    rows = ROWS[:50]
    expected = [Predictor(signature, [record]).score(row) for row in rows.tolist()]
    monkeypatch.setattr(quadratic, limit, 0)
    if limit == "_MOST_STACKED":
        monkeypatch.setattr(quadratic, "_MOST_WRITTEN", 0)
    assert [Predictor(signature, [record]).score(row) for row in rows.tolist()] == expected


@pytest.mark.parametrize("name", MIXTURES)
def test_a_forged_mixture_is_refused_or_answers(name: str) -> None:
    _, whole, signature = mixed(name)
    for _, record in forgeries(whole, name):
        assert_refused_or_answered(signature, record, ROWS[:20])


CLOUDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "another kind": ("full", {"covariance_type": "whole"}, "covariance_type='whole'"),
    "of another kind": ("full", {"covariance_type": "diag"}, "precisions_cholesky_ of shape"),
    "no share": ("full", {"weights_": np.array([0.0, 0.5, 0.5])}, "without a share"),
    "no precision": ("full", {"precisions_cholesky_": np.zeros((3, 5, 5))}, "not above zero"),
    "next to none": ("diagonal", {"precisions_cholesky_": np.full((2, 5), 1e-200)}, "above zero"),
    "32 bits": ("full", {"means_": np.zeros((3, 5), np.float32)}, "32 bits"),
    "other means": ("full", {"means_": np.zeros((3, 4))}, "means_ of shape"),
    "no freedom": ("bayesian", {"degrees_of_freedom_": np.full(3, 4.0)}, "degrees_of_freedom_"),
    "not sure": ("bayesian", {"mean_precision_": np.zeros(3)}, "mean_precision_"),
    "hardly sure": ("bayesian", {"mean_precision_": np.full(3, 5e-324)}, "without a share"),
    "one of two": ("bayesian", {"weight_concentration_": (np.ones(3),)}, "weight_concentration_"),
    "below zero": (
        "bayesian, few",
        {"weight_concentration_": np.array([1.0, -1.0])},
        "weight_concentration_",
    ),
}


def test_clouds_tied_along_very_many_axes_are_refused() -> None:
    _, record, _ = mixed("tied")
    n, n_features = 10_000, 200
    record.state |= {"weights_": np.ones(n), "means_": np.zeros((n, n_features))}
    record.state |= {"precisions_cholesky_": np.eye(n_features), "n_features_in_": n_features}
    columns = tuple(number(f"x{k}") for k in range(n_features))
    with pytest.raises(ArtifactError, match="ties 10000 clusters of 200 features"):
        Predictor(Signature(columns=columns, output=classes(*range(n))), [record])


@pytest.mark.parametrize("name", CLOUDS)
def test_clouds_that_do_not_fit_are_refused(name: str) -> None:
    case, changed, words = CLOUDS[name]
    _, record, signature = mixed(case)
    record.state |= changed
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature, [record])


def test_what_is_told_apart_is_known_without_classes() -> None:
    assert read_labels(forged()) == (-1, 1)
    assert read_labels(data.read(KMeans(3, n_init=1).fit(ROWS))) == (0, 1, 2)


def forged(**changed: Any) -> Fitted:
    record = data.read(IsolationForest(n_estimators=3, random_state=0).fit(ROWS))
    record.state |= changed
    return record


def subsets(*of: Any) -> list[Any]:
    return [np.array(each) for each in of]


@pytest.mark.parametrize(
    "changed",
    [
        {"offset_": float("nan")},
        {"offset_": 0.5},
        {"offset_": None},
        {"_max_samples": 1},
        {"_max_samples": 10**400},
        {"_max_samples": "256"},
        {"estimators_": []},
        {"estimators_": [StandardScaler]},
        {"estimators_features_": subsets([0, 1])},
        {"estimators_features_": subsets([0, 1, 2, 3, 5], [0], [0])},
        {"estimators_features_": subsets([0, 1, 2, 3, -1], [0], [0])},
        {"estimators_features_": subsets([0], [0], [0])},
        {"estimators_features_": subsets([], [], [])},
        {"estimators_features_": ["a", "b", "c"]},
        {"_average_path_length_per_tree": subsets([1.0], [1.0], [1.0])},
        {"_average_path_length_per_tree": subsets([np.inf], [1.0], [1.0])},
        {"_average_path_length_per_tree": [1, 2, 3, 4]},
        {"n_features_in_": 4, "n_features_": 4},
    ],
)
def test_a_forest_that_somebody_forged_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ArtifactError):
        Predictor(ANOMALIES, [forged(**changed)])


@pytest.mark.parametrize(
    "centers", [None, np.zeros((3, 4)), np.full((3, 5), np.inf), np.zeros((3, 5), np.float32)]
)
def test_centres_that_do_not_fit_are_refused(centers: Any) -> None:
    record = data.read(KMeans(3, n_init=1, random_state=0).fit(ROWS))
    record.state["cluster_centers_"] = centers
    with pytest.raises(ArtifactError):
        Predictor(Signature(columns=COLUMNS, output=classes(0, 1, 2)), [record])


def test_old_dumps_without_lengths_answer_the_same() -> None:
    fitted = IsolationForest(n_estimators=20, random_state=0).fit(ROWS)
    record = data.read(fitted)
    kept = Predictor(ANOMALIES, [record]).predict(ROWS).scores
    for name in ("_average_path_length_per_tree", "_decision_path_lengths"):
        record.state.pop(name, None)
    np.testing.assert_allclose(
        Predictor(ANOMALIES, [record]).predict(ROWS).scores, kept, rtol=0, atol=1e-15
    )
