"""XGBoost's and LightGBM's models predict as these do: scores to the bit, and every label."""

import math
import pickle
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.kernels import singles, trees
from iris_deploy.kernels.elementary import ColumnMath, FloatMath
from iris_deploy.kernels.scores import build_decision, decide
from iris_deploy.schema.outputs import Output
from iris_deploy.schema.signature import Signature
from tests import data
from tests.agreement import assert_close, declared
from tests.boosters import BOOSTERS, lightgbm, xgboost
from tests.signatures import NUMBER, category, classes, number
from tests.unit.test_families import (
    MANY,
    assert_same_alone_and_among_others,
    output_of,
    signature,
    table_columns,
)

pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")

CREATE: dict[str, Callable[[], Any]] = {
    **BOOSTERS,
    "small trees": lambda: xgboost.XGBClassifier(n_estimators=100, max_depth=3, n_jobs=1),
    "large trees": lambda: xgboost.XGBRegressor(
        n_estimators=20, max_depth=0, max_leaves=200, grow_policy="lossguide", n_jobs=1
    ),
    "exact": lambda: xgboost.XGBClassifier(n_estimators=20, tree_method="exact", gamma=0.1),
    "hinge": lambda: xgboost.XGBClassifier(n_estimators=20, objective="binary:hinge"),
    "a start": lambda: xgboost.XGBClassifier(n_estimators=20, base_score=0.2),
    **{
        objective: partial(xgboost.XGBRegressor, n_estimators=20, objective=objective)
        for objective in ("reg:gamma", "reg:tweedie", "reg:pseudohubererror", "survival:cox")
    },
    "many words": lambda: lightgbm.LGBMClassifier(n_estimators=100, verbose=-1),
    "large trees of LightGBM": lambda: lightgbm.LGBMRegressor(
        n_estimators=20, num_leaves=150, min_child_samples=1, verbose=-1
    ),
    "zero is missing": lambda: lightgbm.LGBMClassifier(
        n_estimators=20, zero_as_missing=True, verbose=-1
    ),
    "each for itself": lambda: lightgbm.LGBMClassifier(
        n_estimators=20, objective="multiclassova", verbose=-1
    ),
    "a sigmoid": lambda: lightgbm.LGBMClassifier(n_estimators=20, sigmoid=0.5, verbose=-1),
    "dropped trees": lambda: lightgbm.LGBMClassifier(
        n_estimators=20, boosting_type="dart", verbose=-1
    ),
    "a root": lambda: lightgbm.LGBMRegressor(n_estimators=20, reg_sqrt=True, verbose=-1),
}
ONE_AGAINST_OTHERS = {"hinge", "a start", "a sigmoid"}


def kinds() -> list[tuple[str, int]]:
    """Return each case with numbers of classes, 0 for a number."""
    found = []
    for name, create in CREATE.items():
        if hasattr(create(), "predict_proba"):
            found += [(name, n) for n in (2, 3, 4) if n == 2 or name not in ONE_AGAINST_OTHERS]
        else:
            found.append((name, 0))
    return [case for case in found if case != ("each for itself", 2)]


def raw(estimator: Any, rows: Any) -> np.ndarray:
    """Return scores before any link, in lines."""
    if isinstance(estimator, xgboost.XGBModel):
        found = estimator.predict(rows, output_margin=True)
    else:
        found = estimator.predict(rows, raw_score=True)
    return np.asarray(found, np.float64).reshape(len(rows), -1)


@cache
def fitted(name: str, n_classes: int, gaps: bool) -> tuple[Any, Predictor]:
    X = data.numbers().copy()
    if gaps:
        X[np.random.default_rng(6).random(X.shape) < 0.2] = np.nan
    y = data.labels(n_classes, "number") if n_classes else data.target()
    estimator = CREATE[name]().fit(X, y)
    output: Output = classes(*range(n_classes)) if n_classes else NUMBER
    return estimator, Predictor(signature(output, missing=True), [data.read(estimator)])


def assert_agrees(name: str, estimator: Any, predictor: Predictor, rows: Any, table: Any) -> None:
    """Compare labels, scores and numbers."""
    found = predictor.predict(rows)
    ulp = declared(type(estimator).__name__).ulp
    averaged = getattr(estimator, "boosting_type", "") == "rf"
    if not averaged and name != "a sigmoid":
        scores = predictor._kernel.columns(rows).T
        assert (scores == raw(estimator, table)).all()
    expected = estimator.predict(table)
    if not hasattr(estimator, "predict_proba"):
        assert_close(found.outcomes, expected, ulp)
        return
    assert found.values == expected.tolist()
    assert_close(found.scores, estimator.predict_proba(table), ulp)


@pytest.mark.parametrize("gaps", [False, True], ids=["filled", "gaps"])
@pytest.mark.parametrize(("name", "n_classes"), kinds())
def test_a_booster_predicts_as_its_package(name: str, n_classes: int, gaps: bool) -> None:
    estimator, predictor = fitted(name, n_classes, gaps)
    rows = data.probes(estimator, 3000)
    if gaps:
        rows[np.random.default_rng(7).random(rows.shape) < 0.2] = np.nan
    rows[:50] = 0.0
    rows[50:100] = -0.0
    rows[100:200, :3] = [1e-35, -1.0000000180025095e-35, 1e-45]
    assert_agrees(name, estimator, predictor, rows, rows)
    assert_same_alone_and_among_others(predictor, rows[::10])


@pytest.mark.once
@pytest.mark.parametrize("name", ["small trees", "large trees", "many words", "zero is missing"])
def test_no_bit_of_many_rows_differs(name: str) -> None:
    n_classes = 3 if hasattr(CREATE[name](), "predict_proba") else 0
    estimator, predictor = fitted(name, n_classes, True)
    rows = data.probes(estimator, MANY)
    rows[np.random.default_rng(8).random(rows.shape) < 0.1] = np.nan
    assert_agrees(name, estimator, predictor, rows, rows)


@pytest.mark.parametrize("name", ["small trees", "exact", "many words", "zero is missing"])
def test_trees_that_are_walked_have_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator, predictor = fitted(name, 3, True)
    monkeypatch.setattr(trees, "build_bits", lambda *_: None)
    walking = Predictor(predictor.signature, [data.read(estimator)])
    rows = data.probes(estimator, 2000)
    rows[::7, 1] = np.nan
    assert walking.predict(rows).scores.tobytes() == predictor.predict(rows).scores.tobytes()
    assert_same_alone_and_among_others(walking, rows[::10])


STOPPED: dict[str, Callable[[Any, Any], Any]] = {
    "XGBoost": lambda X, y: xgboost.XGBClassifier(
        n_estimators=100, early_stopping_rounds=3, num_parallel_tree=2
    ).fit(X, y, eval_set=[(X[::3], y[::3][::-1])], verbose=False),
    "LightGBM": lambda X, y: lightgbm.LGBMClassifier(n_estimators=100, verbose=-1).fit(
        X,
        y,
        eval_X=X[::3],
        eval_y=y[::3][::-1],
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
    ),
}


@pytest.mark.parametrize("name", STOPPED)
def test_rounds_after_the_best_are_left_out(name: str) -> None:
    estimator = STOPPED[name](data.numbers(), data.labels(3, "number"))
    predictor = Predictor(signature(classes(0, 1, 2)), [data.read(estimator)])
    rows = data.probes(estimator, 1000)
    assert (raw(estimator, rows) == predictor._kernel.columns(rows).T).all()


@pytest.mark.parametrize("missing", [-999.0, 0.0, 0.1])
def test_what_stands_for_a_missing_value_is_missing(missing: float) -> None:
    """So is what 32 bits do not tell from it."""
    X = data.numbers().copy()
    X[np.random.default_rng(6).random(X.shape) < 0.2] = missing
    estimator = xgboost.XGBClassifier(n_estimators=20, missing=missing)
    estimator.fit(X, data.labels(2, "number"))
    predictor = Predictor(signature(classes(0, 1)), [data.read(estimator)])
    rows = data.probes(estimator, 2000)
    single = np.float32(missing)
    beside = [np.nextafter(single, np.float32(side)) for side in (-np.inf, np.inf)]
    near = [missing, single, *beside, *((float(single) + float(b)) / 2 for b in beside)]
    rows[:1000] = np.random.default_rng(9).choice(np.array(near, np.float64), (1000, 5))
    assert_agrees("", estimator, predictor, rows, rows)
    assert_same_alone_and_among_others(predictor, rows[::10])


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["small trees", "many words"])
def test_boosters_are_read_out_of_every_pickle(name: str, protocol: int) -> None:
    estimator, predictor = fitted(name, 2, False)
    booster = estimator.get_booster() if name == "small trees" else estimator.booster_
    rows = data.numbers()
    for dumped in (estimator, booster):
        record = read_estimator(pickle.dumps(dumped, protocol))
        again = Predictor(predictor.signature, [record])
        assert again.predict(rows).scores.tobytes() == predictor.predict(rows).scores.tobytes()
    share = Predictor(signature(NUMBER), [record]).outcomes(rows)  # what a booster itself predicts
    np.testing.assert_allclose(share, estimator.predict_proba(rows)[:, 1], rtol=1e-14)


def categorical(strange: bool) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    """Return a table to fit, one to predict, and scores of the first."""
    train, table = data.frame(1500), data.frame(1500, 1, strange=strange)
    for name in ("colour", "shape"):
        known = sorted(data.CATEGORIES[name])
        for each in (train, table):
            each[name] = each[name].astype("category").cat.set_categories(known)
    score = train["size"].fillna(0) + (train["colour"] == "red") * 2 + (train["shape"] == "flat")
    return train, table, score


CATEGORICAL: dict[str, Callable[[], Any]] = {
    "one": lambda: xgboost.XGBClassifier(n_estimators=30, enable_categorical=True),
    "sets": lambda: xgboost.XGBRegressor(
        n_estimators=30, enable_categorical=True, max_cat_to_onehot=1
    ),
    "large": lambda: xgboost.XGBClassifier(
        n_estimators=10, enable_categorical=True, max_depth=0, max_leaves=150, min_child_weight=0
    ),
    "words": lambda: lightgbm.LGBMClassifier(
        n_estimators=30, min_data_per_group=5, cat_smooth=1.0, verbose=-1
    ),
    "large words": lambda: lightgbm.LGBMRegressor(
        n_estimators=10, num_leaves=150, min_child_samples=2, min_data_per_group=2, verbose=-1
    ),
}


@pytest.mark.parametrize("name", CATEGORICAL)
def test_categories_are_those_of_the_data_frame(name: str) -> None:
    """By name, in whatever order a column lists them."""
    other = "words" in name  # takes strange ones for missing
    estimator = CATEGORICAL[name]()
    train, table, score = categorical(other)
    is_class = hasattr(estimator, "predict_proba")
    estimator.fit(train, (score > 1.5).astype(int) if is_class else score)
    columns = table_columns() if other else known_columns()
    signed = Signature(columns=columns, output=output_of(estimator))
    predictor = Predictor(signed, [data.read(estimator)])
    rows = data.rows_of(table.astype({"colour": object, "shape": object}), signed)
    assert_agrees(name, estimator, predictor, rows, table)
    assert_same_alone_and_among_others(predictor, rows[::8])


def known_columns() -> Any:
    categories = {"colour", "shape"}
    return tuple(
        category(n, data.CATEGORIES[n], missing=True)
        if n in categories
        else number(n, missing=True)
        for n in data.frame(1).columns
    )


def test_xgboost_refuses_categories_that_it_does_not_know() -> None:
    train, _, score = categorical(strange=False)
    estimator = CATEGORICAL["sets"]().fit(train, score)
    with pytest.raises(ArtifactError, match="refuses categories"):
        Predictor(Signature(columns=table_columns(), output=NUMBER), [data.read(estimator)])


def test_columns_in_another_order_than_in_training_are_refused() -> None:
    train = data.frame()[["size", "weight", "grade"]]
    estimator = xgboost.XGBRegressor(n_estimators=3).fit(train, train["weight"])
    for names, refused in ((train.columns, False), (train.columns[::-1], True)):
        signed = Signature(
            columns=tuple(number(name, missing=True) for name in names), output=NUMBER
        )
        if refused:
            with pytest.raises(ArtifactError, match="another order: size, weight, grade"):
                Predictor(signed, [data.read(estimator)])
        else:
            Predictor(signed, [data.read(estimator)])


@pytest.mark.parametrize("numbers", [3.0, 3.7, -0.5, 200.0, -3.0, 1e20])
def test_codes_of_categories_are_cut_as_the_packages_cut_them(numbers: float) -> None:
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.integers(0, 9, 900), rng.normal(size=900)]).astype(float)
    y = np.isin(X[:, 0], [1, 3, 4, 8]) ^ (rng.random(900) < 0.1)
    rows = np.column_stack([np.full(50, numbers), rng.normal(size=50)])
    signed = Signature(columns=(number("a"), number("b")), output=classes(0, 1))
    words = lightgbm.LGBMClassifier(n_estimators=9, verbose=-1, min_data_per_group=5)
    words.fit(X, y, categorical_feature=[0])
    sets = xgboost.XGBClassifier(
        n_estimators=9, feature_types=["c", "q"], enable_categorical=True, max_cat_to_onehot=1
    ).fit(X, y)
    for estimator in (words, sets):
        predictor = Predictor(signed, [data.read(estimator)])
        assert (raw(estimator, rows) == predictor._kernel.columns(rows).T).all()
        assert_same_alone_and_among_others(predictor, rows)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "weights": (lambda: xgboost.XGBRegressor(booster="gblinear"), "'gblinear' is not supported"),
    "trees of weights": (
        lambda: lightgbm.LGBMRegressor(linear_tree=True, verbose=-1, n_estimators=2),
        "linear models in their leaves",
    ),
    "several targets": (
        lambda: xgboost.XGBRegressor(n_estimators=2, multi_strategy="multi_output_tree"),
        "several targets",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_served_is_refused_plainly(name: str) -> None:
    create, words = REFUSED[name]
    y = data.target()
    y = np.column_stack([y, y]) if name == "several targets" else y
    estimator = create().fit(data.numbers(), y)
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature(NUMBER), [data.read(estimator)])


# --------------------------------------------------------------------------------------------------
# Arithmetic of 32 bits


def test_powers_of_32_bits_are_the_same_alone_and_among_others() -> None:
    x = np.random.default_rng(0).uniform(-110, 95, 20000).astype(np.float32).astype(np.float64)
    many = singles.exp(x, ColumnMath)
    assert [singles.exp(value, FloatMath) for value in x.tolist()] == many.tolist()
    with np.errstate(over="ignore", under="ignore"):
        exact = np.exp(x).astype(np.float32)
    assert (np.abs(many.astype(np.float32).view(np.int32) - exact.view(np.int32)) <= 1).all()


def test_sigmoids_and_softmax_of_32_bits_are_those_of_xgboost() -> None:
    """By margins that are given, of every size."""
    rng = np.random.default_rng(1)
    X, y = np.zeros((MANY, 1)), np.arange(MANY) % 3
    margins = (rng.normal(size=(MANY, 3)) * 10.0 ** rng.integers(-8, 2, (MANY, 1))).astype("f4")
    options = {"n_estimators": 1, "base_score": 0.5, "max_depth": 0, "max_leaves": 1}
    two = xgboost.XGBClassifier(**options).fit(X, y % 2)
    shares = two.predict_proba(X, base_margin=margins[:, 0])
    margin = two.predict(X, base_margin=margins[:, 0], output_margin=True).astype(np.float64)
    assert (singles.sigmoid(margin, ColumnMath) == shares[:, 1]).all()
    three = xgboost.XGBClassifier(**options).fit(X, y)
    shares = three.predict_proba(X, base_margin=margins)
    scores = three.predict(X, base_margin=margins, output_margin=True).astype(np.float64).T
    assert (shares == np.array(singles.softmax(list(scores), ColumnMath)).T).all()


def powers_of(scores: np.ndarray) -> np.ndarray:
    """Compute powers as C's library does, and LightGBM by it."""
    powers: np.ndarray = np.vectorize(math.exp)(scores)
    return powers


@pytest.mark.parametrize("rule", ["likelier", "likelier_single"])
def test_the_likelier_class_is_that_of_the_rounded_probability(rule: Any) -> None:
    digits = 24 if "single" in rule else 53
    scores = np.arange(-40, 41) / 8 * 2.0**-digits
    if "single" in rule:
        shares = singles.sigmoid(scores, ColumnMath)
    else:
        shares = 1.0 / (1.0 + powers_of(-scores))
    expected = (shares > 0.5).tolist()
    assert decide(scores[np.newaxis], rule).astype(bool).tolist() == expected
    alone = build_decision(rule)
    assert [alone((score,)) == 1 for score in scores.tolist()] == expected


@pytest.mark.parametrize("rule", ["likeliest", "likeliest_single", "likeliest_alone"])
def test_the_likeliest_class_is_the_first_of_the_largest_rounded_probability(rule: Any) -> None:
    rng = np.random.default_rng(2)
    step = 2.0**-26 if "single" in rule else 2.0**-55
    scores = np.asarray(0.125 + rng.integers(-8, 9, (4, 5000)) * step, np.float64)
    if "single" in rule:
        shares = np.array(singles.softmax(list(scores), ColumnMath))
    elif rule == "likeliest":
        powers = powers_of(scores - scores.max(axis=0))
        shares = powers / (powers[0] + powers[1] + powers[2] + powers[3])
    else:
        shares = 1.0 / (1.0 + powers_of(-scores))
    expected = np.argmax(shares, axis=0).tolist()
    assert decide(scores, rule).tolist() == expected
    alone = build_decision(rule)
    assert [alone(line) for line in scores.T.tolist()] == expected


def test_documents_of_json_and_ubjson_say_the_same() -> None:
    estimator, predictor = fitted("small trees", 3, True)
    booster = estimator.get_booster()
    rows = data.numbers()
    for kind in ("ubj", "json"):
        record = data.read(estimator)
        inner: Any = record.state["_Booster"]
        inner.state["handle"] = bytes(booster.save_raw(kind))
        again = Predictor(predictor.signature, [record])
        assert again.predict(rows).scores.tobytes() == predictor.predict(rows).scores.tobytes()
