"""Down many trees of few leaves each, by words of bits instead of steps.

The thresholds of a feature cut its values into intervals. For each interval a word of bits per tree
says which leaves a row can still reach; the words of all features, combined by AND, leave one bit.
The idea is QuickScorer's (Lucchese et al., SIGIR 2015, doi:10.1145/2766462.2767733).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.lookups import find_lookups
from iris_deploy.kernels.nodes import Integers, Nodes
from iris_deploy.kernels.transform import Transform
from iris_deploy.kernels.tree_boxes import Leaves
from iris_deploy.kernels.tree_rows import AddUp
from iris_deploy.schema.batch import Floats

_MOST_LEAVES = 64
"""Of a tree: the bits of a word."""

_MOST_TREES = 1 << 16
_TABLE_BYTES = 1 << 24
_BLOCK_WORDS = 1 << 16
_VALUES_A_WORD = 8
"""What leaves say to a tree's word, before fewer rows are worked on at once: 4 MiB of it."""

_MANY_SUMS = 150
"""From so many on it is quicker to add leaves up tree by tree than row by row."""

_STEPS_A_FEATURE = 20
"""Steps that take about the time of looking up one feature."""

_WORDS = tuple(map(np.dtype, (np.uint8, np.uint16, np.uint32, np.uint64)))
_PLACE, _ZERO = 23, 127  # of the exponent in a float of 32 bits; what it is for 1.0

Matrix = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class LeafBits:
    """The leaves of trees as bits.

    Parameters
    ----------
    transform : Transform
        From columns to what is looked up: features, and numbers of lines instead of encoded ones.
    values : ndarray of float, shape (n_leaves, n_values)
        What the leaves say, tree by tree; those of the first trees with the start.
    first : ndarray of int, shape (n_trees,)
        Position of a tree's first leaf among them, less the exponent of 1.0.
    features : list of int
        Those that are asked about.
    thresholds : list of ndarray
        Of each of these, rising, and infinity; in the type that features are compared in.
    offsets : list of int
        Where in the table each of these begins.
    table : ndarray of unsigned int, shape (n_lines, n_trees)
        Which leaves a row can reach whose feature lies in an interval, or behind these is missing.
    n_scores : int
    """

    transform: Transform
    values: Floats
    first: NDArray[np.int32]
    features: list[int]
    thresholds: list[Matrix]
    offsets: list[int]
    table: Matrix
    n_scores: int

    def rows_at_a_time(self, *_: int) -> int:
        """Return how many rows are worked on at once, of however many."""
        n_trees, n_values = len(self.first), int(self.values.shape[1])
        return max(_BLOCK_WORDS // max(n_trees, n_trees * n_values // _VALUES_A_WORD), 1)

    def build_adder(self, divisor: float, as_double: Callable[[Matrix], Floats]) -> AddUp:
        """Build the function that adds up what the leaves say to one row.

        Parameters
        ----------
        divisor : float
            What the sums are divided by.
        as_double : callable
            Turns thresholds into those that doubles are compared with.
        """
        asked = [
            (feature, as_double(threshold).tolist(), offset, offset + len(threshold))
            for feature, threshold, offset in self._asked()
        ]
        table, combine = self.table, np.bitwise_and.reduce

        def add(x: Sequence[float]) -> tuple[float, ...]:
            places = [
                offset + bisect_left(threshold, v) if (v := x[feature]) == v else missing
                for feature, threshold, offset, missing in asked
            ]
            totals = self._add(combine(table.take(places, axis=0), axis=0))
            return tuple([total / divisor for total in totals.tolist()])

        return add

    def add_up(self, features: Matrix) -> Floats:
        """Add up what the leaves say to many rows, in the order of the trees.

        Parameters
        ----------
        features : ndarray of shape (n_features, n_rows)
            NaN where missing.

        Returns
        -------
        ndarray of shape (n_scores, n_rows)
        """
        words: Any = None
        for feature, threshold, offset in self._asked():
            found = self.table.take(threshold.searchsorted(features[feature]) + offset, axis=0)
            words = found if words is None else np.bitwise_and(words, found, out=words)
        return self._add(words).T

    def _asked(self) -> Iterator[tuple[int, Matrix, int]]:
        return zip(self.features, self.thresholds, self.offsets, strict=True)

    def _add(self, words: Matrix) -> Floats:
        """Add up what the leaves say whose bits are set; a bit's place is its number's exponent.

        Parameters
        ----------
        words : ndarray of unsigned int, shape (..., n_trees)

        Returns
        -------
        ndarray of shape (..., n_scores)
        """
        leaves = words.astype(np.float32).view(np.int32)
        leaves >>= _PLACE
        leaves += self.first
        said = self.values.take(leaves, axis=0).reshape(*words.shape[:-1], -1, self.n_scores)
        if said.ndim < 3 or len(said) * self.n_scores < _MANY_SUMS:
            totals: Floats = np.add.accumulate(said, axis=-2)[..., -1, :]
            return totals
        turns = np.ascontiguousarray(said.transpose(1, 0, 2))
        totals = turns[0]
        for turn in turns[1:]:  # a row's next sum waits for the one before, not for other rows'
            totals += turn
        return totals


def build_bits(
    nodes: Nodes, threshold: Matrix, start: Sequence[float], transform: Transform
) -> LeafBits | None:
    """Build the bits of trees.

    Parameters
    ----------
    nodes : Nodes
    threshold : ndarray of shape (n_nodes,)
        As the features are compared with it, in their type; finite but for leaves.
    start : sequence of float, length n_scores
        What is added to. With one value to a leaf the trees take turns over the scores.
    transform : Transform
        From columns to the features that the nodes ask about.

    Returns
    -------
    LeafBits or None
        None where a tree has too many leaves, or bits take too much memory or more time than steps.
    """
    if len(nodes.roots) > _MOST_TREES or len(nodes.roots) == len(nodes.feature):
        return None
    leaves = Leaves(nodes)
    lookups = find_lookups(transform) if leaves.most <= _MOST_LEAVES else None
    if lookups is None:
        return None
    used, asked = np.unique(lookups.place[nodes.feature[leaves.inner]], return_inverse=True)
    lines = [lookups.figures.get(k) for k in used.tolist()]
    n_lines = sum(len(of) for of in lines if of is not None)
    too_large = (9 * len(used) + n_lines) * len(nodes.feature) > _TABLE_BYTES
    if too_large or len(used) * _STEPS_A_FEATURE > leaves.steps:
        return None
    thresholds, rank = _rank(threshold[leaves.inner], asked, lines)
    counts = np.array([len(known) - 1 for known in thresholds], np.int32)
    ends = np.cumsum(counts + 2)
    word = next(kind for kind in _WORDS if leaves.most <= 8 * kind.itemsize)
    if int(ends[-1]) * len(nodes.roots) * word.itemsize > _TABLE_BYTES:
        return None
    low, high, missing = leaves.boxes(asked, rank, counts)
    table, flag = np.empty((ends[-1], len(nodes.roots)), word), leaves.flags(word)
    for k, (of, part) in enumerate(zip(lines, np.split(table, ends[:-1]), strict=True)):
        if of is None:
            leaves.write_reachable(low[:, k], high[:, k], missing[:, k], flag, part)
            continue
        own = leaves.inner[asked == k]
        left = _goes_left(of[:, lookups.column[nodes.feature[own]]], threshold[own])
        if left is None:
            return None
        leaves.write_lines(own, left, flag, part)
    return LeafBits(
        transform=lookups.transform,
        values=leaves.values_from(start),
        first=leaves.first.astype(np.int32) - np.int32(_ZERO),
        features=used.tolist(),
        thresholds=thresholds,
        offsets=(ends - counts - 2).tolist(),
        table=table,
        n_scores=len(start),
    )


def _goes_left(figures: Matrix, threshold: Matrix) -> NDArray[np.bool_] | None:
    """Return where each node sends each line; None if a figure is too large to be compared."""
    if figures.dtype.kind == "f":  # bytes are 0 or 1 in any type
        with np.errstate(over="ignore"):
            figures = figures.astype(threshold.dtype)
    if not np.isfinite(figures).all():
        return None
    left: NDArray[np.bool_] = figures.transpose() <= threshold[:, np.newaxis]
    return left


def _rank(
    threshold: Matrix, asked: Integers, lines: Sequence[Matrix | None]
) -> tuple[list[Matrix], NDArray[np.int32]]:
    """Return the thresholds of each feature and infinity, and the position of each threshold.

    Between those of a number of a line is one line each; what asks about it has no position.
    """
    order = np.argsort(asked, kind="stable")
    known, rank = [], np.full(len(threshold), -1, np.int32)
    ends = np.bincount(asked, minlength=len(lines)).cumsum()
    for of, own in zip(lines, np.split(order, ends[:-1]), strict=True):
        if of is None:
            thresholds, rank[own] = np.unique(threshold[own], return_inverse=True)
        else:
            thresholds = np.arange(len(of) - 1, dtype=threshold.dtype) + threshold.dtype.type(0.5)
        known.append(np.append(thresholds, threshold.dtype.type(np.inf)))
    return known, rank
