"""Trees as words of bits say what steps from node to node say, to the last bit."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from iris_deploy.kernels import trees
from iris_deploy.kernels.blocks import Hot, Spread, Values
from iris_deploy.kernels.lookups import MAX_FIGURES, find_lookups
from iris_deploy.kernels.nodes import Nodes, round_up_to_tie, single_below
from iris_deploy.kernels.tables import Table
from iris_deploy.kernels.transform import Transform, identity
from iris_deploy.kernels.tree_bits import build_bits
from iris_deploy.kernels.tree_columns import Walk
from iris_deploy.kernels.tree_rows import build_adder
from iris_deploy.kernels.trees import TreeKernel
from tests.growth import peak

N_FEATURES = 4
N_TREES = 60


def grown(rng: np.random.Generator, most: int, n_values: int) -> Nodes:
    """Grow trees at random: any shape, few different thresholds, so that paths contradict."""
    feature: list[int] = []
    threshold: list[float] = []
    left: list[int] = []
    right: list[int] = []
    roots: list[int] = []
    depths: dict[int, int] = {}

    def add(depth: int) -> int:
        feature.append(0)
        threshold.append(np.inf)
        left.append(len(left))
        right.append(len(right))
        depths[len(left) - 1] = depth
        return len(left) - 1

    for _ in range(N_TREES):
        roots.append(add(0))
        leaves = [roots[-1]]
        for _ in range(int(rng.integers(most)) if most > 1 else 0):
            node = leaves.pop(int(rng.integers(len(leaves))))
            feature[node] = int(rng.integers(N_FEATURES))
            threshold[node] = float(rng.choice([-1.5, -0.1, 0.0, 0.1, 0.3, 1 / 3, 2.0]))
            left[node], right[node] = add(depths[node] + 1), add(depths[node] + 1)
            leaves += [left[node], right[node]]
    of_depth = np.array([depths[k] for k in range(len(left))])
    return Nodes(
        feature=np.array(feature),
        threshold=np.array(threshold),
        left=np.array(left),
        right=np.array(right),
        missing_left=(rng.random(len(left)) < 0.5) & (np.array(left) != np.arange(len(left))),
        values=rng.normal(size=(len(left), n_values)),
        roots=np.array(roots),
        levels=[np.flatnonzero(of_depth == d) for d in range(of_depth.max() + 1)],
    )


def rows_around(nodes: Nodes, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Draw rows anywhere, on thresholds, one ulp beside them in either width, missing, infinite."""
    t = np.unique(nodes.threshold[np.isfinite(nodes.threshold)])
    near = [np.nextafter(t, np.inf), np.nextafter(t, -np.inf)]
    singles = t.astype(np.float32)
    near += [np.nextafter(singles, s).astype(float) for s in (np.float32(9), np.float32(-9))]
    special = np.concatenate([t, *near, [np.nan, np.inf, -np.inf, -0.0, 1e300]])
    drawn = rng.normal(size=(300, N_FEATURES))
    chosen = rng.random(drawn.shape) < 0.5
    drawn[chosen] = rng.choice(special, int(chosen.sum()))
    return drawn


@pytest.mark.parametrize("single", [False, True], ids=["doubles", "singles"])
@pytest.mark.parametrize("n_scores", [1, 3])
@pytest.mark.parametrize("several", [False, True], ids=["a number a leaf", "shares"])
@pytest.mark.parametrize("most", [8, 16, 32, 64])
def test_bits_are_steps_for_one_row_and_for_many(
    most: int, several: bool, n_scores: int, single: bool
) -> None:
    rng = np.random.default_rng([most, several, n_scores, single])
    nodes = grown(rng, most, n_scores if several else 1)
    threshold = single_below(nodes.threshold) if single else nodes.threshold
    as_double = round_up_to_tie if single else np.asarray
    rows, start = rows_around(nodes, rng), tuple(rng.normal(size=n_scores).tolist())
    bits = build_bits(nodes, threshold, start, identity(N_FEATURES))
    assert bits is not None
    step = build_adder(nodes, as_double(nodes.threshold), N_FEATURES, start, 7.0)
    add = bits.build_adder(7.0, as_double)
    expected = [step(row) for row in rows.tolist()]
    assert [add(row) for row in rows.tolist()] == expected

    with np.errstate(over="ignore"):
        columns = rows.T.astype(threshold.dtype)
    scores = [list(scores) for scores in expected]
    assert (bits.add_up(columns) / 7.0).T.tolist() == scores
    walk = Walk(nodes, threshold, N_FEATURES, start)
    for kind in (columns[:, :150], np.tile(columns, 8)):  # all trees at once, and one by one
        n_rows = kind.shape[1]
        assert (walk.add_up(kind) / 7.0).T.tolist() == (scores * 8)[:n_rows]


def encoded(rng: np.random.Generator) -> Transform:
    """Return four features of two columns: a number, two that are looked up, and one that is on."""
    of = Values(np.array([1], np.int32))
    keys = np.arange(4.0)
    lines = Table(keys, np.array([2.0, 0.0, 1.0, 3.0]), 4.0, 1.0)
    slots = Table(keys, np.array([0.0, 1.0, 1.0, 0.0]), 1.0, 0.0)
    return Transform(
        2,
        (
            Values(np.array([0], np.int32)),
            Spread(of, lines, rng.choice([0.0, 0.1, 1 / 3, 2.0], (5, 2))),
            Hot(of, slots, np.array([-0.1]), np.array([0.3])),
        ),
    )


@pytest.mark.parametrize("single", [False, True], ids=["doubles", "singles"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_looked_up_by_one_value_is_one_lookup(
    seed: int, single: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng([seed, single])
    nodes = grown(rng, 32, 1)
    nodes = replace(nodes, missing_left=nodes.missing_left & (nodes.feature == 0))
    kernel = TreeKernel(encoded(rng), nodes, (0.5,), 1.0, "none", single)
    assert kernel._bits is not None
    assert kernel._bits.transform.width == 3
    rows = np.column_stack((rng.normal(size=500), rng.choice([0, 1, 2, 3, 9, np.nan], 500)))
    rows[rng.random(500) < 0.2, 0] = np.nan
    found = kernel.columns(rows)
    assert [kernel.build_row()(row)[1] for row in rows.tolist()] == [(x,) for x in found[0]]
    monkeypatch.setattr(trees, "build_bits", lambda *_: None)
    walking = TreeKernel(kernel.transform, nodes, (0.5,), 1.0, "none", single)
    assert walking.columns(rows).tobytes() == found.tobytes()


@pytest.mark.no_cover
def test_many_classes_take_no_more_memory_at_a_time() -> None:
    rng = np.random.default_rng(0)
    n_classes, rows = 500, rng.normal(size=(2000, N_FEATURES))
    nodes, start = grown(rng, 32, n_classes), (0.0,) * n_classes
    kernel = TreeKernel(identity(N_FEATURES), nodes, start, 1.0, "largest", single=False)
    assert kernel._bits is not None
    answer = 8 * n_classes * len(rows)
    assert peak(lambda: kernel.columns(rows)) < 2 * answer + (1 << 24)


def test_one_hot_features_without_number_are_not_written_out() -> None:
    """Their lines would grow as the square of them: of one column, and of many together."""

    def hot(width: int) -> Hot:
        keys, figures = np.arange(float(width)), np.zeros(width)
        return Hot(Values(np.zeros(1, np.int32)), Table(keys, keys, 0.0, 0.0), figures, figures)

    assert find_lookups(Transform(1, (hot(math.isqrt(MAX_FIGURES)),))) is None
    assert find_lookups(Transform(1, (hot(700), hot(100)))) is not None
    assert find_lookups(Transform(1, (hot(700),) * 3)) is None


def test_bits_are_left_to_trees_that_fit_a_word_and_ask_much() -> None:
    def is_built(most: int) -> bool:
        nodes = grown(np.random.default_rng(0), most, 1)
        return build_bits(nodes, nodes.threshold, (0.0,), identity(N_FEATURES)) is not None

    assert is_built(64)
    assert not is_built(200)  # a tree with more leaves than a word has bits
    assert not is_built(1)  # nothing is asked
