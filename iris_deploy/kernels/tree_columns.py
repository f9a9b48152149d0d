"""Many rows down many trees, by NumPy.

Some hundred rows go down all trees at once, a level at a time. More go tree by tree: through its
top as comparisons of whole columns, from there on node by node, those who have arrived left out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from iris_deploy.kernels.nodes import Integers, Nodes
from iris_deploy.schema.batch import Floats

_PAIRS = 1 << 16
"""Pairs of a row and a tree that are worked on at once: 512 KiB an array."""

_BLOCK_ROWS = 1 << 15
_BLOCK_BYTES = 1 << 25  # of features
_TOP = 5
"""Levels of a tree that are compared as whole columns: 31 comparisons."""

_SHIFT = 20
_FEATURE = (1 << _SHIFT) - 1

MAX_FEATURES = 1 << _SHIFT
"""Of a tree; a node's feature and its children share a number of 64 bits."""

Matrix = np.ndarray[Any, Any]


class Walk:
    """Trees made ready for many rows.

    Parameters
    ----------
    nodes : Nodes
    threshold : ndarray of shape (n_nodes,)
        As the features are compared with it, in their type; finite but for leaves.
    n_features : int
    start : sequence of float, length n_scores
        What is added to.
    """

    def __init__(
        self, nodes: Nodes, threshold: Matrix, n_features: int, start: Sequence[float]
    ) -> None:
        self._start = np.array(start, nodes.values.dtype)
        nodes, self._copied = nodes.ask_copies(n_features)
        n_nodes, n_trees = len(nodes.feature), len(nodes.roots)
        sizes = np.diff(np.append(nodes.roots, n_nodes))
        tree = np.repeat(np.arange(n_trees), sizes)
        # Level by level within each tree: the right child is the next one after the left.
        by_level = np.concatenate(nodes.levels)
        order = by_level[np.argsort(tree[by_level], kind="stable")]
        moved = np.empty(n_nodes, np.int64)
        moved[order] = np.arange(n_nodes)
        self._leaf = nodes.is_leaf[order]
        self._threshold = threshold[order]
        left = moved[nodes.left[order]] - np.repeat(nodes.roots, sizes)
        # One gather for both: where a row goes that goes right, and what is asked.
        self._asks = ((left + 1) << _SHIFT) | np.where(self._leaf, 0, nodes.feature[order])
        self._asks_all = self._asks + (np.repeat(nodes.roots, sizes) << _SHIFT)
        self._values = [np.ascontiguousarray(column) for column in nodes.values[order].T]
        self._roots, self._sizes = nodes.roots, sizes
        self._depths = np.zeros(n_trees, np.int64)
        for depth, level in enumerate(nodes.levels):
            self._depths[tree[level]] = depth
        self._tops: list[_Top] | None = None

    def rows_at_a_time(self, n_rows: int, n_features: int) -> int:
        """Return how many rows of so many are worked on at once."""
        few = max(_PAIRS // len(self._roots), 1)
        if n_rows <= 8 * few:
            return few
        return max(min(_BLOCK_ROWS, _BLOCK_BYTES // (8 * max(n_features, 1))), 1)

    def add_up(self, features: Matrix) -> Floats:
        """Add up what the leaves say, in the order of the trees.

        Parameters
        ----------
        features : ndarray of shape (n_features, n_rows)
            NaN where missing.

        Returns
        -------
        ndarray of shape (n_scores, n_rows)
        """
        missing = np.isnan(features)
        copies = np.where(missing[self._copied], -np.inf, features[self._copied])
        # What is missing is above every threshold, and no value is.
        features = np.concatenate(
            (np.where(missing, np.inf, features), copies), dtype=features.dtype
        )
        totals = np.repeat(self._start[:, np.newaxis], features.shape[1], axis=1)
        n_rows = features.shape[1]
        if n_rows * len(self._roots) <= 2 * _PAIRS:
            leaves = self._all_trees(features)
            for number, leaf in enumerate(leaves):
                self._add(number, leaf, totals)
            return totals
        for number in range(len(self._roots)):
            self._add(number, self._one_tree(number, features), totals)
        return totals

    def _add(self, number: int, leaf: Integers, totals: Floats) -> None:
        if len(self._values) > 1:
            for k, values in enumerate(self._values):
                totals[k] += values.take(leaf)
        else:
            totals[number % len(totals)] += self._values[0].take(leaf)

    def _all_trees(self, features: Matrix) -> Integers:
        """Return the leaf of each row in each tree, shape (n_trees, n_rows)."""
        n_rows, n_trees = features.shape[1], len(self._roots)
        at = np.repeat(self._roots, n_rows)
        active: Integers | None = None  # all
        rows, flat, now = np.tile(np.arange(n_rows), n_trees), features.reshape(-1), at
        deepest = int(self._depths.max())
        for depth in range(deepest):
            now = self._descend(self._asks_all, self._threshold, now, flat, n_rows, rows)
            if depth < 2 or depth + 1 == deepest:
                continue
            arrived = self._leaf.take(now)
            if 6 * np.count_nonzero(arrived) > len(now):
                stays = np.flatnonzero(~arrived)
                if active is None:
                    at, active = now, stays
                else:
                    at[active] = now
                    active = active.take(stays)
                now, rows = now.take(stays), rows.take(stays)
                if not len(now):
                    break
        if active is None:
            at = now
        elif len(now):
            at[active] = now
        return at.reshape(n_trees, n_rows)

    def _one_tree(self, number: int, features: Matrix) -> Integers:
        """Return the leaf of each row in one tree."""
        if self._tops is None:
            self._tops = [self._top(tree) for tree in range(len(self._roots))]
        top, root = self._tops[number], int(self._roots[number])
        nodes = slice(root, root + int(self._sizes[number]))
        asks, thresholds, leaf = self._asks[nodes], self._threshold[nodes], self._leaf[nodes]
        at = top.exits.take(top.way(features))
        if not top.is_all:
            n_rows, flat = features.shape[1], features.reshape(-1)
            rows = np.flatnonzero(~leaf.take(at))
            now = at.take(rows)
            for depth in range(top.depth, int(self._depths[number])):
                if not len(rows):
                    break
                now = self._descend(asks, thresholds, now, flat, n_rows, rows)
                at[rows] = now
                if depth % 2:
                    arrived = leaf.take(now)
                    if 5 * np.count_nonzero(arrived) > len(now):
                        stays = np.flatnonzero(~arrived)
                        now, rows = now.take(stays), rows.take(stays)
        return at + root

    @staticmethod
    def _descend(
        asks: Integers, thresholds: Matrix, now: Integers, flat: Matrix, n_rows: int, rows: Integers
    ) -> Integers:
        """Return where rows are one level below; a leaf's own threshold keeps them there."""
        ask = asks.take(now)
        place = ask & _FEATURE
        place *= n_rows
        place += rows
        ask >>= _SHIFT
        ask -= flat.take(place) <= thresholds.take(now)
        return ask

    def _top(self, number: int) -> "_Top":
        """Cut the top levels of a tree off."""
        root = int(self._roots[number])
        depth = min(_TOP, int(self._depths[number]))
        at, levels = [0], []
        for _ in range(depth):
            level: list[tuple[int, Any] | None] = []
            below = []
            for node in at:
                if self._leaf[root + node]:
                    level.append(None)
                    below += [node, node]
                    continue
                ask = int(self._asks[root + node])
                level.append((ask & _FEATURE, self._threshold[root + node]))
                below += [(ask >> _SHIFT) - 1, ask >> _SHIFT]
            levels.append(level)
            at = below
        exits = np.array(at, np.int64)
        return _Top(levels, exits, is_all=bool(self._leaf[root + exits].all()))


class _Top:
    """The top levels of one tree: what is asked at each place, and where one comes out."""

    def __init__(
        self, levels: list[list[tuple[int, Any] | None]], exits: Integers, *, is_all: bool
    ) -> None:
        self.levels, self.exits, self.is_all = levels, exits, is_all
        self.depth = len(levels)

    def way(self, features: Matrix) -> Integers:
        """Return the way of each row as a number, a bit a level, 1 for right."""
        bits: list[Matrix] = []
        way = np.zeros(features.shape[1], np.int64)
        for level in self.levels:
            answers: list[Matrix | None] = [
                None if ask is None else features[ask[0]] > ask[1] for ask in level
            ]
            for bit in bits:  # the half of the places where a row is, by the way so far
                half = len(answers) // 2
                answers = [
                    _choose(low, high, bit)
                    for low, high in zip(answers[:half], answers[half:], strict=True)
                ]
            (answer,) = answers
            way <<= 1
            if answer is None:
                answer = np.zeros(features.shape[1], bool)
            way |= answer
            bits.append(answer)
        return way


def _choose(low: Matrix | None, high: Matrix | None, bit: Matrix) -> Matrix | None:
    """Return one answer or the other by a bit; None is an answer that nobody needs."""
    if high is None:
        return low if low is None else low & ~bit
    if low is None:
        return high & bit
    chosen = low ^ high
    chosen &= bit
    chosen ^= low
    return chosen
