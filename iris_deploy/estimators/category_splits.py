"""Splits by sets of categories, of any size, as questions about thresholds: XGBoost's, LightGBM's.

A category is a whole number, the position of its name where a model lists names. For each split a
feature is looked up that is 0 where a row goes left and 1 where it goes right.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from iris_deploy.estimators.features import Features, joined
from iris_deploy.kernels.blocks import Block, Spread
from iris_deploy.kernels.nodes import Integers, Nodes
from iris_deploy.kernels.order import distinct
from iris_deploy.kernels.steps import Apply
from iris_deploy.kernels.tables import Table

_TOGETHER = 32
"""Splits of a feature that are looked up at once, where each has other categories: figures are a
byte for each split and each category of any of them."""

_FEW = 256  # categories in all sets, so few that it does not matter


@dataclass(frozen=True, slots=True, eq=False)
class CategorySplit:
    """A node that asks whether a feature is in a set.

    Parameters
    ----------
    node : int
        Its position among all nodes.
    members : ndarray of int
        The set.
    """

    node: int
    members: Integers


def ask_about_categories(
    nodes: Nodes,
    features: Features,
    splits: Sequence[CategorySplit],
    whole: Callable[[Any, Any], Any],
    *,
    members_left: bool,
) -> tuple[Nodes, Features]:
    """Let nodes that ask about categories ask about 0 or 1: looked up, for each kind of split once.

    Parameters
    ----------
    nodes : Nodes
        Those of the splits with a threshold between 0 and 1.
    features : Features
        Numbers.
    splits : sequence of CategorySplit
    whole : callable
        Makes a category of a number, as `Apply` takes it.
    members_left : bool
        Whether a row goes left whose category is in the set; all others go to the other side.

    Raises
    ------
    ArtifactError
        If a feature cannot be looked up.
    """
    if not splits:
        return nodes, features
    kinds: dict[tuple[int, bool, bytes], tuple[Integers, list[int]]] = {}
    for split in splits:
        members = distinct(split.members)
        key = (int(nodes.feature[split.node]), bool(nodes.missing_left[split.node]))
        kinds.setdefault((*key, members.tobytes()), (members, []))[1].append(split.node)
    by_feature: dict[int, list[tuple[Integers, bool, list[int]]]] = {}
    for (feature_, left, _), (members, own) in kinds.items():
        by_feature.setdefault(feature_, []).append((members, left, own))
    feature, at = nodes.feature.copy(), features.width
    blocks: list[Block] = []
    for asked, of in zip(by_feature, features.values([*by_feature]), strict=True):
        deciding = of.then(Apply(whole))
        for together in _chunks(by_feature[asked]):
            lines, figures = _figures(together, members_left=members_left)
            blocks.append(Spread(deciding, lines, figures))
            for _, _, own in together:
                feature[own] = at
                at += 1
    return replace(nodes, feature=feature), joined([features, features.replaced(blocks)])


Kinds = list[tuple[Integers, bool, list[int]]]


def _chunks(kinds: Kinds) -> Iterator[Kinds]:
    """Yield all at once, or some at a time where figures would take far more than their sets."""
    sizes = sum(len(members) for members, _, _ in kinds)
    known = len(distinct(np.concatenate([members for members, _, _ in kinds])))
    if known * len(kinds) <= _TOGETHER * max(sizes, _FEW):
        yield kinds
        return
    for start in range(0, len(kinds), _TOGETHER):
        yield kinds[start : start + _TOGETHER]


def _figures(kinds: Kinds, *, members_left: bool) -> tuple[Table, np.ndarray[Any, Any]]:
    """Return a line for each category that is in any set, one for others, one for none."""
    known = distinct(np.concatenate([members for members, _, _ in kinds]))
    inside = np.zeros((len(known) + 2, len(kinds)), np.uint8)
    for k, (members, _, _) in enumerate(kinds):
        inside[known.searchsorted(members), k] = 1
    figures = 1 - inside if members_left else inside
    figures[-1] = [not left for _, left, _ in kinds]
    other, missing = float(len(known)), float(len(known) + 1)
    return Table(known.astype(np.float64), np.arange(other), other, missing), figures
