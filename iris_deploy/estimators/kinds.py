"""Which columns are categories and which are texts, as the encoders of fitted estimators tell."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_values
from iris_deploy.estimators.booster_facts import facts_of
from iris_deploy.estimators.discovery import takes_text
from iris_deploy.estimators.family import Model
from iris_deploy.estimators.features import NUMBER, Features, features_of
from iris_deploy.estimators.fields import DICT_VECTORIZER, read_fields
from iris_deploy.estimators.reading import Reader
from iris_deploy.kernels.blocks import Values
from iris_deploy.schema.columns import (
    MAX_CATEGORIES,
    CategoryColumn,
    Column,
    NumberColumn,
    TextColumn,
)
from iris_deploy.schema.outputs import Output

_WHOLE = 1 << 53

_ENCODERS = frozenset(
    f"sklearn.preprocessing.{name}" for name in ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")
)


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
        _described(number, known, is_text=k in reader.texts)
        for k, (number, known) in enumerate(zip(numbers, reader.categories, strict=True))
    )


def _described(number: NumberColumn, known: Sequence[Any], *, is_text: bool) -> Column:
    if is_text:
        return TextColumn(name=number.name, missing=False, seen=None)
    if not known:
        return number
    return CategoryColumn(
        name=number.name, missing=False, categories=tuple(known), unknown=False, seen=None
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
    texts : set of int
        Positions of the columns that are texts.
    """

    def __init__(self, n_columns: int) -> None:
        super().__init__()
        self.categories: list[list[Any]] = [[] for _ in range(n_columns)]
        self.texts: set[int] = set()

    def transform(self, record: Fitted, features: Features) -> Features:
        """Note what encoders and vectorizers get; carry others out, as far as it goes."""
        if takes_text(record):
            self.texts.update(_sources(features)[:1])
            return features
        if record.name == DICT_VECTORIZER:
            with suppress(ArtifactError):
                known = read_fields(record).values.values()
                for source, values in zip(_sources(features), known, strict=False):
                    self._keep(source, values)
            return features
        if record.name in _ENCODERS:
            self._note(record, features)
            return features
        try:
            return super().transform(record, features)
        except ArtifactError:
            return features

    def predict(self, record: Fitted, features: Features, output: Output) -> Model:
        """Note the categories that a model of another package names."""
        facts = facts_of(record)
        sources = _sources(features)
        for k, known in facts.categories.items() if facts else ():
            if k < len(sources) and sources[k] != NUMBER:
                self._keep(sources[k], [_plain(value) for value in known])
        return super().predict(record, features, output)

    def _note(self, record: Fitted, features: Features) -> None:
        lists = record.state.get("categories_")
        if not isinstance(lists, list):
            return
        for source, array in zip(_sources(features), lists, strict=False):
            if source == NUMBER:
                continue
            values = fitted_values(record, array, "categories_")
            self._keep(source, [value for value in values if value is not None])

    def _keep(self, source: int, values: list[Any]) -> None:
        kinds = {type(value) for value in values}
        are_alike = len(kinds) == 1 and kinds <= {str, float}
        if are_alike and len(set(values)) == len(values) <= MAX_CATEGORIES:
            self.categories[source] = values


def _plain(value: object) -> object:
    return float(value) if type(value) is int and abs(value) < _WHOLE else value


def _sources(features: Features) -> list[int]:
    """Return which column each feature is; `NUMBER` if it is made of one."""
    return [
        int(source)
        for block in features.transform.blocks
        for source in (block.sources if isinstance(block, Values) else [NUMBER] * block.width)
    ]
