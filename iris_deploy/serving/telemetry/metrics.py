"""What a process counts: requests, predictions, and where each feature's values lie."""

import os
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from iris_deploy.bundle.manifest import Manifest
from iris_deploy.schema.batch import Floats, Indices
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.telemetry.drift import WINDOW_ROWS
from iris_deploy.serving.telemetry.slots import Slot

BUCKETS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025),
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of the histogram of durations, seconds: from the quick lane to a slow client."""

PREFIX: Final = "iris_deploy_"
REQUESTS, DURATION = PREFIX + "requests", PREFIX + "request_duration_seconds"
PREDICTIONS, OUT_OF_RANGE = PREFIX + "predictions", PREFIX + "out_of_range"
CONNECTIONS, IN_FLIGHT, QUEUED = PREFIX + "connections", PREFIX + "in_flight", PREFIX + "queued"
EVICTED = PREFIX + "connections_evicted"
WORKERS, RESTARTS, RELOADS = PREFIX + "workers", PREFIX + "worker_restarts", PREFIX + "reloads"
DRIFT_NOW, DRIFT_BEFORE = "drift_now", "drift_before"
GENERATION, PID = "generation", "pid"

_GAUGES = (CONNECTIONS, IN_FLIGHT, QUEUED)


class Metrics:
    """Count what one process does.

    Parameters
    ----------
    slot : Slot
        Its own.

    Notes
    -----
    The loop and the threads of a worker count at the same time, hence the lock. A count costs a
    few hundred nanoseconds (``make bench``).
    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._values = slot.values
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, int], tuple[int, list[int], int]] = {}
        self._drift: tuple[_FeatureCounts, ...] = ()
        self._signature: Signature | None = None
        self._predictions: list[int] = []
        self._window = 0
        for name in _GAUGES:  # of a predecessor in the same slot
            self.set(name, 0)
        self.set(PID, os.getpid())

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a series."""
        with self._lock:
            self._values[self._slot.index(name, **labels)] += amount

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a series."""
        with self._lock:
            self._values[self._slot.index(name, **labels)] = value

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        Parameters
        ----------
        route : str
            One of a fixed set; what clients make up would never end.
        status : int
        seconds : float
        """
        values = self._values
        with self._lock:
            places = self._requests.get((route, status))
            if places is None:
                places = self._requests[route, status] = self._register(route, status)
            count, buckets, spent = places
            values[count] += 1
            values[buckets[bisect_left(BUCKETS, seconds)]] += 1
            values[spent] += seconds

    def _register(self, route: str, status: int) -> tuple[int, list[int], int]:
        """Make the series of a route: its count, its buckets and what is beyond them, its sum."""
        index = self._slot.index
        count = index(REQUESTS, route=route, status=str(status))
        bounds = [*map(repr, BUCKETS), "+Inf"]
        buckets = [index(DURATION, route=route, le=bound) for bound in bounds]
        return count, buckets, index(DURATION, route=route, sum="")

    def begin(self, manifest: Manifest, generation: int) -> None:
        """Count for a bundle from now on; what was seen of drift belonged to another.

        Parameters
        ----------
        manifest : Manifest
        generation : int
            Number of the bundle in the life of this server. Readers put no slots of different
            generations together.
        """
        signature = manifest.signature
        with self._lock:
            slot, values = self._slot, self._values
            values[slot.index(GENERATION)] = 0
            self._predictions = [
                slot.index(PREDICTIONS, **{"class": label}) for label in signature.classes
            ]
            features = []
            for feature in signature.features:
                bins = range(len(feature.bin_edges) + 1)
                now, before = (
                    [slot.index(name, feature=feature.name, bin=str(k)) for k in bins]
                    for name in (DRIFT_NOW, DRIFT_BEFORE)
                )
                for place in now + before:
                    values[place] = 0
                outside = slot.index(OUT_OF_RANGE, feature=feature.name)
                edges, low, high = feature.bin_edges, feature.minimum, feature.maximum
                features.append(_FeatureCounts(edges, low, high, now, before, outside))
            self._drift = tuple(features)
            self._signature = signature
            self._window = 0
            values[slot.index(GENERATION)] = generation

    def observe(
        self,
        signature: Signature,
        rows: Sequence[Sequence[float]] | Floats,
        indices: Sequence[int] | Indices,
    ) -> None:
        """Count predictions: their classes, and where each feature's values lie.

        Parameters
        ----------
        signature : Signature
            Of the bundle that predicted.
        rows : sequence of rows, or ndarray of shape (n_rows, n_features)
        indices : sequence of int, length n_rows
            Positions of the classes.
        """
        values, n_rows = self._values, len(rows)
        with self._lock:
            if signature is not self._signature:
                self._observe_late(signature, indices)
                return
            if not n_rows:
                return
            if n_rows == 1:
                values[self._predictions[indices[0]]] += 1
                # `strict` would cost as much as counting one feature.
                for value, (edges, low, high, now, _, outside) in zip(rows[0], self._drift):  # noqa: B905
                    values[now[bisect_left(edges, value)]] += 1
                    if not low <= value <= high:
                        values[outside] += 1
            else:
                self._observe_many(rows, indices)
            self._window += n_rows
            if self._window >= WINDOW_ROWS:
                self._turn_window()

    def _observe_late(self, signature: Signature, indices: Sequence[int] | Indices) -> None:
        """Count predictions of the bundle before; where its features' values lie is over."""
        for index, count in Counter(map(int, indices)).items():
            label = {"class": signature.classes[index]}
            self._values[self._slot.index(PREDICTIONS, **label)] += count

    def _observe_many(
        self, rows: Sequence[Sequence[float]] | Floats, indices: Sequence[int] | Indices
    ) -> None:
        values = self._values
        counts = np.bincount(indices, minlength=len(self._predictions)).tolist()
        for place, count in zip(self._predictions, counts, strict=True):
            values[place] += count
        columns = np.asarray(rows, np.float64).T
        for column, feature in zip(columns, self._drift, strict=True):
            # For the few edges that there are, three times as fast as np.searchsorted.
            above = [int(np.count_nonzero(column > edge)) for edge in feature.edges]
            for place, more, less in zip(
                feature.now, [len(column), *above], [*above, 0], strict=True
            ):
                values[place] += more - less
            outside = (column < feature.low) | (column > feature.high)
            values[feature.outside] += int(outside.sum())

    def _turn_window(self) -> None:
        values = self._values
        for counts in self._drift:
            for now, before in zip(counts.now, counts.before, strict=True):
                values[before], values[now] = values[now], 0.0
        self._window = 0


class _FeatureCounts(NamedTuple):
    """Where the counts of one feature are, and what they are counts of."""

    edges: tuple[float, ...]
    low: float
    high: float
    now: list[int]
    before: list[int]
    outside: int
