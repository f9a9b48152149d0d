"""What is counted of scored rows: answers, bad rows, and where each column's values lie."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from iris_deploy.schema.bins import Bins, build_bins
from iris_deploy.schema.drift import ENOUGH_ROWS, drift_threshold, stability_index
from iris_deploy.schema.outputs import ClassOutput, OneOutput, label_text
from iris_deploy.schema.signature import Signature
from iris_deploy.scoring.columns import Rows


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How far a column has moved from training.

    Parameters
    ----------
    psi : float
        Population stability index.
    threshold : float
        What chance explains.
    """

    psi: float
    threshold: float

    @property
    def is_likely(self) -> bool:
        """Whether chance does not explain it."""
        return self.psi > self.threshold


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """Predicted numbers, put together.

    Parameters
    ----------
    minimum, maximum, mean : float
        Of all; 0 of none.
    edges : list of float
        Inner deciles of the target in training.
    counts : list of int
        Predictions below, between and above these; one more than there are edges.
    """

    minimum: float
    maximum: float
    mean: float
    edges: list[float]
    counts: list[int]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted; counts of several pieces add up.

    Parameters
    ----------
    n_rows, n_bad, n_outside : int
        Rows that were read, those that do not fit, values outside the training range.
    columns : tuple of ndarray of int
        Values in each bin of each column.
    outputs : tuple of ndarray of int
        Predictions of each class, or in each bin of a number, of each output.
    spans : tuple of (float, float, float)
        The least predicted number, the largest, and the sum of all, of each output.
    """

    n_rows: int
    n_bad: int
    n_outside: int
    columns: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]
    spans: tuple[tuple[float, float, float], ...]

    def __add__(self, other: "Counts") -> "Counts":
        """Put counts together."""
        return Counts(
            self.n_rows + other.n_rows,
            self.n_bad + other.n_bad,
            self.n_outside + other.n_outside,
            tuple(a + b for a, b in zip(self.columns, other.columns, strict=True)),
            tuple(a + b for a, b in zip(self.outputs, other.outputs, strict=True)),
            tuple(
                (min(a, d), max(b, e), c + f)
                for (a, b, c), (d, e, f) in zip(self.spans, other.spans, strict=True)
            ),
        )


class Tally:
    """Count rows of a signature, and say what the counts mean.

    Parameters
    ----------
    signature : Signature
    """

    def __init__(self, signature: Signature) -> None:
        self._columns = signature.columns
        self._outputs: list[Any] = [part.output for part in signature.parts]  # one each
        self._bins = [build_bins(column) for column in signature.columns]

    def count(self, rows: Rows, outcomes: np.ndarray) -> Counts:
        """Count rows and what is predicted for those that are good.

        Parameters
        ----------
        rows : Rows
        outcomes : ndarray of shape (n_good, n_outputs)
        """
        good = rows.good
        lines = [np.ascontiguousarray(line, np.float64) for line in good.T]
        pairs = list(zip(self._bins, lines, strict=True))
        answers = [
            _count_output(output, line)
            for output, line in zip(self._outputs, outcomes.T, strict=True)
        ]
        return Counts(
            n_rows=len(rows.bad),
            n_bad=len(rows.bad) - len(good),
            n_outside=sum(bins.count_outside(line) for bins, line in pairs),
            columns=tuple(np.array(bins.count(line), np.int64) for bins, line in pairs),
            outputs=tuple(counts for counts, _ in answers),
            spans=tuple(span for _, span in answers),
        )

    def nothing(self) -> Counts:
        """Return the counts of no rows."""
        rows = Rows(np.empty((0, len(self._columns))), np.empty(0, bool))
        return self.count(rows, np.empty((0, len(self._outputs))))

    def drift(self, counted: Counts) -> dict[str, Drift]:
        """Return how far each column has moved, of those of which training is known."""
        found = {}
        pairs = zip(self._columns, self._bins, counted.columns, strict=True)
        for column, bins, counts in pairs:
            n_rows = int(counts.sum())
            if n_rows >= ENOUGH_ROWS and _is_known(bins):
                found[column.name] = Drift(
                    psi=stability_index(bins.trained, counts.tolist()),
                    threshold=drift_threshold(len(counts), sum(bins.trained), n_rows),
                )
        return found

    def predictions(self, counted: Counts) -> dict[str, dict[str, int] | Numbers]:
        """Return of each output how often each class was predicted, or its numbers."""
        found: dict[str, dict[str, int] | Numbers] = {}
        groups = zip(self._outputs, counted.outputs, counted.spans, strict=True)
        for output, counts, (low, high, total) in groups:
            if isinstance(output, ClassOutput):
                texts = map(label_text, output.classes)
                found[output.name] = dict(zip(texts, counts.tolist(), strict=True))
                continue
            n_answers = int(counts.sum())
            found[output.name] = Numbers(
                minimum=low if n_answers else 0.0,
                maximum=high if n_answers else 0.0,
                mean=total / n_answers if n_answers else 0.0,
                edges=list(_edges(output)),
                counts=counts.tolist(),
            )
        return found


def _count_output(
    output: OneOutput, line: np.ndarray
) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Count the outcomes of one output."""
    if isinstance(output, ClassOutput):
        counts = np.bincount(line.astype(np.int64), minlength=len(output.classes))
        return counts, (np.inf, -np.inf, 0.0)
    edges = _edges(output)
    counts = np.bincount(np.searchsorted(edges, line), minlength=len(edges) + 1)
    low, high = line.min(initial=np.inf), line.max(initial=-np.inf)
    return counts, (float(low), float(high), float(line.sum()))


def _edges(output: OneOutput) -> tuple[float, ...]:
    seen = None if isinstance(output, ClassOutput) else output.seen
    return seen.bin_edges if seen else ()


def _is_known(bins: Bins) -> bool:
    return sum(bins.trained) > 0
