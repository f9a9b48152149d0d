"""What a process counts of predictions: classes or numbers, and where each column's values lie."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from iris_deploy.bundle.manifest import Manifest
from iris_deploy.schema.batch import Floats, Outcomes
from iris_deploy.schema.bins import build_bins
from iris_deploy.schema.drift import WINDOW_ROWS
from iris_deploy.schema.outputs import (
    ClassOutput,
    NumberOutput,
    OneOutput,
    SeveralOutputs,
    label_text,
)
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.telemetry.places import (
    ColumnCounts,
    NumberCounts,
    OutputCounts,
    PlainCounts,
    plain_counts,
)
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
        self._columns: tuple[ColumnCounts, ...] = ()
        self._plain: tuple[PlainCounts, ...] = ()
        self._signature: Signature | None = None
        self._outputs: tuple[OutputCounts, ...] = ()
        self._predictions: list[int] = []
        self._numbers: NumberCounts | None = None
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
                columns.append(ColumnCounts(bins, now, before, outside))
            self._columns = tuple(columns)
            self._plain = plain_counts(columns)
            self._signature = signature
            self._window = 0
            values[slot.index(GENERATION)] = generation

    def _begin_output(self, signature: Signature) -> None:
        output = signature.output
        self._predictions, self._numbers = [], None
        if isinstance(output, SeveralOutputs):
            self._outputs = tuple(self._place(each, output=each.name) for each in output.outputs)
        else:
            self._outputs = (self._place(output),)
            self._predictions, self._numbers = self._outputs[0]

    def _place(self, of: OneOutput, **labels: str) -> "OutputCounts":
        if isinstance(of, ClassOutput):
            texts = map(label_text, of.classes)
            places = [self._slot.index(PREDICTIONS, **{"class": text}, **labels) for text in texts]
            return OutputCounts(places, None)
        edges = bounds(of)
        return OutputCounts(
            [], NumberCounts(edges, *self._slot.histogram(NUMBERS, edges, **labels))
        )

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
            Positions of the classes, or numbers; of several outputs one of either for each.
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
                else:
                    self._count_outputs(outcomes)
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
        """Count classes of the bundle before; where its columns' values lie is over."""
        parts = signature.parts
        for part, line in zip(parts, _by_output(outcomes, len(parts)), strict=True):
            labels = {"output": part.output.name} if len(parts) > 1 else {}
            for index, count in Counter(map(int, line)).items() if part.classes else ():
                label = {"class": label_text(part.classes[index])}
                self._values[self._slot.index(PREDICTIONS, **label, **labels)] += count

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
        self._count_outputs(outcomes)
        matrix = np.asarray(rows, np.float64).T
        for column, (bins, now, _, outside) in zip(matrix, self._columns, strict=True):
            line = np.ascontiguousarray(column)  # six times as quick to compare, if rows are
            for place, count in zip(now, bins.count(line), strict=True):
                values[place] += count
            values[outside] += bins.count_outside(line)

    def _count_outputs(self, outcomes: Sequence[Any] | Outcomes) -> None:
        """Count the outcomes of all outputs."""
        values = self._values
        lines = _by_output(outcomes, len(self._outputs))
        for (places, numbers), line in zip(self._outputs, lines, strict=True):
            if numbers is None:
                found, buckets = line.astype(np.int64), places
            else:
                edges, buckets, spent = numbers
                found = np.searchsorted(np.array(edges), line)  # the first that is not below
                values[spent] += float(np.sum(line))
            counts = np.bincount(found, minlength=len(buckets)).tolist()
            for place, count in zip(buckets, counts, strict=True):
                values[place] += count

    def _turn_window(self) -> None:
        values = self._values
        for counts in self._columns:
            for now, before in zip(counts.now, counts.before, strict=True):
                values[before], values[now] = values[now], 0.0
        self._window = 0


def _by_output(outcomes: Sequence[Any] | Outcomes, n_outputs: int) -> Floats:
    """Return a line of outcomes for each output."""
    return np.asarray(outcomes, np.float64).reshape(-1, n_outputs).T


def bounds(output: NumberOutput) -> tuple[float, ...]:
    """Return the bounds of the histogram of a number: the target's inner deciles, if known."""
    return output.seen.bin_edges if output.seen else ()
