"""The same row gets the same answer through every contract, whatever its columns are."""

import json
import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from iris_deploy.codec.values import ValueReader
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn
from iris_deploy.schema.outputs import NumberOutput
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import NUMBER, category, classes, number, text
from tests.spoken import V1, V2, Spoken
from tests.ways import WAYS, objects, read_outputs, right, tensor

COLUMNS: dict[str, Column] = {
    "number": number("size"),
    "gaps": number("weight", missing=True),
    "flag": number("old", boolean=True),
    "words": category("colour", ["red", "green, or \u00e4", 'a "quote"'], unknown=True),
    "words with gaps": category("shape", ["round", "flat"], missing=True),
    "figures": category("grade", [1.0, 2.0, 5.5]),
    "text": text("note"),
}
SCHEMAS = (
    ("number",),
    ("number", "gaps"),
    ("gaps", "flag"),
    ("number", "words", "words with gaps"),
    ("figures", "number"),
    ("text",),
    ("text", "number", "words"),
    tuple(COLUMNS),
)
LABELS: dict[str, tuple[Any, ...]] = {
    "texts": ("ant", "bee", 'c, "d"'),
    "integers": (0, 1),
    "booleans": (False, True),
    "number": (),
}

finite = st.floats(-1e6, 1e6, allow_nan=False) | st.integers(-1000, 1000)
words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9
)


def values(column: Column) -> st.SearchStrategy[Any]:
    """Make up values that a column takes."""
    if isinstance(column, NumberColumn):
        kind: st.SearchStrategy[Any] = st.booleans() if column.boolean else finite
    elif isinstance(column, CategoryColumn):
        kind = st.sampled_from(column.categories)
        if column.unknown:
            kind |= words
    else:
        kind = words
    return kind | st.none() if column.missing else kind


@cache
def model(names: tuple[str, ...], output: str) -> Predictor:
    """Fit a model of some columns, on rows of chance."""
    rng = np.random.default_rng(0)
    columns = [COLUMNS[name] for name in names]
    frame = pd.DataFrame({column.name: _chance(column, rng) for column in columns})
    steps = [_step(column) for column in columns]
    labels = LABELS[output]
    y: Any = rng.normal(size=len(frame))
    if labels:
        y = np.array([labels[k] for k in rng.integers(0, len(labels), len(frame))])
    last = LogisticRegression(max_iter=50) if labels else Ridge()
    estimator = make_pipeline(ColumnTransformer(steps, sparse_threshold=0.0), last)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(frame, y)
    target = classes(*labels) if labels else NUMBER
    return Predictor(Signature(columns=tuple(columns), output=target), [data.read(estimator)])


def _chance(column: Column, rng: Any) -> Any:
    if isinstance(column, NumberColumn):
        return rng.integers(0, 2, 60).astype(float) if column.boolean else rng.normal(size=60)
    if isinstance(column, CategoryColumn):
        drawn = [column.categories[k] for k in rng.integers(0, len(column.categories), 60)]
        return np.array(drawn, object if column.is_text else float)
    return np.array([" ".join(rng.choice(["free", "lunch", "now"], 3)) for _ in range(60)], object)


def _step(column: Column) -> tuple[str, Any, Any]:
    if isinstance(column, NumberColumn):
        return column.name, SimpleImputer(), [column.name]
    if isinstance(column, CategoryColumn):
        return column.name, OneHotEncoder(handle_unknown="ignore"), [column.name]
    return column.name, HashingVectorizer(n_features=16), column.name


def spoken_about(predictor: Predictor) -> Spoken:
    return Spoken(predictor, {})


def same(found: list[Any], expected: list[Any], predictor: Predictor) -> bool:
    """Compare answers; CSV has texts only."""
    if found == expected and [*map(type, found)] == [*map(type, expected)]:
        return True
    if isinstance(predictor.signature.output, NumberOutput):
        return [float(value) for value in found] == expected
    return found == [json.dumps(v) if isinstance(v, bool) else str(v) for v in expected]


@pytest.mark.parametrize("output", LABELS)
@pytest.mark.parametrize("names", SCHEMAS, ids=" ".join)
def test_a_row_gets_the_same_answer_through_every_contract(
    names: tuple[str, ...], output: str
) -> None:
    predictor = model(names, output)
    spoken = spoken_about(predictor)
    columns = predictor.signature.columns
    rows = st.lists(st.tuples(*map(values, columns)), min_size=1, max_size=20)

    @given(rows)
    @settings(max_examples=8, deadline=None, derandomize=True)
    def agree(drawn: list[tuple[Any, ...]]) -> None:
        table = {c.name: [row[k] for row in drawn] for k, c in enumerate(columns)}
        expected = predictor.values(ValueReader(predictor.signature).rows(objects(table)))
        asked = 0
        for name, way in WAYS.items():
            found = way(spoken, table)
            if found is not None:
                asked += 1
                assert same(found, expected, predictor), name
        assert asked > len(WAYS) - 8

    agree()


@pytest.mark.parametrize("names", SCHEMAS, ids=" ".join)
def test_scores_have_the_same_bits_through_every_contract(names: tuple[str, ...]) -> None:
    predictor = model(names, "texts")
    spoken = spoken_about(predictor)
    drawn = st.lists(st.tuples(*map(values, predictor.signature.columns)), min_size=30, max_size=30)

    @given(drawn)
    @settings(max_examples=3, deadline=None, derandomize=True)
    def agree(rows: list[tuple[Any, ...]]) -> None:
        table = {c.name: [r[k] for r in rows] for k, c in enumerate(predictor.signature.columns)}
        body = json.dumps(objects(table)).encode()
        told = json.loads(right(spoken.ask("/predict", body, query="details=true")))
        expected = [[*scores.values()] for scores in told["probabilities"]]
        asked = {"instances": objects(table), "parameters": {"details": True}}
        rows_told = json.loads(right(spoken.ask(V1, json.dumps(asked).encode())))["predictions"]
        assert [[*row["probabilities"].values()] for row in rows_told] == expected
        made = [tensor(n, v, nested=False, raw=False) for n, v in table.items()]
        inputs = [each[0] for each in made if each is not None]
        if len(inputs) < len(table):
            return
        for raw in (False, True):
            head = {"inputs": inputs, "parameters": {"binary_data_output": raw}}
            reply = spoken.ask(V2, json.dumps(head).encode())
            size = int(dict(reply.headers).get("Inference-Header-Content-Length", 1 << 30))
            body = right(reply)
            outputs = read_outputs(json.loads(body[:size])["outputs"], body[size:])
            assert outputs["probabilities"] == [score for row in expected for score in row]

    agree()
