"""How far rows are from samples: feature by feature in their order, so that the bits are the same.

Euclidean distances are left squared while they are compared.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from iris_deploy.schema.batch import Floats

Metric = Literal["euclidean", "manhattan", "chebyshev", "cosine"]

Positions = NDArray[np.int64]

_EPSILON = float(np.finfo(np.float64).eps)


def prepare(features: Floats, metric: Metric) -> Floats:
    """Return what is compared: rows divided by their length, where directions are.

    Parameters
    ----------
    features : ndarray of shape (n_features, n_rows)
    """
    if metric != "cosine":
        return features
    total = np.zeros(features.shape[1])
    for x in features:
        total += x * x
    length = np.sqrt(total)
    length[length == 0.0] = 1.0
    return features / length


def between(samples: Floats, features: Floats, metric: Metric) -> Floats:
    """Return distances.

    Parameters
    ----------
    samples, features : ndarray of shape (n_features, ...)
        Of the same shape, or such that NumPy makes them so.
    """
    found = _part(samples[0], features[0], metric)
    for sample, x in zip(samples[1:], features[1:], strict=True):
        part = _part(sample, x, metric)
        if metric == "chebyshev":
            np.maximum(found, part, out=found)
        else:
            np.add(found, part, out=found)
    return _ended(found, metric)


def of_one(samples: Floats, row: Floats, metric: Metric) -> Floats:
    """Return the distances of one row from all samples, the bits of `between`.

    Parameters
    ----------
    samples : ndarray of shape (n_features, n_samples)
    row : ndarray of shape (n_features,)
    """
    if samples.shape[1] == 1:  # NumPy adds up a single column in another order
        return between(samples, row[:, np.newaxis], metric)
    parts = _part(samples, row[:, np.newaxis], metric)
    reduce = np.maximum.reduce if metric == "chebyshev" else np.add.reduce
    return _ended(reduce(parts, axis=0), metric)


def _part(sample: Floats, x: Floats, metric: Metric) -> Floats:
    """Return what one feature adds, or all of them."""
    if metric == "cosine":
        return sample * x
    part: Floats = sample - x
    return np.multiply(part, part, out=part) if metric == "euclidean" else np.abs(part, out=part)


def _ended(found: Floats, metric: Metric) -> Floats:
    if metric != "cosine":
        return found
    turned: Floats = np.clip(1.0 - found, 0.0, 2.0)
    return turned


class Proposals:
    """Squares of distances less the row's own square, by BLAS: quick, and not exact.

    Parameters
    ----------
    samples : ndarray of shape (n_features, n_samples)
    """

    def __init__(self, samples: Floats) -> None:
        squares = np.add.reduce(samples * samples, axis=0)
        self._weights = np.concatenate([-2.0 * samples, squares[np.newaxis]])
        self._longest = float(np.sqrt(squares.max()))

    def of(self, features: Floats) -> tuple[Floats, Floats]:
        """Return them, and how far each row's may be from the exact ones.

        Parameters
        ----------
        features : ndarray of shape (n_features, n_rows)

        Returns
        -------
        proposals : ndarray of shape (n_rows, n_samples)
        margins : ndarray of shape (n_rows, 1)
        """
        row = np.concatenate([features, np.ones((1, features.shape[1]))])
        proposals: Floats = row.T @ self._weights
        length = np.sqrt(np.add.reduce(features * features, axis=0)) + self._longest
        margins = (4 * len(features) + 16) * _EPSILON * length * length
        if not np.isfinite(margins).all():
            proposals[np.isnan(proposals)] = -np.inf  # whatever it is, it is looked at
        return proposals, margins[:, np.newaxis]


def bound_of_nearest(found: Floats, k: int) -> Floats:
    """Return for each row a number that k of its distances are not above.

    The least of groups of distances are looked at: k of these are k distances.

    Parameters
    ----------
    found : ndarray of shape (n_rows, n_samples)

    Returns
    -------
    ndarray of shape (n_rows, 1)
    """
    least = found
    while (half := least.shape[1] // 2) > 8 * k + 32:
        least = np.minimum(least[:, :half], least[:, half : 2 * half])
    return np.partition(least, k - 1, axis=1)[:, k - 1 : k]
