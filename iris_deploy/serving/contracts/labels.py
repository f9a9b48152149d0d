"""Labels written as JSON or as raw bytes, several at a time.

Knows positions of classes and bytes, and nothing of what they answer.
"""

import itertools
from collections.abc import Sequence
from typing import Self

import msgspec
import numpy as np

from iris_deploy.schema.batch import FEW, Outcomes
from iris_deploy.schema.outputs import Label

_MOST_RUNS = 256


class LabelWriter:
    """Write the labels of many rows.

    Every run of a few labels that there can be is written beforehand, five labels of three
    classes, so that 100,000 rows are 20,000 pieces to join: 0.3 ms instead of 1.2.

    Parameters
    ----------
    written : sequence of bytes
        Each class as it is written.
    between : bytes
        What stands between two.

    Attributes
    ----------
    longest : int
        Bytes of a label and what follows it, at most.
    """

    def __init__(self, written: Sequence[bytes], between: bytes = b",") -> None:
        self._each, self._between = written, between
        self._labels = np.array(written, object)
        self._lengths = np.array([len(label) for label in written], np.int64)
        self.longest = max(map(len, written), default=0) + len(between)
        n_classes = len(written)
        self._length = 1
        while n_classes > 1 and n_classes ** (self._length + 1) <= _MOST_RUNS:
            self._length += 1
        runs = itertools.product(written, repeat=self._length)
        self._runs = np.array([between.join(run) for run in runs], object)
        self._weights = np.array([n_classes**k for k in reversed(range(self._length))], np.int32)

    @classmethod
    def of_json(cls, classes: Sequence[Label]) -> Self:
        """Make one that writes the elements of a JSON array."""
        return cls([msgspec.json.encode(label) for label in classes])

    def length_of(self, indices: Outcomes) -> int:
        """Return the bytes of some labels; see `write`."""
        counts = np.bincount(indices, minlength=len(self._lengths))
        return int(counts @ self._lengths) + max(len(indices) - 1, 0) * len(self._between)

    def write(self, indices: Outcomes) -> bytes:
        """Write labels.

        Parameters
        ----------
        indices : ndarray of int, shape (n_rows,)
            Positions of the classes.
        """
        if len(indices) <= FEW:
            return self._between.join([self._each[index] for index in indices.tolist()])
        in_runs = len(indices) - len(indices) % self._length
        runs = indices[:in_runs].reshape(-1, self._length) @ self._weights
        pieces = self._runs.take(runs).tolist() + self._labels.take(indices[in_runs:]).tolist()
        return self._between.join(pieces)
