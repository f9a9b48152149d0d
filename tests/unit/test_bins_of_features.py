"""Numbers in bins, and what is told by categories, are as scikit-learn has them."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import CategoricalNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OrdinalEncoder, StandardScaler

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.features import features_of
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import Reader
from iris_deploy.estimators.registry import read_value
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from tests import data
from tests.pickling import assert_same, dump
from tests.signatures import category, classes, number

pytestmark = pytest.mark.filterwarnings("ignore:The current default behavior, quantile_method")

COLUMNS = tuple(map(number, data.NAMES))


def transformed(record: Fitted, rows: np.ndarray) -> np.ndarray:
    """Return what a transformer makes of rows, by columns and row by row."""
    transform = Reader().transform(record, features_of(COLUMNS)).transform
    found = transform.matrix(rows).T
    one = transform.build_features()
    assert [list(one(row)) for row in rows.tolist()] == found.tolist()
    pieces = transform._build_features_of_pieces()
    assert [list(pieces(row)) for row in rows.tolist()] == found.tolist()
    return found


def on_and_beside_edges(estimator: KBinsDiscretizer) -> np.ndarray:
    rng = np.random.default_rng(0)
    columns = []
    for edges in estimator.bin_edges_:
        finite = edges[np.isfinite(edges)]
        known = finite if len(finite) else np.zeros(1)
        beside = [known, np.nextafter(known, np.inf), np.nextafter(known, -np.inf), known * 1.1]
        columns.append(rng.choice(np.concatenate([*beside, known - 3e-6, [1e9, -1e9]]), 2000))
    return np.column_stack(columns)


CASES: list[dict[str, Any]] = [
    {"strategy": strategy, "encode": encode}
    for strategy in ("uniform", "quantile", "kmeans")
    for encode in ("onehot", "onehot-dense", "ordinal")
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bins_are_scikit_learns_on_edges_and_beside_them(case: dict[str, Any]) -> None:
    X = data.numbers().copy()
    X[:, 1] = np.round(X[:, 1])  # few different values: bins that fall together
    estimator = KBinsDiscretizer(n_bins=[3, 9, 2, 5, 7], **case).fit(X)
    rows = on_and_beside_edges(estimator)
    expected = estimator.transform(rows)
    found = transformed(data.read(estimator), rows)
    assert (found == (expected if case["encode"] != "onehot" else expected.toarray())).all()


def test_a_feature_that_does_not_vary_is_one_bin() -> None:
    X = data.numbers().copy()
    X[:, 2] = 4.0
    estimator = KBinsDiscretizer(3, strategy="uniform", encode="onehot-dense")
    with pytest.warns(UserWarning, match="constant"):
        estimator.fit(X)
    rows = on_and_beside_edges(estimator)
    assert (transformed(data.read(estimator), rows) == estimator.transform(rows)).all()


def test_releases_before_1_1_put_what_is_next_to_an_edge_above_it() -> None:
    estimator = KBinsDiscretizer(4, strategy="uniform", encode="ordinal").fit(data.numbers())
    record, rows = data.read(estimator), on_and_beside_edges(estimator)
    record.state["_sklearn_version"] = "1.0.2"
    nudged = rows + (1e-8 + 1e-5 * np.abs(rows))
    expected = [
        np.clip(np.digitize(column, edges[1:]), 0, len(edges) - 2)
        for column, edges in zip(nudged.T, estimator.bin_edges_, strict=True)
    ]
    found = transformed(record, rows)
    assert (found == np.array(expected).T).all()
    assert (found != estimator.transform(rows)).any()


def arrays(*edges: Any) -> list[np.ndarray]:
    return [np.array(own, float) for own in edges] + [np.arange(3.0)] * (5 - len(edges))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "edges that fall": ({"bin_edges_": arrays([0, 3, 2, 4])}, "do not ascend"),
    "edges that are none": ({"bin_edges_": arrays([0, np.nan, 4])}, "not finite"),
    "no bin": ({"bin_edges_": arrays([0])}, "less than one bin"),
    "others": ({"bin_edges_": arrays()[:4]}, "no list of 5 in bin_edges_"),
    "a list of numbers": ({"bin_edges_": [1.0] * 5}, "less than one bin"),
    "an array": ({"bin_edges_": np.zeros((5, 4))}, "no list of 5"),
    "floats of 32 bits": ({"dtype": ClassName("numpy.float32")}, "dtype"),
    "another encoding": ({"encode": "hash"}, "encode='hash'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_bin_is_refused(name: str) -> None:
    changes, words = REFUSED[name]
    record = data.read(KBinsDiscretizer(3, strategy="uniform").fit(data.numbers()))
    record.state.update(changes)
    with pytest.raises(ArtifactError, match=words):
        Reader().transform(record, features_of(COLUMNS))


def test_many_bins_are_refused() -> None:
    record = data.read(KBinsDiscretizer(3, strategy="uniform").fit(data.numbers()))
    record.state["bin_edges_"] = arrays(*[np.arange(250_000.0)] * 5)
    with pytest.raises(ArtifactError, match="bins; expected"):
        Reader().transform(record, features_of(COLUMNS))


def test_bins_before_and_behind_others() -> None:
    y = data.labels(3, "number")
    pipeline = make_pipeline(
        StandardScaler(), KBinsDiscretizer(4, strategy="uniform"), LogisticRegression(max_iter=500)
    ).fit(data.numbers(), y)
    rows = data.probes(None, 2000)
    predictor = Predictor(
        Signature(columns=COLUMNS, output=classes(0, 1, 2)), [data.read(pipeline)]
    )
    assert predictor.values(rows) == pipeline.predict(rows).tolist()


# --------------------------------------------------------------------------------------------------
# Naive Bayes of categories


def categories() -> tuple[Any, np.ndarray]:
    table = data.frame()[["colour", "shape"]].fillna("none")
    y = (table["colour"] == "red").to_numpy() + (table["shape"] == "flat").to_numpy() * 1
    return table, y


def test_categories_tell_scikit_learns_scores_to_the_last_bit() -> None:
    table, y = categories()
    pipeline = make_pipeline(OrdinalEncoder(), CategoricalNB()).fit(table, y)
    known = [sorted(table[name].unique()) for name in table]
    columns = tuple(category(n, k) for n, k in zip(table, known, strict=True))
    signed = Signature(columns=columns, output=classes(0, 1, 2))
    predictor = Predictor(signed, [data.read(pipeline)])
    rows = data.rows_of(table, signed)
    assert predictor.predict(rows).values == pipeline.predict(table).tolist()
    expected = (
        pipeline.predict_joint_log_proba(table)
        if hasattr(pipeline, "predict_joint_log_proba")
        else pipeline[-1].predict_joint_log_proba(pipeline[:-1].transform(table))
    )
    kernel = predictor._kernel
    assert kernel.columns(rows).T.tobytes() == np.ascontiguousarray(expected).tobytes()
    row = kernel.build_row()
    assert [list(row(each)[1]) for each in rows.tolist()] == expected.tolist()


def test_what_is_behind_the_point_does_not_count_and_strangers_are_refused() -> None:
    X = np.array([[0, 1], [1, 2], [2, 0], [1, 1]])
    estimator = CategoricalNB().fit(X, [0, 1, 1, 0])
    signed = Signature(columns=(number("x"), number("y")), output=classes(0, 1))
    predictor = Predictor(signed, [data.read(estimator)])
    rows = np.array([[0.9, 1.2], [-0.5, 2.99], [2.0, 0.0]] * 9)
    assert predictor.values(rows) == estimator.predict(rows).tolist()
    assert [predictor.value(row) for row in rows.tolist()] == estimator.predict(rows).tolist()
    for strange in (3.0, -1.0, np.nan, np.inf, -1e300):
        with pytest.raises(SignatureError):
            predictor.value([strange, 0.0])
        with pytest.raises(SignatureError):
            predictor.predict([[strange, 0.0]] * 20)


@pytest.mark.parametrize(
    "changes",
    [
        {"feature_log_prob_": [np.zeros((2, 3))]},
        {"feature_log_prob_": [np.zeros((2, 3)), np.zeros((3, 2))]},
        {"feature_log_prob_": [np.zeros((2, 3)), np.full((2, 2), -np.inf)]},
        {"feature_log_prob_": [np.zeros((2, 3)), "x"]},
        {"class_log_prior_": np.zeros(3)},
    ],
    ids=lambda changes: str([*changes.values()])[:40],
)
def test_figures_of_other_features_or_classes_are_refused(changes: dict[str, Any]) -> None:
    record = data.read(CategoricalNB().fit([[0, 1], [1, 0]], [0, 1]))
    record.state.update(changes)
    signed = Signature(columns=(number("x"), number("y")), output=classes(0, 1))
    with pytest.raises(ArtifactError, match=next(iter(changes))):
        Predictor(signed, [record])


def test_an_array_that_is_named_for_every_feature_is_converted_once() -> None:
    """A few bytes of a dump name it again and again."""
    long = np.arange(50_000.0)
    record = data.read(
        KBinsDiscretizer(3, strategy="uniform", encode="ordinal").fit(data.numbers())
    )
    record.state["bin_edges_"] = [long] * 5
    block: Any = Reader().transform(record, features_of(COLUMNS)).transform.blocks[0]
    assert len({id(edges) for edges in block.steps[0].edges}) == 1
    classifier = data.read(CategoricalNB().fit([[0, 1], [1, 0]], [0, 1]))
    classifier.state["feature_log_prob_"] = [np.zeros((2, 50_000))] * 2
    signed = Signature(columns=(number("x"), number("y")), output=classes(0, 1))
    kernel: Any = Predictor(signed, [classifier])._kernel
    assert kernel.figures[0] is kernel.figures[1]


def of_objects(*values: Any) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize("write", [dump, pickle.dumps], ids=["joblib", "pickle"])
def test_an_array_of_arrays_is_read_as_a_list_and_of_nothing_else(
    write: Callable[[object], bytes],
) -> None:
    arrays = [np.arange(3.0), np.arange(2)]
    found: Any = read_value(write({"x": of_objects(*arrays)}))
    assert_same(found, {"x": arrays})
    for odd in (
        of_objects(np.arange(3), None),
        of_objects(np.arange(3), [1.0]),
        of_objects(np.arange(3), of_objects("a", "b")),
        of_objects(np.arange(1), np.arange(2), np.arange(3), np.arange(4)).reshape(2, 2),
    ):
        with pytest.raises(ArtifactError, match="array of"):
            read_value(write({"x": odd}))
