"""The family of vectorizers that hash words, and need no vocabulary."""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import read_flag
from iris_deploy.estimators.family import Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.text import NORMS, text_column
from iris_deploy.estimators.tokens import Tokenize, read_tokenizer
from iris_deploy.kernels.murmur import hash_bytes
from iris_deploy.kernels.tree_columns import MAX_FEATURES
from iris_deploy.kernels.words import Count, Weighting, Words

_SHORT, _KEPT = 32, 8192
"""Characters of words whose hashes are kept, and how many: a megabyte at most."""


def _hashing_vectorizer(record: Fitted, features: Features, _: Reading) -> Features:
    """Count words by their hashes; of two words with the same one the counts are added."""
    source = text_column(record, features)
    n_features, dtype = record.state.get("n_features", 1 << 20), record.state.get("dtype")
    if type(n_features) is not int or not 0 < n_features <= MAX_FEATURES:
        raise ArtifactError(
            f"{record.name} has n_features={n_features!s:.40}; expected 1 to {MAX_FEATURES}"
        )
    if dtype is not None and not (isinstance(dtype, ClassName) and dtype.name == "numpy.float64"):
        raise ArtifactError(f"{record.name} has a dtype other than numpy.float64")
    if read_flag(record, "non_negative", default=False):  # before scikit-learn 0.21
        raise ArtifactError(f"{record.name} has non_negative=True; expected alternate_sign")
    norm: Any = record.state.get("norm", "l2")
    if norm is not None and (not isinstance(norm, str) or norm not in NORMS):
        raise ArtifactError(f"{record.name} has norm={norm!r:.40}")
    count = _counter(
        read_tokenizer(record, all_count=True),
        n_features,
        signed=read_flag(record, "alternate_sign", default=True),
        only_once=read_flag(record, "binary", default=False),
    )
    weighting = None if norm is None else Weighting(idf=None, sublinear=False, norm=NORMS[norm])
    return features.replaced([Words(source, count, n_features, weighting)])


def _hash(word: str) -> int:
    return hash_bytes(word.encode("utf-8", "surrogatepass"))


_hash_kept = lru_cache(_KEPT)(_hash)


def _counter(tokenize: Tokenize, n_features: int, *, signed: bool, only_once: bool) -> Count:
    def count(text: str) -> Mapping[int, float]:
        found: dict[int, float] = {}
        for word, times in Counter(tokenize(text)).items():
            hashed = _hash_kept(word) if len(word) <= _SHORT else _hash(word)
            place = abs(hashed) % n_features
            found[place] = found.get(place, 0.0) + (-times if signed and hashed < 0 else times)
        return dict.fromkeys(found, 1.0) if only_once else found

    return count


FAMILY = (
    Transformer(
        name="sklearn.feature_extraction.text.HashingVectorizer",
        modules=("sklearn.feature_extraction.text",),
        read=_hashing_vectorizer,
        refused="a tokenizer or a token_pattern of one's own, stop_words='english', "
        "non_negative=True, and dtypes other than numpy.float64",
        cases=(),
    ),
)
