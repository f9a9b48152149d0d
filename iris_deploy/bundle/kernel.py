"""The arithmetic of linear classifiers, on plain floats for one row and on columns for many.

One row gets the same bits alone, in any batch and on every machine: each score is the same short
sequence of IEEE 754 operations in the same order, whoever asks. scikit-learn cannot promise that,
because BLAS takes another path for one row than for many. For the same reason ``exp`` is built
here from additions and multiplications: C libraries differ in its last bit.

Knows numbers only: no estimator's attributes (estimators.py), no labels (predictor.py).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Row = Callable[[Sequence[float]], tuple[float, ...]]
Link = Literal["logistic", "softmax", "modified_huber"]

MAX_UNROLLED = 4096
"""Weights up to which one row has straight-line code of its own (about 0.1 s to compile)."""

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

    def build_row(self) -> Row:
        """Build the function from one row of floats to its scores."""
        if self.coef.size > MAX_UNROLLED:
            return lambda row: tuple(self.columns(np.array([row], dtype=np.float64))[:, 0].tolist())
        namespace: dict[str, Any] = {}
        # Text made of numbers that were checked to be finite floats, nothing else: no name and no
        # string of an artifact can get into it. Six times as fast as loops over lists.
        exec(compile(self.source(), "<kernel>", "exec"), namespace)  # noqa: S102
        row: Row = namespace["row"]
        return row

    def source(self) -> str:
        """Write the scores of one row as straight-line Python."""
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
        scores = ", ".join(f"s{k} + {float(self.intercept[k])!r}" for k in range(n_lines))
        body.append(f"return {scores},")
        return "def row(x):\n" + "".join(f"    {line}\n" for line in body)

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

    def _stepped(self, x: Floats, j: int) -> Floats:
        """Apply every step to the column of feature ``j``."""
        for step in self.steps:
            if isinstance(step.operand, tuple):
                low, high = step.operand
                x = np.where(x < low, low, np.where(x > high, high, x))
            else:
                x = _UFUNCS[step.operator](x, step.operand[j])
        return x


_UFUNCS: dict[str, Callable[[Floats, float], Floats]] = {
    "-": np.subtract,
    "/": np.divide,
    "*": np.multiply,
    "+": np.add,
}


class FloatMath:
    """The few functions that the links need, for plain floats."""

    floor = staticmethod(math.floor)
    ldexp = staticmethod(math.ldexp)

    @staticmethod
    def where(condition: bool, yes: float, no: float) -> float:  # noqa: FBT001
        """Choose as `numpy.where` does."""
        return yes if condition else no


class ColumnMath:
    """The same functions for columns."""

    where = staticmethod(np.where)

    @staticmethod
    def floor(x: Floats) -> NDArray[np.int64]:
        """Round down to whole numbers."""
        return np.floor(x).astype(np.int64)

    ldexp = staticmethod(np.ldexp)


# ln 2 in two parts (Cody and Waite 1980): the first has 21 trailing zero bits, so that its product
# with an exponent of up to 11 bits is exact.
_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
_TAYLOR = tuple(1 / math.factorial(n) for n in range(13, -1, -1))
_UNDERFLOW = -746.0  # exp() is 0 below ln(2**-1075)


def exp(x: Any, xp: Any) -> Any:
    """Compute e to the power of x, for x at most 0, from IEEE operations alone.

    Parameters
    ----------
    x : float or ndarray
        At most 0.
    xp : FloatMath or ColumnMath
        For what ``x`` is.

    Returns
    -------
    float or ndarray
        Within 2 ulp; the same bits for the same x, in either form, on any machine.

    Notes
    -----
    x is k ln 2 + r with |r| at most ln 2 / 2, where 13 terms of the Taylor series leave an error
    of 4e-18, far below the 1.1e-16 of rounding.
    """
    x = xp.where(x < _UNDERFLOW, _UNDERFLOW, x)
    k = xp.floor(x * _LOG2_E + 0.5)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    total = _TAYLOR[0]
    for term in _TAYLOR[1:]:
        total = total * r + term
    return xp.ldexp(total, k)


def logistic(score: Any, xp: Any) -> Any:
    """Compute 1 / (1 + exp(-score)) without overflow."""
    small = exp(xp.where(score < 0, score, -score), xp)
    return xp.where(score < 0, small, 1.0) / (1.0 + small)


def probabilities(scores: Sequence[Any], link: Link, xp: Any) -> list[Any]:
    """Turn decision values into probabilities as scikit-learn's ``predict_proba`` does.

    Parameters
    ----------
    scores : sequence of float or of ndarray of shape (n_rows,)
        One entry for two classes, else one per class.
    link : {'logistic', 'softmax', 'modified_huber'}
        'logistic' is one against the rest, normalised; 'modified_huber' as in Zhang 2002.
    xp : FloatMath or ColumnMath
        For what the entries are.

    Returns
    -------
    list of float or of ndarray
        One entry per class.
    """
    if link == "softmax":
        return _softmax([-scores[0], scores[0]] if len(scores) == 1 else scores, xp)
    if link == "logistic":
        shares = [logistic(s, xp) for s in scores]
    else:
        clipped = [xp.where(s < -1, -1.0, xp.where(s > 1, 1.0, s)) for s in scores]
        shares = [(s + 1.0) / 2.0 for s in clipped]
    if len(shares) == 1:
        return [1.0 - shares[0], shares[0]]
    total = reduce(add, shares)  # sum() compensates since Python 3.12: other bits
    # No class has any share: every class gets the same.
    none = total == 0
    total = xp.where(none, float(len(shares)), total)
    return [xp.where(none, 1.0, s) / total for s in shares]


def _softmax(scores: Sequence[Any], xp: Any) -> list[Any]:
    """Normalise exp(score), shifted by the largest score."""
    top = scores[0]
    for s in scores[1:]:
        top = xp.where(s > top, s, top)
    shares = [exp(s - top, xp) for s in scores]
    total = reduce(add, shares)
    return [s / total for s in shares]
