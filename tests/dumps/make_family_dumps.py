# Writes families-<version>/ beside this file: a small dump of every class of scikit-learn that a
# family reads, and what the scikit-learn that made it predicts (expected.json). Run it in a fresh
# environment of Python 3.11, for which 1.1.3 is the oldest scikit-learn, and in one of the newest
# Python, for which there are newer packages than for the oldest:
#
#     pip install scikit-learn==1.1.3 numpy==1.23.5 scipy==1.9.3
#     pip install scikit-learn==1.9.1 numpy==2.5.5 scipy==1.18.1
#     python tests/dumps/make_family_dumps.py
#
# mypy: ignore-errors
"""Dumps of all families by older and newer packages; see the lines above for how it is run."""

import json
import warnings
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.base import is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

warnings.simplefilter("ignore")

TRANSFORMERS = (
    "StandardScaler MinMaxScaler MaxAbsScaler RobustScaler Normalizer Binarizer SimpleImputer "
    "MissingIndicator VarianceThreshold SelectKBest SelectPercentile SelectFpr SelectFdr SelectFwe "
    "PCA IncrementalPCA TruncatedSVD PolynomialFeatures PowerTransformer OneHotEncoder "
    "OrdinalEncoder SelectFromModel RFE RFECV SequentialFeatureSelector FunctionTransformer "
    "KBinsDiscretizer SplineTransformer "
    "QuantileTransformer "
)
PREDICTORS = (
    "Perceptron LogisticRegression SGDClassifier RidgeClassifier RidgeClassifierCV "
    "LogisticRegressionCV PassiveAggressiveClassifier LinearSVC LinearDiscriminantAnalysis "
    "MultinomialNB ComplementNB BernoulliNB GaussianNB QuadraticDiscriminantAnalysis "
    "LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV Lars LassoLars "
    "OrthogonalMatchingPursuit BayesianRidge ARDRegression SGDRegressor "
    "PassiveAggressiveRegressor HuberRegressor QuantileRegressor TheilSenRegressor "
    "RANSACRegressor PoissonRegressor GammaRegressor TweedieRegressor LinearSVR SVC NuSVC SVR "
    "NuSVR KNeighborsClassifier KNeighborsRegressor MLPClassifier MLPRegressor "
    "DecisionTreeClassifier ExtraTreeClassifier RandomForestClassifier ExtraTreesClassifier "
    "DecisionTreeRegressor ExtraTreeRegressor RandomForestRegressor ExtraTreesRegressor "
    "GradientBoostingClassifier GradientBoostingRegressor HistGradientBoostingClassifier "
    "HistGradientBoostingRegressor BaggingClassifier BaggingRegressor VotingClassifier "
    "VotingRegressor StackingClassifier StackingRegressor CalibratedClassifierCV "
    "AdaBoostClassifier AdaBoostRegressor DummyClassifier DummyRegressor "
    "TransformedTargetRegressor NearestCentroid CategoricalNB OneVsRestClassifier "
    "OneVsOneClassifier "
    "BayesianGaussianMixture GaussianMixture LocalOutlierFactor OneClassSVM "
    "RadiusNeighborsClassifier RadiusNeighborsRegressor "
)

SMALL = {"random_state": 0, "n_estimators": 3, "max_depth": 3, "max_subpopulation": 100}
"""What makes a dump of few bytes, for those that have it."""

CLASSIFIERS = [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=3))]
REGRESSORS = [("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=3))]
GIVEN = {
    "BayesianGaussianMixture": {"n_components": 3, "weight_concentration_prior": 1e3},
    "FunctionTransformer": {"func": np.abs},
    "GaussianMixture": {"n_components": 3, "covariance_type": "tied"},
    "HistGradientBoostingClassifier": {"max_iter": 3},
    "HistGradientBoostingRegressor": {"max_iter": 3},
    "LocalOutlierFactor": {"novelty": True, "n_neighbors": 5, "contamination": 0.2},
    "MLPClassifier": {"hidden_layer_sizes": (4,)},
    "MLPRegressor": {"hidden_layer_sizes": (4,)},
    "MissingIndicator": {"features": "all"},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OneVsRestClassifier": {"estimator": DecisionTreeClassifier(max_depth=3)},
    "NuSVC": {"nu": 0.1},
    "OneHotEncoder": {"handle_unknown": "ignore"},
    "OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    "QuantileRegressor": {"solver": "highs"},
    "QuantileTransformer": {"n_quantiles": 30, "output_distribution": "normal"},
    "RFE": {"estimator": Ridge()},
    "RFECV": {"estimator": Ridge()},
    "RadiusNeighborsClassifier": {"radius": 1.5, "outlier_label": "most_frequent"},
    "RadiusNeighborsRegressor": {"radius": 1.5, "weights": "distance"},
    "SelectFromModel": {"estimator": Ridge()},
    "SelectKBest": {"k": 2},
    "SequentialFeatureSelector": {"estimator": Ridge()},
    "StackingClassifier": {"estimators": CLASSIFIERS},
    "StackingRegressor": {"estimators": REGRESSORS},
    "TransformedTargetRegressor": {"func": np.log1p, "inverse_func": np.expm1},
    "VotingClassifier": {"estimators": CLASSIFIERS},
    "VotingRegressor": {"estimators": REGRESSORS},
}
KNOWN = {
    "BayesianGaussianMixture": [0, 1, 2],
    "GaussianMixture": [0, 1, 2],
    "LocalOutlierFactor": [-1, 1],
    "OneClassSVM": [-1, 1],
}
"""What is told apart by those that have no classes."""

STRENGTHS = {"alpha": [1.0, 2.0, 3.0]}


def estimators():
    """Yield the name of a class and an estimator; transformers stand before a linear model."""
    classes = dict(all_estimators())
    for name in f"{TRANSFORMERS} {PREDICTORS}".split():
        made = classes[name](**GIVEN.get(name, {}))
        known = made.get_params(deep=False)
        made.set_params(**{k: v for k, v in SMALL.items() if k in known})
        if name in ("MultinomialNB", "ComplementNB"):
            made = make_pipeline(MinMaxScaler(), made)
        if name == "CategoricalNB":
            made = make_pipeline(KBinsDiscretizer(3, encode="ordinal"), made)
        yield name, make_pipeline(made, Ridge()) if name in TRANSFORMERS.split() else made
    yield "GridSearchCV", GridSearchCV(Ridge(), STRENGTHS)
    yield "RandomizedSearchCV", RandomizedSearchCV(Ridge(), STRENGTHS, n_iter=2, random_state=0)
    yield "HalvingGridSearchCV", HalvingGridSearchCV(Ridge(), STRENGTHS)
    yield "HalvingRandomSearchCV", HalvingRandomSearchCV(Ridge(), STRENGTHS, random_state=0)
    yield "Pipeline", Pipeline([("scale", StandardScaler()), ("last", LogisticRegression())])
    both = [("scaled", StandardScaler(), [0, 1]), ("same", "passthrough", slice(2, 5))]
    yield "ColumnTransformer", make_pipeline(ColumnTransformer(both), Ridge())
    union = FeatureUnion([("scaled", StandardScaler()), ("range", MinMaxScaler())])
    yield "FeatureUnion", make_pipeline(union, Ridge())
    yield "CountVectorizer", make_pipeline(CountVectorizer(), Ridge())
    yield "DictVectorizer", make_pipeline(DictVectorizer(), Ridge())
    yield "HashingVectorizer", make_pipeline(HashingVectorizer(n_features=16), Ridge())
    yield "TfidfVectorizer", make_pipeline(TfidfVectorizer(), Ridge())
    yield "TfidfTransformer", make_pipeline(CountVectorizer(), TfidfTransformer(), Ridge())


def tables(name):
    """Return what a class is fitted to and what it is asked, as lists."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5)).round(2)
    if name in ("SimpleImputer", "MissingIndicator"):
        X[rng.random(X.shape) < 0.2] = np.nan
    if "Encoder" in name:
        X = X.round()
    if name == "DictVectorizer":
        cities = rng.choice(["Oslo", "Rome", "Bern"], 120).tolist()
        records = [{"city": city, "age": X[k, 0]} for k, city in enumerate(cities)]
        return records, [*records[:18], {"age": 1.0}, {"city": "Kyiv"}]
    if "Vectorizer" in name or "Tfidf" in name:
        words = np.array(["free", "win", "money", "call", "lunch", "now"])
        texts = [" ".join(rng.choice(words, 6)) for _ in range(120)]
        return texts, texts[:20]
    return X, X[:20]


def main():
    """Write the dumps and the answers of this scikit-learn."""
    folder = Path(__file__).resolve().parent / f"families-{sklearn.__version__}"
    folder.mkdir(exist_ok=True)
    numbers = tables("")[0]
    classes = (numbers[:, 0] + numbers[:, 1] > 0).astype(int) + (numbers[:, 2] > 1)
    target = (np.abs(numbers[:, 0] * 2) + 0.1).round(3)
    expected = {}
    for name, estimator in estimators():
        fitted, asked = tables(name)
        is_number = is_regressor(estimator) and not isinstance(estimator, Pipeline)
        estimator.fit(fitted, target if is_number else classes)
        joblib.dump(estimator, str(folder / f"{name}.pkl"), compress=("zlib", 9))
        rows = asked if isinstance(asked, list) else np.where(np.isnan(asked), None, asked).tolist()
        answers = {"rows": rows, "predict": estimator.predict(asked).tolist()}
        if name in KNOWN or hasattr(estimator, "classes_"):
            answers["classes"] = KNOWN.get(name) or estimator.classes_.tolist()
        expected[name] = answers
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(expected.items())]
    (folder / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
