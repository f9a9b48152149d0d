"""The leaves of trees, each with its box: the intervals of features from which rows come to it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.nodes import Integers, Nodes

Matrix = np.ndarray[Any, Any]


class Leaves:
    """The leaves of trees, tree by tree.

    Parameters
    ----------
    nodes : Nodes
    """

    def __init__(self, nodes: Nodes) -> None:
        self._all = nodes
        n_trees, is_leaf = len(nodes.roots), nodes.is_leaf
        self.nodes, self.inner = np.flatnonzero(is_leaf), np.flatnonzero(~is_leaf)
        self._tree = nodes.roots.searchsorted(self.nodes, side="right") - 1
        self.first = self._tree.searchsorted(np.arange(n_trees))
        self.bit = np.arange(len(self.nodes)) - self.first[self._tree]

    @property
    def most(self) -> int:
        """Leaves of the tree that has most."""
        return int(self.bit.max()) + 1

    @property
    def steps(self) -> int:
        """Of a row that takes all leaves of a tree alike."""
        depth = np.empty(len(self._all.feature), np.int64)
        for level, own in enumerate(self._all.levels):
            depth[own] = level
        return int((np.bincount(self._tree, depth[self.nodes]) / np.bincount(self._tree)).sum())

    def boxes(
        self, feature: Integers, rank: NDArray[np.int32], counts: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the first and the last interval in which a row can reach a leaf.

        Parameters
        ----------
        feature, rank : ndarray of int, shape (n_inner,)
            What the inner nodes ask about, and the position of their threshold among its own.
        counts : ndarray of int, shape (n_features,)
            Thresholds of each feature.

        Returns
        -------
        tuple of ndarray of int, shape (n_leaves, n_features)
        """
        nodes = self._all
        low = np.zeros((len(nodes.feature), len(counts)), np.int32)
        high = np.tile(counts, (len(nodes.feature), 1))
        place = np.zeros(len(nodes.feature), np.int64)
        place[self.inner] = np.arange(len(self.inner))
        is_leaf = nodes.is_leaf
        for level in nodes.levels:
            node = level[~is_leaf[level]]
            asked, at = feature[place[node]], rank[place[node]]
            left, right = nodes.left[node], nodes.right[node]
            low[left] = low[right] = low[node]
            high[left] = high[right] = high[node]
            high[left, asked] = np.minimum(high[left, asked], at)
            low[right, asked] = np.maximum(low[right, asked], at + 1)
        return low[self.nodes], high[self.nodes]

    def write_reachable(
        self, low: NDArray[np.int32], high: NDArray[np.int32], table: Matrix
    ) -> None:
        """Write which leaves can be reached in each interval of a feature, into its part."""
        reachable = np.flatnonzero(low <= high)
        tree, bit = self._tree[reachable], self.bit[reachable].astype(table.dtype)
        # A bit is switched on where its box begins, and off behind its end.
        switched = np.zeros((len(table) + 1, table.shape[1]), table.dtype)
        for interval in (low[reachable], high[reachable] + 1):
            np.bitwise_xor.at(switched, (interval, tree), np.left_shift(table.dtype.type(1), bit))
        np.bitwise_xor.accumulate(switched[:-1], axis=0, out=table)
