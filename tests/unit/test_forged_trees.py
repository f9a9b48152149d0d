"""Trees that somebody forged: refused before any row goes down them, in linear time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeRegressor

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.estimators.tree_nodes import MAX_DEPTH, Tree, check_trees
from iris_deploy.schema.signature import Signature
from tests import data
from tests.growth import assert_linear
from tests.pickling import dump
from tests.signatures import NUMBER, classes, number

SIGNATURE = Signature(columns=tuple(map(number, data.NAMES)), output=classes(0, 1))


def forest() -> Any:
    made = RandomForestClassifier(3, max_depth=4, random_state=0)
    return made.fit(data.numbers(), data.labels(2, "number"))


def chain(n: int, *, downwards: bool = True) -> Tree:
    """Make one tree that is a chain: every left child a leaf."""
    nodes = np.arange(2 * n + 1)
    leaf = (nodes % 2 == 1) | (nodes == 2 * n)
    left, right = nodes + 1, nodes + 2
    if not downwards:
        left, right = right, left
    return Tree(
        left=np.where(leaf, -1, left),
        right=np.where(leaf, -1, right),
        feature=np.zeros(len(nodes), np.int64),
        threshold=np.linspace(0, 1, len(nodes)),
        leaf=leaf,
        missing_left=np.zeros(len(nodes), bool),
        values=np.ones((len(nodes), 1)),
    )


def test_a_chain_of_a_million_nodes_is_refused_in_time_linear_in_it() -> None:
    with pytest.raises(ArtifactError, match=f"more than {MAX_DEPTH} levels deep"):
        check_trees([chain(500_000)], 1, single=True)

    def prepare(n: int) -> Callable[[], None]:
        tree = chain(n)

        def check() -> None:
            with pytest.raises(ArtifactError):
                check_trees([tree], 1, single=True)

        return check

    assert_linear(prepare, 1 << 14)


def test_a_tree_of_the_largest_depth_predicts() -> None:
    nodes = check_trees([chain(MAX_DEPTH - 1)], 1, single=False)
    assert len(nodes.levels) == MAX_DEPTH


def nodes_of(record: Fitted) -> np.ndarray:
    members: Any = record.state["estimators_"]
    tree: Any = members[0].state["tree_"]
    nodes: np.ndarray = tree.state["nodes"].copy()
    tree.state["nodes"] = nodes
    return nodes


FORGERIES: dict[str, tuple[str, float | Callable[[np.ndarray], int]]] = {
    "a child that is its parent": ("left_child", 0),
    "a child before its parent": ("right_child", 1),
    "a child beyond the tree": ("left_child", len),
    "a child far beyond": ("right_child", 2**40),
    "a child below zero": ("left_child", -7),
    "a child of two": ("right_child", lambda nodes: int(nodes["left_child"][0])),
    "a feature that is none": ("feature", 5),
    "a feature below zero": ("feature", -3),
    "a feature far beyond": ("feature", 2**62),
    "a threshold that is no number": ("threshold", np.nan),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_node_is_refused(name: str) -> None:
    field, make = FORGERIES[name]
    record = read_estimator(dump(forest()))
    nodes = nodes_of(record)
    inner = np.flatnonzero(nodes["left_child"] != -1)
    nodes[field][inner[1]] = make(nodes) if callable(make) else make
    with pytest.raises(ArtifactError):
        Predictor(SIGNATURE, [record])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_leaf_that_is_no_number_is_refused(value: float) -> None:
    tree = DecisionTreeRegressor(max_depth=3).fit(data.numbers(), data.target())
    record = read_estimator(dump(tree))
    inside: Any = record.state["tree_"]
    values = inside.state["values"].copy()
    values[-1] = value
    inside.state["values"] = values
    with pytest.raises(ArtifactError, match="no number"):
        Predictor(Signature(columns=SIGNATURE.columns, output=NUMBER), [record])


@pytest.mark.parametrize("shape", [(3, 1, 2), (7, 2), (1, 7, 2), (0, 1, 2), (7, 1, 3)])
def test_values_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    record = read_estimator(dump(forest()))
    members: Any = record.state["estimators_"]
    members[1].state["tree_"].state["values"] = np.ones(shape)
    with pytest.raises(ArtifactError, match="values of shape"):
        Predictor(SIGNATURE, [record])


DUMPS: dict[str, Callable[[], Any]] = {
    "forest": forest,
    "boosting": lambda: GradientBoostingClassifier(n_estimators=3, random_state=0).fit(
        data.numbers(), data.labels(2, "number")
    ),
    "hist boosting": lambda: HistGradientBoostingClassifier(
        max_iter=3, min_samples_leaf=5, categorical_features=[4], random_state=0
    ).fit(np.column_stack([data.numbers()[:, :4], np.arange(300) % 4]), data.labels(2, "number")),
}
PLAIN = {name: dump(make()) for name, make in DUMPS.items()}
ROWS = np.vstack([data.numbers()[:50], np.zeros((1, 5)), np.full((1, 5), 1e30)])


@given(
    name=st.sampled_from(sorted(PLAIN)),
    place=st.integers(0, 1 << 24),
    wild=st.binary(min_size=1, max_size=8),
)
@settings(max_examples=1500, deadline=None)
def test_whatever_bytes_of_a_dump_change_it_is_refused_or_predicts(
    name: str, place: int, wild: bytes
) -> None:
    """One class of error, no crash, no walk without end."""
    plain = bytearray(PLAIN[name])
    at = place % len(plain)
    plain[at : at + len(wild)] = wild
    try:
        predictor = Predictor(SIGNATURE, [read_estimator(bytes(plain))])
    except ArtifactError:
        return
    with np.errstate(all="ignore"):
        kernel = predictor._kernel.columns(ROWS)
    alone = [predictor._row(row)[1] for row in ROWS[:51].tolist()]
    assert [tuple(scores) for scores in kernel.T[:51].tolist()] == alone or np.isnan(kernel).any()
