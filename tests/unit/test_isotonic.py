"""Isotonic regression by itself: one feature, and a curve that rises or falls all along."""

import contextlib
from typing import Any

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.discovery import find_width
from iris_deploy.estimators.isotonic import read_points
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.kernels.elementary import ColumnMath, FloatMath
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import NUMBER, number

SIGNATURE = Signature(columns=(number("x"),), output=NUMBER)
X = data.numbers()[:, 0]
Y = X + 200 * np.sin(X / 50)

CASES: dict[str, dict[str, Any]] = {
    "rising": {},
    "falling": {"increasing": False},
    "either": {"increasing": "auto"},
    "clipped": {"out_of_bounds": "clip"},
    "refused beyond": {"out_of_bounds": "raise"},
    "bounded": {"y_min": -20.0, "y_max": 30.0, "out_of_bounds": "clip"},
}


def predictor_of(estimator: Any) -> Predictor:
    return Predictor(SIGNATURE, [data.read(estimator)])


@pytest.mark.parametrize("name", CASES)
def test_the_curve_has_scikit_learns_bits(name: str) -> None:
    estimator = IsotonicRegression(**CASES[name]).fit(X, Y)
    predictor = predictor_of(estimator)
    low, high = estimator.X_min_, estimator.X_max_
    inside = np.concatenate([X, np.linspace(low, high, 997), np.nextafter(X, 0.0)])
    asked = inside[(inside >= low) & (inside <= high)]
    expected = estimator.predict(asked).tolist()
    rows = asked[:, np.newaxis]
    assert predictor.values(rows) == expected
    assert [predictor.value(row) for row in rows[:200].tolist()] == expected[:200]
    assert find_width(data.read(estimator)) == 1


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("beyond", [-1e9, 1e9])
def test_beyond_the_curve_it_answers_where_scikit_learn_does(name: str, beyond: float) -> None:
    estimator = IsotonicRegression(**CASES[name]).fit(X, Y)
    predictor = predictor_of(estimator)
    rows = np.array([[X[0]], [beyond]])
    if CASES[name].get("out_of_bounds") == "clip":
        assert predictor.values(rows) == estimator.predict(rows).tolist()
        return
    for ask in (predictor.outcomes, lambda rows: predictor.decide(rows[1].tolist())):
        with pytest.raises(SignatureError, match="out of the training range"):
            ask(rows)


def test_one_point_answers_everything() -> None:
    estimator = IsotonicRegression().fit([2.0, 2.0], [1.0, 4.0])
    rows = np.array([[-1e300], [2.0], [7.0]])
    assert predictor_of(estimator).values(rows) == estimator.predict(rows).tolist() == [2.5] * 3


def test_it_stands_behind_others() -> None:
    estimator = make_pipeline(StandardScaler(), IsotonicRegression(out_of_bounds="clip"))
    rows = X[:, np.newaxis]
    estimator.fit(rows, Y)
    assert predictor_of(estimator).values(rows) == estimator.predict(rows).tolist()


ODD: tuple[Any, ...] = (
    *(np.array([3.0, 2.0]), np.array(3.0), np.array([]), np.array(["a"]), np.array([np.nan] * 2)),
    *([], None, {}, True, 3, "nothing", Fitted("nothing"), np.array([None, 1.0], object)),
)


def test_whatever_stands_in_it_is_refused_or_answers() -> None:
    record = data.read(IsotonicRegression().fit(X, Y))
    for attribute, kept in [*record.state.items()]:
        for odd in ODD:
            record.state[attribute] = odd
            with contextlib.suppress(ArtifactError, SignatureError):
                Predictor(SIGNATURE, [record]).outcomes(np.array([[1.0]] * 40))
        record.state[attribute] = kept


def test_curves_before_release_0_24_are_read() -> None:
    """They had other names; so they stand in its sources."""
    estimator = IsotonicRegression().fit(X, Y)
    record = data.read(estimator)
    for old, new in (("_necessary_X_", "X_thresholds_"), ("_necessary_y_", "y_thresholds_")):
        record.state[old] = record.state.pop(new)
    rows = X[:, np.newaxis]
    assert Predictor(SIGNATURE, [record]).values(rows) == estimator.predict(rows).tolist()


def test_what_is_no_number_makes_none_alone_and_among_others() -> None:
    curve = read_points(data.read(IsotonicRegression().fit(X, Y)))
    for value in (np.nan, -np.inf, np.inf, 0.0, -1e308):
        one = curve.of(float(value), FloatMath)
        with np.errstate(over="ignore", invalid="ignore"):  # as every kernel has it
            (many,) = curve.of(np.array([value]), ColumnMath).tolist()
        assert one == many or (one != one and many != many)
