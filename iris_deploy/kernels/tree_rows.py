"""One row down many trees, in plain Python: a node is a tuple, a step of the walk one line."""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import numpy as np

from iris_deploy.kernels.garbage import NoCollection
from iris_deploy.kernels.nodes import Nodes
from iris_deploy.schema.batch import Floats

AddUp = Callable[[Sequence[float]], tuple[float, ...]]
"""From one row of features to its scores."""


def build_adder(
    nodes: Nodes, threshold: Floats, n_features: int, start: tuple[float, ...], divisor: float
) -> AddUp:
    """Build the function that adds up what the leaves say to one row, in the order of the trees.

    Parameters
    ----------
    nodes : Nodes
    threshold : ndarray of shape (n_nodes,)
        As doubles are compared with it.
    n_features : int
    start : tuple of float, length n_scores
        What is added to.
    divisor : float
        What the sums are divided by.
    """
    nodes, copied = nodes.ask_copies(n_features)
    with NoCollection():  # of hundreds of thousands of new tuples
        roots = _tuples(nodes, threshold, len(start))
    several = nodes.values.shape[1] > 1
    if several and len(start) == 2:
        add = _add_pairs(roots, divisor)
    elif several:
        add = _add_lines(roots, start, divisor)
    else:
        add_one = _add_rounded if nodes.values.dtype == np.float32 else _add_single
        turns = [roots[k :: len(start)] for k in range(len(start))]
        adders = [add_one(own, first, divisor) for own, first in zip(turns, start, strict=True)]
        add = adders[0] if len(start) == 1 else _add_in_turns(adders)
    return _add_copies(add, copied.tolist()) if len(copied) else add


def _add_copies(add: AddUp, copied: list[int]) -> AddUp:
    """Add up what the leaves say to a row and copies in which what is missing is very small."""

    def add_copied(x: Sequence[float]) -> tuple[float, ...]:
        return add([*x, *[-inf if x[k] != x[k] else x[k] for k in copied]])

    return add_copied


def _tuples(nodes: Nodes, threshold: Floats, n_scores: int) -> list[Any]:
    """Make ``(feature, threshold, left, right)`` of nodes, and ``(None, says, ...)`` of leaves.

    A walk is then one line of Python. Leaves that say the same are one object.
    """
    feature, threshold_, leaf = nodes.feature.tolist(), threshold.tolist(), nodes.is_leaf.tolist()
    left, right = nodes.left.tolist(), nodes.right.tolist()
    several = nodes.values.shape[1] > 1
    values: list[Any] = nodes.values.tolist() if several else nodes.values[:, 0].tolist()
    made: list[Any] = [None] * len(feature)
    known: dict[Any, Any] = {}
    for i in range(len(feature) - 1, -1, -1):
        if not leaf[i]:
            made[i] = (feature[i], threshold_[i], made[left[i]], made[right[i]])
            continue
        says = tuple(values[i]) if several else values[i]
        node = known.get(says)
        if node is None:
            node = known[says] = _leaf(says, n_scores) if several else (None, says, None, None)
        made[i] = node
    return [made[root] for root in nodes.roots.tolist()]


def _leaf(says: tuple[float, ...], n_scores: int) -> tuple[Any, ...]:
    if n_scores == 2:
        return (None, says[0], says[1], None)
    return (None, tuple((k, value) for k, value in enumerate(says) if value), None, None)


def _add_pairs(roots: list[Any], divisor: float) -> AddUp:
    def add(x: Sequence[float]) -> tuple[float, ...]:
        a = b = 0.0
        for f, t, l, r in roots:  # noqa: E741 - the line below is walked a thousand times a row
            while f is not None:
                f, t, l, r = l if x[f] <= t else r  # noqa: E741, PLW2901
            a += t
            b += l
        return a / divisor, b / divisor

    return add


def _add_lines(roots: list[Any], start: tuple[float, ...], divisor: float) -> AddUp:
    def add(x: Sequence[float]) -> tuple[float, ...]:
        totals = [*start]
        for f, t, l, r in roots:  # noqa: E741
            while f is not None:
                f, t, l, r = l if x[f] <= t else r  # noqa: E741, PLW2901
            for k, value in t:
                totals[k] += value
        return tuple([total / divisor for total in totals])

    return add


def _add_single(roots: list[Any], start: float, divisor: float) -> AddUp:
    def add(x: Sequence[float]) -> tuple[float, ...]:
        total = start
        for f, t, l, r in roots:  # noqa: E741
            while f is not None:
                f, t, l, r = l if x[f] <= t else r  # noqa: E741, PLW2901
            total += t
        return (total / divisor,)

    return add


def _add_rounded(roots: list[Any], start: float, divisor: float) -> AddUp:
    """Add up floats of 32 bits, each sum rounded to one."""
    add_up, array, single = np.add.accumulate, np.array, np.float32

    def add(x: Sequence[float]) -> tuple[float, ...]:
        said = [start]
        for f, t, l, r in roots:  # noqa: E741
            while f is not None:
                f, t, l, r = l if x[f] <= t else r  # noqa: E741, PLW2901
            said.append(t)
        return (float(add_up(array(said, single))[-1]) / divisor,)

    return add


def _add_in_turns(adders: list[AddUp]) -> AddUp:
    return lambda x: tuple([add(x)[0] for add in adders])
