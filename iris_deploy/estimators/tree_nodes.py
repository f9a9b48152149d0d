"""Nodes of trees out of dumps, checked: whoever made the dump chose them.

Every node but a root is a child once, and comes after its parent: no walk has more steps than the
tree is deep, none leads out of the tree, and all can be looked at in time linear in their number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.kernels.nodes import LARGEST_SINGLE, Integers, Nodes
from iris_deploy.kernels.tree_columns import MAX_FEATURES
from iris_deploy.schema.batch import Floats

MAX_NODES = 20_000_000
"""Of all trees together; what a dump of the largest size holds is fewer."""

MAX_DEPTH = 512
"""Levels of a tree; scikit-learn's own grow to some 50."""

_LARGEST_DOUBLE = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One tree as a dump has it; children are positions in it.

    Parameters
    ----------
    left, right : ndarray of int, shape (n_nodes,)
        Children; of a leaf whatever is there.
    feature : ndarray of int, shape (n_nodes,)
    threshold : ndarray of float, shape (n_nodes,)
    leaf : ndarray of bool, shape (n_nodes,)
    missing_left : ndarray of bool, shape (n_nodes,)
        Whether a missing value goes left.
    values : ndarray of float, shape (n_nodes, n_values)
    """

    left: Integers
    right: Integers
    feature: Integers
    threshold: Floats
    leaf: NDArray[np.bool_]
    missing_left: NDArray[np.bool_]
    values: Floats


def read_nodes(owner: Fitted, nodes: object, kinds: Mapping[str, str]) -> NDArray[np.void]:
    """Return an array of nodes whose fields are what they are in scikit-learn.

    Parameters
    ----------
    owner : Fitted
        What an error names.
    nodes : object
        Of one axis and with the fields, or refused.
    kinds : mapping of str to str
        NumPy's kinds that a field may have, by the field's name.

    Raises
    ------
    ArtifactError
    """
    if not isinstance(nodes, np.ndarray) or nodes.ndim != 1:
        raise ArtifactError(f"{owner.name} has a tree without nodes")
    fields = nodes.dtype.fields or {}
    for name, allowed in kinds.items():
        found = fields[name][0] if name in fields else None
        if found is None or found.kind not in allowed:
            raise ArtifactError(
                f"{owner.name} has a tree whose nodes are not scikit-learn's: "
                f"{name} is {'missing' if found is None else found}"
            )
    return nodes


def check_trees(trees: Sequence[Tree], n_features: int, *, single: bool) -> Nodes:
    """Put trees together, and make sure that they are some.

    Parameters
    ----------
    trees : sequence of Tree
    n_features : int
        That nodes may ask about.
    single : bool
        Whether thresholds are compared with floats of 32 bits.

    Raises
    ------
    ArtifactError
    """
    if not trees:
        raise ArtifactError("an ensemble of the dump has no trees")
    sizes = np.array([len(tree.leaf) for tree in trees])
    if sizes.min() < 1 or sizes.sum() > MAX_NODES or n_features >= MAX_FEATURES:
        raise ArtifactError(f"the trees of the dump have {sizes.sum()} nodes, or one has none")
    roots = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    offset = np.repeat(roots, sizes)
    leaf = np.concatenate([tree.leaf for tree in trees])
    itself = np.arange(len(leaf))
    left = np.concatenate([tree.left for tree in trees]).astype(np.int64) + offset
    right = np.concatenate([tree.right for tree in trees]).astype(np.int64) + offset
    left, right = np.where(leaf, itself, left), np.where(leaf, itself, right)
    feature = np.concatenate([tree.feature for tree in trees]).astype(np.int64)
    threshold = np.concatenate([tree.threshold for tree in trees]).astype(np.float64)
    values = np.concatenate([tree.values for tree in trees]).astype(np.float64)
    inner = ~leaf
    _check_children(
        left[inner], right[inner], itself[inner], (offset + np.repeat(sizes, sizes)), roots
    )
    asked = feature[inner]
    if ((asked < 0) | (asked >= n_features)).any():
        raise ArtifactError(f"a tree of the dump asks about a feature that is none of {n_features}")
    if np.isnan(threshold[inner]).any() or not np.isfinite(values[leaf]).all():
        raise ArtifactError("a tree of the dump has a threshold or a leaf that is no number")
    largest = LARGEST_SINGLE if single else _LARGEST_DOUBLE
    return Nodes(
        feature=np.where(leaf, 0, feature),
        # What is missing is above every threshold, and no value is.
        threshold=np.where(leaf, np.inf, np.clip(threshold, -largest, largest)),
        left=left,
        right=right,
        missing_left=np.concatenate([tree.missing_left for tree in trees]) & inner,
        values=values,
        roots=roots,
        levels=_levels(left, right, leaf, roots),
    )


def _check_children(
    left: Integers, right: Integers, parent: Integers, end: Integers, roots: Integers
) -> None:
    ends = end[parent]
    if not ((left > parent) & (left < ends) & (right > parent) & (right < ends)).all():
        raise ArtifactError("a tree of the dump has a child before its parent, or outside")
    seen = np.bincount(np.concatenate((left, right)), minlength=len(end))
    seen[roots] += 1
    if not (seen == 1).all():
        raise ArtifactError("a tree of the dump has a node that is the child of none, or of two")


def _levels(
    left: Integers, right: Integers, leaf: NDArray[np.bool_], roots: Integers
) -> list[Integers]:
    """Return the nodes of all trees by their depth."""
    levels = [roots]
    while True:
        inner = levels[-1][~leaf[levels[-1]]]
        if not len(inner):
            return levels
        if len(levels) > MAX_DEPTH:
            raise ArtifactError(f"a tree of the dump is more than {MAX_DEPTH} levels deep")
        levels.append(np.stack((left[inner], right[inner]), axis=1).ravel())
