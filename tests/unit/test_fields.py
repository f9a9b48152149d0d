"""Records: fields are numbers or categories, and what a record lacks adds nothing."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.discovery import find_fields, find_width
from iris_deploy.estimators.features import features_of
from iris_deploy.estimators.fields import read_fields
from iris_deploy.estimators.kinds import find_columns
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import Reader
from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn, widen
from iris_deploy.schema.signature import Signature
from tests.agreement import assert_close, declared
from tests.data import read
from tests.growth import assert_linear
from tests.signatures import NUMBER, category, classes, number, text
from tests.unit.test_families import assert_same_alone_and_among_others
from tests.unit.test_family_facts import dense, features
from tests.unit.test_forged_records import forgeries

Record = dict[str, Any]

VALUES = {"city": ("Oslo", "Rome", "", "a=b", "\u00c5s"), "day": ("mon", "tue"), "sky": ("grey",)}


def records(n: int, seed: int, *, strange: bool = False) -> list[Record]:
    """Draw records that lack some fields, and have values and fields that nobody knows."""
    rng = random.Random(seed)

    def draw() -> Iterator[tuple[str, Any]]:
        for field, known in VALUES.items():
            yield field, rng.choice((*known, "strange") if strange else known)
        for field in ("age", "pay"):
            yield field, round(rng.gauss(3.0, 2.0) ** 2, 3)

    drawn = [{k: v for k, v in draw() if rng.random() < 0.8} for _ in range(n)]
    for record in drawn:
        rng.shuffle(fields := [*record.items()])
        record.clear()
        record.update(fields)
    return drawn


def target(of: list[Record]) -> list[int]:
    return [int(r.get("age", 5) + 6 * (r.get("city") == "Rome") > 9) for r in of]


def columns_of(vectorizer: Any, *, wide: bool = True) -> tuple[Column, ...]:
    record = read(vectorizer)
    found = find_columns([record, read(LAST)], find_fields(record), classes(0, 1))
    return tuple(widen(column, missing=wide, unknown=wide) for column in found)


LAST = LogisticRegression().fit(np.eye(2), [0, 1])


def rows_of(of: list[Record], columns: tuple[Column, ...]) -> np.ndarray:
    """Return records as a predictor takes them."""
    rows = np.full((len(of), len(columns)), np.nan)
    for row, record in zip(rows, of, strict=True):
        for k, column in enumerate(columns):
            value = record.get(column.name)
            if value is not None and isinstance(column, CategoryColumn):
                known = column.categories
                value = known.index(value) if value in known else -1.0
            row[k] = np.nan if value is None else value
    return rows


OPTIONS: dict[str, dict[str, Any]] = {
    "sparse": {},
    "dense": {"sparse": False},
    "as they come": {"sort": False},
    "another separator": {"separator": "::"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_features_of_records_agree_as_far_as_is_declared(name: str) -> None:
    vectorizer = DictVectorizer(**OPTIONS[name]).fit(records(200, 0))
    asked = records(300, 1, strange=True)
    expected = dense(vectorizer.transform(asked))
    columns = columns_of(vectorizer)
    found = features(vectorizer, columns, rows_of(asked, columns), expected.shape[1])
    assert_close(found, expected, declared("DictVectorizer").ulp)


ESTIMATORS: dict[str, list[Any]] = {
    "linear": [LogisticRegression(max_iter=1000)],
    "naive Bayes": [MultinomialNB()],
    "a forest": [RandomForestClassifier(7, random_state=0)],
    "selected": [SelectKBest(chi2, k=5), LogisticRegression(max_iter=1000)],
    "scaled": [MaxAbsScaler(), LogisticRegression()],
    "deviations": [StandardScaler(with_mean=False), LogisticRegression()],
}


@pytest.mark.parametrize("sort", [True, False], ids=["sorted", "as they come"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_of_records_predicts_as_scikit_learns(name: str, sort: bool) -> None:
    train, asked = records(300, 0), records(500, 1, strange=True)
    pipeline = make_pipeline(DictVectorizer(sort=sort), *ESTIMATORS[name])
    pipeline.fit(train, target(train))
    columns = columns_of(pipeline[0])
    predictor = Predictor(Signature(columns=columns, output=classes(0, 1)), [read(pipeline)])
    rows = rows_of(asked, columns)
    found = predictor.predict(rows)
    assert found.values == pipeline.predict(asked).tolist()
    np.testing.assert_allclose(found.scores, pipeline.predict_proba(asked), rtol=1e-9)
    assert_same_alone_and_among_others(predictor, rows[::5])


def test_fields_are_columns_with_their_kinds_and_values() -> None:
    vectorizer = DictVectorizer().fit(records(200, 0))
    columns = columns_of(vectorizer, wide=False)
    assert [column.name for column in columns] == ["age", "city", "day", "pay", "sky"]
    for column in columns:
        if isinstance(column, CategoryColumn):
            assert sorted(column.categories) == sorted(VALUES[column.name])
        else:
            assert isinstance(column, NumberColumn)
    assert find_width(read(make_pipeline(vectorizer, LAST))) == 5


def vectorizer_of(names: list[str], **changes: Any) -> Fitted:
    vocabulary = {name: k for k, name in enumerate(names)}
    state: dict[str, Any] = {"vocabulary_": vocabulary, "dtype": ClassName("numpy.float64")}
    return Fitted("sklearn.feature_extraction.DictVectorizer", state | changes)


BAD: dict[str, Fitted] = {
    "a number and a text": vectorizer_of(["age", "age=old"]),
    "a text and a number": vectorizer_of(["age=old", "age"]),
    "no separator": vectorizer_of(["age"], separator=""),
    "a separator that is none": vectorizer_of(["age"], separator=3),
    "floats of 32 bits": vectorizer_of(["age"], dtype=ClassName("numpy.float32")),
    "another dtype": vectorizer_of(["age"], dtype="float64"),
    "no vocabulary": vectorizer_of([]),
    "a vocabulary that is none": vectorizer_of([], vocabulary_=["age"]),
    "places that are none": vectorizer_of([], vocabulary_={"age": "x"}),
    "a place that is not there": vectorizer_of([], vocabulary_={"age": 1}),
    "one place twice": vectorizer_of([], vocabulary_={"age": 0, "pay": 0}),
    "another width": vectorizer_of(["age", "pay"]),
    "a text": vectorizer_of(["age=old"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_vectorizer_that_does_not_fit_is_refused(name: str) -> None:
    Reader().transform(vectorizer_of(["age"]), features_of((number("age"),)))
    with pytest.raises(ArtifactError):
        Reader().transform(BAD[name], features_of((number("age"),)))


@pytest.mark.parametrize("column", [category("x", ["a"]), text("x")], ids=["category", "text"])
def test_a_number_of_a_record_is_a_column_of_numbers(column: Any) -> None:
    with pytest.raises(ArtifactError, match="takes a number of the field 'x'"):
        Reader().transform(vectorizer_of(["x"]), features_of((column,)))


def test_a_forged_vectorizer_is_refused_or_answers() -> None:
    train = records(60, 0)
    pipeline = make_pipeline(DictVectorizer(), Ridge()).fit(train, target(train))
    columns = columns_of(pipeline[0])
    signature, rows = Signature(columns=columns, output=NUMBER), rows_of(train[:5], columns)
    for _, record in forgeries(read(pipeline), "records"):
        find_fields(record)
        try:
            Predictor(signature, [record]).predict(rows)
        except ArtifactError:
            continue


def interleaved(n: int) -> list[str]:
    """Name values of two fields in turn, as a vectorizer that does not sort may."""
    return [f"{'xy'[k % 2]}={k}" for k in range(n)]


@pytest.mark.no_cover
@pytest.mark.parametrize("make", [interleaved, lambda n: [f"x={k}" for k in range(n)]])
def test_reading_fields_takes_work_in_proportion_to_the_vocabulary(make: Any) -> None:
    def prepare(n: int) -> Any:
        record = vectorizer_of(make(n))
        known = read_fields(record).values
        columns = tuple(category(name, values) for name, values in known.items())
        return partial(Reader().transform, record, features_of(columns))

    assert_linear(prepare, 1 << 14)
