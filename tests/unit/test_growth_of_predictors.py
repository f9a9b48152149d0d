"""A predictor costs no more than its dumps, however often they name the same estimator or array."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Perceptron, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import MAX_ESTIMATORS
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.kernels import code
from iris_deploy.schema.signature import Signature
from tests import data
from tests.growth import assert_linear, counted, peak
from tests.pickling import dump, signature
from tests.signatures import NUMBER, category, number, numbers_to_classes

pytestmark = pytest.mark.no_cover  # work is measured here

LARGE = 1 << 22  # bytes


def wide_signature(n_features: int, n_classes: int = 3) -> Signature:
    return numbers_to_classes(n_features, n_classes)


def scaler(n_features: int) -> StandardScaler:
    made = StandardScaler()
    made.mean_ = np.zeros(n_features, np.int8)
    made.scale_ = np.ones(n_features, np.int8)
    return made


def perceptron(n_features: int, n_classes: int = 3) -> Perceptron:
    made = Perceptron()
    made.coef_ = np.ones((n_classes, n_features), np.int8)
    made.intercept_ = np.zeros(n_classes)
    made.classes_ = np.arange(n_classes)
    return made


def shared(n_features: int) -> Pipeline:
    """Take one scaler as often as there may be estimators."""
    return make_pipeline(*[scaler(n_features)] * (MAX_ESTIMATORS - 3), perceptron(n_features))


def within_itself(n: int) -> Pipeline:
    pipeline = Pipeline([("off", "passthrough")] * n)
    pipeline.steps[0] = pipeline.steps[-1] = ("again", pipeline)
    return pipeline


PREDICTORS: dict[str, tuple[int, Callable[[int], tuple[Signature, object]]]] = {
    "features that are written out": (
        1024,
        lambda n: (wide_signature(n), make_pipeline(scaler(n), perceptron(n))),
    ),
    "features that are not": (1 << 16, lambda n: (wide_signature(n), perceptron(n))),
    "classes that are written out": (
        2048,
        lambda n: (wide_signature(2, n), perceptron(2, n)),
    ),
    "classes that are not": (1 << 15, lambda n: (wide_signature(2, n), perceptron(2, n))),
    "scalers": (
        MAX_ESTIMATORS - 4,
        lambda n: (
            wide_signature(30),
            make_pipeline(*[scaler(30) for _ in range(n)], perceptron(30)),
        ),
    ),
    "one scaler many times": (1 << 14, lambda n: (wide_signature(n), shared(n))),
    "more scalers than may be": (
        2000,
        lambda n: (wide_signature(2), make_pipeline(*[scaler(2)] * n, perceptron(2))),
    ),
    "a pipeline within itself": (2000, lambda n: (wide_signature(2), within_itself(n))),
}


def build(signed: Signature, plain: bytes) -> None:
    with suppress(ArtifactError):
        Predictor(signed, [read_estimator(plain)])


@pytest.mark.parametrize("name", PREDICTORS)
def test_a_predictor_costs_no_more_than_its_dump(name: str) -> None:
    largest, make = PREDICTORS[name]

    def prepare(n: int) -> Callable[[], None]:
        signed, estimators = make(n)
        return partial(build, signed, dump(estimators))

    assert_linear(prepare, largest)


def test_a_pipeline_within_itself_is_not_opened_up_again_and_again() -> None:
    plain = dump(within_itself(5000))
    assert peak(partial(build, signature(), plain)) < peak(partial(read_estimator, plain)) + (
        1 << 14
    )


@pytest.mark.parametrize(
    "attribute", ["coef_", "intercept_", "mean_"], ids=["weights", "intercept", "mean"]
)
def test_numbers_for_another_signature_are_not_converted(attribute: str) -> None:
    """A byte each in the dump would be eight of each, for every scaler that shares them."""
    pipeline = make_pipeline(scaler(2), perceptron(2))
    for _, fitted in pipeline.steps:
        if hasattr(fitted, attribute):
            shape = (3, LARGE // 3) if attribute == "coef_" else (LARGE,)
            setattr(fitted, attribute, np.ones(shape, np.int8))
    fitted = read_estimator(dump(pipeline))
    signed = signature()

    def refuse() -> None:
        with pytest.raises(ArtifactError, match=rf"{attribute}|takes"):
            Predictor(signed, [fitted])

    assert peak(refuse) < LARGE // 2


# --------------------------------------------------------------------------------------------------
# What a few bytes can ask for

LAST = Fitted("sklearn.dummy.DummyRegressor", {"constant_": np.zeros((1, 1))})
BINARIZER = Fitted("sklearn.preprocessing.Binarizer", {"threshold": 0.0})
CATEGORIES = np.arange(2.0)


def side_by_side(*transformers: object) -> Fitted:
    members = [("a", transformer) for transformer in transformers]
    return Fitted("sklearn.pipeline.FeatureUnion", {"transformer_list": members})


def in_turn(*estimators: Fitted) -> Fitted:
    return Fitted("sklearn.pipeline.Pipeline", {"steps": [("a", each) for each in estimators]})


def by_columns(n_features: int, *columns: object) -> Fitted:
    branches = [("a", "passthrough", each) for each in columns]
    state: dict[str, object] = {"transformers_": branches, "n_features_in_": n_features}
    return Fitted("sklearn.compose.ColumnTransformer", state)


def one_hot(n_features: int) -> Fitted:
    state: dict[str, object] = {"categories_": [CATEGORIES] * n_features}
    return Fitted("sklearn.preprocessing.OneHotEncoder", state | {"handle_unknown": "ignore"})


TWICE = side_by_side("passthrough", "passthrough")
OFTEN = side_by_side(*["passthrough"] * 1000)
EVERYTHING = Fitted("builtins.slice", arguments=(None, None, None))

REPEATED: dict[str, Fitted] = {
    "doubled again and again": in_turn(*[TWICE] * 40, LAST),
    "a thousandfold again and again": in_turn(*[OFTEN] * 8, LAST),
    "doubled within one another": in_turn(side_by_side(*[side_by_side(*[OFTEN] * 9)] * 9), LAST),
    "the same columns by a list": in_turn(by_columns(1, *[[0] * 2000] * 1000), LAST),
    "the same columns by a slice": in_turn(*[by_columns(1, EVERYTHING, [0] * 99999)] * 50, LAST),
    "more branches than may be": in_turn(side_by_side(*["passthrough"] * 10**5), LAST),
    "doubled, then changed again and again": in_turn(*[TWICE] * 15, *[BINARIZER] * 70, LAST),
    "doubled, then taken one by one": in_turn(
        *[TWICE] * 12, by_columns(1 << 12, *[[k] for k in range(1000)]), LAST
    ),
    "doubled, then encoded": in_turn(*[TWICE] * 12, one_hot(1 << 12), LAST),
}


@pytest.mark.parametrize("name", REPEATED)
def test_features_that_are_asked_for_again_and_again_are_refused_or_few(name: str) -> None:
    signed = Signature(columns=(number("x"),), output=NUMBER)

    def run() -> None:
        with suppress(ArtifactError):
            Predictor(signed, [REPEATED[name]])

    assert counted(run) < 1 << 24
    assert peak(run) < 1 << 27


@pytest.mark.parametrize("last", [Ridge(), RandomForestRegressor(3)], ids=["sums", "trees"])
@pytest.mark.parametrize("before", [[], [Normalizer()]], ids=["columns", "normalised"])
@pytest.mark.parametrize("n_features", [10, 3000], ids=["few", "many"])
def test_code_is_made_when_a_dump_is_read_and_never_for_a_row(
    monkeypatch: pytest.MonkeyPatch, n_features: int, before: list[Any], last: Any
) -> None:
    X = np.random.default_rng(0).normal(size=(20, n_features))
    pipeline = make_pipeline(*before, StandardScaler(), last).fit(X, X[:, 0])
    columns = tuple(number(f"x{k}") for k in range(n_features))
    predictor = Predictor(Signature(columns=columns, output=NUMBER), [data.read(pipeline)])
    monkeypatch.setattr(code, "compile", None, raising=False)
    for row in X.tolist():
        predictor.score(row)


def test_splits_by_category_take_no_more_than_some_times_their_bytes() -> None:
    """Each says of 256 categories where they go, in 32 bytes; and is a tree of its own here."""
    n_trees = 4000
    column = pd.Series(np.arange(255.0).repeat(12))
    model = HistGradientBoostingRegressor(
        categorical_features=[0], max_iter=1, max_leaf_nodes=2, min_samples_leaf=1, max_bins=255
    ).fit(column.to_frame(), column % 3)
    record = data.read(model)
    [[tree]] = cast("list[list[Fitted]]", record.state["_predictors"])
    nodes = cast("np.ndarray", tree.state["nodes"])
    assert nodes["is_categorical"].any()
    words = np.random.default_rng(0).integers(0, 2**32, (n_trees, 8), np.uint32)
    record.state["_predictors"] = [
        [Fitted(tree.name, tree.state | {"raw_left_cat_bitsets": bits[np.newaxis]})]
        for bits in words
    ]
    size = n_trees * (nodes.nbytes + words[0].nbytes)
    signed = Signature(
        columns=(category("x", [float(k) for k in range(255)], unknown=True),), output=NUMBER
    )

    def run() -> None:
        Predictor(signed, [record])

    assert peak(run) < 20 * size
