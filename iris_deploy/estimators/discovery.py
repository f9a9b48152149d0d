"""What fitted estimators tell of the table that they were fitted to: columns, categories, classes.

Dumps hold no signature. This module finds as much of one as they say.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.booster_facts import facts_of
from iris_deploy.estimators.family import Composite, Predicting
from iris_deploy.estimators.fields import DICT_VECTORIZER, read_fields
from iris_deploy.estimators.isotonic import ISOTONIC
from iris_deploy.estimators.labels import LABEL_ENCODER
from iris_deploy.estimators.reading import MAX_DEPTH, MAX_ESTIMATORS
from iris_deploy.estimators.registry import find
from iris_deploy.kernels.tree_columns import MAX_FEATURES
from iris_deploy.schema.outputs import Task

_VECTORIZERS = frozenset(
    f"sklearn.feature_extraction.text.{name}"
    for name in ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
)

_MOST_WORDS = 1000

_WIDTHS = ("n_features_in_", "n_features_", "_n_features", "n_features", "n_input_features_")
_SHAPES = ("coef_", "mean_", "scale_", "center_", "data_min_", "statistics_", "max_abs_", "theta_")
"""Attributes whose last axis is that of the features."""

_INSIDE = ("steps", "best_estimator_", "regressor_", "transformer_list", "estimators_", "estimator")
"""Where an estimator keeps others that get what it gets itself."""


def last_of(record: Fitted) -> Fitted:
    """Return what predicts: the last step of pipelines, the best that a search has found."""
    for _ in range(MAX_DEPTH):
        inside: object = None
        if isinstance(find(record.name), Composite):
            steps = _steps(record.state.get("steps"))
            inside = steps[-1][-1] if steps else record.state.get("best_estimator_")
        if not isinstance(inside, Fitted):
            break
        record = inside
    return record


def first_of(record: Fitted) -> Fitted:
    """Return what gets the columns themselves: the first step of pipelines."""
    for _ in range(MAX_DEPTH):
        if not isinstance(find(record.name), Composite):
            break
        inside = _first(record.state.get("steps")) or _first(record.state.get("best_estimator_"))
        if inside is None:
            break
        record = inside
    return record


def task_of(record: Fitted) -> Task | None:
    """Return what an estimator of a family does at last; None if it does not predict."""
    last = last_of(record)
    part = find(last.name)
    if not isinstance(part, Predicting):
        return None
    facts = facts_of(last) if part.task is None else None
    return facts.task if facts else part.task


def is_labels(record: Fitted) -> bool:
    """Tell whether it is a LabelEncoder: its classes are what a classifier's stand for."""
    return record.name == LABEL_ENCODER


def find_names(record: Fitted) -> list[str] | None:
    """Return the names of the columns of the data frame that an estimator was fitted to."""
    for inside in _along(record):
        facts = facts_of(inside)
        if facts and facts.names:
            return facts.names
        names = inside.state.get("feature_names_in_")
        if isinstance(names, np.ndarray) and names.ndim == 1 and len(names) <= MAX_FEATURES:
            listed: list[Any] = names.tolist()
            if all(type(name) is str for name in listed):
                return listed
    return None


def find_width(record: Fitted) -> int | None:
    """Return how many columns an estimator was fitted to."""
    for inside in _along(record):
        if takes_text(inside) or inside.name == ISOTONIC:
            return 1
        if fields := find_fields(inside):
            return len(fields)
        if facts := facts_of(inside):
            return facts.n_features
        for attribute in _WIDTHS:
            width = inside.state.get(attribute)
            if type(width) is int and 0 < width <= MAX_FEATURES:
                return width
        for attribute in _SHAPES:
            array = inside.state.get(attribute)
            if isinstance(array, np.ndarray) and array.ndim and 0 < array.shape[-1] <= MAX_FEATURES:
                return int(array.shape[-1])
    return None


def takes_text(record: Fitted) -> bool:
    """Tell whether it is a vectorizer: it gets one column of texts."""
    return record.name in _VECTORIZERS


def find_fields(record: Fitted) -> list[str]:
    """Return the names of the fields of records, if it takes such; none otherwise."""
    first = first_of(record)
    if first.name != DICT_VECTORIZER:
        return []
    with suppress(ArtifactError):  # whoever builds the predictor gets to know
        return [*read_fields(first).values]
    return []


def knows_none(records: Sequence[Fitted]) -> bool:
    """Tell whether an encoder has None for what is missing, and not NaN: scikit-learn differs."""
    for record in _within(records):
        lists = record.state.get("categories_")
        arrays = lists if isinstance(lists, list) else []
        if any(isinstance(a, np.ndarray) and a.dtype.hasobject and None in a for a in arrays):
            return True
    return False


def find_words(records: Sequence[Fitted]) -> list[str]:
    """Return words that vectorizers know, a thousand at most; estimators within others too."""
    found: list[str] = []
    for record in _within(records):
        if takes_text(record) and isinstance(known := record.state.get("vocabulary_"), dict):
            found += [word for word in islice(known, _MOST_WORDS) if type(word) is str]
        if len(found) >= _MOST_WORDS:
            break
    return found[:_MOST_WORDS]


def _within(records: Sequence[Fitted]) -> Iterator[Fitted]:
    """Yield estimators and all that they hold, as many as a model may have."""
    left = [*records]
    for _ in range(MAX_ESTIMATORS):
        if not left:
            return
        record = left.pop()
        yield record
        left += _inside(record)


def _inside(record: Fitted) -> list[Fitted]:
    """Return estimators that one holds: itself, in lists and pairs."""
    values = [*record.state.values()]
    listed = [member for value in values if isinstance(value, list) for member in value[:100]]
    paired = [part for member in listed if isinstance(member, tuple) for part in member]
    return [each for each in (*values, *listed, *paired) if isinstance(each, Fitted)]


def _along(record: Fitted) -> Iterator[Fitted]:
    """Yield an estimator, and those within that get what it gets itself."""
    for _ in range(MAX_DEPTH):
        yield record
        inside = next((i for a in _INSIDE if (i := _first(record.state.get(a)))), None)
        if inside is None:
            return
        record = inside


def _first(value: object) -> Fitted | None:
    """Return the first estimator of a list of steps, or the one that it is."""
    if isinstance(value, np.ndarray) and value.dtype.hasobject and value.size:
        value = value.reshape(-1)[:1].tolist()
    steps = _steps(value)
    if steps:
        return next((step[-1] for step in steps if isinstance(step[-1], Fitted)), None)
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, Fitted) else None


def _steps(value: object) -> list[tuple[Any, ...]]:
    """Return pairs of a name and an estimator; none if it is no list of such."""
    pairs = value if isinstance(value, list) else []
    return pairs if all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs) else []
