"""The leaves of trees, each with its box: the intervals of features from which rows come to it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.nodes import Integers, Nodes
from iris_deploy.schema.batch import Floats

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
        self._bit = np.arange(len(self.nodes)) - self.first[self._tree]

    @property
    def most(self) -> int:
        """Leaves of the tree that has most."""
        return int(self._bit.max()) + 1

    def flags(self, word: "np.dtype[Any]") -> Matrix:
        """Return the bit of each leaf, set in a word."""
        flags: Matrix = np.left_shift(word.type(1), self._bit.astype(word))
        return flags

    @property
    def steps(self) -> int:
        """Of a row that takes all leaves of a tree alike."""
        depth = np.empty(len(self._all.feature), np.int64)
        for level, own in enumerate(self._all.levels):
            depth[own] = level
        return int((np.bincount(self._tree, depth[self.nodes]) / np.bincount(self._tree)).sum())

    def values_from(self, start: Sequence[float]) -> Floats:
        """Return what the leaves say, those of the first trees together with the start.

        Parameters
        ----------
        start : sequence of float, length n_scores

        Returns
        -------
        ndarray of shape (n_leaves, n_values)
        """
        values = self._all.values[self.nodes]
        if values.shape[1] > 1:
            values[self._tree == 0] += start
        else:
            first = self._tree < len(start)
            values[first, 0] += np.array(start)[self._tree[first]]
        return values

    def boxes(
        self, feature: Integers, rank: NDArray[np.int32], counts: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
        """Return the first and the last interval from which a row can reach a leaf.

        Parameters
        ----------
        feature, rank : ndarray of int, shape (n_inner,)
            What the inner nodes ask about, and the position of their threshold among its own;
            no rank, below 0, of those that are left out.
        counts : ndarray of int, shape (n_features,)
            Thresholds of each feature.

        Returns
        -------
        low, high : ndarray of int, shape (n_leaves, n_features)
        missing : ndarray of bool, shape (n_leaves, n_features)
            Whether a row whose feature is missing can.
        """
        nodes = self._all
        low = np.zeros((len(nodes.feature), len(counts)), np.int32)
        high = np.tile(counts, (len(nodes.feature), 1))
        missing = np.ones_like(low, bool)
        place = np.zeros(len(nodes.feature), np.int64)
        place[self.inner] = np.arange(len(self.inner))
        is_leaf = nodes.is_leaf
        for level in nodes.levels:
            node = level[~is_leaf[level]]
            left, right = nodes.left[node], nodes.right[node]
            low[left] = low[right] = low[node]
            high[left] = high[right] = high[node]
            missing[left] = missing[right] = missing[node]
            node = node[rank[place[node]] >= 0]
            asked, at = feature[place[node]], rank[place[node]]
            left, right = nodes.left[node], nodes.right[node]
            high[left, asked] = np.minimum(high[left, asked], at)
            low[right, asked] = np.maximum(low[right, asked], at + 1)
            missing[left, asked] &= nodes.missing_left[node]
            missing[right, asked] &= ~nodes.missing_left[node]
        return low[self.nodes], high[self.nodes], missing[self.nodes]

    def write_reachable(
        self,
        low: NDArray[np.int32],
        high: NDArray[np.int32],
        missing: NDArray[np.bool_],
        flag: Matrix,
        table: Matrix,
    ) -> None:
        """Write which leaves a feature allows: in each interval, and in the last line if missing.

        Parameters
        ----------
        low, high, missing : ndarray of shape (n_leaves,)
            See `boxes`.
        flag : ndarray of unsigned int, shape (n_leaves,)
            See `flags`.
        table : ndarray of shape (n_intervals + 1, n_trees)
        """
        reachable = low <= high
        # A bit is switched on where its box begins, and off behind its end.
        switched = np.zeros_like(table)
        for interval in (low, high + 1):
            at = (interval[reachable], self._tree[reachable])
            np.bitwise_xor.at(switched, at, flag[reachable])
        np.bitwise_xor.accumulate(switched[:-1], axis=0, out=table[:-1])
        table[-1] = 0
        np.bitwise_or.at(table[-1], self._tree[missing], flag[missing])

    def write_lines(
        self, asking: Integers, goes_left: NDArray[np.bool_], flag: Matrix, table: Matrix
    ) -> None:
        """Write which leaves a feature allows that is the number of a line.

        Parameters
        ----------
        asking : ndarray of int, shape (n_asking,)
            Nodes that ask about it.
        goes_left : ndarray of bool, shape (n_asking, n_lines)
            Whether a row goes left there.
        flag : ndarray of unsigned int, shape (n_leaves,)
            See `flags`.
        table : ndarray of shape (n_lines + 1, n_trees)
            Of which the last line, for what is missing, stays empty: no number of a line is.
        """
        nodes = self._all
        allowed = np.ones((len(nodes.feature), goes_left.shape[1]), bool)
        place = np.full(len(nodes.feature), -1)
        place[asking] = np.arange(len(asking))
        is_leaf = nodes.is_leaf
        for level in nodes.levels:
            node = level[~is_leaf[level]]
            allowed[nodes.left[node]] = allowed[nodes.right[node]] = allowed[node]
            node = node[place[node] >= 0]
            left = goes_left[place[node]]
            allowed[nodes.left[node]] &= left
            allowed[nodes.right[node]] &= ~left
        words = np.where(allowed[self.nodes].T, flag, table.dtype.type(0))
        np.add.reduceat(words, self.first, axis=1, out=table[:-1])
        table[-1] = 0
