"""One fitted model for each class of the registry, with its predictor: what families.py measures.

A class without an entry here is fitted as it comes to ten numbers: three classes, or a number. An
entry says what it is made with, or which table it is fitted to.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benchmarks.family_tables import as_given, describe_columns, draw_records
from benchmarks.workloads import CATEGORIES, N_NUMBERS, draw_mixed, draw_numbers
from iris_deploy.estimators.family import Estimator, Predicting, Transformer
from iris_deploy.estimators.labels import DETECTORS
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import ClassOutput, NumberOutput, Output
from iris_deploy.schema.signature import Signature
from iris_deploy.training.frames import encode_frame

N_TRAINED = 2000
"""Rows that each is fitted to."""

WORDS = ("free", "win", "money", "now", "call", "lunch", "the", "a", "meeting", "report", "please")


@dataclass(frozen=True)
class Model:
    """A fitted estimator and the predictor of its dump.

    Parameters
    ----------
    predict : callable
        Asks the estimator about what `table` has returned.
    predictor : Predictor
    table : callable
        Draws so many rows; returns them as the estimator takes them, and as the predictor does.
    """

    predict: Callable[[Any], Any]
    predictor: Predictor
    table: Callable[[int], tuple[Any, Floats]]


def _numbers(n: int, seed: int) -> pd.DataFrame:
    return draw_numbers(n, seed).drop(columns="kind")


def _gaps(n: int, seed: int) -> pd.DataFrame:
    table = _numbers(n, seed)
    return table.mask(np.random.default_rng(seed).random(table.shape) < 0.1)


def _categories(n: int, seed: int) -> pd.DataFrame:
    return draw_mixed(n, seed)[[*CATEGORIES]]


def _mixed(n: int, seed: int) -> pd.DataFrame:
    return draw_mixed(n, seed).drop(columns="kind")


def _texts(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    drawn = [" ".join(rng.choice(WORDS, size)) for size in rng.integers(5, 25, n)]
    return pd.DataFrame({"text": np.array(drawn, object)})


TABLES: dict[str, Callable[[int, int], pd.DataFrame]] = {
    "ColumnTransformer": _mixed,
    "DictVectorizer": draw_records,
    "IsotonicRegression": lambda n, seed: _numbers(n, seed).iloc[:, :1],
    **dict.fromkeys(("SimpleImputer", "MissingIndicator"), _gaps),
    **dict.fromkeys(("OneHotEncoder", "OrdinalEncoder", "TargetEncoder"), _categories),
    **dict.fromkeys(("CountVectorizer", "HashingVectorizer"), _texts),
    **dict.fromkeys(("TfidfTransformer", "TfidfVectorizer"), _texts),
}
"""Of what is not fitted to numbers."""

_CLASSIFIERS = [("linear", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=8))]
_REGRESSORS = [("linear", Ridge()), ("tree", DecisionTreeRegressor(max_depth=8))]
_STRENGTHS = {"C": [0.1, 0.3, 1.0, 3.0]}

MADE: dict[str, Callable[[Any], Any]] = {
    "CategoricalNB": lambda create: make_pipeline(KBinsDiscretizer(encode="ordinal"), create()),
    "ColumnTransformer": lambda create: create(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), slice(0, 4)),
            ("categories", OneHotEncoder(handle_unknown="ignore"), slice(4, None)),
        ]
    ),
    "ComplementNB": lambda create: make_pipeline(MinMaxScaler(), create()),
    "FeatureUnion": lambda create: create(
        [("scaled", StandardScaler()), ("same", FunctionTransformer())]
    ),
    "IsotonicRegression": lambda create: create(out_of_bounds="clip"),
    "FixedThresholdClassifier": lambda create: create(LogisticRegression(), threshold=0.3),
    "FunctionTransformer": lambda create: create(np.absolute),
    **dict.fromkeys(
        ("BayesianGaussianMixture", "GaussianMixture"), lambda create: create(n_components=3)
    ),
    **dict.fromkeys(("KMeans", "MiniBatchKMeans"), lambda create: create(3)),
    **dict.fromkeys(("LGBMClassifier", "LGBMRegressor"), lambda create: create(verbose=-1)),
    "LocalOutlierFactor": lambda create: create(novelty=True),
    "MultinomialNB": lambda create: make_pipeline(MinMaxScaler(), create()),
    "OneHotEncoder": lambda create: create(handle_unknown="ignore"),
    "OrdinalEncoder": lambda create: create(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
    ),
    "Pipeline": lambda create: create(
        [("scale", StandardScaler()), ("last", LogisticRegression())]
    ),
    **dict.fromkeys(
        ("RadiusNeighborsClassifier", "RadiusNeighborsRegressor"),
        lambda create: create(radius=4.0),
    ),
    "RandomizedSearchCV": lambda create: create(LogisticRegression(), _STRENGTHS, n_iter=3),
    "StackingClassifier": lambda create: create(_CLASSIFIERS),
    "StackingRegressor": lambda create: create(_REGRESSORS),
    "TfidfTransformer": lambda create: make_pipeline(CountVectorizer(), create()),
    "TransformedTargetRegressor": lambda create: create(
        Ridge(), func=np.log1p, inverse_func=np.expm1
    ),
    "VotingClassifier": lambda create: create(_CLASSIFIERS, voting="soft"),
    "VotingRegressor": lambda create: create(_REGRESSORS),
    **dict.fromkeys(
        ("GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"),
        lambda create: create(LogisticRegression(), _STRENGTHS),
    ),
    **dict.fromkeys(
        (
            *("OneVsOneClassifier", "OneVsRestClassifier", "RFE", "RFECV", "SelectFromModel"),
            *("SequentialFeatureSelector", "TunedThresholdClassifierCV"),
        ),
        lambda create: create(LogisticRegression()),
    ),
}
"""What needs others within or before it, or a parameter."""

OF_TWO = ("FixedThresholdClassifier", "TunedThresholdClassifierCV")
"""Classifiers of two classes."""


def build(part: Estimator) -> Model:
    """Fit an estimator of a class to a table, and build the predictor of its dump.

    Transformers stand before a logistic regression. A booster by itself is the one of a regressor.
    """
    package, _, name = part.name.rpartition(".")
    draw = TABLES.get(name, _numbers)
    table = draw(N_TRAINED, 0)
    classifies = not isinstance(part, Predicting) or part.task == "classification"
    y = _labels(2 if name in OF_TWO else 3) if classifies else _target()
    output: Output = NumberOutput(name="y", unit=None, seen=None)
    if classifies:
        known = (-1, 1) if part.name in DETECTORS else tuple(range(int(y.max()) + 1))
        output = ClassOutput(name="y", classes=known)
    predict, dumped = _booster(package, y) if name == "Booster" else _fitted(part, table, y)
    signature = Signature(columns=describe_columns(table), output=output)
    file = io.BytesIO()
    joblib.dump(dumped, file)
    predictor = Predictor(signature, [read_estimator(file.getvalue())])

    def rows(n: int) -> tuple[Any, Floats]:
        drawn = draw(n, 1)
        columns = np.ascontiguousarray(encode_frame(signature.columns, drawn).T)
        return as_given(drawn), columns.T  # as the server makes them of JSON

    return Model(predict, predictor, rows)


def _fitted(part: Estimator, table: pd.DataFrame, y: Any) -> tuple[Callable[[Any], Any], Any]:
    package, _, name = part.name.rpartition(".")
    create = getattr(import_module(package), name)
    estimator = MADE[name](create) if name in MADE else create()
    given, settable = {"random_state": 0, "n_jobs": 1}, estimator.get_params(deep=False)
    estimator.set_params(**{k: v for k, v in given.items() if k in settable})
    if isinstance(part, Transformer):
        estimator = make_pipeline(estimator, LogisticRegression())
    estimator.fit(as_given(table), y)
    return estimator.predict, estimator


def _booster(package: str, y: Any) -> tuple[Callable[[Any], Any], Any]:
    if package == "xgboost":
        import xgboost

        fitted = xgboost.XGBRegressor(random_state=0, n_jobs=1).fit(_numbers(N_TRAINED, 0), y)
        booster = fitted.get_booster()
        booster.set_param({"nthread": 1})
        names = [f"x{k}" for k in range(N_NUMBERS)]
        return lambda X: booster.predict(xgboost.DMatrix(X, feature_names=names)), booster
    import lightgbm

    model = lightgbm.LGBMRegressor(random_state=0, n_jobs=1, verbose=-1)
    found = model.fit(_numbers(N_TRAINED, 0), y).booster_
    return lambda X: found.predict(X, num_threads=1), found


def _score() -> Any:
    X = _numbers(N_TRAINED, 0).to_numpy()
    chance = np.random.default_rng(2).normal(size=N_TRAINED)
    return X[:, 0] + X[:, 1] * X[:, 2] + np.abs(X[:, 3]) - X[:, 4] + chance


def _labels(n_classes: int) -> Any:
    score = _score()
    return np.digitize(score, np.quantile(score, np.arange(1, n_classes) / n_classes))


def _target() -> Any:
    return np.abs(_score()) + 0.1
