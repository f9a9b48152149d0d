"""Which of samples at the same distance are neighbours: those that scikit-learn comes to first.

It goes down a tree of nodes, the nearer child first, and keeps the nearest so far in a heap, in
which an equal distance does not displace another. Few rows have such a tie: they alone are done
again in this way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.distances import Metric
from iris_deploy.schema.batch import Floats


@dataclass(frozen=True, slots=True, eq=False)
class SampleTree:
    """The nodes of a k-d tree or a ball tree: the children of node i are 2 i + 1 and 2 i + 2.

    Parameters
    ----------
    order : ndarray of int, shape (n_samples,)
        Positions of the samples, as the leaves have them.
    start, end : sequence of int
        What each node has of it.
    low, high : ndarray of shape (n_features, n_nodes)
        Bounds of each node; of a ball tree the centre, twice.
    radius : ndarray of shape (n_nodes,) or None
        Of each ball.
    """

    order: NDArray[np.int64]
    start: Sequence[int]
    end: Sequence[int]
    low: Floats
    high: Floats
    radius: Floats | None

    def nearest(self, row: Floats, distances: Floats, k: int, metric: Metric) -> NDArray[np.int64]:
        """Return the k nearest samples of one row, as the tree comes to them.

        Parameters
        ----------
        row : ndarray of shape (n_features,)
        distances : ndarray of shape (n_samples,)
        """
        far = self._distances(row[:, np.newaxis], metric).tolist()
        ahead, n_nodes, heap = [0], len(self.start), Heap(k)
        while ahead:
            node = ahead.pop()
            if far[node] > heap.largest:
                continue
            first, second = 2 * node + 1, 2 * node + 2
            if first >= n_nodes:
                own = self.order[self.start[node] : self.end[node]]
                heap.take(distances[own].tolist(), own.tolist())
            elif far[first] <= far[second]:
                ahead += (second, first)
            else:
                ahead += (first, second)
        return heap.samples()

    def within(
        self, row: Floats, inside: NDArray[np.bool_], radius: float, metric: Metric
    ) -> NDArray[np.bool_]:
        """Tell which samples are within a radius of one row, as the tree comes to them.

        Parameters
        ----------
        row : ndarray of shape (n_features,)
        inside : ndarray of bool, shape (n_samples,)
            Whether each is by its own distance: nodes may be by bounds that are rounded otherwise.
        radius : float
        """
        bounds = self._bounds(row[:, np.newaxis], metric)
        least, most = (bound.tolist() for bound in bounds)
        found, ahead, n_nodes = np.zeros(len(inside), bool), [0], len(self.start)
        while ahead:
            node = ahead.pop()
            if least[node] > radius:
                continue
            own = self.order[self.start[node] : self.end[node]]
            if most[node] <= radius:
                found[own] = True
            elif 2 * node + 1 >= n_nodes:
                found[own] = inside[own]
            else:
                ahead += (2 * node + 1, 2 * node + 2)
        return found

    def _bounds(self, row: Floats, metric: Metric) -> tuple[Floats, Floats]:
        """Return how far what is in each node is at least, and at most."""
        root = np.sqrt if metric == "euclidean" else np.positive
        with np.errstate(over="ignore", invalid="ignore"):
            below, above = np.abs(self.low - row), np.abs(row - self.high)
            if self.radius is None:
                far = _total(np.maximum(below, above), metric)
                return root(self._distances(row, metric)), root(far)
            middle = root(_total(below, metric))
            return np.maximum(0.0, middle - self.radius), middle + self.radius

    def _distances(self, row: Floats, metric: Metric) -> Floats:
        """Return how far each node is at least, as scikit-learn computes it."""
        with np.errstate(over="ignore", invalid="ignore"):
            below, above = self.low - row, row - self.high
            if self.radius is None:
                off = 0.5 * ((below + np.abs(below)) + (above + np.abs(above)))
                return _total(off, metric)
            total = _total(np.abs(below), metric)
            if metric != "euclidean":
                least: Floats = np.maximum(0.0, total - self.radius)
                return least
            least = np.maximum(0.0, np.sqrt(total) - self.radius)
            return np.multiply(least, least)


def _total(parts: Floats, metric: Metric) -> Floats:
    if metric == "chebyshev":
        largest: Floats = np.maximum.reduce(parts, axis=0)
        return largest
    terms = parts * parts if metric == "euclidean" else parts
    total: Floats = np.add.accumulate(terms, axis=0)[-1]
    return total


def first_nearest(distances: Floats, k: int) -> NDArray[np.int64]:
    """Return the k nearest samples of one row, in whose order one comes to them."""
    last = np.partition(distances, k - 1)[k - 1]
    # Behind the first k that are as near as the last, only nearer ones change anything.
    full = int(np.searchsorted(np.cumsum(distances <= last), k)) + 1
    order = np.concatenate([np.arange(full), full + np.flatnonzero(distances[full:] < last)])
    heap = Heap(k)
    heap.take(distances[order].tolist(), order.tolist())
    return heap.samples()


class Heap:
    """The nearest so far, the farthest of them on top; an equal distance displaces none."""

    def __init__(self, k: int) -> None:
        self._distances, self._samples = [math.inf] * k, [-1] * k

    @property
    def largest(self) -> float:
        """The farthest of them."""
        return self._distances[0]

    def samples(self) -> NDArray[np.int64]:
        """Return the samples."""
        return np.array(self._samples, np.int64)

    def take(self, distances: Sequence[float], samples: Sequence[int]) -> None:
        """Take what is nearer than some, in its order."""
        kept = self._distances
        for distance, sample in zip(distances, samples, strict=True):
            if distance < kept[0]:
                self._replace_top(distance, sample)

    def _replace_top(self, distance: float, sample: int) -> None:
        """Put a distance in the place of the largest; of equal children the first goes up."""
        kept, samples = self._distances, self._samples
        size, at = len(kept), 0
        while (child := 2 * at + 1) < size:
            if child + 1 < size and kept[child + 1] > kept[child]:
                child += 1
            if kept[child] <= distance:
                break
            kept[at], samples[at] = kept[child], samples[child]
            at = child
        kept[at], samples[at] = distance, sample
