"""What is served: the talk's irises, and tables with a forest, mixed columns, boosting, texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Value = float | str | None
Row = tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class Workload:
    """A model that servers are measured with.

    Parameters
    ----------
    name : str
    columns : tuple of str
    classes : tuple of str
    estimator : str
        As `train --estimator` takes it; empty for what `train` does without a table.
    draw : callable or None
        Draws a table of so many rows, with a class in ``kind``; from a seed.
    texts : tuple of str
        Columns of texts.
    """

    name: str
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    estimator: str = ""
    draw: Callable[[int, int], pd.DataFrame] | None = None
    texts: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What stands before the names of settings."""
        return f"{self.name}: " if self.draw else ""

    def named(self, row: Row) -> dict[str, Value]:
        """Name the values of a row."""
        return dict(zip(self.columns, row, strict=True))

    def arrays(self, rows: Sequence[Row]) -> dict[str, list[Value]]:
        """Put the values of each column together."""
        columns = zip(*rows, strict=True)
        return {name: list(of) for name, of in zip(self.columns, columns, strict=True)}

    def read_labels(self, values: Sequence[Any]) -> list[str]:
        """Return labels of labels, or of positions.

        Raises
        ------
        TypeError, IndexError
            If they are neither.
        """
        return [v if isinstance(v, str) else self.classes[v] for v in values]


N_NUMBERS = 10
NUMBERS = tuple(f"x{k}" for k in range(N_NUMBERS))
CLASSES = ("high", "low", "middle")
CATEGORIES = {"colour": 3, "shape": 5, "city": 20, "brand": 60}
"""Columns, and how many categories each has."""

SYLLABLES = [f"{consonant}{vowel}" for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
WORDS = [f"{first}{second}" for first in SYLLABLES for second in SYLLABLES][::2]
"""Of texts, 2,450."""

MIXED = ("size", "weight", "age", "price", *CATEGORIES)


def draw_numbers(n_rows: int, seed: int) -> pd.DataFrame:
    """Draw ten numbers, of which five decide, beside chance."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, N_NUMBERS)).round(3)
    score = X[:, 0] + X[:, 1] * X[:, 2] + np.abs(X[:, 3]) - X[:, 4] + rng.normal(size=n_rows)
    return pd.DataFrame(X, columns=list(NUMBERS)).assign(kind=_kinds(score))


def draw_mixed(n_rows: int, seed: int) -> pd.DataFrame:
    """Draw four numbers, one with gaps, and four categories."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(n_rows, 4)).round(3), columns=list(MIXED[:4]))
    score = table["size"] - table["age"] * table["weight"] + rng.normal(size=n_rows)
    for name, count in CATEGORIES.items():
        drawn = np.minimum(rng.geometric(2 / (count + 1), n_rows), count) - 1
        table[name] = np.array([f"{name}-{k}" for k in range(count)], object)[drawn]
        score += drawn % 3 - 1
    table.loc[rng.random(n_rows) < 0.1, "age"] = np.nan
    return table.assign(kind=_kinds(score.to_numpy()))


def draw_texts(n_rows: int, seed: int) -> pd.DataFrame:
    """Draw texts of five to thirty words; common words come often, and each has a weight."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(10, len(WORDS) + 10)
    lengths = rng.integers(5, 31, n_rows)
    drawn = rng.choice(len(WORDS), lengths.sum(), p=share / share.sum())
    ends = lengths.cumsum()
    words = np.array(WORDS, object)[drawn]
    texts = [" ".join(words[end - n : end]) for n, end in zip(lengths, ends, strict=True)]
    score = np.add.reduceat(drawn % 7 - 3.0, ends - lengths) / 5 + rng.normal(size=n_rows) / 2
    return pd.DataFrame({"text": np.array(texts, object)}).assign(kind=_kinds(score))


def _kinds(score: np.ndarray) -> np.ndarray:
    names = np.array(["low", "middle", "high"], object)
    drawn: np.ndarray = names[np.digitize(score, (-1.0, 1.0))]
    return drawn


IRISES = Workload("irises", ("length", "width"), ("setosa", "versicolor", "virginica"))
WORKLOADS = {
    workload.name: workload
    for workload in (
        IRISES,
        Workload("forest", NUMBERS, CLASSES, "random-forest", draw_numbers),
        Workload("mixed", MIXED, CLASSES, "logistic-regression", draw_mixed),
        Workload("boosting", NUMBERS, CLASSES, "hist-gradient-boosting", draw_numbers),
        Workload("text", ("text",), CLASSES, "logistic-regression", draw_texts, ("text",)),
    )
}
"""By name. A pipeline of numbers alone does nothing before its estimator."""
