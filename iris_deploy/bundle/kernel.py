"""The arithmetic of linear classifiers, on plain floats for one row and on columns for many.

One row gets the same bits alone, in any batch and on every machine: each score is the same short
sequence of IEEE 754 operations in the same order, whoever asks. scikit-learn cannot promise that,
because BLAS takes another path for one row than for many.

Knows numbers only: no estimator's attributes (estimators.py), no labels (predictor.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Row = Callable[[Sequence[float]], tuple[int, tuple[float, ...]]]

OVERFLOW = -1
"""Decision on a row whose scores are not finite: none."""

MAX_UNROLLED = 4096
"""Operations of a row, its steps' too, that are written out as code (about 0.1 s to compile)."""

BLOCK_ROWS = 8192
"""Rows that are worked on at a time: 64 KiB a column, so that a few columns stay in the cache."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on every feature, before the scores.

    Parameters
    ----------
    operator : {'-', '/', '*', '+', 'clip'}
        What is done to each value.
    operand : ndarray of shape (n_features,), or tuple of float
        The right-hand side for each feature; for 'clip' the lower and upper bound of all.
    """

    operator: Literal["-", "/", "*", "+", "clip"]
    operand: Floats | tuple[float, float]


@dataclass(frozen=True, slots=True)
class Kernel:
    """Steps, then one weighted sum per line of ``coef``.

    Parameters
    ----------
    steps : tuple of Step
        In the order in which they apply.
    coef : ndarray of shape (n_lines, n_features)
        Weights; one line for two classes, else one per class.
    intercept : ndarray of shape (n_lines,)
        Added last.
    """

    steps: tuple[Step, ...]
    coef: Floats
    intercept: Floats

    @property
    def size(self) -> int:
        """Operations for one row."""
        n_lines, n_features = self.coef.shape
        return int((n_lines + len(self.steps)) * n_features)

    def build_row(self) -> Row:
        """Build the function from one row of floats to its decision and scores."""
        if self.size > MAX_UNROLLED:
            return self._decide_one
        namespace: dict[str, Any] = {}
        # Text made of numbers that were checked to be finite floats, nothing else: no name and no
        # string of an artifact can get into it. Six times as fast as loops over lists.
        exec(compile(self.source(), "<kernel>", "exec"), namespace)  # noqa: S102
        row: Row = namespace["row"]
        return row

    def _decide_one(self, row: Sequence[float]) -> tuple[int, tuple[float, ...]]:
        """Decide on one row by vectors over its features; the bits are those of its columns.

        The steps are the same operations element by element, and `accumulate` adds from left to
        right, as the columns are added one after the other.
        """
        x = np.array(row, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            x = self._stepped(x, slice(None))
            totals = [np.add.accumulate(line * x)[-1] for line in self.coef]
            scores = (np.array(totals) + self.intercept)[:, np.newaxis]
        return int(self.decide(scores)[0]), tuple(scores[:, 0].tolist())

    def source(self) -> str:
        """Write the decision and the scores of one row as straight-line Python."""
        n_lines, n_features = self.coef.shape
        names = ", ".join(f"x{j}" for j in range(n_features))
        body = [f"{names}, = x"]
        for j in range(n_features):
            for step in self.steps:
                if isinstance(step.operand, tuple):
                    low, high = map(repr, step.operand)
                    body.append(
                        f"x{j} = {low} if x{j} < {low} else {high} if x{j} > {high} else x{j}"
                    )
                else:
                    body.append(f"x{j} = x{j} {step.operator} {float(step.operand[j])!r}")
        for k in range(n_lines):
            body += [
                f"s{k} = {f's{k} + ' if j else ''}x{j} * {float(self.coef[k, j])!r}"
                for j in range(n_features)
            ]
        body += [f"s{k} = s{k} + {float(self.intercept[k])!r}" for k in range(n_lines)]
        finite = " and ".join(f"-inf < s{k} < inf" for k in range(n_lines))
        scores = ", ".join(f"s{k}" for k in range(n_lines))
        body += [f"if not ({finite}): return {OVERFLOW}, ({scores},)"]
        if n_lines == 1:
            body += ["i = 1 if s0 > 0.0 else 0"]
        else:
            body += ["i, top = 0, s0"]
            body += [f"if s{k} > top: i, top = {k}, s{k}" for k in range(1, n_lines)]
        body += [f"return i, ({scores},)"]
        lines = "".join(f"    {line}\n" for line in body)
        return f"inf = float('inf')\ndef row(x):\n{lines}"

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows, a column at a time.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_lines, n_rows)
            For each row the bits that the function of `build_row` gives.
        """
        scores = np.empty((len(self.coef), len(rows)))
        # An overflow shows in the scores and is refused there, for one row as for many.
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(rows), BLOCK_ROWS):
                block = rows[start : start + BLOCK_ROWS]
                total = scores[:, start : start + BLOCK_ROWS]
                for j in range(block.shape[1]):
                    x = self._stepped(np.ascontiguousarray(block[:, j]), j)
                    weights = self.coef[:, j : j + 1]
                    if j:
                        total += weights * x
                    else:
                        np.multiply(weights, x, out=total)
                total += self.intercept[:, np.newaxis]
        return scores

    def decide(self, scores: Floats) -> Indices:
        """Choose the class of many rows from their scores.

        Parameters
        ----------
        scores : ndarray of shape (n_lines, n_rows)
            As `columns` gives them.

        Returns
        -------
        ndarray of int, shape (n_rows,)
            Position of the class: for one line whether it is above zero, else the first of the
            largest. `OVERFLOW` where a score is not finite.
        """
        top = scores[0]
        if len(scores) == 1:
            index = (top > 0).astype(np.int32)
        else:  # a tenth of the time of np.argmax, which goes across the lines
            index = np.zeros(len(top), np.int32)
            for k in range(1, len(scores)):
                index = np.maximum(index, (scores[k] > top) * np.int32(k))
                top = np.maximum(top, scores[k])
        return np.where(np.isfinite(scores).all(axis=0), index, np.int32(OVERFLOW))

    def _stepped(self, x: Floats, j: int | slice) -> Floats:
        """Apply every step to the column of feature ``j``, or to one row of a slice of them."""
        for step in self.steps:
            if isinstance(step.operand, tuple):
                low, high = step.operand
                x = np.where(x < low, low, np.where(x > high, high, x))
            else:
                x = _UFUNCS[step.operator](x, step.operand[j])
        return x


_UFUNCS: dict[str, Callable[[Floats, Any], Floats]] = {
    "-": np.subtract,
    "/": np.divide,
    "*": np.multiply,
    "+": np.add,
}
