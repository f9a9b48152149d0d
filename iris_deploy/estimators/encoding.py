"""The family of encoders: categories to numbers, one feature for each or one for all."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    fitted_positions,
    fitted_values,
    read_list,
    read_number,
    read_word,
)
from iris_deploy.estimators.family import Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.blocks import Block, Hot
from iris_deploy.kernels.steps import Lookup
from iris_deploy.kernels.tables import Table
from iris_deploy.kernels.tree_columns import MAX_FEATURES


@dataclass(frozen=True, slots=True)
class Known:
    """What an encoder knows of one feature.

    Parameters
    ----------
    groups : dict of str or float to int
        Group of each category, that of a missing value under None.
    n_groups : int
        As many as there are categories, rare ones together.
    unknown : int or None
        Group of every other category; None where it has none.
    refuses : bool
        Whether another category is an error.
    """

    groups: Mapping[Any, int]
    n_groups: int
    unknown: int | None
    refuses: bool


def read_known(encoder: Fitted, features: Features) -> list[Known]:
    """Return what an encoder knows, feature by feature."""
    lists = read_list(encoder, "categories_", features.width)
    word = read_word(encoder, "handle_unknown", "error")
    if word not in {"error", "ignore", "infrequent_if_exist", "warn", "use_encoded_value"}:
        raise ArtifactError(f"{encoder.name} has handle_unknown={word!r:.40}")
    mappings = encoder.state.get("_default_to_infrequent_mappings")
    known = []
    for k, array in enumerate(lists):
        values = fitted_values(encoder, array, "categories_")
        groups: list[int] = list(range(len(values)))
        unknown = None
        grouped = mappings[k] if isinstance(mappings, list) and k < len(mappings) else None
        if grouped is not None:
            groups = fitted_positions(encoder, grouped, "mappings", len(values))
            unknown = max(groups) if word in {"infrequent_if_exist", "warn"} else None
            if len(groups) == len(values) - 1 and values[-1] is None:  # apart, by ordinal encoders
                groups.append(max(groups) + 1)
        if len(groups) != len(values):
            raise ArtifactError(f"{encoder.name} does not group all its categories")
        n_groups = max(groups, default=-1) + 1
        by_value = dict(zip(values, groups, strict=True))
        known.append(Known(by_value, n_groups, unknown, refuses=word == "error"))
    return known


def table_of(
    encoder: Fitted,
    features: Features,
    k: int,
    known: Known,
    figure: Callable[[int | None], float],
) -> Table:
    """Make the table of one feature's figures by its value.

    Parameters
    ----------
    encoder : Fitted
    features : Features
    k : int
        Position of the feature.
    known : Known
    figure : callable
        Gets a group, or None for what has none.
    """
    column = features.category(k)
    other = figure(known.unknown)
    missing = figure(known.groups[None]) if None in known.groups else other
    if features.may_miss[k] and known.refuses and None not in known.groups:
        raise ArtifactError(f"{encoder.name} refuses a missing value, which a column may have")
    if column is None:
        if known.refuses:
            raise ArtifactError(
                f"{encoder.name} refuses numbers that it does not know; expected a category",
                hint="declare the column as a category, or fit with handle_unknown='ignore'",
            )
        keys = sorted(value for value in known.groups if isinstance(value, float))
        figures = [figure(known.groups[key]) for key in keys]
        return Table(np.array(keys), np.array(figures, np.float64), other, missing)
    if known.refuses:
        strange = [value for value in column.categories if value not in known.groups]
        if column.unknown or strange:
            raise ArtifactError(
                f"{encoder.name} refuses categories that it does not know, "
                f"but {column.name} takes some"
            )
    figures = [figure(known.groups.get(value, known.unknown)) for value in column.categories]
    return Table(np.arange(float(len(figures))), np.array(figures), other, missing)


def _one_hot_encoder(encoder: Fitted, features: Features, _: Reading) -> Features:
    """Write a feature for each category; rare ones are one, and one may be dropped."""
    blocks: list[Block] = []
    dropped = _dropped(encoder, features.width)
    total = 0
    of = features.values(range(features.width))
    for k, (known, drop) in enumerate(zip(read_known(encoder, features), dropped, strict=True)):
        width = known.n_groups - (drop is not None)
        total += width
        if total > MAX_FEATURES or (drop is not None and not 0 <= drop < known.n_groups):
            raise ArtifactError(f"{encoder.name} has too many features, or drops what is not there")

        def slot(group: int | None, drop: int | None = drop, width: int = width) -> float:
            if group is None or group == drop:
                return float(width)
            return float(group - (drop is not None and group > drop))

        slots = table_of(encoder, features, k, known, slot)
        blocks.append(Hot(of[k], slots, np.zeros(width), np.ones(width)))
    return features.replaced([block for block in blocks if block.width])


def _dropped(encoder: Fitted, n_features: int) -> Sequence[int | None]:
    """Return which group of each feature is dropped."""
    drops = encoder.state.get("_drop_idx_after_grouping", encoder.state.get("drop_idx_"))
    if drops is None:
        return [None] * n_features
    if not isinstance(drops, np.ndarray) or drops.shape != (n_features,):
        raise ArtifactError(f"{encoder.name} has drop_idx_ that is not one for each feature")
    values: list[Any] = drops.tolist()
    if not all(value is None or type(value) is int for value in values):
        raise ArtifactError(f"{encoder.name} has drop_idx_ that is no position")
    return values


def _ordinal_encoder(encoder: Fitted, features: Features, _: Reading) -> Features:
    """Write the position of the category."""
    missing = read_number(encoder, "encoded_missing_value", math.nan)
    has_unknown = encoder.state.get("unknown_value") is not None
    unknown = read_number(encoder, "unknown_value", math.nan) if has_unknown else math.nan
    tables = []
    may_miss = features.may_miss.copy()
    for k, known in enumerate(read_known(encoder, features)):
        group_of_missing = known.groups.get(None)

        def figure(group: int | None, absent: int | None = group_of_missing) -> float:
            if group is None:
                return unknown
            return missing if group == absent else float(group)

        table = table_of(encoder, features, k, known, figure)
        may_miss[k] = bool(
            np.isnan(table.figures).any()
            or (features.may_miss[k] and math.isnan(table.missing))
            or (not known.refuses and math.isnan(table.other))
        )
        tables.append(table)
    features.values(range(features.width))  # which refuses what is encoded already
    encoded = features.then(Lookup(tuple(tables))).as_numbers()
    return replace(encoded, may_miss=may_miss)


_MODULES = ("sklearn.preprocessing._encoders",)
_UNKNOWN: dict[str, Any] = {"handle_unknown": "ignore"}

_REFUSED = "handle_unknown='error' before a column that takes unknown categories"

FAMILY = (
    Transformer(
        name="sklearn.preprocessing.OneHotEncoder",
        modules=_MODULES,
        read=_one_hot_encoder,
        since="0.20",
        refused=_REFUSED,
        cases=(
            _UNKNOWN,
            {"sparse_output": False} | _UNKNOWN,
            {"drop": "first"} | _UNKNOWN,
            {"drop": "if_binary"} | _UNKNOWN,
            {"min_frequency": 12, "handle_unknown": "infrequent_if_exist"},
            {"max_categories": 3, "handle_unknown": "infrequent_if_exist", "drop": "first"},
        ),
    ),
    Transformer(
        name="sklearn.preprocessing.OrdinalEncoder",
        modules=_MODULES,
        read=_ordinal_encoder,
        since="0.20",
        refused=_REFUSED,
        cases=(
            {"handle_unknown": "use_encoded_value", "unknown_value": -1},
            {
                "handle_unknown": "use_encoded_value",
                "unknown_value": -2,
                "encoded_missing_value": -1,
            },
        ),
    ),
)
