"""The family of what makes features of the fields of records: of a number, and of each known value.

A name of the vocabulary stands for a number, or says a field and one of its values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import nan

import numpy as np

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import read_word
from iris_deploy.estimators.family import Reading, Transformer
from iris_deploy.estimators.features import MAX_BLOCKS, NUMBER, Features
from iris_deploy.estimators.text import read_vocabulary
from iris_deploy.kernels.blocks import Block, Hot, pick
from iris_deploy.kernels.steps import Fill
from iris_deploy.kernels.tables import Table
from iris_deploy.schema.columns import MAX_CATEGORIES

DICT_VECTORIZER = "sklearn.feature_extraction.DictVectorizer"


@dataclass(frozen=True, slots=True)
class Fields:
    """What a vectorizer knows of records.

    Parameters
    ----------
    values : dict of str to list of str
        By field, in the order in which features name them: its known values; none of a number.
    features : list of (int, str)
        Of each feature the position of its field, and the value it stands for; that is empty of a
        number.
    """

    values: dict[str, list[str]]
    features: list[tuple[int, str]]


def read_fields(record: Fitted) -> Fields:
    """Read which fields a DictVectorizer knows, and which values.

    A name is parted where its first separator is: another way of parting it names another field,
    but no record means anything else by it.

    Raises
    ------
    ArtifactError
        If its vocabulary holds anything else, or a field both as a number and by its values.
    """
    vocabulary = read_vocabulary(record)
    separator = read_word(record, "separator", "=")
    if not separator:
        raise ArtifactError(f"{record.name} has no separator between fields and values")
    values: dict[str, list[str]] = {}
    places: dict[str, int] = {}
    numbers: set[str] = set()
    features: list[tuple[int, str]] = []
    for name in sorted(vocabulary, key=vocabulary.__getitem__):
        field, parted, value = name.partition(separator)
        known = values.setdefault(field, [])
        if field in numbers or (known and not parted):
            raise ArtifactError(
                f"{record.name} takes {field!r:.80} both as a number and by its values",
                hint="fit it to records in which a field is always a number, or always a text",
            )
        if parted:
            known.append(value)
        else:
            numbers.add(field)
        features.append((places.setdefault(field, len(places)), value))
    return Fields(values, features)


def _dict_vectorizer(record: Fitted, features: Features, _: Reading) -> Features:
    """Write numbers as they are, and 1 for a known value; 0 for all that a record lacks."""
    dtype = record.state.get("dtype")
    if dtype is not None and not (isinstance(dtype, ClassName) and dtype.name == "numpy.float64"):
        raise ArtifactError(f"{record.name} has a dtype other than numpy.float64")
    known = read_fields(record)
    features.check_width(len(known.values), record.name)
    are_numbers = [not values for values in known.values.values()]
    for k, (field, values) in enumerate(known.values.items()):
        _check(record, field, values, features, k)
    blocks: list[Block] = []
    places: dict[int, dict[object, int]] = {}
    for at, run in groupby(known.features, lambda of: NUMBER if are_numbers[of[0]] else of[0]):
        members = [*run]
        if at == NUMBER:
            blocks += _numbers(features, [k for k, _ in members])
        else:
            if at not in places:
                column = features.category(at)
                places[at] = {v: k for k, v in enumerate(column.categories if column else ())}
            blocks.append(_flags(features, at, [value for _, value in members], places[at]))
        if len(blocks) > MAX_BLOCKS:
            raise ArtifactError(f"{record.name} has more than {MAX_BLOCKS} parts")
    return features.replaced(blocks)


def _check(record: Fitted, field: str, values: Sequence[str], features: Features, k: int) -> None:
    """Make sure that a feature is a number or a category, as its field is."""
    if len(values) > MAX_CATEGORIES:
        raise ArtifactError(f"{record.name} knows more than {MAX_CATEGORIES} values of a field")
    fits = features.category(k) is not None if values else features.coded[k] == NUMBER
    if not fits:
        what = "categories" if values else "a number"
        raise ArtifactError(
            f"{record.name} takes {what} of the field {field!r:.80}, but gets "
            f"{features.describe(k)}"
        )


def _numbers(features: Features, fields: Sequence[int]) -> list[Block]:
    """Return fields that are numbers, 0 where they are missing."""
    picked = pick(features.transform.blocks, features.transform.edges, np.array(fields, np.int32))
    return [block.then(Fill(np.zeros(block.width), nan)) for block in picked]


def _flags(features: Features, field: int, values: Sequence[str], places: dict[object, int]) -> Hot:
    """Return a feature for each of some values of a field, of which one at most is 1."""
    width = len(values)
    slots = sorted((places[value], slot) for slot, value in enumerate(values) if value in places)
    keys, figures = np.array(slots, np.float64).reshape(-1, 2).T
    table = Table(np.ascontiguousarray(keys), np.ascontiguousarray(figures), width, width)
    return Hot(features.values([field])[0], table, np.zeros(width), np.ones(width))


FAMILY = (
    Transformer(
        name=DICT_VECTORIZER,
        modules=(
            "sklearn.feature_extraction._dict_vectorizer",
            "sklearn.feature_extraction.dict_vectorizer",
        ),
        read=_dict_vectorizer,
        refused="a field that is a number in some records and a text in others, lists of values, "
        "and dtypes other than numpy.float64",
        cases=(),
    ),
)
