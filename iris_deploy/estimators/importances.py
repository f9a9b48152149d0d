"""Which features an estimator has found important, for what selects by that."""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    fitted_array,
    fitted_floats,
    read_list,
    read_number,
    read_record,
    read_width,
    read_word,
)
from iris_deploy.estimators.tree_nodes import MAX_NODES, read_nodes
from iris_deploy.schema.batch import Floats


def important(selector: Fitted) -> np.ndarray[Any, Any]:
    """Return which features a SelectFromModel keeps.

    Raises
    ------
    ArtifactError
    """
    estimator = selector.state.get("estimator_", selector.state.get("estimator"))
    if not isinstance(estimator, Fitted):
        raise ArtifactError(f"{selector.name} has no estimator_; expected a fitted estimator")
    if read_word(selector, "importance_getter", "auto") != "auto":
        raise ArtifactError(f"{selector.name} asks for importances in a way of its own")
    figures = _importances(selector, estimator)
    kept: np.ndarray[Any, Any] = figures >= _threshold(selector, estimator, figures)
    most = selector.state.get("max_features_", selector.state.get("max_features"))
    if most is None:
        return kept
    if type(most) is not int or most < 0:
        raise ArtifactError(f"{selector.name} has max_features that are no number")
    first = np.zeros(len(figures), bool)
    first[np.argsort(-figures, kind="stable")[:most]] = True
    return kept & first


def _importances(selector: Fitted, estimator: Fitted) -> Floats:
    """Return a figure for each feature: of its weights, or of what splits by it have gained."""
    if "coef_" in estimator.state:
        coef = fitted_floats(estimator, "coef_", fitted_array(estimator, "coef_").shape)
        if coef.ndim == 1:
            return np.abs(coef)
        order = read_number(selector, "norm_order", 1)
        if coef.ndim != 2 or order not in {1, 2, np.inf, -np.inf}:
            raise ArtifactError(f"{selector.name} has norm_order {order} of other than two axes")
        return np.asarray(np.linalg.norm(coef, axis=0, ord=order))
    width = read_width(estimator, "n_features_")
    if "tree_" in estimator.state:
        return _gains(estimator, width)
    members = [
        member
        for member in (read_list(estimator, "estimators_") if _is_forest(estimator) else [])
        if isinstance(member, Fitted)
    ]
    counts = [_count(member) for member in members]
    if not members or sum(counts) > MAX_NODES:
        raise ArtifactError(
            f"{selector.name} selects by {estimator.name}; expected one with coef_, a decision "
            "tree or a forest"
        )
    grown = [m for m, count in zip(members, counts, strict=True) if count > 1]
    if not grown:
        return np.zeros(width)
    mean = np.mean([_gains(member, width) for member in grown], axis=0)
    return np.asarray(mean / np.sum(mean))


def _is_forest(estimator: Fitted) -> bool:
    name = estimator.name.rpartition(".")[2]
    return name.startswith(("RandomForest", "ExtraTrees"))


_FIELDS = {
    **dict.fromkeys(("left_child", "right_child", "feature"), "i"),
    **dict.fromkeys(("impurity", "weighted_n_node_samples"), "f"),
}


def _count(tree: Fitted) -> int:
    nodes = read_record(tree, "tree_").state.get("nodes")
    return len(nodes) if isinstance(nodes, np.ndarray) and nodes.ndim == 1 else 0


def _gains(tree: Fitted, width: int) -> Floats:
    """Return by how much splits by each feature have lowered impurity, as shares."""
    nodes = read_nodes(tree, read_record(tree, "tree_").state.get("nodes"), _FIELDS)
    weighed = nodes["weighted_n_node_samples"] * nodes["impurity"]
    inner = nodes["left_child"] != -1
    left, right = nodes["left_child"][inner], nodes["right_child"][inner]
    feature = nodes["feature"][inner]
    for places, end in ((left, len(nodes)), (right, len(nodes)), (feature, width)):
        if ((places < 0) | (places >= end)).any():
            raise ArtifactError(f"{tree.name} has a node with a child or a feature that is none")
    gains = np.zeros(width)
    with np.errstate(all="ignore"):
        np.add.at(gains, feature, weighed[inner] - weighed[left] - weighed[right])
        gains /= nodes["weighted_n_node_samples"][0] if len(nodes) else 1.0
        total = np.sum(gains)
    if not np.isfinite(total):
        raise ArtifactError(f"{tree.name} has impurities that are not finite")
    return gains / total if total > 0.0 else gains


_SPARSE = ("Lasso", "LassoCV", "MultiTaskLasso", "LassoLars", "LassoLarsCV", "LassoLarsIC")


def _threshold(selector: Fitted, estimator: Fitted, figures: Floats) -> float:
    """Return the least figure of a feature that is kept."""
    wanted = selector.state.get("threshold")
    if wanted is None:
        wanted = 1e-5 if _leaves_out(estimator) else "mean"
    if not isinstance(wanted, str):
        return read_number(Fitted(selector.name, {"threshold": wanted}), "threshold", 0.0)
    scale, times, reference = wanted.rpartition("*")
    try:
        factor = float(scale) if times else 1.0
    except ValueError:
        factor = np.nan
    if reference.strip() not in {"mean", "median"} or not np.isfinite(factor):
        raise ArtifactError(f"{selector.name} has the threshold {wanted!r:.40}")
    middle = np.mean if reference.strip() == "mean" else np.median
    return factor * float(middle(figures))


def _leaves_out(estimator: Fitted) -> bool:
    """Tell whether an estimator gives most features no weight at all, by its penalty."""
    name = estimator.name.rpartition(".")[2]
    penalty = estimator.state.get("penalty")
    if (isinstance(penalty, str) and penalty == "l1") or name in _SPARSE:
        return True
    attribute = {
        "ElasticNet": "l1_ratio",
        "LogisticRegression": "l1_ratio",
        "ElasticNetCV": "l1_ratio_",
    }.get(name)
    ratio = estimator.state.get(attribute) if attribute else None
    return isinstance(ratio, float) and bool(np.isclose(ratio, 1.0))
