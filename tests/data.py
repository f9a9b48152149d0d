"""Samples for tests of every family: numbers, categories, gaps, and rows that sit on thresholds."""

import io
import json
from functools import cache
from typing import Any

import joblib
import numpy as np
import pandas as pd

from iris_deploy.dumps.records import Fitted
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.schema.columns import CategoryColumn
from iris_deploy.schema.signature import Signature

NAMES = ("a", "b", "c", "d", "e")


def read(estimator: Any) -> Fitted:
    """Return the record of an estimator by way of its dump."""
    file = io.BytesIO()
    joblib.dump(estimator, file)
    return read_estimator(file.getvalue())


@cache
def numbers(n: int = 300, seed: int = 0) -> np.ndarray:
    """Return rows of five numbers of different sizes."""
    drawn = np.random.default_rng(seed).normal(size=(n, len(NAMES)))
    return drawn * [1, 10, 0.1, 3, 1] + [0, 5, 1, 0, 0]


def labels(n_classes: int, kind: str) -> np.ndarray:
    """Return a class for each of the numbers: some of chance, all overlapping."""
    rng = np.random.default_rng(1)
    rows = numbers()
    score = rows[:, 0] + rows[:, 1] / 10 + rows[:, 3] / 3
    found = np.digitize(score, np.quantile(score, np.arange(1, n_classes) / n_classes))
    chance = rng.random(len(rows)) < 0.1
    found[chance] = rng.integers(0, n_classes, chance.sum())
    words = np.array(["ant", "bee", "cat", "dog"], object)
    kinds: dict[str, Any] = {"text": words[found], "bool": found > 0, "number": found}
    result: np.ndarray = kinds[kind]
    return result


def target() -> np.ndarray:
    """Return a number above zero for each of the numbers."""
    rows = numbers()
    noise = np.random.default_rng(2).normal(size=len(rows)) * 0.3
    result: np.ndarray = np.abs(rows[:, 0] * 3 + np.abs(rows[:, 1]) + noise) + 0.1
    return result


def probes(estimator: Any, n: int) -> np.ndarray:
    """Return rows around the data, far away, and on or one ulp beside the thresholds of trees."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(n, len(NAMES))) * [2, 20, 0.3, 6, 2] + [0, 5, 1, 0, 0]
    rows[: n // 10] *= 10.0 ** rng.integers(-6, 7, (n // 10, len(NAMES)))
    thresholds = [t for t in _thresholds(estimator) if len(t[1])]
    if not thresholds:
        return rows
    for k in range(n // 2, n):
        feature, values = thresholds[k % len(thresholds)]
        value = values[rng.integers(len(values))]
        single = np.float32(value)
        beside = (
            value,
            np.nextafter(value, np.inf),
            np.nextafter(value, -np.inf),
            float(single),
            float(np.nextafter(single, np.float32(np.inf))),
            (float(single) + float(np.nextafter(single, np.float32(np.inf)))) / 2,
        )
        rows[k, feature] = beside[rng.integers(len(beside))]
    return rows[(np.abs(rows) < 1e30).all(axis=1)]  # infinite thresholds are some, too


def _thresholds(estimator: Any) -> list[tuple[int, np.ndarray]]:
    trees: list[Any] = []
    if hasattr(estimator, "tree_"):
        trees = [estimator.tree_]
    elif hasattr(estimator, "_predictors"):
        nodes = np.concatenate([p.nodes for turn in estimator._predictors for p in turn])
        inner = nodes["is_leaf"] == 0
        found = nodes["feature_idx"][inner], nodes["num_threshold"][inner]
        return [(j, found[1][found[0] == j]) for j in range(len(NAMES))]
    elif hasattr(estimator, "get_booster") or hasattr(estimator, "booster_"):
        return _thresholds_of_boosters(estimator)
    elif hasattr(estimator, "estimators_"):
        trees = [tree.tree_ for tree in np.ravel(estimator.estimators_) if hasattr(tree, "tree_")]
    if not trees:
        return []
    feature = np.concatenate([tree.feature for tree in trees])
    threshold = np.concatenate([tree.threshold for tree in trees])
    return [(j, threshold[feature == j]) for j in range(len(NAMES))]


def _thresholds_of_boosters(estimator: Any) -> list[tuple[int, np.ndarray]]:
    """Return what XGBoost and LightGBM ask about, out of what they say of it themselves."""
    if hasattr(estimator, "get_booster"):
        model = json.loads(estimator.get_booster().save_raw("json"))["learner"]["gradient_booster"]
        found = [
            (feature, float(np.float32(value)))
            for tree in model.get("gbtree", model)["model"]["trees"]
            for feature, value, left in zip(
                tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True
            )
            if left != -1
        ]
    else:
        nodes = estimator.booster_.trees_to_dataframe().dropna(subset="threshold")
        nodes = nodes[nodes["decision_type"] == "<="]
        names = [f"Column_{j}" for j in range(len(NAMES))]
        found = [
            (names.index(feature), float(value))
            for feature, value in zip(nodes["split_feature"], nodes["threshold"], strict=True)
        ]
    found = [
        (k, value) for k, value in found if abs(value) < 1e30
    ]  # larger ones part gaps from all
    return [(j, np.array([v for k, v in found if k == j])) for j in range(len(NAMES))]


CATEGORIES: dict[str, tuple[Any, ...]] = {
    "colour": ("red", "green", "blue", "rare", "rarer"),
    "shape": ("round", "flat"),
    "grade": (0.0, 1.0, 2.0, 3.0),
}


def frame(n: int = 400, seed: int = 0, *, strange: bool = False) -> pd.DataFrame:
    """Return a table of numbers and categories with gaps; strange categories too, if wanted."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "weight": rng.normal(size=n) * 100,
            "grade": rng.integers(0, 4, n).astype(float),
            "colour": rng.choice(CATEGORIES["colour"], n, p=[0.4, 0.3, 0.27, 0.02, 0.01]),
            "shape": rng.choice(CATEGORIES["shape"], n),
        }
    )
    for name in ("colour", "shape"):
        table[name] = table[name].astype(object)
    table.loc[rng.random(n) < 0.1, "size"] = np.nan
    table.loc[rng.random(n) < 0.1, "colour"] = np.nan
    if strange:
        table.loc[rng.random(n) < 0.1, "colour"] = "violet"
        table.loc[rng.random(n) < 0.1, "shape"] = "square"
    return table


def rows_of(table: pd.DataFrame, signature: Signature) -> np.ndarray:
    """Return the rows of a table as a predictor takes them."""
    rows = np.empty((len(table), len(signature.columns)))
    for line, column in zip(rows.T, signature.columns, strict=True):
        values = table[column.name].tolist()
        if isinstance(column, CategoryColumn):
            place = {name: float(k) for k, name in enumerate(column.categories)}
            values = [np.nan if v != v else place.get(v, -1.0) for v in values]
        line[:] = values
    return rows


def passengers(n: int = 400) -> pd.DataFrame:
    """Return a table like the Titanic's: numbers, categories, gaps; a class and a number."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "fare": np.round(np.exp(rng.normal(3, 1, n)), 2),
            "sex": rng.choice(["male", "female"], n),
            "port": rng.choice(["S", "C", "Q"], n, p=[0.7, 0.2, 0.1]),
            "alone": rng.random(n) < 0.5,
        }
    )
    score = (table["sex"] == "female") * 1.5 + table["fare"] / 60 - table["age"] / 60
    table["survived"] = (score + rng.normal(size=n) * 0.7 > 0.2).astype(int)
    table["price"] = table["fare"] * 3 + (table["sex"] == "male") * 10 + rng.normal(size=n)
    table.loc[rng.random(n) < 0.2, "age"] = np.nan
    table.loc[rng.random(n) < 0.1, "port"] = None
    return table


def houses(n: int = 400) -> pd.DataFrame:
    """Return a table like California's blocks of houses: numbers, a category, gaps; their value."""
    rng = np.random.default_rng(5)
    rooms = rng.lognormal(7.5, 0.7, n).round()
    table = pd.DataFrame(
        {
            "longitude": rng.uniform(-124.3, -114.3, n).round(2),
            "latitude": rng.uniform(32.5, 42, n).round(2),
            "age": rng.integers(1, 53, n),
            "rooms": rooms,
            "bedrooms": (rooms * rng.uniform(0.15, 0.3, n)).round(),
            "population": rng.lognormal(7, 0.7, n).round(),
            "income": rng.lognormal(1.3, 0.45, n).round(4),
            "ocean": rng.choice(["inland", "near bay", "near ocean"], n, p=[0.5, 0.2, 0.3]),
        }
    )
    coast = (table["ocean"] != "inland") * 60_000
    noise = rng.normal(size=n) * 30_000
    table["value"] = (40_000 * table["income"] + coast + 500 * table["age"] + noise).round(-2)
    table.loc[rng.random(n) < 0.05, "bedrooms"] = np.nan
    return table
