"""A pipeline around an estimator: what its columns need before it can be fitted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from iris_deploy.training.candidates import Candidate
from iris_deploy.training.plans import ColumnPlan

_MOST_CATEGORIES = 100
"""Of a column that get a feature of their own; the others share one."""

_MOST_BINS = 250
"""The same for histogram-based boosting, which has room for 255."""

_MOST_WORDS = 20_000
"""Of a text that get a feature of their own; of each row most are 0, and take no memory."""

_MOST_DENSE_WORDS = 300
"""The same for estimators that take all features of all rows at once."""

_LINEAR = ("linear_model", "svm", "naive_bayes")
"""Modules of scikit-learn whose estimators take features of which most are 0."""

_SCALED = ("linear_model", "svm", "neighbors", "neural_network", "discriminant_analysis")
"""Modules of scikit-learn whose estimators care how large a feature is."""


def build_pipeline(
    candidate: Candidate, plans: Sequence[ColumnPlan], frame: Any, kind: str
) -> Pipeline:
    """Put what the columns need before an estimator.

    Parameters
    ----------
    candidate : Candidate
    plans : sequence of ColumnPlan
    frame : DataFrame
        Of all samples, for which columns miss values.
    kind : {'classifier', 'regressor'}
        Name of the last step.

    Returns
    -------
    Pipeline
        Not fitted. The user's own as it is.
    """
    estimator = clone(candidate.estimator)
    if candidate.is_whole:
        pipeline: Pipeline = estimator
        return pipeline
    numbers = [plan.name for plan in plans if plan.kind == "number"]
    categories = [plan.name for plan in plans if plan.kind == "category"]
    texts = [plan.name for plan in plans if plan.kind == "text"]
    is_hist = type(estimator).__name__.startswith("HistGradientBoosting")
    is_linear = any(f".{module}" in type(estimator).__module__ for module in _LINEAR)
    branches: list[tuple[str, Any, list[str] | str]] = []
    if categories:
        branches.append(("categories", _encoder(is_hist=is_hist), categories))
    if numbers:
        branches.append(("numbers", _of_numbers(estimator, frame[numbers], is_hist), numbers))
    if is_hist and categories:
        estimator.set_params(categorical_features=list(range(len(categories))))
    for k, name in enumerate(texts):
        words = TfidfVectorizer(max_features=_MOST_WORDS if is_linear else _MOST_DENSE_WORDS)
        branches.append((f"words_{k}", words, name))
    columns = ColumnTransformer(
        branches,
        sparse_threshold=1.0 if texts and is_linear else 0.0,
        verbose_feature_names_out=False,
    )
    return Pipeline([("columns", columns), (kind, estimator)])


def _encoder(*, is_hist: bool) -> Any:
    if is_hist:
        return OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            encoded_missing_value=np.nan,
            max_categories=_MOST_BINS,
        )
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=_MOST_CATEGORIES, sparse_output=False
    )


def _of_numbers(estimator: Any, frame: Any, is_hist: bool) -> Any:  # noqa: FBT001
    """Return what numbers need: nothing, filled gaps, one scale."""
    steps: list[tuple[str, Any]] = []
    if not is_hist and frame.isna().to_numpy().any():
        steps.append(("fill", SimpleImputer(strategy="median")))
    if any(f".{module}" in type(estimator).__module__ for module in _SCALED):
        steps.append(("scale", StandardScaler()))
    if not steps:
        return "passthrough"
    return steps[0][1] if len(steps) == 1 else Pipeline(steps)
