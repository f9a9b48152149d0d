"""Splines have SciPy's bits, on knots, beside them and beyond."""

from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import SplineTransformer

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.features import features_of
from iris_deploy.estimators.reading import Reader
from tests import data
from tests.signatures import number

COLUMNS = tuple(map(number, data.NAMES))

CASES: list[dict[str, Any]] = [
    *({"degree": degree, "n_knots": 4} for degree in (1, 2, 3, 6)),
    {"n_knots": 2},
    {"n_knots": 9, "knots": "quantile"},
    {"n_knots": 9, "include_bias": False},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_splines_have_scikit_learns_bits(case: dict[str, Any]) -> None:
    X = data.numbers().copy()
    X[:, 1] = np.round(X[:, 1] / 20)  # quantiles that fall together
    estimator = SplineTransformer(**case).fit(X)
    rows = np.random.default_rng(0).normal(size=(2000, 5)) * [2, 5, 0.3, 6, 2] + [0, 0, 1, 0, 0]
    for k, curve in enumerate(estimator.bsplines_):
        beside = [curve.t, np.nextafter(curve.t, np.inf), np.nextafter(curve.t, -np.inf)]
        knots = np.concatenate([*beside, [1e300, -1e300]])
        rows[: len(knots), k] = knots
    transform = Reader().transform(data.read(estimator), features_of(COLUMNS)).transform
    found = transform.matrix(transform.prepare(rows)).T
    expected = estimator.transform(rows)
    assert (found == expected).all()
    one = transform.build_features()
    assert [list(one(row)) for row in rows[::5].tolist()] == found[::5].tolist()


def test_a_feature_that_does_not_vary_has_no_curves() -> None:
    X = data.numbers().copy()
    X[:, 2] = 4.0
    estimator = SplineTransformer().fit(X)
    transform = Reader().transform(data.read(estimator), features_of(COLUMNS)).transform
    found = transform.matrix(transform.prepare(X)).T
    assert (found == estimator.transform(X)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_makes_none(value: float) -> None:
    estimator = SplineTransformer().fit(data.numbers())
    transform = Reader().transform(data.read(estimator), features_of(COLUMNS)).transform
    rows = np.full((2, 5), value)
    assert np.isnan(transform.matrix(transform.prepare(rows))).any(axis=0).all()
    assert np.isnan(transform.build_features()(rows[0].tolist())).any()


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "linear": ({"extrapolation": "linear"}, {}, "extrapolation='linear'"),
    "periodic": ({"extrapolation": "periodic"}, {}, "extrapolation='periodic'"),
    "no degree": ({"degree": 0}, {}, "not from 1 to"),
    "another degree": ({"degree": 2}, {}, "another degree|shape"),
    "a curve that is none": ({"bsplines_": [Fitted("x")] * 5}, {}, "-4 splines"),
    "no curves": ({"bsplines_": [None] * 5}, {}, "-4 splines"),
    "curves of others": ({"bsplines_": []}, {}, "no list of 5"),
    "knots that fall": ({}, {"_t": -np.arange(11.0)}, "do not ascend"),
    "knots that are none": ({}, {"_t": np.full(11, np.nan)}, "not finite"),
    "mixed curves": ({}, {"_c": np.ones((7, 7)), "c": np.ones((7, 7))}, "mixed curves"),
    "many": ({}, {"_t": np.arange(1e5)}, "expected more than 3, and 65536"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_spline_is_refused(name: str) -> None:
    changes, of_curve, words = REFUSED[name]
    record = data.read(SplineTransformer().fit(data.numbers()))
    record.state.update(changes)
    curves: Any = record.state["bsplines_"]
    for curve in curves if of_curve else ():
        told = curve.unnamed[0].state if curve.unnamed else curve.state
        hidden = "_t" in told
        told.update({key if hidden else key.lstrip("_"): value for key, value in of_curve.items()})
    with pytest.raises(ArtifactError, match=words):
        Reader().transform(record, features_of(COLUMNS))
