"""The trees of a model of XGBoost, checked: arrays for each tree, as its document has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.tree_nodes import MAX_DEPTH, Tree
from iris_deploy.estimators.xgboost_document import Learner
from iris_deploy.estimators.xgboost_members import member, numbers, whole_number
from iris_deploy.kernels.nodes import LARGEST_SINGLE, Integers

MAX_CATEGORY = 1 << 24
"""From here on 32 bits do not tell one whole number from the next."""

_KINDS = {
    **dict.fromkeys(("left_children", "right_children", "split_indices"), "iu"),
    "split_conditions": "fiu",
    "default_left": "iub",
}
_LEAF = -1
_SUMMED = (1, 4)  # since when weighted trees are added to the start one by one

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Trees in the order in which they add up, taking turns over the scores.

    Parameters
    ----------
    trees : list of Tree
        Of which nodes that ask about categories have a threshold of 0.5.
    sets : list of (int, ndarray of int)
        Position of such a node among all nodes, and the categories that go right.
    """

    trees: list[Tree]
    sets: list[tuple[int, Integers]]


def read_trees(learner: Learner) -> Read:
    """Read the trees of a model that predict.

    Raises
    ------
    ArtifactError
        If they are not as XGBoost writes them.
    """
    if learner.booster not in {"gbtree", "dart"}:
        raise ArtifactError(
            f"XGBoost's booster {learner.booster!r:.40} is not supported",
            hint="fit it with booster='gbtree'",
        )
    if learner.weights is not None and learner.version < _SUMMED:
        raise ArtifactError(
            "models of dart are not supported that an XGBoost before 1.4 has written",
            hint="it adds trees up in another order; fit the model again",
        )
    listed = member(learner.trees, "trees", list)
    of_score = numbers(learner.trees, "tree_info", "iu", len(listed)).astype(np.int64)
    weights = _weights(learner, len(listed))
    turns = _in_turns(of_score[: _count_used(learner, len(listed))], learner.n_scores)
    raw = [_read_tree(listed[number]) for number in turns.tolist()]
    sizes = np.array([len(arrays["left_children"]) for arrays, _ in raw], np.int64)
    nodes = {name: np.concatenate([arrays[name] for arrays, _ in raw]) for name in _KINDS}
    order, place = _order(nodes["left_children"], nodes["right_children"], sizes)
    nodes = {name: array[order] for name, array in nodes.items()}
    roots = np.cumsum(sizes) - sizes
    leaf = nodes["left_children"] == _LEAF
    sets = [
        (int(place[root + node]), members)
        for root, (_, own) in zip(roots.tolist(), raw, strict=True)
        for node, members in own
    ]
    sets = [(node, members) for node, members in sets if node >= 0 and not leaf[node]]
    tree = roots.searchsorted(order, side="right") - 1
    start = np.array(learner.start, np.float32)[of_score[turns]] * np.float32(learner.adds_start)
    trees = _cut(nodes, tree, place, roots, [node for node, _ in sets], (start, weights[turns]))
    return Read(trees, sets)


def _in_turns(of_score: Integers, n_scores: int) -> Integers:
    """Return the trees in an order in which they take turns over the scores."""
    known = of_score[(of_score >= 0) & (of_score < n_scores)]
    counts = np.bincount(known, minlength=n_scores)
    if len(known) < len(of_score) or not counts[0] or (counts != counts[0]).any():
        raise ArtifactError("the model does not have as many trees for each score, or none")
    return np.argsort(of_score, kind="stable").reshape(n_scores, -1).T.ravel()


def _cut(
    nodes: Arrays,
    tree: Integers,
    place: Integers,
    roots: Integers,
    asking: list[int],
    adds: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> list[Tree]:
    """Cut the nodes of all trees into trees.

    Parameters
    ----------
    nodes : dict of str to ndarray
        In their new order, tree by tree; children by their old position.
    tree : ndarray of int, shape (n_nodes,)
    place : ndarray of int
        The new position of each node by its old one.
    roots : ndarray of int, shape (n_trees,)
        Old positions.
    asking : list of int
        Nodes that ask about categories.
    adds : (ndarray, ndarray), each of shape (n_trees,)
        What leaves are added to, and taken from again, as some releases do it; their weight.
    """
    leaf = nodes["left_children"] == _LEAF
    start, weight = (of[tree] for of in adds)
    asks = np.zeros(len(leaf), bool)
    asks[asking] = True
    with np.errstate(over="ignore", invalid="ignore"):
        condition = nodes["split_conditions"].astype(np.float32)
        says = ((start + condition - start) * weight).astype(np.float64)
    if not (np.abs(condition[~leaf & ~asks]) < LARGEST_SINGLE).all():
        raise ArtifactError("a tree of the model has a threshold that is no number")
    # Left goes what is below the threshold, here what is at most the float before it.
    threshold = np.nextafter(condition, np.float32(-np.inf)).astype(np.float64)
    first = np.searchsorted(tree, np.arange(len(roots)))
    left, right = (
        place[np.where(leaf, 0, nodes[name]) + roots[tree]] - first[tree]
        for name in ("left_children", "right_children")
    )
    whole = (
        *(left, right, nodes["split_indices"].astype(np.int64), np.where(asks, 0.5, threshold)),
        *(leaf, nodes["default_left"].astype(bool), says.reshape(-1, 1)),
    )
    return [Tree(*parts) for parts in zip(*(np.split(a, first[1:]) for a in whole), strict=True)]


def _weights(learner: Learner, n_trees: int) -> NDArray[np.float32]:
    if learner.weights is None:
        return np.ones(n_trees, np.float32)
    weights = numbers({"weight_drop": learner.weights}, "weight_drop", "fiu", n_trees)
    return weights.astype(np.float32)


def _count_used(learner: Learner, n_trees: int) -> int:
    """Return how many trees predict: those up to the best round, if there is one."""
    rounds, of_each = learner.best
    if rounds is None:
        return n_trees
    ends = learner.trees.get("iteration_indptr")
    if ends is None:  # before release 2.0
        parameters = member(learner.trees, "gbtree_model_param", dict)
        parallel = max(whole_number(parameters, "num_parallel_tree", 1), 1)
        of_each = rounds * parallel if of_each is None else of_each
        return min(of_each * learner.n_scores, n_trees)
    ends = numbers(learner.trees, "iteration_indptr", "iu").tolist()
    if rounds >= len(ends) or not 0 <= ends[rounds] <= n_trees:
        raise ArtifactError(f"the model has no {rounds} rounds, of which the last is the best")
    return int(ends[rounds])


def _read_tree(document: object) -> tuple[Arrays, Sequence[tuple[int, Integers]]]:
    """Return the numbers of one tree's nodes, and the sets of categories that it asks about."""
    if not isinstance(document, dict):
        raise ArtifactError("the model has a tree that is none")
    parameters = member(document, "tree_param", dict)
    if whole_number(parameters, "size_leaf_vector", 1) > 1:
        raise ArtifactError("trees of XGBoost with several outputs at once are not supported")
    n_nodes = whole_number(parameters, "num_nodes", 0)
    if not n_nodes:
        raise ArtifactError("the model has a tree without nodes")
    arrays = {name: numbers(document, name, kinds, n_nodes) for name, kinds in _KINDS.items()}
    return arrays, _sets(document, n_nodes)


def _order(
    left: np.ndarray[Any, Any], right: np.ndarray[Any, Any], sizes: Integers
) -> tuple[Integers, Integers]:
    """Return the nodes tree by tree and level by level: pruning leaves some that nobody comes to.

    Returns
    -------
    order : ndarray of int
        Old positions.
    place : ndarray of int, shape (n_nodes,)
        New positions; -1 of a node that is left out.
    """
    roots = np.cumsum(sizes) - sizes
    levels, of, found = [roots], [np.arange(len(sizes))], len(roots)
    while True:
        is_inner = left[levels[-1]] != _LEAF
        inner, tree = levels[-1][is_inner], np.repeat(of[-1][is_inner], 2)
        if not len(inner):
            break
        below = np.stack((left[inner], right[inner]), axis=1).ravel().astype(np.int64)
        found += len(below)
        outside = (below < 1) | (below >= sizes[tree])
        if found > len(left) or len(levels) > MAX_DEPTH or outside.any():
            raise ArtifactError("a tree of the model is none: a child is outside, or is of two")
        levels.append(below + roots[tree])
        of.append(tree)
    order = np.concatenate(levels)[np.argsort(np.concatenate(of), kind="stable")]
    place = np.full(len(left), -1)
    place[order] = np.arange(len(order))
    return order, place


def _sets(document: dict[str, Any], n_nodes: int) -> Sequence[tuple[int, Integers]]:
    """Return which nodes ask about categories, and which categories go right there."""
    if "split_type" not in document:  # before release 1.3
        return []
    kind = numbers(document, "split_type", "iu", n_nodes)
    nodes = numbers(document, "categories_nodes", "iu").astype(np.int64)
    begins = numbers(document, "categories_segments", "iu", len(nodes)).tolist()
    sizes = numbers(document, "categories_sizes", "iu", len(nodes)).tolist()
    members = numbers(document, "categories", "iu").astype(np.int64)
    if nodes.tolist() != np.flatnonzero(kind).tolist():
        raise ArtifactError(
            "a tree of the model does not say which of its nodes ask for categories"
        )
    if ((members < 0) | (members >= MAX_CATEGORY)).any():
        raise ArtifactError("a tree of the model has a category that is none")
    found, at = [], 0
    for node, begin, size in zip(nodes.tolist(), begins, sizes, strict=True):
        if begin != at or not 0 <= size <= len(members) - at:
            raise ArtifactError("a tree of the model has categories that are cut oddly")
        found.append((node, members[at : at + size]))
        at += size
    return found
