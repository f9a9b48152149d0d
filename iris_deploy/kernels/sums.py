"""Weighted sums of a vector by a matrix, added up in the order of what comes in.

One row and many have the same bits.
"""

from collections.abc import Sequence

import numpy as np

from iris_deploy.schema.batch import Floats


def weigh_one(weights: Floats, row: Floats) -> Floats:
    """Return the sums of one row.

    Parameters
    ----------
    weights : ndarray of shape (n_in, n_out)
    row : ndarray of shape (n_in,)
    """
    products = weights * row[:, np.newaxis]
    if products.shape[1] == 1:  # NumPy adds up a single column in another order
        total: Floats = np.add.accumulate(products, axis=0)[-1]
    else:
        total = np.add.reduce(products, axis=0)
    return total


def weigh_many(weights: Floats, values: Floats) -> Floats:
    """Return the sums of many rows.

    Parameters
    ----------
    weights : ndarray of shape (n_in, n_out)
    values : ndarray of shape (n_in, n_rows)

    Returns
    -------
    ndarray of shape (n_out, n_rows)
    """
    total: Floats = weights[0][:, np.newaxis] * values[0]
    product = np.empty_like(total)
    for line, value in zip(weights[1:], values[1:], strict=True):
        np.multiply(line[:, np.newaxis], value, out=product)
        total += product
    return total


def sum_in_order(values: Floats | Sequence[float]) -> float:
    """Add one number after the other, the same everywhere."""
    return float(np.add.accumulate(np.asarray(values, np.float64))[-1])
