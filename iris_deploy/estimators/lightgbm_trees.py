"""The trees of a model of LightGBM, checked: arrays for each tree, as its text has them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.dumps.lightgbm_text import Section
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.tree_nodes import Tree
from iris_deploy.kernels.nodes import Integers

_BY_CATEGORY, _DEFAULT_LEFT, _MISSING = 1, 2, 2  # bits of a decision, and where the third part is
_NONE, _ZERO, _NAN = range(3)  # what is missing: nothing, so that NaN is 0; 0 and NaN; NaN
_WORD = 32

ZERO = float(np.float32(1e-35))
"""What is no farther from zero is zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """One tree; leaves stand behind the nodes that ask.

    Parameters
    ----------
    tree : Tree
        Of which nodes that ask about categories have a threshold of 0.5.
    by_zero : ndarray of bool, shape (n_nodes,)
        For which nodes a feature is missing, too, that is zero.
    sets : list of (int, ndarray of int)
        Nodes that ask about categories, and the categories that go left.
    """

    tree: Tree
    by_zero: NDArray[np.bool_]
    sets: list[tuple[int, Integers]]


def read_tree(section: Section) -> Read:
    """Read one tree.

    Parameters
    ----------
    section : dict of str to str

    Raises
    ------
    ArtifactError
        If it is not as LightGBM writes it.
    """
    try:
        return _read(section)
    except ArtifactError:
        raise
    except (OverflowError, ValueError) as exc:
        raise ArtifactError(f"a tree of the model is damaged: {str(exc)[:100]}") from exc


def _read(section: Section) -> Read:
    if section.get("is_linear", "0") != "0":
        raise ArtifactError(
            "trees of LightGBM with linear models in their leaves are not supported",
            hint="fit it with linear_tree=False",
        )
    n_leaves = int(section.get("num_leaves", "0"))
    if n_leaves < 1:
        raise ArtifactError("the model has a tree without leaves")
    n_inner = n_leaves - 1
    says = _array(section, "leaf_value", float, n_leaves)
    feature, left, right, decision = (
        _array(section, name, int, n_inner)
        for name in ("split_feature", "left_child", "right_child", "decision_type")
    )
    threshold = _array(section, "threshold", float, n_inner)
    asks = (decision & _BY_CATEGORY) > 0
    sets = _sets(section, np.flatnonzero(asks), threshold) if asks.any() else []
    kind = (decision >> _MISSING) & 3
    to_left = np.where(kind == _NONE, threshold >= 0.0, (decision & _DEFAULT_LEFT) > 0) & ~asks
    if np.isnan(threshold).any() or (decision >> 4).any() or (kind > _NAN).any():
        raise ArtifactError("a tree of the model asks in a way that is not known")
    # Values this near to zero are taken for it before they are compared.
    near = np.abs(threshold) <= ZERO
    threshold = np.where(near, np.where(threshold >= 0.0, ZERO, -np.nextafter(ZERO, 1)), threshold)
    none = np.zeros(n_leaves, bool)
    tree = Tree(
        left=_behind(left, n_inner),
        right=_behind(right, n_inner),
        feature=np.append(feature, np.zeros(n_leaves, np.int64)),
        threshold=np.append(np.where(asks, 0.5, threshold), np.zeros(n_leaves)),
        leaf=np.append(np.zeros(n_inner, bool), ~none),
        missing_left=np.append(to_left, none),
        values=np.append(np.zeros(n_inner), says).reshape(-1, 1),
    )
    return Read(tree, np.append((kind == _ZERO) & ~asks, none), sets)


def _behind(child: Integers, n_inner: int) -> Integers:
    """Return positions among all nodes of a tree; a leaf is written as its complement."""
    position = np.where(child < 0, n_inner + ~child, child)
    return np.append(position, np.zeros(n_inner + 1, np.int64))


def _sets(
    section: Section, nodes: Integers, threshold: NDArray[np.float64]
) -> list[tuple[int, Integers]]:
    """Return the categories that go left: bits of words, of which each node has some."""
    n_sets = int(section.get("num_cat", "0"))
    ends = _array(section, "cat_boundaries", int, n_sets + 1).tolist()
    words = _array(section, "cat_threshold", int, ends[-1] if ends else 0)
    if ends != sorted(ends) or ends[0] != 0 or ((words < 0) | (words >> _WORD > 0)).any():
        raise ArtifactError("a tree of the model has categories that are cut oddly")
    found = []
    for node in nodes.tolist():
        number = int(threshold[node])
        if not 0 <= number < n_sets:
            raise ArtifactError("a tree of the model asks for categories that are not there")
        own = words[ends[number] : ends[number + 1]].astype("<u4").view(np.uint8)
        found.append((node, np.flatnonzero(np.unpackbits(own, bitorder="little"))))
    if len({int(number) for number in threshold[nodes].tolist()}) < len(nodes):
        raise ArtifactError("a tree of the model asks for the same categories twice")
    return found


def _array(section: Section, name: str, kind: Callable[[str], Any], length: int) -> Any:
    """Return the numbers of a line.

    Raises
    ------
    ArtifactError, OverflowError, ValueError
        If they are none, or not as many.
    """
    parts = section.get(name, "").split()
    if len(parts) != length:
        raise ArtifactError(
            f"a tree of the model has {len(parts)} numbers in {name}; expected {length}"
        )
    return np.array([kind(part) for part in parts], np.int64 if kind is int else np.float64)
