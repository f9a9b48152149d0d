"""Bins of columns: each value lies in one, the same alone and among others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_deploy.schema.bins import build_bins
from iris_deploy.schema.columns import Column, NumbersSeen
from tests.signatures import category, number

COLUMNS: dict[str, Column] = {
    "numbers of which nobody knows": number("x", seen=None, missing=True),
    "categories of which nobody knows": category("x", ["a", "b"], seen=None, missing=True),
    "numbers": number("x", bin_edges=(0.0, 0.5, 2.0), bin_counts=(1, 2, 3, 4)),
    "numbers with gaps": number(
        "x", bin_edges=(0.0, 0.5), bin_counts=(1, 2, 3), missing=True, n_missing=5
    ),
    "one bin": number("x", bin_edges=(), bin_counts=(9,), missing=True),
    "categories": category("x", [f"c{k}" for k in range(5)], counts=(9, 5), n_rest=3),
    "categories with gaps": category("x", ["a", "b", "c"], missing=True, n_missing=2),
}


@pytest.mark.parametrize("name", COLUMNS)
@given(
    st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, float("nan")]), max_size=30)
)
def test_many_values_are_counted_as_each_is(name: str, values: list[float]) -> None:
    column = COLUMNS[name]
    bins = build_bins(column)
    if not column.missing:
        values = [value for value in values if value == value]
    counts = [0] * len(bins.trained)
    for value in values:
        counts[bins.bin_of(value)] += 1
    array = np.array(values, np.float64)
    assert bins.count(array) == counts
    assert bins.count_outside(array) == sum(map(bins.is_outside, values))


@pytest.mark.parametrize("name", [name for name in COLUMNS if "nobody" not in name])
def test_training_samples_are_all_counted(name: str) -> None:
    seen = COLUMNS[name].seen
    assert seen is not None
    counts = seen.bin_counts if isinstance(seen, NumbersSeen) else (*seen.counts, seen.n_rest)
    assert sum(build_bins(COLUMNS[name]).trained) == sum(counts) + seen.n_missing
