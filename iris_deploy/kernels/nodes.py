"""The nodes of trees, and thresholds as rows of either width are compared with them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iris_deploy.schema.batch import Floats

LARGEST_SINGLE = float(np.finfo(np.float32).max)

LARGEST_ROUNDED = float(np.nextafter((LARGEST_SINGLE + 2.0**128) / 2, 0))
"""The largest double that 32 bits hold when it is rounded."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """The nodes of all trees, tree by tree, parents before their children.

    Parameters
    ----------
    feature : ndarray of int, shape (n_nodes,)
        Which is asked about; of a leaf 0.
    threshold : ndarray of float, shape (n_nodes,)
        A row goes left if its feature is at most this; of a leaf infinite.
    left, right : ndarray of int, shape (n_nodes,)
        Children, by their position among all nodes; a leaf is its own.
    missing_left : ndarray of bool, shape (n_nodes,)
        Whether a row goes left whose feature is missing; of a leaf not.
    values : ndarray of float, shape (n_nodes, n_values)
        What a leaf says; sums are rounded to its type, of 64 bits or, with one value a leaf, 32.
    roots : ndarray of int, shape (n_trees,)
    levels : list of ndarray of int
        Nodes by their depth, from the roots on.
    """

    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers
    missing_left: NDArray[np.bool_]
    values: Floats
    roots: Integers
    levels: Sequence[Integers]

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Which nodes are leaves."""
        leaf: NDArray[np.bool_] = self.left == np.arange(len(self.left))
        return leaf

    def ask_copies(self, n_features: int) -> tuple["Nodes", Integers]:
        """Let nodes where what is missing goes left ask about copies in which it is very small.

        Parameters
        ----------
        n_features : int
            Behind which the copies are.

        Returns
        -------
        nodes : Nodes
            By which what is missing goes right.
        copied : ndarray of int, shape (n_copies,)
            Which features are copied.
        """
        copied, place = np.unique(self.feature[self.missing_left], return_inverse=True)
        feature = self.feature.copy()
        feature[self.missing_left] = n_features + place
        return replace(self, feature=feature, missing_left=np.zeros(len(feature), bool)), copied


def round_up_to_tie(threshold: Floats) -> Floats:
    """Return the largest double that becomes at most a threshold when it is rounded to 32 bits.

    Parameters
    ----------
    threshold : ndarray of shape (n_nodes,)

    Returns
    -------
    ndarray of shape (n_nodes,)
        For which x at most it, as a double, is the same as x at most the threshold, as a single.
    """
    below = single_below(threshold)
    with np.errstate(over="ignore", invalid="ignore"):
        above = np.nextafter(below, np.float32(np.inf))
        middle = (below.astype(np.float64) + above.astype(np.float64)) / 2
        even = (below.view(np.uint32) & 1) == 0  # to which a tie is rounded
        tie = np.where(even, middle, np.nextafter(middle, -np.inf))
    tie = np.where(np.isfinite(tie), tie, LARGEST_SINGLE)
    return np.where(np.isfinite(threshold), tie, threshold)


def single_below(threshold: Floats) -> NDArray[np.float32]:
    """Return the largest 32-bit float that is at most a threshold."""
    with np.errstate(over="ignore"):
        rounded = threshold.astype(np.float32)
        down = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > threshold, down, rounded).astype(np.float32)
