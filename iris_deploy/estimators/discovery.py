"""What fitted estimators tell of the table that they were fitted to: columns, categories, classes.

Dumps hold no signature. This module finds as much of one as they say.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_values
from iris_deploy.estimators.family import Composite, Predicting
from iris_deploy.estimators.features import NUMBER, Features, features_of
from iris_deploy.estimators.labels import LABEL_ENCODER
from iris_deploy.estimators.reading import MAX_DEPTH, Reader
from iris_deploy.estimators.registry import find
from iris_deploy.kernels.blocks import Values
from iris_deploy.kernels.tree_columns import MAX_FEATURES
from iris_deploy.schema.columns import MAX_CATEGORIES, CategoryColumn, Column, NumberColumn
from iris_deploy.schema.outputs import Output, Task

_ENCODERS = frozenset(
    f"sklearn.preprocessing.{name}" for name in ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")
)

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


def task_of(record: Fitted) -> Task | None:
    """Return what an estimator of a family does at last; None if it does not predict."""
    part = find(last_of(record).name)
    return part.task if isinstance(part, Predicting) else None


def is_labels(record: Fitted) -> bool:
    """Tell whether it is a LabelEncoder: its classes are what a classifier's stand for."""
    return record.name == LABEL_ENCODER


def find_names(record: Fitted) -> list[str] | None:
    """Return the names of the columns of the data frame that an estimator was fitted to."""
    for inside in _along(record):
        names = inside.state.get("feature_names_in_")
        if isinstance(names, np.ndarray) and names.ndim == 1 and len(names) <= MAX_FEATURES:
            listed: list[Any] = names.tolist()
            if all(type(name) is str for name in listed):
                return listed
    return None


def find_width(record: Fitted) -> int | None:
    """Return how many columns an estimator was fitted to."""
    for inside in _along(record):
        for attribute in _WIDTHS:
            width = inside.state.get(attribute)
            if type(width) is int and 0 < width <= MAX_FEATURES:
                return width
        for attribute in _SHAPES:
            array = inside.state.get(attribute)
            if isinstance(array, np.ndarray) and array.ndim and 0 < array.shape[-1] <= MAX_FEATURES:
                return int(array.shape[-1])
    return None


def find_columns(
    estimators: Sequence[Fitted], names: Sequence[str], output: Output
) -> tuple[Column, ...]:
    """Describe the columns that estimators take: those that an encoder gets are categories.

    Parameters
    ----------
    estimators : sequence of Fitted
        In the order in which they apply.
    names : sequence of str
        Of the columns, in the estimators' order.
    output : ClassOutput or NumberOutput

    Returns
    -------
    tuple of Column
        In which nothing may be missing, and no category unknown.
    """
    numbers = tuple(
        NumberColumn(name=name, missing=False, unit=None, boolean=False, seen=None)
        for name in names
    )
    reader = _Discovering(len(names))
    features = features_of(numbers)
    for record in estimators[:-1]:
        features = reader.transform(record, features)
    with suppress(ArtifactError):  # whoever builds the predictor gets to know
        reader.predict(estimators[-1], features, output)
    return tuple(
        CategoryColumn(
            name=number.name, missing=False, categories=tuple(known), unknown=False, seen=None
        )
        if known
        else number
        for number, known in zip(numbers, reader.categories, strict=True)
    )


class _Discovering(Reader):
    """Goes on where features do not fit, and notes which columns encoders get.

    Parameters
    ----------
    n_columns : int

    Attributes
    ----------
    categories : list of list
        Of each column; empty where none is known.
    """

    def __init__(self, n_columns: int) -> None:
        super().__init__()
        self.categories: list[list[Any]] = [[] for _ in range(n_columns)]

    def transform(self, record: Fitted, features: Features) -> Features:
        """Note the categories of an encoder; carry anything else out, as far as it goes."""
        if record.name in _ENCODERS:
            self._note(record, features)
            return features
        try:
            return super().transform(record, features)
        except ArtifactError:
            return features

    def _note(self, record: Fitted, features: Features) -> None:
        lists = record.state.get("categories_")
        if not isinstance(lists, list):
            return
        sources = [
            int(source)
            for block in features.transform.blocks
            for source in (block.sources if isinstance(block, Values) else [NUMBER] * block.width)
        ]
        for source, array in zip(sources, lists, strict=False):
            if source == NUMBER:
                continue
            values = [v for v in fitted_values(record, array, "categories_") if v is not None]
            one_type = len({type(value) for value in values}) == 1
            if one_type and len(set(values)) == len(values) <= MAX_CATEGORIES:
                self.categories[source] = values


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
