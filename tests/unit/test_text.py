"""Texts: words are counted and weighed as scikit-learn does it, and cost what they are long."""

import contextlib
import pickle
import random
import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils import murmurhash3_32

from iris_deploy.dumps.machine import MAX_KEYS
from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.features import features_of
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import Reader
from iris_deploy.estimators.registry import read_estimator, read_value
from iris_deploy.kernels.murmur import hash_bytes
from iris_deploy.schema.batch import Text
from iris_deploy.schema.signature import Signature
from tests.data import read
from tests.growth import assert_linear
from tests.signatures import NUMBER, classes, number, text

PIECES = (
    *("free", "win", "money", "now", "call", "lunch", "the", "a", "I'm", "to-do", "x_y", "e-mail"),
    *(
        "42",
        "3.5",
        "\u00dcber",
        "\u00fcber",
        "D\u00c9J\u00c0",
        "d\u00e9j\u00e0",
        "na\u00efve",
        "stra\u00dfe",
    ),
    *(
        "\u65e5\u672c\u8a9e",
        "\ufb01ne",
        "\u0130stanbul",
        "\u0301",
        "\U0001d518\U0001d52b\U0001d526",
    ),
    *("\u03a9", "\u00bd", "\u0663"),
)
BETWEEN = (" ", " ", "  ", "\t", "\n", ", ", ".", "-", "'", "\u00a0", "\u3000", "")


def texts(n: int, seed: int) -> list[str]:
    """Write texts of words, signs and blanks of several scripts."""
    chance = random.Random(seed)
    return [
        "".join(chance.choice(PIECES) + chance.choice(BETWEEN) for _ in range(chance.randrange(25)))
        for _ in range(n)
    ]


def kinds(documents: list[str]) -> list[str]:
    return ["spam" if "free" in each or "win" in each else "ham" for each in documents]


VECTORIZERS: dict[str, Callable[[], Any]] = {
    "counts": CountVectorizer,
    "counts once": lambda: CountVectorizer(binary=True),
    "case": lambda: CountVectorizer(lowercase=False),
    "accents to ascii": lambda: CountVectorizer(strip_accents="ascii"),
    "accents to unicode": lambda: CountVectorizer(strip_accents="unicode"),
    "words of one letter": lambda: CountVectorizer(token_pattern=r"(?u)\b\w+\b"),
    "two words": lambda: CountVectorizer(ngram_range=(1, 2)),
    "two and three words": lambda: CountVectorizer(ngram_range=(2, 3)),
    "stop words between two": lambda: CountVectorizer(
        ngram_range=(1, 2), stop_words=["the", "now"]
    ),
    "English stop words": lambda: CountVectorizer(stop_words="english"),
    "characters": lambda: CountVectorizer(analyzer="char", ngram_range=(1, 3)),
    "characters of words": lambda: CountVectorizer(analyzer="char_wb", ngram_range=(2, 5)),
    "few words": lambda: CountVectorizer(max_features=7, min_df=2, max_df=0.9),
    "tf-idf": TfidfVectorizer,
    "tf-idf, logarithms": lambda: TfidfVectorizer(sublinear_tf=True),
    "tf-idf, l1": lambda: TfidfVectorizer(norm="l1"),
    "tf-idf, no norm": lambda: TfidfVectorizer(norm=None, smooth_idf=False),
    "tf alone": lambda: TfidfVectorizer(use_idf=False),
    "tf-idf of counts": lambda: make_pipeline(CountVectorizer(), TfidfTransformer()),
    "scaled": lambda: make_pipeline(TfidfVectorizer(), MaxAbsScaler()),
    "standardised": lambda: make_pipeline(TfidfVectorizer(), StandardScaler(with_mean=False)),
    "hashes": HashingVectorizer,
    "few hashes": lambda: HashingVectorizer(n_features=7, ngram_range=(1, 2)),
    "hashes, l1": lambda: HashingVectorizer(n_features=32, norm="l1"),
    "hashes, no norm": lambda: HashingVectorizer(n_features=16, norm=None),
    "hashes without a sign": lambda: HashingVectorizer(n_features=8, alternate_sign=False),
    "hashes once": lambda: HashingVectorizer(n_features=4, binary=True),
    "hashes, stop words": lambda: HashingVectorizer(n_features=64, stop_words=["the", "free"]),
    "hashes of characters": lambda: HashingVectorizer(
        n_features=64, analyzer="char_wb", ngram_range=(2, 4)
    ),
    "tf-idf of hashes": lambda: make_pipeline(
        HashingVectorizer(n_features=64, norm=None, alternate_sign=False), TfidfTransformer()
    ),
    "words and characters": lambda: FeatureUnion(
        [
            ("words", TfidfVectorizer()),
            ("characters", TfidfVectorizer(analyzer="char", ngram_range=(2, 2))),
        ]
    ),
}


def predictor_of(estimator: Any) -> Predictor:
    signature = Signature(columns=(text("text"),), output=classes("ham", "spam"))
    return Predictor(signature, [read(estimator)])


@pytest.mark.parametrize("name", VECTORIZERS)
def test_every_vectorizer_counts_and_weighs_as_scikit_learn_does(name: str) -> None:
    documents = texts(400, seed=0)
    estimator = make_pipeline(VECTORIZERS[name](), LogisticRegression())
    estimator.fit(documents, kinds(documents))
    asked = texts(2000, seed=1)
    predictor = predictor_of(estimator)
    rows = [(Text(each),) for each in asked]
    predictions = predictor.predict(rows)
    expected = estimator.predict_proba(asked)
    assert predictions.values == estimator.predict(asked).tolist()
    np.testing.assert_allclose(predictions.scores, expected, rtol=1e-12, atol=1e-15)
    for row, scores in zip(rows[:200], predictions.scores, strict=False):
        assert predictor.score(row)[1] == tuple(scores)


def longer(n: int) -> list[str]:
    """Write texts of one word, of as many as lists take at most, and of far more."""
    words = texts(40 * n, seed=3)
    counts = [0, 1, 2, 7, 30, 40]
    return [" ".join(words[k * 40 : k * 40 + counts[k % 6]]) for k in range(n)]


@pytest.mark.no_cover
@pytest.mark.once
@pytest.mark.parametrize("n_classes", [2, 3, 25])
@pytest.mark.parametrize("name", [n for n in VECTORIZERS if n != "words and characters"])
def test_few_words_and_many_have_the_bits_of_arrays(name: str, n_classes: int) -> None:
    """Which way is taken hangs on the number of words; what comes of them does not."""
    documents = texts(300, seed=0) + longer(60)
    labels = [k % n_classes for k in range(len(documents))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vectorizer = VECTORIZERS[name]()
        if hasattr(vectorizer, "n_features"):  # a million hashes of 25 classes take 40 s to fit
            vectorizer.n_features = min(vectorizer.n_features, 1 << 14)
        estimator = make_pipeline(vectorizer, LogisticRegression(max_iter=5))
        estimator.fit(documents, labels)
    signature = Signature(columns=(text("text"),), output=classes(*range(n_classes)))
    kernel: Any = Predictor(signature, [read(estimator)])._kernel
    block, by_pieces = kernel.transform.blocks[0], kernel._build_of_pieces()
    quick = kernel.build_row()
    n_words = set()
    for document in texts(50, seed=1) + longer(24):
        words, values = block.find(document)
        assert block.list_found(document) == (words.tolist(), values.tolist())
        assert quick((Text(document),)) == by_pieces((Text(document),))
        n_words.add(len(words))
    assert min(n_words) == 0
    assert max(n_words) >= min(16, block.width)


def test_weights_of_words_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iris_deploy.kernels.linear._KNOWN", 5)
    documents = texts(300, seed=0)
    estimator = make_pipeline(CountVectorizer(), LogisticRegression())
    predictor = predictor_of(estimator.fit(documents, kinds(documents)))
    rows = [(Text(each),) for each in documents]
    assert predictor.values(rows) == predictor.values(rows) == estimator.predict(documents).tolist()


@pytest.mark.parametrize("create", [LinearSVC, lambda: RandomForestClassifier(8, random_state=0)])
def test_other_classifiers_take_words_too(create: Callable[[], Any]) -> None:
    documents = texts(300, seed=0)
    estimator = make_pipeline(CountVectorizer(), create()).fit(documents, kinds(documents))
    asked = texts(1000, seed=1)
    found = predictor_of(estimator).values([(Text(each),) for each in asked])
    assert found == estimator.predict(asked).tolist()


def test_texts_stand_beside_numbers_and_make_numbers() -> None:
    documents = texts(300, seed=0)
    table = pd.DataFrame({"n": np.random.default_rng(0).normal(size=300), "text": documents})
    columns = ColumnTransformer(
        [("words", TfidfVectorizer(), "text"), ("n", StandardScaler(), ["n"])]
    )
    estimator = make_pipeline(columns, Ridge()).fit(table, table["n"] * 2 + table["text"].str.len())
    signature = Signature(columns=(number("n"), text("text")), output=NUMBER)
    predictor = Predictor(signature, [read(estimator)])
    rows = [(n, Text(each)) for n, each in table.itertuples(index=False)]
    np.testing.assert_allclose(predictor.outcomes(rows), estimator.predict(table), rtol=1e-12)


def deciding(predictor: Predictor, piece: str, n: int) -> Callable[[], object]:
    """Make the work on a text of so many characters."""
    return partial(predictor.decide, (Text(piece * (n // len(piece) + 1)),))


@pytest.mark.no_cover
@pytest.mark.once
def test_what_a_text_costs_grows_with_it_alone() -> None:
    documents = texts(300, seed=0)
    for vectorizer in (
        CountVectorizer(ngram_range=(1, 3)),
        CountVectorizer(analyzer="char", ngram_range=(1, 4)),
        CountVectorizer(analyzer="char_wb", ngram_range=(1, 4)),
        HashingVectorizer(n_features=64),
        HashingVectorizer(n_features=64, analyzer="char", ngram_range=(1, 4)),
    ):
        estimator = make_pipeline(vectorizer, LogisticRegression())
        predictor = predictor_of(estimator.fit(documents, kinds(documents)))
        for piece in ("free ", "x", "é ", " ", "a" * 5000 + " "):
            assert_linear(partial(deciding, predictor, piece), 30_000)


def record(**changes: Any) -> Fitted:
    made = read(TfidfVectorizer().fit(["free money", "lunch now"]))
    made.state.update(changes)
    return made


def idf(weights: list[float]) -> Fitted:
    return Fitted("sklearn.feature_extraction.text.TfidfTransformer", {"idf_": np.array(weights)})


FORGED: dict[str, dict[str, Any]] = {
    "no vocabulary": {"vocabulary_": None},
    "an empty vocabulary": {"vocabulary_": {}},
    "positions beyond it": {"vocabulary_": {"free": 0, "lunch": 4, "money": 2, "now": 3}},
    "positions below": {"vocabulary_": {"free": 0, "lunch": -1, "money": 2, "now": 3}},
    "two words in one place": {"vocabulary_": {"free": 0, "lunch": 1, "money": 1, "now": 3}},
    "positions that are none": {"vocabulary_": {"free": 0, "lunch": 1.0, "money": 2, "now": 3}},
    "words that are none": {"vocabulary_": {"free": 0, 1: 1, "money": 2, "now": 3}},
    "another expression": {"token_pattern": r"(a+)+$"},
    "no expression": {"token_pattern": None},
    "a tokenizer": {"tokenizer": Fitted("x")},
    "a preprocessor": {"preprocessor": Fitted("x")},
    "an analyzer": {"analyzer": Fitted("x")},
    "an unknown analyzer": {"analyzer": "lines"},
    "an accent function": {"strip_accents": "all"},
    "files": {"input": "filename"},
    "many together": {"ngram_range": (1, 1000)},
    "none together": {"ngram_range": (2, 1)},
    "a range that is none": {"ngram_range": 3},
    "English stop words between two": {"ngram_range": (1, 2), "stop_words": "english"},
    "weights of another number": {"_tfidf": idf([1.0])},
    "weights that are not finite": {"_tfidf": idf([1.0, np.inf, 1.0, 1.0])},
    "no weights": {"_tfidf": None},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_vectorizer_is_refused(name: str) -> None:
    classifier = read(LogisticRegression().fit(np.eye(4), ["ham", "spam", "ham", "spam"]))
    signature = Signature(columns=(text("text"),), output=classes("ham", "spam"))
    Predictor(signature, [record(), classifier])
    with pytest.raises(ArtifactError):
        Predictor(signature, [record(**FORGED[name]), classifier])


@pytest.mark.parametrize(
    "column", [number("text"), text("text", missing=True)], ids=["a number", "gaps"]
)
def test_a_vectorizer_takes_nothing_but_texts(column: Any) -> None:
    classifier = read(LogisticRegression().fit(np.eye(4), ["ham", "spam", "ham", "spam"]))
    with pytest.raises(ArtifactError):
        Predictor(Signature(columns=(column,), output=classes("a", "b")), [record(), classifier])


def test_what_makes_something_of_absent_words_is_refused() -> None:
    documents = texts(300, seed=0)
    vectorizer = CountVectorizer().fit(documents)
    counts = vectorizer.transform(documents).toarray()
    scaler = StandardScaler().fit(counts)
    model = LogisticRegression(max_iter=300).fit(scaler.transform(counts), kinds(documents))
    signature = Signature(columns=(text("text"),), output=classes("ham", "spam"))
    with pytest.raises(ArtifactError, match="not in a text"):
        Predictor(signature, [read(each) for each in (vectorizer, scaler, model)])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_vocabularies_may_be_large_and_sets_are_lists(protocol: int) -> None:
    """Until scikit-learn 1.6 a vectorizer kept the words that it left out, in a set."""
    vocabulary = {f"w{k}": k for k in range(50 * MAX_KEYS)}
    vectorizer = CountVectorizer(vocabulary=vocabulary)
    vectorizer.vocabulary_ = vocabulary
    vectorizer.stop_words_ = {"these", "words"}
    read_back = read_estimator(pickle.dumps(vectorizer, protocol))
    assert read_back.state["vocabulary_"] == vocabulary
    assert sorted(read_back.state["stop_words_"]) == ["these", "words"]  # type: ignore[call-overload]


def test_only_text_may_be_many_keys() -> None:
    for few in ({k: k for k in range(MAX_KEYS)}, {f"{k}": k for k in range(3 * MAX_KEYS)}):
        assert read_value(pickle.dumps(few)) == few
    for many in (
        {k: k for k in range(MAX_KEYS + 1)},
        dict.fromkeys([*map(str, range(MAX_KEYS)), 1]),
        {k + 0.5: k for k in range(2 * MAX_KEYS)},
    ):
        with pytest.raises(ArtifactError, match="keys"):
            read_value(pickle.dumps(many))


def test_the_hash_of_a_word_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    for length in (*range(70), 1000, 4099):
        data = rng.bytes(length)
        assert hash_bytes(data) == murmurhash3_32(data, seed=0)
    assert hash_bytes(b"") == 0


def test_hashes_have_scikit_learns_bits() -> None:
    vectorizer = HashingVectorizer(n_features=19, ngram_range=(1, 2))
    features = features_of((text("text"),))
    block: Any = Reader().transform(read(vectorizer), features).transform.blocks[0]
    for document in texts(500, seed=2):
        positions, values = block.find(document)
        expected = vectorizer.transform([document])
        assert positions.tolist() == expected.indices.tolist()
        assert values.tobytes() == expected.data.tobytes()


HASHING: dict[str, tuple[dict[str, Any], str]] = {
    "no features": ({"n_features": 0}, "n_features=0"),
    "too many features": ({"n_features": 1 << 60}, "n_features="),
    "features that are none": ({"n_features": 8.0}, "n_features=8.0"),
    "floats of 32 bits": ({"dtype": ClassName("numpy.float32")}, "a dtype other"),
    "another norm": ({"norm": "l3"}, "norm='l3'"),
    "a norm that is none": ({"norm": [1]}, "norm="),
    "absolute values": ({"non_negative": True}, "non_negative"),
    "another expression": ({"token_pattern": r"(a+)+$"}, "token_pattern"),
    "stop words that are not there": ({"stop_words": "english"}, "not in the dump"),
    "a flag that is none": ({"binary": "x"}, "binary"),
}


@pytest.mark.parametrize("name", HASHING)
def test_a_forged_hashing_vectorizer_is_refused(name: str) -> None:
    changes, words = HASHING[name]
    made = read(HashingVectorizer(n_features=8))
    made.state.update(changes)
    with pytest.raises(ArtifactError, match=re.escape(words)):
        Reader().transform(made, features_of((text("text"),)))


ODD: tuple[Any, ...] = (
    *(np.array([1.0, 2.0]), np.array("word"), [], {}, None, (1,), True, 10**400, float("nan")),
    *("nothing", Fitted("nothing"), np.array([None, "a"], object)),
)


@pytest.mark.parametrize("create", [CountVectorizer, TfidfVectorizer, HashingVectorizer])
def test_whatever_stands_in_a_vectorizer_is_refused_or_answers(create: Callable[[], Any]) -> None:
    documents = texts(60, 0)
    pipeline = make_pipeline(create(), LogisticRegression()).fit(documents, kinds(documents))
    whole = read(pipeline)
    signature = Signature(columns=(text("text"),), output=classes("ham", "spam"))
    steps = whole.state["steps"]
    assert isinstance(steps, list)
    vectorizer = steps[0][1]
    for attribute, kept in [*vectorizer.state.items()]:
        for odd in ODD:
            vectorizer.state[attribute] = odd
            with contextlib.suppress(ArtifactError):
                Predictor(signature, [whole]).score([Text("a b")])
        vectorizer.state[attribute] = kept


def test_half_a_character_is_hashed_as_well() -> None:
    made = read(HashingVectorizer(n_features=8))
    block: Any = Reader().transform(made, features_of((text("text"),))).transform.blocks[0]
    assert len(block.find("\ud800x word")[0]) > 0
