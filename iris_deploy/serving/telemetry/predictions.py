"""What a process counts of predictions: classes or numbers, and where each column's values lie."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from iris_deploy.bundle.manifest import Manifest
from iris_deploy.schema.batch import Floats, Outcomes
from iris_deploy.schema.outputs import ClassOutput, NumberOutput, label_text
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.telemetry.bins import Bins, NumberBins, build_bins
from iris_deploy.serving.telemetry.drift import WINDOW_ROWS
from iris_deploy.serving.telemetry.slots import PREFIX, Slot

PREDICTIONS, OUT_OF_RANGE = PREFIX + "predictions", PREFIX + "out_of_range"
NUMBERS = PREFIX + "predicted_number"
DRIFT_NOW, DRIFT_BEFORE = "drift_now", "drift_before"
GENERATION: Final = "generation"


class PredictionCounts:
    """Count what one process predicts.

    Parameters
    ----------
    slot : Slot
        Its own.
    lock : threading.Lock
        Held while anything in the slot is counted.
    """

    def __init__(self, slot: Slot, lock: threading.Lock) -> None:
        self._slot = slot
        self._values = slot.values
        self._lock = lock
        self._columns: tuple[_ColumnCounts, ...] = ()
        self._plain: tuple[_PlainCounts, ...] = ()
        self._signature: Signature | None = None
        self._predictions: list[int] = []
        self._numbers: _NumberCounts | None = None
        self._window = 0

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
            self._begin_output(signature)
            columns = []
            for column in signature.columns:
                bins = build_bins(column)
                now, before = (
                    [
                        slot.index(name, column=column.name, bin=str(k))
                        for k in range(len(bins.trained))
                    ]
                    for name in (DRIFT_NOW, DRIFT_BEFORE)
                )
                for place in now + before:
                    values[place] = 0
                outside = slot.index(OUT_OF_RANGE, column=column.name)
                columns.append(_ColumnCounts(bins, now, before, outside))
            self._columns = tuple(columns)
            self._plain = _plain_counts(columns)
            self._signature = signature
            self._window = 0
            values[slot.index(GENERATION)] = generation

    def _begin_output(self, signature: Signature) -> None:
        index, output = self._slot.index, signature.output
        self._predictions, self._numbers = [], None
        if isinstance(output, ClassOutput):
            self._predictions = [
                index(PREDICTIONS, **{"class": label_text(label)}) for label in output.classes
            ]
            return
        edges = bounds(output)
        self._numbers = _NumberCounts(edges, *self._slot.histogram(NUMBERS, edges))

    def observe(
        self,
        signature: Signature,
        rows: Sequence[Sequence[float]] | Floats,
        outcomes: Sequence[Any] | Outcomes,
    ) -> None:
        """Count predictions: their classes or numbers, and where each column's values lie.

        Parameters
        ----------
        signature : Signature
            Of the bundle that predicted.
        rows : sequence of rows, or ndarray of shape (n_rows, n_columns)
        outcomes : sequence of int or float, length n_rows
            Positions of the classes, or numbers.
        """
        values, n_rows = self._values, len(rows)
        with self._lock:
            if signature is not self._signature:
                self._observe_late(signature, outcomes)
                return
            if not n_rows:
                return
            if n_rows == 1:
                if self._predictions:
                    values[self._predictions[outcomes[0]]] += 1
                elif self._numbers is not None:
                    edges, buckets, spent = self._numbers
                    values[buckets[bisect_left(edges, outcomes[0])]] += 1
                    values[spent] += outcomes[0]
                # `strict` would cost as much as counting one column.
                for value, (edges, low, high, now, outside) in zip(rows[0], self._plain):  # noqa: B905
                    values[now[bisect_left(edges, value)]] += 1
                    if not low <= value <= high:
                        values[outside] += 1
                if not self._plain:
                    self._observe_one(rows[0])
            else:
                self._observe_many(rows, outcomes)
            self._window += n_rows
            if self._window >= WINDOW_ROWS:
                self._turn_window()

    def _observe_late(self, signature: Signature, outcomes: Sequence[float] | Outcomes) -> None:
        """Count predictions of the bundle before; where its columns' values lie is over."""
        if not signature.classes:
            return
        for index, count in Counter(map(int, outcomes)).items():
            label = {"class": label_text(signature.classes[index])}
            self._values[self._slot.index(PREDICTIONS, **label)] += count

    def _observe_one(self, row: Sequence[float]) -> None:
        values = self._values
        for value, (bins, now, _, outside) in zip(row, self._columns, strict=True):
            values[now[bins.bin_of(value)]] += 1
            if bins.is_outside(value):
                values[outside] += 1

    def _observe_many(
        self, rows: Sequence[Sequence[float]] | Floats, outcomes: Sequence[float] | Outcomes
    ) -> None:
        values = self._values
        if self._predictions:
            counts = np.bincount(outcomes, minlength=len(self._predictions)).tolist()
            for place, count in zip(self._predictions, counts, strict=True):
                values[place] += count
        elif self._numbers is not None:
            edges, buckets, spent = self._numbers
            places = np.searchsorted(np.array(edges), outcomes)  # the first that is not below
            counts = np.bincount(places, minlength=len(buckets)).tolist()
            for place, count in zip(buckets, counts, strict=True):
                values[place] += count
            values[spent] += float(np.sum(outcomes))
        matrix = np.asarray(rows, np.float64).T
        for line, (bins, now, _, outside) in zip(matrix, self._columns, strict=True):
            for place, count in zip(now, bins.count(line), strict=True):
                values[place] += count
            values[outside] += bins.count_outside(line)

    def _turn_window(self) -> None:
        values = self._values
        for counts in self._columns:
            for now, before in zip(counts.now, counts.before, strict=True):
                values[before], values[now] = values[now], 0.0
        self._window = 0


class _ColumnCounts(NamedTuple):
    """Where the counts of one column are, and what they are counts of."""

    bins: Bins
    now: list[int]
    before: list[int]
    outside: int


class _PlainCounts(NamedTuple):
    """The same of a number that never misses: what each request of one row goes through."""

    edges: tuple[float, ...]
    low: float
    high: float
    now: list[int]
    outside: int


class _NumberCounts(NamedTuple):
    """Where the histogram of predicted numbers is: bounds, counts, sum."""

    edges: tuple[float, ...]
    buckets: list[int]
    spent: int


def bounds(output: NumberOutput) -> tuple[float, ...]:
    """Return the bounds of the histogram of a number: the target's inner deciles, if known."""
    return output.seen.bin_edges if output.seen else ()


def _plain_counts(columns: Sequence[_ColumnCounts]) -> tuple[_PlainCounts, ...]:
    """Return the counts of columns that are all numbers and never miss; else none."""
    plain = []
    for bins, now, _, outside in columns:
        if not isinstance(bins, NumberBins) or bins.missing:
            return ()
        plain.append(_PlainCounts(bins.edges, bins.low, bins.high, now, outside))
    return tuple(plain)
