"""Nothing of a dump is believed: any attribute of any family may be any value."""

import contextlib
import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from tests import data
from tests.families import BINNERS, CLASSIFIERS, IMPUTERS, MIXERS, REGRESSORS, SCALERS, SELECTORS
from tests.signatures import NUMBER, category, classes, number
from tests.unit.test_families import AFTER, BEFORE, table_columns

pytestmark = [
    pytest.mark.filterwarnings("ignore:Found unknown categories"),
    pytest.mark.filterwarnings("ignore:.*failed to converge"),
    pytest.mark.filterwarnings("ignore:The `probability` parameter was deprecated"),
]

N_FORGERIES = 150
"""Forgeries of each estimator: a part of all there are, drawn anew by nobody."""

Forge = Callable[[Any], Any]


def changed(alter: Callable[[np.ndarray], Any]) -> Forge:
    """Change an array, if the value is one."""
    return lambda value: alter(value) if isinstance(value, np.ndarray) and value.size else []


FORGERIES: dict[str, Forge] = {
    "none": lambda _: None,
    "true": lambda _: True,
    "a negative number": lambda _: -1,
    "a large number": lambda _: 2**70,
    "a number beyond all floats": lambda _: 10**400,
    "not a number": lambda _: float("nan"),
    "text": lambda _: "x",
    "a class": lambda _: ClassName("numpy.exp"),
    "an estimator": lambda _: Fitted("sklearn.dummy.DummyClassifier"),
    "nothing": lambda _: [],
    "one item": lambda value: [value],
    "pairs": lambda value: [("x", value)],
    "a mapping": lambda value: {"x": value},
    "an array of objects": lambda value: np.array([value, None], object),
    "fewer": changed(lambda array: array[:-1]),
    "more": changed(lambda array: np.concatenate([array, array])),
    "turned": changed(lambda array: array.T),
    "deeper": changed(lambda array: array[None]),
    "flat": changed(lambda array: array.ravel()),
    "text instead": changed(lambda array: array if array.dtype.names else array.astype(str)),
    "objects instead": changed(lambda array: array.astype(object)),
    "all zero": changed(np.zeros_like),
    "all infinite": changed(lambda array: np.full(array.shape, np.inf)),
    "all the lowest": changed(lambda array: np.full(array.shape, -(2**62))),
}


class Members:
    """The members of a tuple, which are put into another tuple in its place."""

    def __init__(self, holder: Any, key: Any) -> None:
        self._holder, self._key = holder, key

    def __getitem__(self, at: int) -> Any:
        return self._holder[self._key][at]

    def __setitem__(self, at: int, value: Any) -> None:
        members = [*self._holder[self._key]]
        members[at] = value
        self._holder[self._key] = tuple(members)


def values(holder: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Yield what holds each value of a record, and where: attributes, items, members."""
    if isinstance(holder, Fitted):
        holder = holder.state
    if isinstance(holder, np.ndarray):
        pairs: Any = enumerate(holder) if holder.dtype == object and holder.ndim == 1 else ()
    elif isinstance(holder, dict):
        pairs = holder.items()
    else:
        pairs = enumerate(holder) if isinstance(holder, list) else ()
    for key, value in list(pairs)[:40]:
        yield holder, key
        if depth < 8:
            yield from values(value, depth + 1)
            if isinstance(value, tuple):  # the steps of a pipeline
                members = Members(holder, key)
                for at, member in enumerate(value):
                    yield members, at
                    yield from values(member, depth + 1)


def forgeries(record: Fitted, seed: str) -> Iterator[tuple[str, Fitted]]:
    """Yield copies of a record with a value of it forged."""
    chance = random.Random(seed)
    n_values = len(list(values(record)))
    wanted = [(at, how) for at in range(n_values) for how in FORGERIES]
    for at, how in chance.sample(wanted, min(N_FORGERIES, len(wanted))):
        forged = copy.deepcopy(record)
        holder, key = list(values(forged))[at]
        holder[key] = FORGERIES[how](holder[key])
        yield f"{key} is {how}", forged


def assert_refused_or_answered(signature: Signature, record: Fitted, rows: np.ndarray) -> None:
    try:
        predictor = Predictor(signature, [record])
    except ArtifactError:
        return
    with contextlib.suppress(SignatureError):  # numbers of which a score overflows
        for row in rows.tolist():
            predictor.score(row)
        predictor.predict(rows)


def tables() -> dict[str, Any]:
    """Return pipelines of a table: each transformer and each estimator once at least."""
    last = list(AFTER)
    return {
        f"{name}, {last[k % len(last)]}": make_pipeline(
            clone(BEFORE[name]), AFTER[last[k % len(last)]]()
        )
        for k, name in enumerate(BEFORE)
        if "Ordinal" not in name or "encoded_missing_value" in name
    }


TABLES = tables()


@pytest.mark.parametrize("name", TABLES)
def test_a_forged_pipeline_is_refused_or_answers(name: str) -> None:
    train = data.frame()
    score = train["size"].fillna(0) + (train["colour"] == "red") + train["grade"] / 3
    is_class = hasattr(TABLES[name][-1], "predict_proba")
    pipeline = TABLES[name].fit(train, (score > 0.8).astype(int) if is_class else np.abs(score) + 1)
    signature = Signature(columns=table_columns(), output=classes(0, 1) if is_class else NUMBER)
    rows = data.rows_of(data.frame(20, 1, strange=True), signature)
    for _, record in forgeries(data.read(pipeline), name):
        assert_refused_or_answered(signature, record, rows)


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_a_forged_estimator_is_refused_or_answers(name: str) -> None:
    is_class = name in CLASSIFIERS
    y = data.labels(3, "text") if is_class else data.target()
    estimator = (CLASSIFIERS | REGRESSORS)[name]().fit(data.numbers(), y)
    output = classes(*estimator.classes_.tolist()) if is_class else NUMBER
    signature = Signature(columns=tuple(number(n) for n in data.NAMES), output=output)
    rows = data.probes(estimator, 20)
    for _, record in forgeries(data.read(estimator), name):
        assert_refused_or_answered(signature, record, rows)


FIELDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "text": lambda column: column.astype("U2"),
    "halves": lambda column: column.astype(np.float16),
    "unsigned": lambda column: column.astype(np.uint8),
    "negative": lambda column: np.full(len(column), -3),
    "large": lambda column: np.full(len(column), 2**40),
    "infinite": lambda column: np.full(len(column), -np.inf),
    "not a number": lambda column: np.full(len(column), np.nan),
}


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("how", FIELDS)
@pytest.mark.parametrize(
    "name",
    [n for n in (*CLASSIFIERS, *REGRESSORS) if n.startswith(("DecisionTree", "HistGradient"))],
)
def test_a_field_of_nodes_is_what_it_should_be_or_refused(name: str, how: str) -> None:
    is_class = name in CLASSIFIERS
    y = data.labels(2, "number") if is_class else data.target()
    estimator = (CLASSIFIERS | REGRESSORS)[name]().fit(data.numbers(), y)
    signature = Signature(
        columns=tuple(number(n) for n in data.NAMES), output=classes(0, 1) if is_class else NUMBER
    )
    rows, record = data.probes(estimator, 20), data.read(estimator)
    places = [p for p in values(record) if getattr(p[0][p[1]], "dtype", None) is not None]
    holder, key = next(p for p in places if p[0][p[1]].dtype.names)
    nodes = holder[key]
    for field in nodes.dtype.names:
        column = FIELDS[how](nodes[field])
        others = [(n, nodes.dtype[n]) for n in nodes.dtype.names if n != field]
        forged = np.empty(len(nodes), [*others, (field, column.dtype)])
        for n in nodes.dtype.names:
            forged[n] = column if n == field else nodes[n]
        holder[key] = forged
        assert_refused_or_answered(signature, record, rows)


@pytest.mark.parametrize("name", [*SCALERS, *IMPUTERS, *SELECTORS, *MIXERS, *BINNERS])
def test_a_forged_transformer_is_refused_or_answers(name: str) -> None:
    X = data.numbers()
    pipeline = make_pipeline(
        (SCALERS | IMPUTERS | SELECTORS | MIXERS | BINNERS)[name](), REGRESSORS["Ridge()"]()
    )
    pipeline.fit(X, data.labels(3, "number"))
    signature = Signature(columns=tuple(number(n) for n in data.NAMES), output=NUMBER)
    for _, record in forgeries(data.read(pipeline), name):
        assert_refused_or_answered(signature, record, X[:20])


NO_FEATURE: dict[str, list[Fitted]] = {
    "sums": [Fitted("sklearn.linear_model.Perceptron")],
    "samples": [Fitted("sklearn.neighbors.KNeighborsClassifier")],
    "clouds": [Fitted("sklearn.naive_bayes.GaussianNB")],
    "centroids": [Fitted("sklearn.neighbors.NearestCentroid")],
    "categories": [Fitted("sklearn.naive_bayes.CategoricalNB")],
    "splines": [
        Fitted("sklearn.preprocessing.SplineTransformer", {"bsplines_": []}),
        Fitted("sklearn.linear_model.Perceptron"),
    ],
    "bins": [
        Fitted(
            "sklearn.preprocessing.KBinsDiscretizer",
            {"bin_edges_": [], "_sklearn_version": "1.9.1"},
        ),
        Fitted("sklearn.naive_bayes.CategoricalNB"),
    ],
}


@pytest.mark.parametrize("name", NO_FEATURE)
def test_what_gets_no_feature_is_refused(name: str) -> None:
    """One-hot encoding of a category that is dropped leaves none."""
    train = np.array([["a"]] * 4, object)
    encoder = OneHotEncoder(drop="first", handle_unknown="ignore").fit(train)
    signature = Signature(columns=(category("x", ["a"], unknown=True),), output=classes(0, 1))
    with pytest.raises(ArtifactError, match=r"no features|splines of each feature"):
        Predictor(signature, [data.read(encoder), *NO_FEATURE[name]])
