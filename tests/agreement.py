"""How far figures may be from those of their package: as far as their family declares."""

from typing import Any

import numpy as np

from iris_deploy.estimators.family import Estimator
from tests.families import PARTS

DECLARED = {part.name.rpartition(".")[2]: part for part in PARTS if isinstance(part, Estimator)}
"""What is declared of each class, by its name without its module; `Booster` is LightGBM's."""


def declared(case: str) -> Estimator:
    """Return what is declared of the class of a case such as ``Ridge(alpha=2.0)``."""
    return DECLARED[case.partition("(")[0]]


def assert_close(found: Any, expected: Any, ulp: int | None, where: slice = slice(None)) -> None:
    """Compare the figures of rows with those of scikit-learn.

    Parameters
    ----------
    found, expected : array-like, shape (n_rows,) or (n_rows, n_figures)
    ulp : int or None
        As `Estimator` has it: 0 for the same bits of all rows.
    where : slice
        The rows in which ulp count. Sums of what is far from the training samples cancel out, and
        what is left of them has no digits that agree.
    """
    assert ulp is not None
    found, expected = (np.array(figures, np.float64) for figures in (found, expected))
    assert found.shape == expected.shape
    if ulp == 0:
        assert found.tobytes() == expected.tobytes()
        return
    found, expected = (
        figures[where].reshape(len(figures[where]), -1) for figures in (found, expected)
    )
    largest = np.abs(expected).max(axis=1, keepdims=True)
    unit = np.spacing(np.maximum(largest, np.median(largest)))
    differs = np.abs(found - expected).max(axis=1, keepdims=True)
    assert (differs <= ulp * unit).all(), f"{(differs / unit).max():.0f} ulp"
