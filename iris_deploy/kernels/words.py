"""Features of which each stands for a word of a text: most are 0, and only the others are kept.

Knows numbers only: who counts the words of a text is handed in.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.steps import Step
from iris_deploy.schema.batch import Floats, Indices, Text

Norm = Literal["l1", "l2"]
"""Of the words of a text, by which all of them are divided."""

_OPERATIONS = 1 << 13

_FEW = 64
"""Words up to which lists are quicker than arrays."""

Count = Callable[[str], Mapping[int, float]]
"""From a text to the positions of the words that are in it, and how often each is."""

Found = tuple[NDArray[np.int64], Floats]
"""Positions of features that are not 0, ascending, and what they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Weighting:
    """What becomes of the counts of a text.

    Parameters
    ----------
    idf : ndarray of shape (n_words,), or None
        By which counts are multiplied.
    sublinear : bool
        Whether counts become their logarithm plus 1 before.
    norm : {'l1', 'l2'} or None
        By which all of a text are divided after.
    """

    idf: Floats | None
    sublinear: bool
    norm: Norm | None

    def apply(self, words: NDArray[np.int64], counts: Floats) -> Floats:
        """Return the weights of the words that are in a text."""
        weights = np.log(counts) + 1.0 if self.sublinear else counts
        if self.idf is not None:
            weights = weights * self.idf.take(words)
        if self.norm is None:
            return weights
        # From left to right, as the columns of a row are: NumPy's own sum goes in pairs.
        if self.norm == "l2":
            size = np.sqrt(np.add.accumulate(weights * weights)[-1])
        else:
            size = np.add.accumulate(np.abs(weights))[-1]
        return weights / size if size else weights

    def apply_few(self, words: list[int], counts: Sequence[float]) -> list[float]:
        """Return the same of lists, by the same operations."""
        if self.sublinear or len(words) > _FEW:
            found = self.apply(np.array(words, np.int64), np.array(counts, np.float64))
            listed: list[float] = found.tolist()
            return listed
        weights = [float(count) for count in counts]
        if self.idf is not None:
            weights = [
                w * idf for w, idf in zip(weights, self.idf.take(words).tolist(), strict=True)
            ]
        if self.norm is None:
            return weights
        if self.norm == "l2":
            size = math.sqrt(add_products(weights, weights))
        else:
            size = add_products([abs(w) for w in weights], [1.0] * len(weights))
        return [w / size for w in weights] if size else weights


@dataclass(frozen=True, eq=False)
class Words:
    """Features of one column of texts.

    Parameters
    ----------
    source : int
        Position of the column.
    count : callable
        Counts the words of a text.
    n_words : int
        Words that are known.
    weighting : Weighting or None
    kept : ndarray of int, shape (n_features,), or None
        Which word each feature is; None if they are all words in their order.
    steps : tuple of Step
        In the order in which they apply; each leaves a 0 as it is.
    """

    source: int
    count: Count
    n_words: int
    weighting: Weighting | None = None
    kept: Indices | None = None
    steps: tuple[Step, ...] = ()

    @property
    def width(self) -> int:
        """How many features it is."""
        return self.n_words if self.kept is None else len(self.kept)

    @property
    def size(self) -> int:
        """Operations for one row: as long as the text is, and never written out as code."""
        return _OPERATIONS

    def pick(self, indices: Indices) -> "Words":
        """Return some of the features, each once."""
        kept = np.asarray(indices if self.kept is None else self.kept[indices], np.int32)
        return replace(self, kept=kept, steps=tuple(step.pick(indices) for step in self.steps))

    def then(self, step: Step) -> "Words":
        """Return the features after one more step.

        Raises
        ------
        ValueError
            If it makes something of a 0: then most features would be something.
        """
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            changed = step.change(np.zeros(self.width), slice(None))
        if not (changed == 0.0).all():
            raise ValueError("a step makes something of words that are not in a text")
        return replace(self, steps=(*self.steps, step))

    def find(self, text: str) -> Found:
        """Return the features of a text that are not 0."""
        counted = self.count(text)
        order = sorted(counted)
        words = np.array(order, np.int64)
        values = np.array([counted[word] for word in order], np.float64)
        if self.weighting is not None and len(words):
            values = self.weighting.apply(words, values)
        if self.kept is not None:
            place = self._places.take(words)
            there = np.flatnonzero(place >= 0)
            there = there[np.argsort(place[there])]
            words, values = place[there], values[there]
        for step in self.steps:
            values = step.pick(words.astype(np.int32)).change(values, slice(None))
        return words, values

    def list_found(self, text: str) -> tuple[list[int], list[float]]:
        """Return what `find` does, as lists: with few words they take less time."""
        if self.kept is not None or self.steps:
            positions, values = self.find(text)
            return positions.tolist(), values.tolist()
        counted = self.count(text)
        order = sorted(counted)
        if self.weighting is None or not order:
            return order, [float(counted[word]) for word in order]
        return order, self.weighting.apply_few(order, [counted[word] for word in order])

    @cached_property
    def _places(self) -> NDArray[Any]:
        """The feature that each word is; -1 of words that are left out."""
        places = np.full(self.n_words, -1, np.int64)
        places[self.kept] = np.arange(self.width)
        return places


def keep_lines(lines: Floats, room: int) -> Callable[[list[int]], list[list[float]]]:
    """Build what returns lines of a matrix as lists, of which it keeps so many."""
    kept: dict[int, list[float]] = {}

    def take(positions: list[int]) -> list[list[float]]:
        found = []
        for position in positions:
            line = kept.get(position)
            if line is None:
                line = lines[position].tolist()
                if len(kept) < room:
                    kept[position] = line
            found.append(line)
        return found

    return take


def add_products(weights: Sequence[float], values: Sequence[float]) -> float:
    """Add products from left to right, where there are few; of one at least."""
    pairs = zip(weights, values, strict=True)
    first, value = next(pairs)
    total = first * value
    for weight, value in pairs:
        total += weight * value
    return total


def text_of(value: float) -> str:
    """Return the text of a row's value."""
    if not isinstance(value, Text):
        raise TypeError("expected a text")
    return value.text


def spread(found: Found, width: int) -> list[float]:
    """Return all of so many features, of which some are not 0."""
    line = [0.0] * width
    positions, values = found
    for position, value in zip(positions.tolist(), values.tolist(), strict=True):
        line[position] = value
    return line
