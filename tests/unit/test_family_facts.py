"""What families declare of themselves is true: features agree, and what is refused is refused."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.base import clone, is_classifier, is_outlier_detector
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import RFE, RFECV, SelectFromModel, SequentialFeatureSelector
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression, LogisticRegressionCV, Ridge
from sklearn.metrics.pairwise import linear_kernel
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    LocalOutlierFactor,
    NearestCentroid,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
)
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.family import Composite, Predicting, Transformer
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Text
from iris_deploy.schema.signature import Signature
from tests import data
from tests.agreement import DECLARED, assert_close, declared
from tests.families import BINNERS, ENCODERS, IMPUTERS, MIXERS, SCALERS, SELECTORS
from tests.signatures import NUMBER, category, classes, number, text
from tests.unit.test_families import N_ROWS, NEAR

NUMERIC: dict[str, Callable[[], Any]] = {
    **(SCALERS | IMPUTERS | SELECTORS | MIXERS | BINNERS),
    "SelectFromModel": lambda: SelectFromModel(Ridge()),
    "RFE": lambda: RFE(Ridge()),
    "RFECV": lambda: RFECV(Ridge(), min_features_to_select=2),
    "SequentialFeatureSelector": lambda: SequentialFeatureSelector(Ridge()),
    "FunctionTransformer": lambda: FunctionTransformer(np.abs),
}
TEXTS = ["free money now", "lunch at noon", "the free lunch", "call me now now", "no money"] * 4
VECTORIZERS: dict[str, Callable[[], Any]] = {
    "CountVectorizer": CountVectorizer,
    "HashingVectorizer": partial(HashingVectorizer, n_features=16),
    "TfidfVectorizer": TfidfVectorizer,
    "TfidfTransformer": lambda: make_pipeline(CountVectorizer(), TfidfTransformer()),
}


def dense(features: Any) -> np.ndarray:
    made = features.toarray() if sparse.issparse(features) else features
    return np.asarray(made, np.float64)


def features(transformer: Any, columns: Any, rows: Any, width: int) -> np.ndarray:
    """Return the features of rows: the scores of a classifier that only hands them on."""
    n = max(width, 3)
    state: dict[str, object] = {
        "coef_": np.eye(n, width),
        "intercept_": np.zeros(n),
        "classes_": np.arange(n),
    }
    signature = Signature(columns=columns, output=classes(*range(n)))
    last = Fitted("sklearn.linear_model.Perceptron", state)
    return Predictor(signature, [data.read(transformer), last]).predict(rows).scores[:, :width]


@pytest.mark.parametrize("name", NUMERIC)
def test_features_of_numbers_agree_as_far_as_is_declared(name: str) -> None:
    X, rows = data.numbers().copy(), data.probes(None, N_ROWS)
    if name in IMPUTERS:
        rng = np.random.default_rng(7)
        X[rng.random(X.shape) < 0.2] = np.nan
        rows[rng.random(rows.shape) < 0.2] = np.nan
    is_class = name in SELECTORS
    transformer = NUMERIC[name]().fit(X, data.labels(3, "text") if is_class else data.target())
    with np.errstate(over="ignore"):
        expected = dense(transformer.transform(rows))
    columns = tuple(number(n, missing=name in IMPUTERS) for n in data.NAMES)
    found = features(transformer, columns, rows, expected.shape[1])
    assert_close(found + 0.0, expected + 0.0, declared(name).ulp, NEAR)  # sums know no zero's sign


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize("name", ENCODERS)
def test_features_of_categories_agree_as_far_as_is_declared(name: str) -> None:
    names = ["colour", "shape"] if re.match("OneHot|Target|.*missing", name) else ["shape"]
    transformer = ENCODERS[name]().fit(data.frame()[names], data.frame()["size"].fillna(0.0))
    columns = tuple(
        category(n, data.CATEGORIES[n], missing=n == "colour", unknown=True) for n in names
    )
    table = data.frame(1500, 1, strange=True)[names]
    rows = data.rows_of(table, Signature(columns=columns, output=classes(0, 1)))
    expected = dense(transformer.transform(table))
    found = features(transformer, columns, rows, expected.shape[1])
    assert_close(found, expected, declared(name).ulp)


@pytest.mark.parametrize("name", VECTORIZERS)
def test_features_of_texts_agree_as_far_as_is_declared(name: str) -> None:
    transformer = VECTORIZERS[name]().fit(TEXTS)
    expected = dense(transformer.transform(TEXTS))
    rows: Any = [(Text(each),) for each in TEXTS]
    found = features(transformer, (text("text"),), rows, expected.shape[1])
    assert_close(found, expected, declared(name).ulp)


def test_every_class_that_makes_features_is_compared() -> None:
    compared = {name.partition("(")[0] for name in (*NUMERIC, *ENCODERS, *VECTORIZERS)}
    compared.add("DictVectorizer")  # in test_fields.py
    makers = {n: part for n, part in DECLARED.items() if isinstance(part, Transformer)}
    assert compared == {name for name, part in makers.items() if part.ulp is not None}


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_search_for_the_strength_of_the_penalty_agrees_as_far_as_is_declared() -> None:
    """Newer releases warn of how each case of it may be written, so that it has none."""
    estimator = LogisticRegressionCV(cv=3).fit(data.numbers(), data.labels(3, "text"))
    rows = data.probes(None, N_ROWS)
    signature = Signature(columns=NUMBERS.columns, output=classes(*estimator.classes_))
    found = Predictor(signature, [data.read(estimator)]).predict(rows)
    assert found.values == estimator.predict(rows).tolist()
    ulp = declared("LogisticRegressionCV").ulp
    assert_close(found.scores, estimator.predict_proba(rows), ulp, NEAR)


def test_only_what_hangs_on_others_has_no_agreement_of_its_own() -> None:
    """All others are compared with scikit-learn, or with their package, by their cases."""
    compared = {"LogisticRegressionCV", "Booster", "IsolationForest", "KMeans", "MiniBatchKMeans"}
    compared |= {"BayesianGaussianMixture", "GaussianMixture", "LocalOutlierFactor", "OneClassSVM"}
    compared.add("IsotonicRegression")
    for name, part in DECLARED.items():
        if isinstance(part, Predicting) and name not in compared:
            assert bool(part.cases) == (part.ulp is not None), name
        assert part.ulp is None or not isinstance(part, Composite), name


# --------------------------------------------------------------------------------------------------
# What is refused

NUMBERS = Signature(columns=tuple(map(number, data.NAMES)), output=NUMBER)
CLASSES = Signature(columns=NUMBERS.columns, output=classes(0, 1))
ANOMALIES = Signature(columns=NUMBERS.columns, output=classes(-1, 1))
WORDS = Signature(columns=(text("text"),), output=classes(0, 1))
SHAPE = category("shape", ["flat", "round"], unknown=True)
SHAPES = Signature(columns=(SHAPE,), output=classes(False, True))


def of_numbers(estimator: Any, X: Any = None) -> tuple[Any, Signature]:
    X = data.numbers() if X is None else X
    if is_outlier_detector(estimator):
        return estimator.fit(X), ANOMALIES
    if hasattr(estimator, "predict") and not is_classifier(estimator):
        return estimator.fit(X, data.target()), NUMBERS
    return estimator.fit(X, data.labels(2, "number")), CLASSES


def of_texts(*steps: Any) -> tuple[Any, Signature]:
    pipeline = make_pipeline(*steps, LogisticRegression())
    return pipeline.fit(TEXTS, [0, 1] * (len(TEXTS) // 2)), WORDS


def of_shapes(*steps: Any) -> tuple[Any, Signature]:
    table = data.frame()[["shape"]]
    return make_pipeline(*steps, LogisticRegression()).fit(table, table["shape"] == "flat"), SHAPES


def of_records(*values: Any, **options: Any) -> tuple[Any, Signature]:
    pipeline = make_pipeline(DictVectorizer(**options), LogisticRegression())
    pipeline.fit([{"shape": value} for value in values], [0, 1])
    return pipeline, SHAPES


def of_kernels(estimator: Any) -> tuple[Any, Signature]:
    square = data.numbers() @ data.numbers().T
    fitted, signature = of_numbers(estimator, square)
    columns = tuple(number(f"x{j}") for j in range(len(square)))
    return fitted, Signature(columns=columns, output=signature.output)


def of_machines(create: Any) -> Iterator[tuple[Any, Signature]]:
    yield of_kernels(create(kernel="precomputed"))
    yield of_numbers(create(kernel=linear_kernel))
    yield of_numbers(create(), sparse.csr_matrix(data.numbers()))


def of_neighbours(create: Any) -> Iterator[tuple[Any, Signature]]:
    yield of_numbers(create(p=3))
    yield of_numbers(create(weights=np.sqrt))
    yield of_numbers(create(), sparse.csr_matrix(data.numbers()))


def of_the_rest() -> Iterator[tuple[Any, Signature]]:
    yield of_numbers(OneVsRestClassifier(Ridge()))
    yield of_numbers(OneVsRestClassifier(NearestCentroid()))
    y = data.labels(2, "number")
    several = OneVsRestClassifier(GaussianNB()).fit(data.numbers(), np.stack((y, 1 - y), axis=1))
    yield several, CLASSES


def of_angles() -> Iterator[tuple[Any, Signature]]:
    estimator, signature = of_numbers(NearestCentroid())
    estimator.metric = "cosine"  # today's cannot be fitted so
    yield estimator, signature


def of_temperatures() -> Iterator[tuple[Any, Signature]]:
    estimator, signature = of_numbers(CalibratedClassifierCV(LogisticRegression()))
    for part in estimator.calibrated_classifiers_:  # as release 1.8 brought it
        part.calibrators = [Ridge()]
    yield estimator, signature


def of_searches(create: Any, **options: Any) -> Iterator[tuple[Any, Signature]]:
    yield of_numbers(create(Ridge(), {"alpha": range(1, 40)}, refit=False, **options))


def of_targets() -> Iterator[tuple[Any, Signature]]:
    for options in (
        {"func": np.square, "inverse_func": np.sqrt},
        {"transformer": PowerTransformer()},
    ):
        yield of_numbers(TransformedTargetRegressor(Ridge(), **options))


def of_quantiles() -> Iterator[tuple[Any, Signature]]:
    normal = QuantileTransformer(n_quantiles=9, output_distribution="normal")
    yield of_shapes(OneHotEncoder(handle_unknown="ignore"), normal)
    pipeline, signature = of_numbers(make_pipeline(clone(normal), Ridge()))
    pipeline[0].quantiles_ = pipeline[0].quantiles_[::-1].copy()
    yield pipeline, signature


FILLED = SimpleImputer(strategy="most_frequent", missing_values="flat")


def of_singles(clusters: Any) -> tuple[Any, Signature]:
    fitted = clusters.fit(data.numbers().astype(np.float32))
    return fitted, Signature(columns=NUMBERS.columns, output=classes(0, 1, 2))


REFUSED: dict[str, Callable[[], Iterable[tuple[Any, Signature]]]] = {
    "IsolationForest": lambda: [
        (
            IsolationForest(n_estimators=3, random_state=0).fit(data.numbers()),
            Signature(
                columns=tuple(number(name, missing=True) for name in data.NAMES),
                output=classes(-1, 1),
            ),
        )
    ],
    "ClassifierChain": lambda: [
        (
            ClassifierChain(LogisticRegression(max_iter=999)).fit(
                data.numbers(), np.tile(data.labels(2, "number")[:, np.newaxis] + 1, 2)
            ),
            CLASSES,
        )
    ],
    "MultiOutputClassifier": lambda: [
        (MultiOutputClassifier(LogisticRegression()).fit(data.numbers(), [[0], [1]] * 150), CLASSES)
    ],
    "MultiOutputRegressor": lambda: [
        (MultiOutputRegressor(Ridge()).fit(data.numbers(), data.target()[:, np.newaxis]), NUMBERS)
    ],
    "IsotonicRegression": lambda: [
        (IsotonicRegression().fit(data.numbers()[:, 0], data.target()), NUMBERS)
    ],
    "KMeans": lambda: [of_singles(KMeans(3, n_init=1))],
    "GaussianMixture": lambda: [of_singles(GaussianMixture(3))],
    "MiniBatchKMeans": lambda: [of_singles(MiniBatchKMeans(3, n_init=1))],
    "SimpleImputer": lambda: [of_shapes(FILLED, OneHotEncoder(handle_unknown="ignore"))],
    "MissingIndicator": lambda: [of_shapes(MissingIndicator(missing_values="flat"))],
    "OneHotEncoder": lambda: [of_shapes(OneHotEncoder())],
    "OrdinalEncoder": lambda: [of_shapes(OrdinalEncoder())],
    "FunctionTransformer": lambda: [
        of_numbers(make_pipeline(FunctionTransformer(np.cbrt), Ridge()))
    ],
    "DictVectorizer": lambda: [
        of_records("flat", 1.0),
        of_records(["flat", "round"], 1.0),
        of_records("flat", "round", dtype=np.float32),
    ],
    "CountVectorizer": lambda: [of_texts(CountVectorizer(preprocessor=str.lower))],
    "HashingVectorizer": lambda: [
        of_texts(HashingVectorizer(**options))
        for options in (
            {"tokenizer": str.split, "token_pattern": None},
            {"token_pattern": "[a-z]+"},
            {"stop_words": "english"},
            {"dtype": np.float32},
        )
    ],
    "TfidfVectorizer": lambda: [of_texts(TfidfVectorizer(tokenizer=str.split, token_pattern=None))],
    "TfidfTransformer": lambda: [
        of_numbers(make_pipeline(MinMaxScaler(), TfidfTransformer(), Ridge()))
    ],
    **{create.__name__: partial(of_machines, create) for create in (SVC, NuSVC, SVR, NuSVR)},
    "OneClassSVM": partial(of_machines, OneClassSVM),
    "LocalOutlierFactor": lambda: [
        of_numbers(LocalOutlierFactor()),
        of_numbers(LocalOutlierFactor(novelty=True, p=3)),
        of_numbers(LocalOutlierFactor(novelty=True), sparse.csr_matrix(data.numbers())),
    ],
    **{
        create.__name__: partial(of_neighbours, create)
        for create in (KNeighborsClassifier, KNeighborsRegressor)
    },
    "RadiusNeighborsClassifier": lambda: [
        *of_neighbours(RadiusNeighborsClassifier),
        of_numbers(RadiusNeighborsClassifier(algorithm="brute", outlier_label="most_frequent")),
    ],
    "RadiusNeighborsRegressor": partial(of_neighbours, RadiusNeighborsRegressor),
    "TransformedTargetRegressor": of_targets,
    "GradientBoostingClassifier": lambda: [
        of_numbers(GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()))
    ],
    "GradientBoostingRegressor": lambda: [
        of_numbers(GradientBoostingRegressor(n_estimators=2, init=Ridge()))
    ],
    "OneVsRestClassifier": of_the_rest,
    "OneVsOneClassifier": lambda: [
        of_numbers(OneVsOneClassifier(Ridge())),
        of_numbers(OneVsOneClassifier(DummyClassifier())),
        of_kernels(OneVsOneClassifier(SVC(kernel="precomputed"))),
    ],
    "NearestCentroid": of_angles,
    "KBinsDiscretizer": lambda: [
        of_numbers(make_pipeline(KBinsDiscretizer(strategy="uniform", dtype=np.float32), Ridge()))
    ],
    "QuantileTransformer": of_quantiles,
    "SplineTransformer": lambda: [
        of_numbers(make_pipeline(SplineTransformer(**options), Ridge()))
        for options in ({"extrapolation": "linear"}, {"degree": 0}, {"degree": 21})
    ],
    "DummyClassifier": lambda: [
        of_numbers(DummyClassifier(strategy=strategy, constant=1))
        for strategy in ("stratified", "uniform", "constant")
    ],
    **{
        create.__name__: partial(of_searches, create)
        for create in (GridSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV)
    },
    "RandomizedSearchCV": partial(of_searches, RandomizedSearchCV, n_iter=2),
    "CalibratedClassifierCV": of_temperatures,
}


def test_all_that_families_refuse_is_tried() -> None:
    """What those of XGBoost and LightGBM refuse is tried in test_boosters.py."""
    boosters = ("xgboost.", "lightgbm.")
    told = {n for n, p in DECLARED.items() if p.refused and not p.name.startswith(boosters)}
    assert told == set(REFUSED)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_a_family_refuses_is_refused(name: str) -> None:
    for estimator, signature in REFUSED[name]():
        with pytest.raises(ArtifactError):
            Predictor(signature, [data.read(estimator)])


SEVERAL = (
    *(LinearRegression, Ridge, DecisionTreeRegressor, RandomForestRegressor, DummyRegressor),
    *(KNeighborsRegressor, partial(MLPRegressor, max_iter=5), DecisionTreeClassifier),
    *(RandomForestClassifier, KNeighborsClassifier, partial(MLPClassifier, max_iter=5)),
    *(RadiusNeighborsClassifier, RadiusNeighborsRegressor),
)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("create", SEVERAL)
def test_several_targets_are_refused_where_one_is_meant(create: Callable[[], Any]) -> None:
    estimator = create()
    y = data.labels(2, "number") if is_classifier(estimator) else data.target()
    estimator.fit(data.numbers(), np.stack((y, y[::-1]), axis=1))
    with pytest.raises(ArtifactError):
        Predictor(CLASSES if is_classifier(estimator) else NUMBERS, [data.read(estimator)])
