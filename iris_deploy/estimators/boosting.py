"""The family of gradient boosting: a start, and what each tree adds to it."""

from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_floats,
    read_number,
    read_width,
    read_word,
)
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.tree_nodes import Tree
from iris_deploy.estimators.trees import build_kernel, read_tree
from iris_deploy.kernels import exact
from iris_deploy.kernels.links import Link
from iris_deploy.schema.outputs import Output

_MEMBER = "sklearn.tree.DecisionTreeRegressor"
_SMALLEST = float(np.finfo(np.float64).eps)
_MIDDLE = (0.3, 0.65)
"""Shares between which SciPy takes the logit by log1p, which loses no bits there."""


def _classifier(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    n_scores = 1 if n_classes == 2 else n_classes
    loss = read_word(record, "loss", "log_loss")
    links: dict[str, Link] = {
        "log_loss": "logistic" if n_scores == 1 else "softmax",
        "deviance": "logistic" if n_scores == 1 else "softmax",
        "exponential": "exponential",
    }
    if loss not in links or (loss == "exponential" and n_scores > 1):
        raise ArtifactError(f"{record.name} has the loss {loss!r:.40}")
    start = _start_of_classes(record, n_classes, links[loss])
    trees = _trees(record, features, n_scores)
    kernel = build_kernel(trees, features, start, 1.0, "least" if n_scores == 1 else "largest")
    return Model(kernel=kernel, link=links[loss])


def _regressor(record: Fitted, features: Features, _output: Output, _: Reading) -> Model:
    start = 0.0
    if not _starts_from_zero(record):
        start = float(fitted_floats(_init(record, "DummyRegressor"), "constant_", (1, 1))[0, 0])
    kernel = build_kernel(_trees(record, features, 1), features, (start,), 1.0, "none")
    return Model(kernel=kernel)


def _trees(record: Fitted, features: Features, n_scores: int) -> list[Tree]:
    """Return the trees, each with what it adds; they take turns over the scores."""
    features.check_width(read_width(record, "n_features_"), record.name)
    features.check_numbers(record.name)
    features.check_filled(record.name)
    members: Any = record.state.get("estimators_")
    if not isinstance(members, np.ndarray) or members.ndim != 2 or members.shape[1] != n_scores:
        raise ArtifactError(f"{record.name} has no estimators_ for {n_scores} scores")
    rate = read_number(record, "learning_rate", 0.1)
    trees = []
    for member in members.ravel().tolist():
        if not isinstance(member, Fitted) or member.name != _MEMBER:
            raise ArtifactError(f"{record.name} has estimators_ that are no trees of its kind")
        tree = read_tree(member, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            trees.append(replace(tree, values=rate * tree.values))
    return trees


def _starts_from_zero(record: Fitted) -> bool:
    init = record.state.get("init_")
    return isinstance(init, str) and init == "zero"


def _init(record: Fitted, name: str) -> Fitted:
    init = record.state.get("init_")
    if not isinstance(init, Fitted) or init.name != f"sklearn.dummy.{name}":
        raise ArtifactError(
            f"{record.name} starts from an estimator of its own, which is not supported",
            hint="fit it with init=None or init='zero'",
        )
    return init


def _start_of_classes(record: Fitted, n_classes: int, link: Link) -> tuple[float, ...]:
    """Return the scores before any tree: those of the classes' shares in training."""
    if _starts_from_zero(record):
        return (0.0,) * (1 if n_classes == 2 else n_classes)
    shares = fitted_floats(_init(record, "DummyClassifier"), "class_prior_", (n_classes,)).tolist()
    shares = [min(max(share, _SMALLEST), 1.0 - _SMALLEST) for share in shares]
    if n_classes == 2:
        score = _logit(shares[1])
        return (0.5 * score if link == "exponential" else score,)
    mean = exact.exp(reduce(add, map(exact.log, shares)) / n_classes)
    return tuple(exact.log(share / mean) for share in shares)


def _logit(share: float) -> float:
    if _MIDDLE[0] <= share <= _MIDDLE[1]:
        distance = 2.0 * (share - 0.5)
        return exact.log1p(distance) - exact.log1p(-distance)
    return exact.log(share / (1.0 - share))


_MODULES = ("sklearn.ensemble._gb", "sklearn.ensemble.gradient_boosting")
_FEW: dict[str, Any] = {"n_estimators": 12, "random_state": 0}
_REFUSED = "a start from another estimator (init)"

FAMILY = (
    Predicting(
        name="sklearn.ensemble.GradientBoostingClassifier",
        modules=_MODULES,
        task="classification",
        read=_classifier,
        since="0.22",
        ulp=8,
        same_scores=True,
        refused=_REFUSED,
        cases=(_FEW, {"init": "zero", "learning_rate": 0.3, "subsample": 0.7} | _FEW),
    ),
    Predicting(
        name="sklearn.ensemble.GradientBoostingRegressor",
        modules=_MODULES,
        task="regression",
        read=_regressor,
        since="0.22",
        refused=_REFUSED,
        cases=(
            _FEW,
            {"init": "zero"} | _FEW,
            {"loss": "absolute_error"} | _FEW,
            {"loss": "huber"} | _FEW,
            {"loss": "quantile", "alpha": 0.8} | _FEW,
        ),
    ),
)
