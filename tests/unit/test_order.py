"""Distinct values and percentiles are those of NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_deploy.kernels.order import distinct, percentile

NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=40)


@given(NUMBERS, st.sampled_from([np.float64, np.int64, np.uint8]))
def test_distinct_values_are_numpys(values: list[float], kind: type[np.generic]) -> None:
    array = np.clip(values, 0, 200).astype(kind)
    found = distinct(array)
    assert found.dtype == kind
    np.testing.assert_array_equal(found, np.unique(array))


@given(NUMBERS.filter(bool), st.floats(0, 100))
def test_a_percentile_is_numpys_to_the_bit(values: list[float], share: float) -> None:
    assert percentile(np.array(values), share) == np.percentile(values, share)


@pytest.mark.parametrize("share", [25, 50, 62.5, 90])
def test_a_percentile_between_infinite_values_is_none(share: float) -> None:
    with np.errstate(invalid="ignore"):
        values = np.array([np.inf, -np.inf, np.inf, np.inf])
        np.testing.assert_equal(percentile(values, share), np.percentile(values, share))
