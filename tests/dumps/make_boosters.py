# Writes xgboost-<version>/ or lightgbm-<version>/ beside this file: dumps of small fits, and what
# the release that made them says of some rows (expected.json). Run it in a fresh environment:
#
#     pip install xgboost==1.7.6 "scikit-learn<1.6" joblib
#     python tests/dumps/make_boosters.py
#
# and likewise with xgboost-cpu 3.1.3 and 2.1.4; xgboost 1.5.2 and 1.3.3 in Python 3.8, with
# "scikit-learn<1.0" "numpy<1.24"; lightgbm 4.0.0, 3.3.5, 2.3.1 and 2.2.3, the last two in Python
# 3.7. Before 1.3 XGBoost's pickles are binary, which is refused (tests/unit/test_past_boosters.py).
#
# mypy: ignore-errors
"""Dumps of XGBoost's and LightGBM's past; see the lines above for how it is run."""

import json
import warnings
from pathlib import Path

import joblib
import numpy as np

warnings.simplefilter("ignore")
HERE = Path(__file__).parent


def samples():
    """Return rows of three numbers, three classes and a number above zero."""
    rng = np.random.RandomState(0)
    rows = np.round(rng.normal(size=(300, 3)) * [1, 10, 0.1], 3)
    score = rows[:, 0] + rows[:, 1] / 10
    rows[rng.rand(*rows.shape) < 0.1] = np.nan
    return rows, np.digitize(score, [-0.7, 0.7]), np.abs(score) + 0.1


def rows():
    """Return rows in and around the samples, with gaps, zeros, and numbers far away."""
    rng = np.random.RandomState(1)
    found = np.round(rng.normal(size=(40, 3)) * [2, 20, 0.2], 2)
    found[rng.rand(*found.shape) < 0.15] = np.nan
    found[:6] = [
        [0, 0, 0],
        [1e9, -1e9, 1],
        [-1e9, 1e9, -1],
        [0.1, 0.2, 0.3],
        [1, 1, 1],
        [-1, -1, 0],
    ]
    return found


def by_xgboost():
    """Return name, package and estimators, each with the arguments of its fit."""
    import xgboost

    options = {"n_estimators": 3, "max_depth": 3, "n_jobs": 1}
    X, y, z = samples()
    dropped = dict(options, n_estimators=6, booster="dart", rate_drop=0.5)
    parallel = dict(options, num_parallel_tree=2, subsample=0.7)
    found = {
        "classes": (xgboost.XGBClassifier(**options), X, y),
        "two": (xgboost.XGBClassifier(base_score=0.3, **options), X, (y > 0).astype(int)),
        "parallel": (xgboost.XGBClassifier(**parallel), X, y),
        "counts": (xgboost.XGBRegressor(objective="count:poisson", **options), X, z),
        "number": (xgboost.XGBRegressor(missing=0.0, **options), np.nan_to_num(X), z),
    }
    if tuple(map(int, xgboost.__version__.split(".")[:2])) >= (1, 4):
        found["dropped"] = (xgboost.XGBClassifier(**dropped), X, y)
    return "xgboost-" + xgboost.__version__, found, {"output_margin": True}


def by_lightgbm():
    """Return name, package and estimators, each with the arguments of its fit."""
    import lightgbm

    options = {"n_estimators": 3, "num_leaves": 6, "n_jobs": 1, "verbose": -1}
    X, y, z = samples()
    codes = np.column_stack([np.arange(300) % 7, X[:, 1]])
    found = {
        "classes": (lightgbm.LGBMClassifier(**options), X, np.array(["a", "b", "c"])[y]),
        "two": (lightgbm.LGBMClassifier(zero_as_missing=True, **options), X, (y > 0).astype(int)),
        "counts": (lightgbm.LGBMRegressor(objective="poisson", **options), X, z),
        "codes": (
            lightgbm.LGBMRegressor(min_data_per_group=5, cat_smooth=1.0, **options),
            np.column_stack([codes, X[:, 2]]),
            z + codes[:, 0] % 3,
        ),
    }
    return "lightgbm-" + lightgbm.__version__, found, {"raw_score": True}


def main():
    """Write one folder for the package that is there."""
    try:
        folder, found, raw = by_xgboost()
    except ImportError:
        folder, found, raw = by_lightgbm()
    (HERE / folder).mkdir(exist_ok=True)
    expected = {"rows": [[None if v != v else v for v in row] for row in rows().tolist()]}
    for name, (estimator, X, y) in found.items():
        fit = {"categorical_feature": [0]} if name == "codes" else {}
        estimator.fit(X, y, **fit)
        joblib.dump(estimator, HERE / folder / (name + ".pkl"), compress=("zlib", 9))
        scores = np.asarray(estimator.predict(rows(), **raw), np.float64).reshape(len(rows()), -1)
        expected[name] = {
            "predict": estimator.predict(rows()).tolist(),
            "scores": [[value.hex() for value in line] for line in scores.tolist()],
        }
        if hasattr(estimator, "predict_proba"):
            expected[name]["predict_proba"] = estimator.predict_proba(rows()).tolist()
    (HERE / folder / "expected.json").write_text(json.dumps(expected, indent=0) + "\n")


if __name__ == "__main__":
    main()
