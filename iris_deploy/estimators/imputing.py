"""The family of imputers: what stands in place of a missing value."""

import math
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    as_float,
    fitted_floats,
    fitted_positions,
    fitted_values,
    read_flag,
    read_record,
    read_word,
)
from iris_deploy.estimators.family import Part, Reading, Transformer
from iris_deploy.estimators.features import Features, joined
from iris_deploy.kernels.steps import Fill, Missing


def _simple_imputer(imputer: Fitted, features: Features, _: Reading) -> Features:
    """Fill with a figure of each feature; leave out those that had no value; add indicators."""
    missing = _missing_value(imputer)
    known, figures = _statistics(imputer, features)
    kept = features
    if len(known) < features.width:
        kept = features.pick(known)
    filled = kept.then(Fill(np.array(figures), missing))
    if not read_flag(imputer, "add_indicator", default=False):
        return filled
    indicator = read_record(imputer, "indicator_")
    shown = _shown(indicator, features)
    return joined([filled, _indicators(features.pick(shown), missing)]) if shown else filled


def _missing_indicator(indicator: Fitted, features: Features, _: Reading) -> Features:
    """Write 1 where a value is missing."""
    return _indicators(features.pick(_shown(indicator, features)), _missing_value(indicator))


def _shown(indicator: Fitted, features: Features) -> list[int]:
    """Return which features have an indicator."""
    positions = indicator.state.get("features_")
    return fitted_positions(indicator, positions, "features_", features.width)


def _indicators(features: Features, missing: float) -> Features:
    shown = features.then(Missing(missing)).as_numbers()
    return shown.replaced(shown.transform.blocks)


def _missing_value(imputer: Fitted) -> float:
    """Return what stands for a missing value: NaN, or a number."""
    value = imputer.state.get("missing_values", math.nan)
    if value is None:
        return math.nan
    number = as_float(value)
    if number is not None:
        return number
    raise ArtifactError(
        f"{imputer.name} has missing_values that are neither NaN nor a number",
        hint="make them missing before, and fit with missing_values=np.nan",
    )


def _statistics(imputer: Fitted, features: Features) -> tuple[list[int], list[float]]:
    """Return which features are kept, and what fills each."""
    statistics: Any = imputer.state.get("statistics_")
    if not isinstance(statistics, np.ndarray) or statistics.shape != (features.width,):
        raise ArtifactError(
            f"{imputer.name} has no statistics_ for {features.width} features",
            hint="fit the imputer before dumping it",
        )
    keeps_all = (
        read_flag(imputer, "keep_empty_features", default=False)
        or read_word(imputer, "strategy", "mean") == "constant"
    )
    if statistics.dtype.kind in "fiu" and not features.has_categories:
        floats = statistics.astype(np.float64)
        known = [k for k in range(features.width) if keeps_all or floats[k] == floats[k]]
        kept = Fitted(imputer.name, {"statistics_": floats[known]})
        return known, fitted_floats(kept, "statistics_", (len(known),)).tolist()
    values = fitted_values(imputer, statistics, "statistics_")
    known = [k for k in range(features.width) if keeps_all or values[k] is not None]
    return known, [_position(imputer, features, k, values[k]) for k in known]


def _position(imputer: Fitted, features: Features, k: int, value: object) -> float:
    """Return what fills one feature: a number, or the position of a category."""
    column = features.category(k)
    if column is None:
        if isinstance(value, float):
            return value
        raise ArtifactError(f"{imputer.name} fills numbers with {value!r:.40}")
    if value not in column.categories:
        raise ArtifactError(
            f"{imputer.name} fills {column.name} with {value!r:.40}, "
            "which is none of its categories"
        )
    return float(column.categories.index(value))


_MODULES = ("sklearn.impute._base",)

FAMILY = (
    Transformer(
        name="sklearn.impute.SimpleImputer",
        modules=_MODULES,
        read=_simple_imputer,
        since="0.22",
        refused="missing_values other than NaN or a number",
        cases=(
            {},
            {"strategy": "median"},
            {"strategy": "most_frequent"},
            {"strategy": "constant", "fill_value": -1.5},
            {"add_indicator": True},
            {"keep_empty_features": True},
        ),
    ),
    Transformer(
        name="sklearn.impute.MissingIndicator",
        modules=_MODULES,
        read=_missing_indicator,
        since="0.22",
        refused="missing_values other than NaN or a number",
        cases=({"features": "all"},),
    ),
    Part(name="builtins.float", modules=("builtins", "__builtin__")),
)
