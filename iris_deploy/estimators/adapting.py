"""From the fields of a signature to the columns that estimators were fitted to."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.features import NUMBER, Features, features_of, joined
from iris_deploy.kernels.blocks import Hot, Values
from iris_deploy.kernels.steps import Fill, Lookup
from iris_deploy.kernels.tables import Table
from iris_deploy.kernels.tree_columns import MAX_FEATURES
from iris_deploy.schema.adapter import Coded, Feed, Filled, Flagged, Taken
from iris_deploy.schema.columns import CategoryColumn, Column


def adapt(fields: tuple[Column, ...], feeds: Sequence[Feed]) -> Features:
    """Return the columns that are fed, as features of the fields.

    Parameters
    ----------
    fields : tuple of Column
        Of the signature.
    feeds : sequence of Feed
        In the order of the columns; none if the fields are the columns.

    Raises
    ------
    ArtifactError
        If one is fed by a field that is not there, or not of its kind.
    """
    features = features_of(fields)
    if not feeds:
        return features
    if len(feeds) > MAX_FEATURES:
        raise ArtifactError(f"expected at most {MAX_FEATURES} columns, got {len(feeds)}")
    place = {field.name: k for k, field in enumerate(fields)}
    _check_size(features, place, feeds)
    return joined(_parts(features, place, feeds))


def _check_size(features: Features, place: dict[str, int], feeds: Sequence[Feed]) -> None:
    """Refuse flags that change between fields again and again: each run takes a whole table."""
    total = 0
    for (kind, field), _ in groupby(feeds, key=_kind_and_field):
        known = features.category(place[field]) if field in place and kind == "Flagged" else None
        total += len(known.categories) if known else 1
    if total > MAX_FEATURES:
        raise ArtifactError(
            f"the columns take tables of {total} figures; put those of a field together"
        )


def _parts(features: Features, place: dict[str, int], feeds: Sequence[Feed]) -> Iterator[Features]:
    """Yield features of one column each, or of a run of categories of one field."""
    for (kind, field), run in groupby(feeds, key=_kind_and_field):
        if field is not None and field not in place:
            raise ArtifactError(f"a column is fed by {field!r:.80}, which is no field")
        at = place[field] if field is not None else 0
        if kind == "Flagged":
            yield _flags(features, at, [feed.category for feed in run if isinstance(feed, Flagged)])
            continue
        for feed in run:
            yield _column(features, at, feed)


def _kind_and_field(feed: Feed) -> tuple[str, str | None]:
    return type(feed).__name__, None if isinstance(feed, Filled) else feed.field


def _column(features: Features, at: int, feed: Feed) -> Features:
    """Return one column."""
    own = features.pick([at])
    if isinstance(feed, Filled):
        table = Table(np.empty(0), np.empty(0), feed.value, feed.value)
        return own.replaced([Values(np.array([at], np.int32), (Lookup((table,)),))])
    if isinstance(feed, Taken):
        return own if feed.default is None else own.then(Fill(np.array([feed.default]), math.nan))
    if not isinstance(feed, Coded):
        raise ArtifactError("a category's flag is among other columns")
    field = _category(features, at, len(feed.codes))
    if field.unknown:
        raise ArtifactError(f"{field.name} takes categories that have no code")
    missing = math.nan if feed.default is None else feed.default
    table = Table(np.arange(len(feed.codes), dtype=float), np.array(feed.codes), missing, missing)
    coded = own.then(Lookup((table,)))
    return Features(
        coded.columns,
        coded.transform,
        np.array([NUMBER], np.int32),
        own.may_miss & (feed.default is None),
    )


def _flags(features: Features, at: int, categories: Sequence[int]) -> Features:
    """Return columns of which one at most is 1."""
    field = _category(features, at, None)
    known = len(field.categories)
    if not all(0 <= k < known for k in categories) or len(set(categories)) < len(categories):
        raise ArtifactError(f"columns are fed by categories of {field.name} that it does not have")
    width = len(categories)
    slots = np.full(known, float(width))
    slots[list(categories)] = np.arange(width)
    table = Table(np.arange(known, dtype=float), slots, float(width), float(width))
    block = Hot(Values(np.array([at], np.int32)), table, np.zeros(width), np.ones(width))
    return features.replaced([block])


def _category(features: Features, at: int, n_codes: int | None) -> CategoryColumn:
    field = features.category(at)
    if field is None:
        raise ArtifactError(f"{features.columns[at].name} has codes, but no categories")
    if n_codes is not None and n_codes != len(field.categories):
        raise ArtifactError(f"{field.name} has {len(field.categories)} categories, {n_codes} codes")
    return field
