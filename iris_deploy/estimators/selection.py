"""The family of those that select features, by figures of each or by trying."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_array, read_number
from iris_deploy.estimators.family import Part, Reading, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.importances import important
from iris_deploy.kernels.order import percentile
from iris_deploy.schema.batch import Floats

_Mask = NDArray[np.bool_]

_UNIVARIATE = "univariate_selection"


def _reader(
    mask_of: Callable[[Fitted], _Mask], *, takes_gaps: bool
) -> Callable[[Fitted, Features, Reading], Features]:
    """Make the reader of a selector from what tells which features it keeps."""

    def read(selector: Fitted, features: Features, _: Reading) -> Features:
        mask = mask_of(selector)
        features.check_width(len(mask), selector.name)
        features.check_numbers(selector.name)
        if not takes_gaps:
            features.check_filled(selector.name)
        if not mask.any():
            raise ArtifactError(f"{selector.name} leaves no feature")
        return features.pick(np.flatnonzero(mask))

    return read


def _figures(selector: Fitted, attribute: str) -> Floats:
    """Return a figure for each feature, NaN as the lowest."""
    figures = fitted_array(selector, attribute)
    if figures.ndim != 1:
        raise ArtifactError(f"{selector.name} has {attribute} of shape {figures.shape}")
    found = figures.astype(np.float64)
    return np.where(np.isnan(found), np.finfo(np.float64).min, found)


def _variance(selector: Fitted) -> _Mask:
    return _figures(selector, "variances_") > read_number(selector, "threshold", 0.0)


def _best(selector: Fitted) -> _Mask:
    """Keep so many with the largest scores; of equal ones those behind."""
    scores = _figures(selector, "scores_")
    count = selector.state.get("k", 10)
    mask = np.ones(len(scores), bool)
    if isinstance(count, str) and count == "all":
        return mask
    if type(count) is not int or count < 0:
        raise ArtifactError(f"{selector.name} has k {count!r:.40}; expected a number or 'all'")
    mask[np.argsort(scores, kind="stable")[: max(len(scores) - count, 0)]] = False
    return mask


def _percentile(selector: Fitted) -> _Mask:
    """Keep a share with the largest scores; of equal ones at its end those in front."""
    scores, share = _figures(selector, "scores_"), read_number(selector, "percentile", 10)
    if not 0 <= share <= 100:
        raise ArtifactError(f"{selector.name} has the percentile {share}; expected 0 to 100")
    if share in {0, 100}:
        return np.full(len(scores), share == 100)
    with np.errstate(invalid="ignore"):  # between scores that are infinite there is none
        limit = percentile(scores, 100 - share)
    mask: _Mask = scores > limit
    ties = np.flatnonzero(scores == limit)
    room = int(len(scores) * share / 100) - int(mask.sum())
    if len(ties):
        mask[ties[:room]] = True
    return mask


def _p_values(selector: Fitted) -> tuple[Floats, float]:
    """Return how probable each score is by chance, and the limit; of NaN it is none."""
    figures = fitted_array(selector, "pvalues_")
    if figures.ndim != 1:
        raise ArtifactError(f"{selector.name} has pvalues_ of shape {figures.shape}")
    return figures.astype(np.float64), read_number(selector, "alpha", 0.05)


def _each_by_chance(selector: Fitted) -> _Mask:
    values, limit = _p_values(selector)
    mask: _Mask = values < limit
    return mask


def _any_by_chance(selector: Fitted) -> _Mask:
    values, limit = _p_values(selector)
    mask: _Mask = values < limit / max(len(values), 1)
    return mask


def _false_discoveries(selector: Fitted) -> _Mask:
    """Keep by Benjamini and Hochberg's procedure (1995)."""
    values, limit = _p_values(selector)
    ordered, n = np.sort(values), len(values)
    chosen = ordered[ordered <= limit / max(n, 1) * np.arange(1, n + 1)]
    mask: _Mask = values <= chosen.max() if len(chosen) else np.zeros(n, bool)
    return mask


def _support(selector: Fitted) -> _Mask:
    support: Any = selector.state.get("support_")
    if not isinstance(support, np.ndarray) or support.dtype != bool or support.ndim != 1:
        raise ArtifactError(f"{selector.name} has no support_; expected a fitted estimator")
    return support


def _selector(
    name: str, module: str, mask_of: Callable[[Fitted], _Mask], *cases: Any, **facts: Any
) -> Transformer:
    return Transformer(
        name=f"sklearn.feature_selection.{name}",
        modules=tuple(f"sklearn.feature_selection.{m}" for m in (f"_{module}", module)),
        read=_reader(mask_of, takes_gaps=module != _UNIVARIATE),
        cases=cases,
        **facts,
    )


_SCORES = {
    "_univariate_selection": ("f_classif", "f_regression", "r_regression", "chi2"),
    "_mutual_info": ("mutual_info_classif", "mutual_info_regression"),
}

FAMILY = (
    _selector("VarianceThreshold", "variance_threshold", _variance, {}, {"threshold": 0.5}),
    _selector("SelectKBest", _UNIVARIATE, _best, {"k": 2}, {"k": "all"}),
    _selector("SelectPercentile", _UNIVARIATE, _percentile, {"percentile": 50}),
    _selector("SelectFpr", _UNIVARIATE, _each_by_chance, {}),
    _selector("SelectFdr", _UNIVARIATE, _false_discoveries, {}),
    _selector("SelectFwe", _UNIVARIATE, _any_by_chance, {}),
    _selector("SelectFromModel", "from_model", important),
    _selector("RFE", "rfe", _support),
    _selector("RFECV", "rfe", _support),
    _selector("SequentialFeatureSelector", "sequential", _support, since="0.24"),
    *(
        Part(
            name=f"sklearn.feature_selection.{name}",
            modules=tuple(f"sklearn.feature_selection.{m}" for m in (module, module[1:])),
        )
        for module, names in _SCORES.items()
        for name in names
    ),
)
