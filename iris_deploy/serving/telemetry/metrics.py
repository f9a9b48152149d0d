"""What a process counts: requests, connections, and what it predicts."""

import os
import threading
from bisect import bisect_left
from typing import Final

from iris_deploy.serving.telemetry.predictions import PredictionCounts
from iris_deploy.serving.telemetry.slots import PREFIX, Slot

BUCKETS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025),
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of the histogram of durations, seconds: from the quick lane to a slow client."""

REQUESTS, DURATION = PREFIX + "requests", PREFIX + "request_duration_seconds"
CONNECTIONS, IN_FLIGHT, QUEUED = PREFIX + "connections", PREFIX + "in_flight", PREFIX + "queued"
EVICTED = PREFIX + "connections_evicted"
WORKERS, RESTARTS, RELOADS = PREFIX + "workers", PREFIX + "worker_restarts", PREFIX + "reloads"
PID: Final = "pid"

_GAUGES = (CONNECTIONS, IN_FLIGHT, QUEUED)


class Metrics:
    """Count what one process does.

    Parameters
    ----------
    slot : Slot
        Its own.

    Attributes
    ----------
    predictions : PredictionCounts

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
        self.predictions = PredictionCounts(slot, self._lock)
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

    def request(self, route: str, contract: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        Parameters
        ----------
        route : str
            One of a fixed set; what clients make up would never end.
        contract : str
            That the route belongs to.
        status : int
        seconds : float
        """
        values = self._values
        with self._lock:
            places = self._requests.get((route, status))
            if places is None:
                places = self._register(route, contract, status)
                self._requests[route, status] = places
            count, buckets, spent = places
            values[count] += 1
            values[buckets[bisect_left(BUCKETS, seconds)]] += 1
            values[spent] += seconds

    def _register(self, route: str, contract: str, status: int) -> tuple[int, list[int], int]:
        """Make the series of a route: its count, its buckets and what is beyond them, its sum."""
        labels = {"contract": contract, "route": route}
        count = self._slot.index(REQUESTS, **labels, status=str(status))
        return count, *self._slot.histogram(DURATION, BUCKETS, **labels)
