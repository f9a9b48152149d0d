"""How a text becomes words: the part of a vectorizer that reads it.

A vectorizer may bring a regular expression, a function or a list of stop words. Expressions can
take forever, functions are code: only scikit-learn's defaults are carried out.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import read_flag, read_word

Tokenize = Callable[[str], list[str]]

_WORDS = {pattern: re.compile(pattern).findall for pattern in (r"(?u)\b\w\w+\b", r"(?u)\b\w+\b")}
"""Expressions for words that take no longer than the text is long: the default, and the one that
its documentation names for words of one letter."""

_BLANKS = re.compile(r"\s\s+")

MOST_TOGETHER = 10
"""Words or characters of one n-gram."""


def read_tokenizer(record: Fitted, *, all_count: bool = False) -> Tokenize:
    """Read how a text becomes words, or characters, and neighbours of these together.

    Parameters
    ----------
    record : Fitted
        Of a vectorizer.
    all_count : bool
        Whether words count that no vocabulary knows, so that stop words have to be left out.

    Raises
    ------
    ArtifactError
        If it needs code, or an expression that may take forever.
    """
    analyzer = _read_analyzer(record)
    low, high = _range(record)
    prepare = _preparation(record)
    if analyzer == "word":
        find = _WORDS.get(read_word(record, "token_pattern", ""))
        if find is None:
            raise _code(record, "token_pattern")
        stop = _stop_words(record, matter=all_count or high > 1)

        def words(text: str) -> list[str]:
            found = find(prepare(text))
            if stop:
                found = [word for word in found if word not in stop]
            return found if high == 1 else _together(found, low, high)

        return words
    if analyzer == "char":
        return lambda text: _pieces(_BLANKS.sub(" ", prepare(text)), low, high)
    if analyzer == "char_wb":
        return lambda text: _within_words(prepare(text).split(), low, high)
    raise _code(record, "analyzer")


def _read_analyzer(record: Fitted) -> str:
    for attribute in ("preprocessor", "tokenizer"):
        if record.state.get(attribute) is not None:
            raise _code(record, attribute)
    if read_word(record, "input", "content") != "content":
        raise ArtifactError(f"{record.name} reads files; expected texts")
    analyzer = record.state.get("analyzer", "word")
    if not isinstance(analyzer, str):
        raise _code(record, "analyzer")
    return analyzer


def _code(record: Fitted, attribute: str) -> ArtifactError:
    return ArtifactError(
        f"{record.name} has a {attribute} of its own, which is code or may take forever",
        hint="do what it does before, on the texts themselves",
    )


def _range(record: Fitted) -> tuple[int, int]:
    match record.state.get("ngram_range", (1, 1)):
        case tuple((int(low), int(high))) if 1 <= low <= high <= MOST_TOGETHER:
            return low, high
    raise ArtifactError(f"{record.name} has an ngram_range beyond 1 to {MOST_TOGETHER}")


def _preparation(record: Fitted) -> Callable[[str], str]:
    lower = read_flag(record, "lowercase", default=True)
    accents = record.state.get("strip_accents")
    if accents is not None and not (isinstance(accents, str) and accents in {"ascii", "unicode"}):
        raise _code(record, "strip_accents")

    def prepare(text: str) -> str:
        if lower:
            text = text.lower()
        if accents is None or text.isascii():
            return text
        apart = unicodedata.normalize("NFKD", text)
        if accents == "ascii":
            return "".join([c for c in apart if c.isascii()])
        return "".join([c for c in apart if not unicodedata.combining(c)])

    return prepare


def _stop_words(record: Fitted, *, matter: bool) -> frozenset[str]:
    """Return the words that are left out, where that matters: single words are not known anyway."""
    stop = record.state.get("stop_words")
    if stop is None or not matter:
        return frozenset()
    if not isinstance(stop, list) or not all(type(word) is str for word in stop):
        raise ArtifactError(
            f"{record.name} leaves out stop words that are not in the dump",
            hint="fit it with stop_words=list(ENGLISH_STOP_WORDS)",
        )
    return frozenset(stop)


def _together(words: list[str], low: int, high: int) -> list[str]:
    """Return neighbours of so many words, joined."""
    joined = list(words) if low == 1 else []
    for n in range(max(low, 2), min(high, len(words)) + 1):
        joined += map(" ".join, zip(*(words[k:] for k in range(n)), strict=False))
    return joined


def _pieces(text: str, low: int, high: int) -> list[str]:
    """Return neighbours of so many characters."""
    return [
        text[at : at + n]
        for n in range(low, min(high, len(text)) + 1)
        for at in range(len(text) - n + 1)
    ]


def _within_words(words: Iterable[str], low: int, high: int) -> list[str]:
    """Return neighbours of so many characters in each word with a blank around it."""
    found: list[str] = []
    for word in words:
        padded = f" {word} "
        length = len(padded)
        for n in range(low, high + 1):
            found += [padded[at : at + n] for at in range(max(length - n, 0) + 1)]
            if n >= length:  # a short word counts once
                break
    return found
