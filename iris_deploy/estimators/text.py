"""The family of vectorizers: the words of a text, counted and weighed.

How a text becomes words is said in tokens.py.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_floats, read_flag, read_record
from iris_deploy.estimators.family import Part, Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.tokens import Tokenize, read_tokenizer
from iris_deploy.kernels.tree_columns import MAX_FEATURES
from iris_deploy.kernels.words import Count, Norm, Weighting, Words
from iris_deploy.schema.batch import Floats

NORMS: dict[str, Norm] = {"l1": "l1", "l2": "l2"}

_MANY = 64
"""Words of a text from which on it takes less time to have them counted."""


def _count_vectorizer(record: Fitted, features: Features, _: Reading) -> Features:
    return features.replaced([_words(record, features)])


def _tfidf_vectorizer(record: Fitted, features: Features, _: Reading) -> Features:
    words = _words(record, features)
    weighting = _weighting(read_record(record, "_tfidf"), words.n_words)
    return features.replaced([replace(words, weighting=weighting)])


def _tfidf_transformer(record: Fitted, features: Features, _: Reading) -> Features:
    """Weigh the counts of a vectorizer before it."""
    match features.transform.blocks:
        case tuple((Words(weighting=None, kept=None, steps=tuple(())) as words,)):
            weighting = _weighting(record, words.n_words)
            return features.replaced([replace(words, weighting=weighting)])
    raise ArtifactError(f"{record.name} is supported right behind a CountVectorizer alone")


def _words(record: Fitted, features: Features) -> Words:
    """Read how a vectorizer counts words."""
    source = text_column(record, features)
    vocabulary = read_vocabulary(record)
    tokenize = read_tokenizer(record)
    only_once = read_flag(record, "binary", default=False)
    return Words(
        source=source,
        count=_counter(tokenize, vocabulary, only_once=only_once),
        n_words=len(vocabulary),
    )


def text_column(record: Fitted, features: Features) -> int:
    """Return the position of the column of texts that a vectorizer gets.

    Raises
    ------
    ArtifactError
        If it gets anything else, or texts that may be missing.
    """
    features.check_width(1, record.name)
    if not features.is_text(0):
        raise ArtifactError(f"{record.name} takes a text, but gets {features.describe(0)}")
    features.check_filled(record.name)
    return int(features.coded[0])


def read_vocabulary(record: Fitted) -> dict[str, int]:
    """Return the position of each word: each from 0 on once.

    Raises
    ------
    ArtifactError
        If it is anything else.
    """
    known = record.state.get("vocabulary_")
    if not isinstance(known, dict) or not 0 < len(known) <= MAX_FEATURES:
        raise ArtifactError(
            f"{record.name} has no vocabulary_ of at most {MAX_FEATURES} words; expected a fitted "
            "estimator",
            hint="fit the vectorizer before dumping it",
        )
    positions = np.full(len(known), -1)
    for word, position in known.items():
        if type(word) is not str or type(position) is not int or not 0 <= position < len(known):
            raise ArtifactError(f"{record.name} has a vocabulary_ of more than words and positions")
        positions[position] = position
    if (positions < 0).any():
        raise ArtifactError(f"{record.name} has two words in one place of its vocabulary_")
    return known


def _counter(tokenize: Tokenize, vocabulary: Mapping[str, int], *, only_once: bool) -> Count:
    def count(text: str) -> Mapping[int, float]:
        words = tokenize(text)
        if len(words) > _MANY:
            found = Counter(map(vocabulary.get, words))
            found.pop(None, None)
            counts: Mapping[int, float] = found  # type: ignore[assignment]
        else:
            few: dict[int, float] = {}
            for word in words:
                place = vocabulary.get(word)
                if place is not None:
                    few[place] = few.get(place, 0.0) + 1.0
            counts = few
        return dict.fromkeys(counts, 1.0) if only_once else counts

    return count


def _weighting(record: Fitted, n_words: int) -> Weighting:
    """Read how a TfidfTransformer weighs counts."""
    norm = record.state.get("norm", "l2")
    if norm is not None and norm not in NORMS:
        raise ArtifactError(f"{record.name} has norm={norm!r:.40}")
    return Weighting(
        idf=_idf(record, n_words) if read_flag(record, "use_idf", default=True) else None,
        sublinear=read_flag(record, "sublinear_tf", default=False),
        norm=NORMS[norm] if isinstance(norm, str) else None,
    )


def _idf(record: Fitted, n_words: int) -> Floats:
    """Return the weights of words; until scikit-learn 1.5 they were a diagonal matrix."""
    diagonal = record.state.get("_idf_diag")
    if isinstance(diagonal, Fitted):
        weights = fitted_floats(diagonal, "data", (1, n_words), (n_words,))
        return weights.reshape(-1)
    return fitted_floats(record, "idf_", (n_words,))


def _transformer(
    name: str,
    read: Callable[[Fitted, Features, Reading], Features],
    modules: tuple[str, ...] = ("sklearn.feature_extraction.text",),
    **facts: Any,
) -> Transformer:
    public = f"sklearn.feature_extraction.text.{name}"
    return Transformer(name=public, modules=modules, read=read, cases=(), **facts)


_REFUSED = "an analyzer, a preprocessor or a tokenizer of one's own"


FAMILY = (
    _transformer("CountVectorizer", _count_vectorizer, refused=_REFUSED),
    _transformer("TfidfVectorizer", _tfidf_vectorizer, ulp=8, refused=_REFUSED),
    _transformer(
        "TfidfTransformer",
        _tfidf_transformer,
        ulp=8,
        refused="any place but right behind a CountVectorizer",
    ),
    Part(
        name="scipy.sparse.dia_matrix",
        modules=("scipy.sparse._dia", "scipy.sparse.dia"),
    ),
    Part(name="numpy.int64", modules=("numpy",)),
    Part(name="numpy.float32", modules=("numpy",)),
)
