"""The predictor decides as scikit-learn does, and gives one row the same bits by every route."""

import io
import json
import math
import random
from copy import deepcopy
from functools import cache, lru_cache
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import (
    LogisticRegression,
    SGDClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from iris_deploy.codec.pointers import InstanceError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.kernels import elementary, links, transform
from iris_deploy.kernels import linear as kernel
from iris_deploy.kernels.blocks import Values
from iris_deploy.kernels.scores import Rule, decide
from iris_deploy.kernels.steps import Arithmetic, Clip, Step
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.problems import SignatureError
from tests.contracts import Contract
from tests.families import (
    CLASSIFIERS,
    LINEAR_CLASSIFIERS,
    LOGISTIC,
    PERCEPTRON,
    SCALERS,
)
from tests.growth import peak
from tests.signatures import numbers_to_classes

pytestmark = pytest.mark.filterwarnings("ignore:The `probability` parameter was deprecated")

MILLION = 1_000_000

ESTIMATORS: dict[str, Any] = {
    **{name: make_pipeline(StandardScaler(), create()) for name, create in CLASSIFIERS.items()},
    **{name: make_pipeline(create(), LogisticRegression()) for name, create in SCALERS.items()},
}
"""Every case of every family, before or behind another one."""

CASES = [(name, n) for name in ESTIMATORS for n in (2, 3)]


def is_linear(name: str) -> bool:
    """Tell whether an estimator, or what is behind it, decides by weighted sums."""
    return name in SCALERS or name in LINEAR_CLASSIFIERS


cases = pytest.mark.parametrize(("name", "n_classes"), CASES)


def build_predictor(estimator: Any, n_features: int, n_classes: int) -> Predictor:
    """Build the predictor of a fitted estimator by way of its dump."""
    dump = io.BytesIO()
    joblib.dump(estimator, dump)
    return Predictor(numbers_to_classes(n_features, n_classes), [read_estimator(dump.getvalue())])


@lru_cache
def fitted(name: str, n_classes: int) -> tuple[Any, Predictor]:
    """Fit an estimator to the petals of two or three classes of iris."""
    X, y = load_iris(return_X_y=True)
    # Without the first class, so that the remaining two overlap and every weight counts.
    keep = y >= 3 - n_classes
    estimator = clone(ESTIMATORS[name]).fit(X[keep][:, [2, 3]], y[keep] - (3 - n_classes))
    return estimator, build_predictor(estimator, 2, n_classes)


def decision(estimator: Any, X: np.ndarray) -> np.ndarray:
    """Return scikit-learn's decision values with one column per class."""
    if not hasattr(estimator, "decision_function"):
        shares: np.ndarray = estimator.predict_proba(X)
        return shares
    values: np.ndarray = estimator.decision_function(X)
    columns: np.ndarray = np.column_stack([-values, values]) if values.ndim == 1 else values
    return columns


def points_for(name: str, case: str) -> np.ndarray:
    """Return the points on which an estimator is compared: a million for the talk's."""
    return points(case)[:: 1 if name in {PERCEPTRON, LOGISTIC} else 50]


@cache
def points(case: str) -> np.ndarray:
    """Return a set of random points: around the data, far away, near zero, on a grid."""
    rng = np.random.default_rng(20181)
    size = (MILLION, 2)
    match case:
        case "data":
            return rng.normal((3.8, 1.2), (1.8, 0.8), size)
        case "range":
            return rng.uniform((0, 0), (8, 3), size)
        case "far":
            return rng.uniform(-1e6, 1e6, size)
        case "magnitudes":
            return rng.choice((-1.0, 1.0), size) * 10 ** rng.uniform(-12, 12, size)
        case _:
            x, y = np.meshgrid(np.arange(0, 8, 0.01), np.arange(0, 3, 0.01))
            return np.column_stack([x.ravel(), y.ravel()])


@pytest.mark.no_cover
@cases
@pytest.mark.parametrize("case", ["data", "range", "far", "magnitudes", "grid"])
def test_labels_are_scikit_learns_wherever_a_point_is(name: str, n_classes: int, case: str) -> None:
    estimator, predictor = fitted(name, n_classes)
    X = points_for(name, case)
    same = predictor.predict(X).outcomes == estimator.predict(X)
    if name.startswith("ComplementNB(norm") and case == "grid":  # classes are as likely on lines
        shares = np.sort(estimator.predict_proba(X), axis=1)[~same, -2:]
        assert (np.diff(shares) < 1e-12).all()
        same = same[same]
    assert same.all()


@pytest.mark.no_cover
@cases
def test_probabilities_are_scikit_learns(name: str, n_classes: int) -> None:
    estimator, predictor = fitted(name, n_classes)
    X = np.vstack([points("range")[:500], points("far")[:500], points("magnitudes")[:500]])
    scores = predictor.predict(X).scores
    if predictor.score_name == "probabilities":
        assert scores == pytest.approx(estimator.predict_proba(X), rel=1e-9, abs=1e-15)
        assert scores.sum(axis=1) == pytest.approx(1)
    else:
        assert not hasattr(estimator, "predict_proba")
        expected = decision(estimator, X)
        assert scores == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.no_cover
@cases
def test_a_row_has_the_same_bits_alone_in_any_batch_and_in_any_memory_order(
    name: str, n_classes: int
) -> None:
    _, predictor = fitted(name, n_classes)
    X = np.vstack([boundary_points(name, n_classes)[:150], points("magnitudes")[:150]])
    whole = predictor.predict(X)
    for start, size in ((0, 1), (1, 2), (3, 5), (100, 16), (200, 17), (120, 1000)):
        part = predictor.predict(X[start : start + size])
        assert part.scores.tobytes() == whole.scores[start : start + size].tobytes()
        assert part.values == whole.values[start : start + size]
        assert predictor.values(X[start : start + size].tolist()) == part.values
    for copy in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], X[::-1].copy()[::-1]):
        assert predictor.predict(copy).scores.tobytes() == whole.scores.tobytes()
    for i, row in enumerate(X.tolist()):
        label, scores = predictor.score(row)
        assert np.array(scores).tobytes() == whole.scores[i].tobytes()
        assert predictor.value(row) == label == whole.values[i]


@lru_cache
def boundary_points(name: str, n_classes: int) -> np.ndarray:
    """Construct points that lie within 3 ulp of a boundary between two classes.

    For a random first feature the second is solved for where the two classes' scores meet, and
    then moved by up to 3 ulp.
    """
    estimator, _ = fitted(name, n_classes)
    rng = np.random.default_rng(7)
    x = rng.uniform(0.5, 7.5, 6000 if is_linear(name) else 600)

    def gap(y: np.ndarray) -> np.ndarray:
        values = decision(estimator, np.column_stack([x, y]))
        distance: np.ndarray = values[:, -1] - values[:, -2]
        return distance

    low, high = np.full_like(x, -100.0), np.full_like(x, 100.0)
    sign = np.sign(gap(high) - gap(low))
    for _ in range(80):  # bisection, down to neighbouring floats
        middle = (low + high) / 2
        above = sign * gap(middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    y = high
    for _ in range(3):
        step = rng.integers(-1, 2, len(y))
        y = np.where(
            step > 0, np.nextafter(y, np.inf), np.where(step < 0, np.nextafter(y, -np.inf), y)
        )
    return np.column_stack([x, y])


ULPS = 6
"""Scores near a boundary agree with scikit-learn's to so many ulp of their largest term.

Two products (half an ulp each), their sum and the intercept (one each, in the next binade) make 3
for either side. 4 were seen.
"""


@pytest.mark.parametrize(("name", "n_classes"), [case for case in CASES if is_linear(case[0])])
def test_scores_at_a_boundary_are_within_a_few_ulp_of_scikit_learns(
    name: str, n_classes: int
) -> None:
    """Terms cancel at a boundary, so the ulp is that of the largest term of the sum."""
    estimator, predictor = fitted(name, n_classes)
    X = boundary_points(name, n_classes)
    steps = estimator.steps if hasattr(estimator, "steps") else [("only", estimator)]
    classifier = steps[-1][1]
    scaled = estimator[:-1].transform(X) if len(steps) > 1 else X
    coef = np.atleast_2d(classifier.coef_)
    terms = np.abs(scaled[:, np.newaxis, :] * coef).max(axis=2)
    largest = np.maximum(terms, np.abs(classifier.intercept_))
    got = np.array([predictor._row(row)[1] for row in X.tolist()])
    expected = classifier.decision_function(scaled).reshape(got.shape)
    assert (np.abs(got - expected) <= ULPS * np.spacing(largest)).all()


@pytest.mark.parametrize("n_features", [1, 3, 40])
def test_any_number_of_features_and_classes_gives_the_same_bits_by_both_paths(
    n_features: int,
) -> None:
    for n_classes in (2, 3, 7):
        X, y = make_classification(
            500,
            n_features,
            n_informative=min(n_features, 8),
            n_redundant=0,
            n_classes=2 if n_features == 1 else min(n_classes, 2 ** min(n_features, 8)),
            n_clusters_per_class=1,
            random_state=0,
        )
        k = len(np.unique(y))
        estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
        predictor = build_predictor(estimator, n_features, k)
        batch = predictor.predict(X)
        assert (batch.outcomes == estimator.predict(X)).all()
        rows = [predictor.score(row)[1] for row in X.tolist()]
        assert np.array(rows).tobytes() == batch.scores.tobytes()


def test_a_model_too_wide_to_unroll_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    estimator, predictor = fitted(LOGISTIC, 3)
    X = points("data")[:200].tolist()
    monkeypatch.setattr(kernel, "MAX_UNROLLED", 0)
    monkeypatch.setattr(transform, "MAX_UNROLLED", 0)
    wide = build_predictor(estimator, 2, 3)
    assert [wide.score(row) for row in X] == [predictor.score(row) for row in X]


@pytest.mark.parametrize(("n_features", "n_lines"), [(1, 1), (3, 4), (100, 1), (1500, 7)])
def test_a_row_too_wide_to_unroll_gets_the_bits_of_columns(n_features: int, n_lines: int) -> None:
    numbers = np.random.default_rng(n_features)

    def vector() -> Any:
        return numbers.normal(size=n_features) * 10.0 ** numbers.integers(-8, 8, n_features)

    first = Arithmetic("-", vector()), Arithmetic("/", vector()), Clip(-1e3, 1e3)
    steps = (*first, Arithmetic("*", vector()), Arithmetic("+", vector()))
    coef = np.stack([vector() for _ in range(n_lines)])
    rule: Rule = "above" if n_lines == 1 else "largest"
    wide = kernel.LinearKernel(stepped(n_features, steps), coef, coef[:, 0], rule)
    decide_row = wide._build_of_pieces()
    for row in [vector() for _ in range(50)]:
        index, scores = decide_row(row.tolist())
        columns = wide.columns(row[np.newaxis])
        assert (index, list(scores)) == (int(decide(columns, rule)[0]), columns[:, 0].tolist())


def stepped(n_features: int, steps: tuple[Step, ...]) -> Transform:
    """Change every feature by steps."""
    columns = np.arange(n_features, dtype=np.int32)
    return Transform(n_features, (Values(columns, steps),))


def test_code_for_a_row_is_bounded_whatever_it_is_made_of() -> None:
    """Forty scalers of 4,096 features would be 700 MB of code."""
    ones = np.ones(4096)
    many = kernel.LinearKernel(
        stepped(4096, (Arithmetic("*", ones),) * 40), np.ones((1, 4096)), np.zeros(1), "above"
    )
    assert peak(many.build_row) < 1 << 20
    assert many.build_row()(ones.tolist())[1] == (4096.0,)


EXTREMES = [
    value
    for edge in (709.782712893384, 708.4, 745.2, 746.0, 36.8, 1.0, 0.0, 1e5, 1e300, 5e-324)
    for value in (edge, np.nextafter(edge, 0), np.nextafter(edge, np.inf))
]


LINKS: dict[str, Any] = {
    "logistic": SGDClassifier(loss="log_loss", random_state=0),
    "modified huber": SGDClassifier(loss="modified_huber", random_state=0),
    "softmax": LogisticRegression(),
    "discriminant analysis": LinearDiscriminantAnalysis(),
}


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_of_extreme_decision_values_are_scikit_learns(
    kind: str, n_classes: int
) -> None:
    X, y = load_iris(return_X_y=True)
    chosen = y < n_classes
    estimator = clone(LINKS[kind]).fit(X[chosen, 2:], y[chosen])
    numbers = random.Random(f"{kind} {n_classes}")
    signed = [sign * value for value in EXTREMES for sign in (1, -1)]
    lines = len(estimator.intercept_)
    for k in range(600):
        value = numbers.choice(signed)
        # All below an edge, each at another, or all the same.
        picks = [numbers.choice(signed) if k % 3 else value for _ in range(lines)]
        estimator.intercept_ = np.array([-abs(pick) for pick in picks] if k % 2 else picks)
        estimator.coef_ = np.zeros_like(estimator.coef_)
        predictor = build_predictor(estimator, 2, n_classes)
        label, scores = predictor.score((1.0, 1.0))
        with np.errstate(all="ignore"):
            expected = estimator.predict_proba([[1.0, 1.0]])[0]
            # Release 1.7 divides 0 by 0 where no class has a share; newer ones give all the same.
            expected = np.where(np.isnan(expected), 1 / n_classes, expected)
            assert label == f"class {estimator.predict([[1.0, 1.0]])[0]}"
        assert scores == pytest.approx(expected, rel=1e-13, abs=1e-307)
        batch = predictor.predict([(1.0, 1.0)] * 20)
        assert batch.scores[0].tolist() == list(scores)


def test_no_rows_give_no_predictions() -> None:
    _, predictor = fitted(PERCEPTRON, 3)
    assert predictor.values([]) == []
    predictions = predictor.predict([])
    assert (predictions.values, predictions.scores.shape) == ([], (0, 3))


@pytest.mark.parametrize("value", [1e308, -1.7e308])
def test_a_score_that_overflows_is_refused_by_every_path(value: float) -> None:
    estimator, _ = fitted(PERCEPTRON, 3)
    spread = deepcopy(estimator)
    spread[-1].coef_ = estimator[-1].coef_ * 100
    predictor = build_predictor(spread, 2, 3)
    row, fine = (value, value), (1.0, 1.0)
    with pytest.raises(SignatureError, match="overflows"):
        predictor.value(row)
    with pytest.raises(SignatureError, match="overflows"):
        predictor.score(row)
    for rows in ([fine, row], [fine] * 20 + [row]):
        with pytest.raises(SignatureError, match=f"^row {len(rows) - 1}: "):
            predictor.values(rows)
        with pytest.raises(SignatureError, match=f"^row {len(rows) - 1}: "):
            predictor.predict(rows)


@pytest.mark.parametrize("form", ["objects", "arrays"])
@pytest.mark.parametrize("details", [False, True])
def test_a_request_with_a_score_that_overflows_is_told_where(form: str, *, details: bool) -> None:
    estimator, _ = fitted(PERCEPTRON, 3)
    estimator = deepcopy(estimator)
    estimator[-1].coef_ *= 1e250
    predictor = build_predictor(estimator, 2, 3)
    names = predictor.signature.names
    rows = [(1.0, 1.0)] * 20 + [(1e99, -1e99)]
    body: object = [dict(zip(names, row, strict=True)) for row in rows]
    where = ["#/20"]
    if form == "arrays":
        body = dict(zip(names, zip(*rows, strict=True), strict=True))
        where = [f"#/{name}/20" for name in names]
    with pytest.raises(InstanceError, match="overflows") as raised:
        Contract(predictor).answer(json.dumps(body).encode(), details=details)
    assert [problem.pointer for problem in raised.value.problems] == where


@given(st.floats(-800, 0) | st.floats(-1e-3, 0) | st.floats(max_value=0, allow_infinity=False))
@settings(max_examples=2000, deadline=None)
def test_exp_is_within_two_ulp_and_the_same_for_floats_and_columns(x: float) -> None:
    got = elementary.exp(x, elementary.FloatMath)
    column = elementary.exp(np.array([x, x, x]), elementary.ColumnMath)
    assert (np.array([got] * 3)).tobytes() == column.tobytes()
    assert abs(got - math.exp(x)) <= 2 * math.ulp(math.exp(x))
    assert 0 <= got <= 1


@pytest.mark.parametrize("scores", [(-800.0, -900.0, -1000.0), (5.0, 5.0, 5.0), (-2.0, -3.0, -9.0)])
@pytest.mark.parametrize("link", ["logistic", "softmax", "modified_huber"])
def test_probabilities_far_from_every_class_are_still_probabilities(
    scores: tuple[float, ...], link: links.Link
) -> None:
    """scikit-learn divides zero by zero for some of these."""
    shares = links.probabilities(scores, link, elementary.FloatMath)
    columns = links.probabilities([np.array([s]) for s in scores], link, elementary.ColumnMath)
    assert sum(shares) == pytest.approx(1)
    assert np.array(shares).tobytes() == np.array(columns).tobytes()


def test_scores_farther_apart_than_floats_go_are_probabilities_by_every_path() -> None:
    estimator = deepcopy(fitted(LOGISTIC, 3)[0])
    estimator[-1].coef_ = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    predictor = build_predictor(estimator, 2, 3)
    row = (1.2e308, -0.5e308)
    label, scores = predictor.score(row)
    assert (label, scores) == ("class 0", (1.0, 0.0, 0.0))
    assert predictor.predict([row]).scores.tolist() == [[1.0, 0.0, 0.0]]
    for rows in (np.array([row]), np.array([row] * 100)):
        assert predictor.values(rows) == ["class 0"] * len(rows)


def test_few_rows_that_overflow_in_an_array_are_refused_without_a_warning() -> None:
    estimator = deepcopy(fitted(PERCEPTRON, 3)[0])
    estimator[-1].coef_ = estimator[-1].coef_ * 100
    predictor = build_predictor(estimator, 2, 3)
    with pytest.raises(SignatureError, match="overflows"):
        predictor.values(np.array([[1.7e308, 1.7e308]]))
