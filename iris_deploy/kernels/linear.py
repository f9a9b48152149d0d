"""The arithmetic of linear classifiers, on plain floats for one row and on columns for many.

One row gets the same bits alone, in any batch and on every machine: each score is the same short
sequence of IEEE 754 operations in the same order, whoever asks. scikit-learn cannot promise that,
because BLAS takes another path for one row than for many.

Knows numbers only: no estimator's attributes, no labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import OVERFLOW, decide
from iris_deploy.kernels.steps import Step, change
from iris_deploy.schema.batch import Floats

MAX_UNROLLED = 4096
"""Operations of a row, its steps' too, that are written out as code (about 0.1 s to compile)."""

BLOCK_ROWS = 8192
"""Rows that are worked on at a time: 64 KiB a column, so that a few columns stay in the cache."""


@dataclass(frozen=True, slots=True)
class LinearKernel:
    """Steps, then one weighted sum per line of ``coef``.

    Parameters
    ----------
    coef : ndarray of shape (n_lines, n_features)
        Weights; one line for two classes, else one per class.
    intercept : ndarray of shape (n_lines,)
        Added last.
    steps : tuple of Step
        Before the sums, in the order in which they apply.
    """

    coef: Floats
    intercept: Floats
    steps: tuple[Step, ...] = ()

    def after(self, steps: Sequence[Step]) -> "LinearKernel":
        """Return the same sums of features that are changed by steps before."""
        return replace(self, steps=(*steps, *self.steps))

    @property
    def n_scores(self) -> int:
        """Lines of ``coef``."""
        return len(self.coef)

    @property
    def size(self) -> int:
        """Operations for one row."""
        n_lines, n_features = self.coef.shape
        return int((n_lines + len(self.steps)) * n_features)

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        if self.size > MAX_UNROLLED:
            return self._decide_one
        namespace: dict[str, Any] = {}
        # Text made of numbers that were checked to be finite floats, nothing else: no name and no
        # string of an artifact can get into it. Six times as fast as loops over lists.
        exec(compile(self.source(), "<kernel>", "exec"), namespace)  # noqa: S102
        row: DecideRow = namespace["row"]
        return row

    def _decide_one(self, row: Sequence[float]) -> tuple[int, tuple[float, ...]]:
        """Decide on one row by vectors over its features; the bits are those of its columns.

        The steps are the same operations element by element, and `accumulate` adds from left to
        right, as the columns are added one after the other.
        """
        x = np.array(row, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            x = change(self.steps, x, slice(None))
            totals = [np.add.accumulate(line * x)[-1] for line in self.coef]
            scores = (np.array(totals) + self.intercept)[:, np.newaxis]
        return int(decide(scores)[0]), tuple(scores[:, 0].tolist())

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
                    x = change(self.steps, np.ascontiguousarray(block[:, j]), j)
                    weights = self.coef[:, j : j + 1]
                    if j:
                        total += weights * x
                    else:
                        np.multiply(weights, x, out=total)
                total += self.intercept[:, np.newaxis]
        return scores
