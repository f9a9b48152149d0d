"""Every family predicts as scikit-learn does, for one row as for many, to the bits it promises."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import (
    RFE,
    RFECV,
    SelectFromModel,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    f_regression,
    mutual_info_regression,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import Lasso, LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.kernels import blocks, trees
from iris_deploy.kernels.trees import TreeKernel
from iris_deploy.schema.outputs import ClassOutput, Output
from iris_deploy.schema.signature import Signature
from tests import data
from tests.agreement import assert_close, declared
from tests.families import (
    BINNERS,
    CLASSIFIERS,
    ENCODERS,
    IMPUTERS,
    MIXERS,
    REGRESSORS,
    SCALERS,
    SELECTORS,
)
from tests.signatures import NUMBER, category, classes, number

pytestmark = [
    pytest.mark.filterwarnings("ignore:Found unknown categories"),
    pytest.mark.filterwarnings("ignore:.*failed to converge"),
    pytest.mark.filterwarnings("ignore:One or more samples have no neighbors"),
    pytest.mark.filterwarnings("ignore:The `probability` parameter was deprecated"),
]

MANY = 100_000
N_ROWS = 3000
NEAR = slice(N_ROWS // 10, None)
"""Of `data.probes`: the others are far away."""

KINDS = [(2, "number"), (3, "number"), (2, "text"), (4, "text"), (2, "bool")]


def signature(output: Output, *, missing: bool = False) -> Signature:
    return Signature(columns=tuple(number(n, missing=missing) for n in data.NAMES), output=output)


def output_of(estimator: Any) -> Output:
    if hasattr(estimator, "classes_"):
        return classes(*estimator.classes_.tolist())
    return NUMBER


@cache
def fitted(name: str, n_classes: int = 0, kind: str = "") -> tuple[Any, Predictor]:
    """Fit an estimator to numbers, and build its predictor by way of its dump."""
    create = CLASSIFIERS[name] if n_classes else REGRESSORS[name]
    y = data.labels(n_classes, kind) if n_classes else data.target()
    estimator = create().fit(data.numbers(), y)
    return estimator, Predictor(signature(output_of(estimator)), [data.read(estimator)])


def assert_same_alone_and_among_others(predictor: Predictor, rows: np.ndarray) -> None:
    """Compare one row, a few and all, to the last bit."""
    whole = predictor.predict(rows)
    assert (predictor.outcomes(rows) == whole.outcomes).all()
    for row, value, scores in zip(rows.tolist(), whole.values, whole.scores.tolist(), strict=True):
        assert predictor.score(row) == (value, tuple(scores))
    for size in (1, 7, 17, 150):
        part = predictor.predict(rows[:size])
        assert part.values == whole.values[:size]
        assert part.scores.tobytes() == whole.scores[:size].tobytes()


@pytest.mark.parametrize(("n_classes", "kind"), KINDS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_gives_scikit_learns_labels_and_scores(
    name: str, n_classes: int, kind: str
) -> None:
    estimator, predictor = fitted(name, n_classes, kind)
    rows = data.probes(estimator, N_ROWS)
    found = predictor.predict(rows)
    assert found.values == estimator.predict(rows).tolist()
    if hasattr(estimator, "predict_proba"):
        with np.errstate(invalid="ignore"):  # release 1.7 divides 0 by 0 where no class has a share
            expected = np.nan_to_num(estimator.predict_proba(rows), nan=1 / n_classes)
        assert np.abs(found.scores - expected).max() < 1e-9
        assert_close(found.scores, expected, declared(name).ulp, NEAR)
    else:
        decision = estimator.decision_function(rows)
        scores = found.scores[:, 1] if n_classes == 2 else found.scores
        assert_close(scores, decision, declared(name).ulp, NEAR)
    if declared(name).same_scores and hasattr(estimator, "decision_function"):
        raw = np.ascontiguousarray(estimator.decision_function(rows))
        assert predictor._kernel.columns(rows).T.tobytes() == raw.tobytes()
    assert_same_alone_and_among_others(predictor, rows[::10])


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_gives_scikit_learns_numbers(name: str) -> None:
    estimator, predictor = fitted(name)
    rows = data.probes(estimator, N_ROWS)
    with np.errstate(over="ignore"):
        expected = estimator.predict(rows)
    sane = np.abs(expected) < 1e15  # a power of e of rows far away is not
    found = predictor.outcomes(rows[sane])
    same = declared(name).same_scores and not predictor._after
    near = slice(int(sane[: NEAR.start].sum()), None)
    assert_close(found, expected[sane], 0 if same else declared(name).ulp, near)
    np.testing.assert_allclose(found, expected[sane], rtol=1e-9, atol=1e-12)
    assert_same_alone_and_among_others(predictor, rows[sane][::10])


@pytest.mark.once
@pytest.mark.parametrize(
    "name", [n for n in CLASSIFIERS if re.search("Tree|Forest|Boosting|Dummy", n)]
)
def test_no_label_of_many_rows_on_and_beside_thresholds_differs(name: str) -> None:
    estimator, predictor = fitted(name, 3, "text")
    rows = data.probes(estimator, MANY)
    assert predictor.values(rows) == estimator.predict(rows).tolist()
    if "Boosting" in name:
        raw = estimator.decision_function(rows)
        assert predictor._kernel.columns(rows).T.tobytes() == np.ascontiguousarray(raw).tobytes()


@pytest.mark.once
@pytest.mark.parametrize("name", [n for n in REGRESSORS if "Boosting" in n or "Forest" in n])
def test_no_number_of_many_rows_on_and_beside_thresholds_differs(name: str) -> None:
    estimator, predictor = fitted(name)
    rows = data.probes(estimator, MANY)
    np.testing.assert_allclose(predictor.outcomes(rows), estimator.predict(rows), rtol=1e-14)


WITH_GAPS = [
    name
    for name in (*CLASSIFIERS, *REGRESSORS)
    if any(word in name for word in ("Forest", "DecisionTree", "HistGradient"))
    and not re.search("poisson|gamma", name)
]


@pytest.mark.parametrize("name", WITH_GAPS)
def test_what_takes_missing_values_sends_them_where_scikit_learn_does(name: str) -> None:
    rng = np.random.default_rng(5)
    X = data.numbers().copy()
    X[rng.random(X.shape) < 0.2] = np.nan
    is_class = name in CLASSIFIERS
    y = data.labels(3, "text") if is_class else data.target()
    estimator = (CLASSIFIERS | REGRESSORS)[name]().fit(X, y)
    rows = data.probes(estimator, 3000)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    predictor = Predictor(signature(output_of(estimator), missing=True), [data.read(estimator)])
    found, expected = predictor.predict(rows), estimator.predict(rows)
    assert found.values == expected.tolist()
    assert_same_alone_and_among_others(predictor, rows[::10])


SMALL_TREES: dict[str, Any] = {
    "gradient boosting": GradientBoostingClassifier(random_state=0),
    "gradient boosting of a number": GradientBoostingRegressor(random_state=0),
    "boosting by histograms": HistGradientBoostingClassifier(random_state=0),
    "boosting by histograms of a number": HistGradientBoostingRegressor(random_state=0),
    "a shallow forest": RandomForestClassifier(60, max_depth=5, random_state=0),
    "a shallow forest of a number": RandomForestRegressor(60, max_depth=4, random_state=0),
}


@pytest.mark.once
@pytest.mark.parametrize("gaps", [False, True], ids=["filled", "gaps"])
@pytest.mark.parametrize("name", SMALL_TREES)
def test_many_small_trees_have_scikit_learns_bits_on_many_rows(name: str, gaps: bool) -> None:
    """Those that are looked up by words of bits, without a walk."""
    estimator = clone(SMALL_TREES[name])
    rng = np.random.default_rng(6)
    X = data.numbers().copy()
    gaps = gaps and not name.startswith("gradient")
    if gaps:
        X[rng.random(X.shape) < 0.2] = np.nan
    is_class = hasattr(estimator, "predict_proba")
    estimator.fit(X, data.labels(3, "text") if is_class else data.target())
    rows = data.probes(estimator, MANY)
    if gaps:
        rows[rng.random(rows.shape) < 0.2] = np.nan
    predictor = Predictor(signature(output_of(estimator), missing=gaps), [data.read(estimator)])
    assert isinstance(kernel := predictor._kernel, TreeKernel)
    assert kernel._bits is not None
    assert predictor.values(rows) == estimator.predict(rows).tolist()
    if hasattr(estimator, "decision_function"):
        raw = estimator.decision_function(rows)
        assert predictor._kernel.columns(rows).T.tobytes() == np.ascontiguousarray(raw).tobytes()
    assert_same_alone_and_among_others(predictor, rows[::100])


@pytest.mark.parametrize("name", ["LogisticRegression()", "Ridge()", "LinearSVC(random_state=0)"])
def test_what_takes_no_missing_value_refuses_a_column_that_has_some(name: str) -> None:
    estimator = fitted(name, 2 if name in CLASSIFIERS else 0, "number")[0]
    with pytest.raises(ArtifactError, match="nothing fills it in"):
        Predictor(signature(output_of(estimator), missing=True), [data.read(estimator)])


# --------------------------------------------------------------------------------------------------
# What is before an estimator


def fill(**options: Any) -> Pipeline:
    return make_pipeline(SimpleImputer(**options), StandardScaler())


def encoded(encoder: Any, *names: str) -> tuple[str, Any, list[str]]:
    return ("encoded", encoder, [*names])


IGNORE = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
POSITIONS = next(name for name in ENCODERS if "encoded_missing_value" in name)
DENSE: dict[str, Any] = {"sparse_threshold": 0.0}


def before() -> dict[str, Any]:
    """Return what may stand before an estimator of a table, by what it is about."""
    numbers = ("numbers", fill(add_indicator=True), ["size", "weight"])
    sizes = ("numbers", fill(), ["size", "weight"])
    made: dict[str, Any] = {
        "numbers and categories": ColumnTransformer(
            [numbers, ("grade", "passthrough", ["grade"]), encoded(IGNORE, "colour", "shape")]
        ),
        "categories that are filled": ColumnTransformer(
            [
                sizes,
                encoded(
                    make_pipeline(
                        SimpleImputer(strategy="most_frequent"),
                        clone(IGNORE).set_params(drop="first"),
                    ),
                    "colour",
                    "shape",
                ),
            ]
        ),
        "constants for gaps": ColumnTransformer(
            [
                ("numbers", SimpleImputer(strategy="constant", fill_value=-1.5), ["size"]),
                encoded(
                    make_pipeline(
                        SimpleImputer(strategy="constant", fill_value="rare"), clone(IGNORE)
                    ),
                    "colour",
                ),
            ]
        ),
        "a remainder that is scaled": ColumnTransformer(
            [
                ("numbers", fill(strategy="median"), ["size"]),
                encoded(
                    ENCODERS[next(n for n in ENCODERS if "encoded_missing" in n)](),
                    "colour",
                    "shape",
                ),
            ],
            remainder=MinMaxScaler(),
        ),
        "by position, slice and mask": ColumnTransformer(
            [
                ("one", SimpleImputer(), [0]),
                ("some", RobustScaler(), slice(1, 3)),
                ("mask", clone(IGNORE), np.array([False, False, False, True, True])),
            ],
            transformer_weights={"some": 0.5},
        ),
        "numbers that are encoded": ColumnTransformer(
            [("numbers", SimpleImputer(), ["size"]), encoded(clone(IGNORE), "grade")]
        ),
        "scaled after encoding": make_pipeline(
            ColumnTransformer([numbers, encoded(clone(IGNORE), "colour", "shape")], **DENSE),
            StandardScaler(),
        ),
        "side by side": make_pipeline(
            ColumnTransformer([("numbers", SimpleImputer(), ["size", "weight", "grade"])]),
            FeatureUnion(
                [
                    ("scaled", StandardScaler()),
                    ("same", FunctionTransformer()),
                    ("high", make_pipeline(MinMaxScaler(clip=True), Binarizer(threshold=0.5))),
                    ("off", "drop"),
                ],
                transformer_weights={"scaled": 2.0},
            ),
        ),
        "gaps alone": ColumnTransformer(
            [("gaps", MissingIndicator(features="all"), ["size", "weight"]), sizes]
        ),
    }
    axes = make_pipeline(SimpleImputer(), StandardScaler(), PCA(2, whiten=True))
    made["axes beside categories"] = ColumnTransformer(
        [
            ("axes", axes, ["size", "weight", "grade"]),
            ("divided", make_pipeline(SimpleImputer(), Normalizer()), ["size", "weight"]),
            encoded(clone(IGNORE), "colour", "shape"),
        ]
    )
    made["bent and multiplied"] = make_pipeline(
        ColumnTransformer(
            [
                ("log", make_pipeline(SimpleImputer(), FunctionTransformer(np.exp)), ["size"]),
                ("gaps", make_pipeline(PowerTransformer(), SimpleImputer()), ["size", "weight"]),
                ("root", make_pipeline(SimpleImputer(), FunctionTransformer(np.abs)), ["weight"]),
                encoded(clone(IGNORE), "colour"),
            ],
            **DENSE,
        ),
        FeatureUnion([("products", PolynomialFeatures(2)), ("same", "passthrough")]),
        StandardScaler(),
    )
    made["axes of axes"] = make_pipeline(
        ColumnTransformer([numbers, encoded(clone(IGNORE), "colour")], **DENSE),
        FeatureUnion(
            [
                ("few", make_pipeline(PCA(3), Normalizer("max"), TruncatedSVD(2, random_state=0))),
                ("same", StandardScaler()),
            ]
        ),
        PCA(4),
        FeatureUnion([("one", PCA(2)), ("other", Binarizer())]),
    )
    for norm in ("l1", "l2", "max"):
        made[f"divided by the norm {norm}"] = make_pipeline(
            ColumnTransformer([numbers, encoded(clone(IGNORE), "colour")], **DENSE),
            Normalizer(norm),
            StandardScaler(),
        )
    for name, create in ENCODERS.items():
        made[name] = ColumnTransformer([sizes, encoded(create(), "colour", "shape")], **DENSE)
    for transformer in [t for t in made.values() if isinstance(t, ColumnTransformer)]:
        transformer.set_params(**DENSE)
    return made


BEFORE = before()

AFTER: dict[str, Callable[[], Any]] = {
    "logistic regression": lambda: LogisticRegression(max_iter=1000),
    "tree": lambda: DecisionTreeClassifier(random_state=0),
    "forest": lambda: RandomForestClassifier(7, random_state=0),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=7, random_state=0),
    "hist boosting": lambda: HistGradientBoostingClassifier(max_iter=7, min_samples_leaf=5),
    "ridge": Ridge,
    "poisson": PoissonRegressor,
    "forest of numbers": lambda: RandomForestRegressor(7, random_state=0),
    "boosting of numbers": lambda: GradientBoostingRegressor(n_estimators=7, random_state=0),
    "hist boosting of numbers": lambda: HistGradientBoostingRegressor(
        max_iter=7, min_samples_leaf=5
    ),
    "logarithms": lambda: TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    "a scaled target": lambda: TransformedTargetRegressor(
        RandomForestRegressor(5, random_state=0), transformer=StandardScaler()
    ),
    "a target between bounds": lambda: TransformedTargetRegressor(
        Ridge(), transformer=MinMaxScaler()
    ),
}


def table_columns() -> Any:
    """Describe the table's columns."""
    categories = {"colour", "shape"}
    return tuple(
        category(n, data.CATEGORIES[n], missing=n == "colour", unknown=True)
        if n in categories
        else number(n, missing=n == "size")
        for n in data.frame(1).columns
    )


def leaves_gaps(name: str) -> bool:
    """Tell whether an encoder writes what is missing as missing."""
    return "Ordinal" in name and "encoded_missing_value" not in name


@pytest.mark.parametrize(
    ("name", "after"),
    [
        (name, after)
        for name in BEFORE
        for after in AFTER
        if not leaves_gaps(name) or "forest" in after or after in {"tree", "hist boosting"}
    ],
)
def test_a_pipeline_of_a_table_predicts_as_scikit_learns(name: str, after: str) -> None:
    train, table = data.frame(), data.frame(1500, 1, strange=True)
    last = AFTER[after]()
    pipeline = make_pipeline(clone(BEFORE[name]), last)
    score = train["size"].fillna(0) + (train["colour"] == "red") + train["grade"] / 3
    is_class = hasattr(last, "predict_proba")
    y = (score > 0.8).astype(int) if is_class else np.abs(score) + 0.5
    pipeline.fit(train, y)
    output = classes(0, 1) if is_class else NUMBER
    signed = Signature(columns=table_columns(), output=output)
    predictor = Predictor(signed, [data.read(pipeline)])
    rows = data.rows_of(table, signed)
    found, expected = predictor.predict(rows), pipeline.predict(table)
    if isinstance(output, ClassOutput):
        assert found.values == expected.tolist()
        assert np.abs(found.scores - pipeline.predict_proba(table)).max() < 1e-9
    else:
        np.testing.assert_allclose(found.outcomes, expected, rtol=1e-9)
    assert_same_alone_and_among_others(predictor, rows[::8])


@pytest.mark.parametrize("kind", ["classes", "number"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_categories_of_hist_boosting_itself_are_those_of_scikit_learn(
    monkeypatch: pytest.MonkeyPatch, kind: str, n_classes: int
) -> None:
    """Strange ones, too: they go where a missing value goes."""
    train, table = data.frame(600), data.frame(1500, 1, strange=True)
    for name in ("colour", "shape"):
        known = sorted(data.CATEGORIES[name])
        for each in (train, table):
            each[name] = each[name].astype("category").cat.set_categories(known)
    score = train["size"].fillna(0) + (train["colour"] == "red") * 2 + train["grade"] / 3
    options = {"max_iter": 60, "min_samples_leaf": 4, "categorical_features": "from_dtype"}
    if kind == "classes":
        y = np.digitize(score, np.quantile(score, np.arange(1, n_classes) / n_classes))
        estimator: Any = HistGradientBoostingClassifier(**options).fit(train, y)
    else:
        estimator = HistGradientBoostingRegressor(**options).fit(train, score)
    signed = Signature(columns=table_columns(), output=output_of(estimator))
    predictor = Predictor(signed, [data.read(estimator)])
    rows = data.rows_of(table.astype({"colour": object, "shape": object}), signed)
    assert isinstance(kernel := predictor._kernel, TreeKernel)
    assert kernel._bits is not None
    assert predictor.values(rows) == estimator.predict(table).tolist()
    assert_same_alone_and_among_others(predictor, rows[::8])
    monkeypatch.setattr(trees, "build_bits", lambda *_: None)  # as large trees have it
    monkeypatch.setattr(blocks, "_MOST_LINES", 0)  # as many splits have it
    walking = Predictor(signed, [data.read(estimator)])
    assert walking.predict(rows).scores.tobytes() == predictor.predict(rows).scores.tobytes()
    assert_same_alone_and_among_others(walking, rows[::8])


REFUSES: dict[str, tuple[Any, str]] = {
    "unknown categories": (OneHotEncoder(), "refuses categories"),
    "unknown positions": (OrdinalEncoder(), "refuses categories"),
}


@pytest.mark.parametrize("name", REFUSES)
def test_an_encoder_that_refuses_strangers_wants_a_column_that_does(name: str) -> None:
    encoder, words = REFUSES[name]
    train = data.frame()[["shape"]]
    pipeline = make_pipeline(clone(encoder), LogisticRegression())
    pipeline.fit(train, train["shape"] == "flat")
    for unknown in (False, True):
        column = category("shape", ["round", "flat"], unknown=unknown)
        signed = Signature(columns=(column,), output=classes(False, True))
        if unknown:
            with pytest.raises(ArtifactError, match=words):
                Predictor(signed, [data.read(pipeline)])
        else:
            assert Predictor(signed, [data.read(pipeline)]).values([(1.0,)]) == [True]


def test_categories_where_numbers_are_wanted_are_refused() -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    pipeline.fit(np.array([[0.0], [1.0], [2.0]]), [0, 1, 1])
    signed = Signature(columns=(category("x", ["p", "q"]),), output=classes(0, 1))
    with pytest.raises(ArtifactError, match="takes numbers, but gets the categories of x"):
        Predictor(signed, [data.read(pipeline)])


@pytest.mark.parametrize(
    "selector",
    [
        RFE(Ridge(), n_features_to_select=2),
        RFECV(Ridge(), min_features_to_select=2),
        SequentialFeatureSelector(Ridge(), n_features_to_select=2),
        SelectKBest(f_regression, k=2),
        SelectKBest(mutual_info_regression, k=1),
        SelectPercentile(f_regression, percentile=40),
        SelectFromModel(Ridge(), threshold="0.5*median"),
        SelectFromModel(Lasso(0.5)),
        SelectFromModel(RandomForestRegressor(5, random_state=0)),
        SelectFromModel(DecisionTreeRegressor(max_depth=4, random_state=0), max_features=1),
        SelectFromModel(
            RandomForestRegressor(5, random_state=0), threshold=-np.inf, max_features=3
        ),
    ],
    ids=lambda selector: f"{type(selector).__name__}-{getattr(selector, 'estimator', '')}",
)
def test_what_selects_features_keeps_those_that_scikit_learn_keeps(selector: Any) -> None:
    X = np.repeat(data.numbers(), 2, axis=1)[:, :5]  # pairs have equal scores
    pipeline = make_pipeline(clone(selector), Ridge()).fit(X, data.target())
    predictor = Predictor(signature(NUMBER), [data.read(pipeline)])
    np.testing.assert_allclose(predictor.outcomes(X), pipeline.predict(X), rtol=1e-12)
    kept = np.flatnonzero(pipeline[0].get_support())
    for k in range(X.shape[1]):
        moved = X.copy()
        moved[:, k] += 1.0
        changes = bool((predictor.outcomes(moved) != predictor.outcomes(X)).any())
        assert changes == (k in kept)


@pytest.mark.parametrize("name", [*SCALERS, *IMPUTERS, *SELECTORS, *MIXERS, *BINNERS])
def test_a_transformer_before_a_forest_changes_no_label(name: str) -> None:
    """Features are rounded to 32 bits where the forest rounds them, and no sooner."""
    X = data.numbers().copy()
    if name in IMPUTERS:
        X[np.random.default_rng(7).random(X.shape) < 0.2] = np.nan
    pipeline = make_pipeline(
        (SCALERS | IMPUTERS | SELECTORS | MIXERS | BINNERS)[name](),
        RandomForestClassifier(7, random_state=0),
    )
    pipeline.fit(X, data.labels(3, "text"))
    rows = np.vstack([data.probes(pipeline[-1], 1000), X])
    signed = signature(output_of(pipeline), missing=name in IMPUTERS)
    predictor = Predictor(signed, [data.read(pipeline)])
    if name not in IMPUTERS:
        rows = rows[~np.isnan(rows).any(axis=1)]
    assert predictor.values(rows) == pipeline.predict(rows).tolist()
    assert_same_alone_and_among_others(predictor, rows[::10])
