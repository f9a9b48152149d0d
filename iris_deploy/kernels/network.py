"""The arithmetic of neural networks: layers of weighted sums, each bent by a function.

One row gets the same bits alone and in any batch: what comes into a neuron is added up in its
order, the intercept last.

Knows numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from iris_deploy.kernels.blocks import Values
from iris_deploy.kernels.code import Names, build_function, number
from iris_deploy.kernels.elementary import ColumnMath, FloatMath, logistic, tanh
from iris_deploy.kernels.proposals import EPSILON, TINY, largest_values
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import Rule, build_decision, write_decision
from iris_deploy.kernels.sums import weigh_many, weigh_one
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.batch import Floats

Bend = Literal["identity", "logistic", "tanh", "relu"]

_FIGURES = 1 << 17
"""Figures of a layer that are worked on at a time: a megabyte."""

_MOST_WRITTEN = 512
"""Operations that are written out as code; of more, vectors are quicker."""

_CURVES: dict[Bend, Any] = {"logistic": logistic, "tanh": tanh}


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What one layer makes of the one before.

    Parameters
    ----------
    weights : ndarray of shape (n_in, n_out)
    intercept : ndarray of shape (n_out,)
        None of them -0.0, so that no sum is: NumPy may take either for the larger zero.
    """

    weights: Floats
    intercept: Floats


@dataclass(frozen=True, eq=False)
class NetworkKernel:
    """Layers, one after the other.

    Parameters
    ----------
    transform : Transform
    layers : sequence of Layer
    bend : {'identity', 'logistic', 'tanh', 'relu'}
        What happens to the sums of all layers but the last.
    rule : {'above', 'largest', 'none'}
    """

    transform: Transform
    layers: Sequence[Layer]
    bend: Bend
    rule: Rule

    @property
    def n_scores(self) -> int:
        """Neurons of the last layer."""
        return len(self.layers[-1].intercept)

    @property
    def size(self) -> int:
        """Operations for one row."""
        each = 100 if self.bend in _CURVES else 2
        sizes = [layer.weights.size + each * len(layer.intercept) for layer in self.layers]
        return int(self.transform.size + sum(sizes))

    @property
    def _widest(self) -> int:
        return int(max(max(layer.weights.shape) for layer in self.layers))

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        plain = all(isinstance(block, Values) for block in self.transform.blocks)
        if plain and self.size <= _MOST_WRITTEN:
            return self._write_row()
        features, decide = self.transform.build_features(), build_decision(self.rule)
        *hidden, last = self.layers

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            values = np.array(features(x))
            with np.errstate(over="ignore", invalid="ignore"):
                for layer in hidden:
                    values = self._bent(_sums_of_one(layer, values))
                decision = tuple(_sums_of_one(last, values).tolist())
            return decide(decision), decision

        return row

    def _write_row(self) -> DecideRow:
        """Write the same out as code."""
        names = Names()
        lines, variables = self.transform.write(names)
        values = [x for own in variables for x in own]
        for k, layer in enumerate(self.layers):
            sums = [f"h{k}_{j}" for j in range(len(layer.intercept))]
            for name, weights, b in zip(sums, layer.weights.T, layer.intercept, strict=True):
                products = (f"{x} * {number(w)}" for x, w in zip(values, weights, strict=True))
                lines.append(f"{name} = {' + '.join(products)} + {number(b)}")
                if k < len(self.layers) - 1 and self.bend == "relu":
                    lines.append(f"if {name} < 0.0: {name} = 0.0")
                elif k < len(self.layers) - 1 and self.bend in _CURVES:
                    curve, floats = names.bind(_CURVES[self.bend]), names.bind(FloatMath)
                    lines.append(f"{name} = {curve}({name}, {floats})")
            values = sums
        row: DecideRow = build_function([*lines, *write_decision(values, self.rule)], names)
        return row

    def _bent(self, sums: Floats) -> Floats:
        if self.bend == "relu":
            return np.maximum(sums, 0.0, out=sums)
        if self.bend == "identity":
            return sums
        curved: Floats = _CURVES[self.bend](sums, ColumnMath)
        return curved

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows; see `protocol.Kernel`."""
        scores = np.empty((self.n_scores, len(rows)))
        step = max(_FIGURES // self._widest, 1)
        *hidden, last = self.layers
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            for at, features in self.transform.parts(rows, step):
                values = features
                for layer in hidden:
                    values = self._bent(_sums_of_many(layer, values))
                scores[:, at] = _sums_of_many(last, values)
        return scores

    @cached_property
    def _norms(self) -> list[tuple[float, float]]:
        """Of each layer the largest sum of absolute weights, and the largest intercept."""
        return [
            (
                float(np.abs(layer.weights).sum(axis=0).max()),
                float(np.abs(layer.intercept).max()),
            )
            for layer in self.layers
        ]

    def propose(self, rows: Floats) -> tuple[Floats, Floats]:
        """Compute the scores of many rows by BLAS; see `proposals.Proposing`.

        Notes
        -----
        Sums of n products are within (n + 2) epsilon of the sum of their absolute values, in
        whatever order. No bend makes two values differ more than they did.
        """
        scores, margins = np.empty((self.n_scores, len(rows))), np.empty(len(rows))
        step = max(_FIGURES // self._widest, 16)
        for at, features in self.transform.parts(rows, step):
            values, largest, off = features, largest_values(features), np.zeros(features.shape[1])
            for k, (layer, (norm, own)) in enumerate(zip(self.layers, self._norms, strict=True)):
                sums = layer.weights.T @ values
                sums += layer.intercept[:, np.newaxis]
                size = norm * (largest + off) + own
                off = norm * off + 2.0 * (len(values) + 3) * EPSILON * size + TINY
                values, largest = sums, size
                if k < len(self.layers) - 1:
                    values = self._bent_quickly(sums)
                    if self.bend in _CURVES:
                        largest, off = np.ones_like(off), off + 32.0 * EPSILON
            scores[:, at], margins[at] = values, off
        return scores, margins

    def _bent_quickly(self, sums: Floats) -> Floats:
        """Bend sums in place, by NumPy's own functions."""
        if self.bend == "relu":
            np.maximum(sums, 0.0, out=sums)
        elif self.bend == "tanh":
            np.tanh(sums, out=sums)
        elif self.bend == "logistic":
            np.negative(sums, out=sums)
            np.exp(sums, out=sums)
            sums += 1.0
            np.reciprocal(sums, out=sums)
        return sums


def _sums_of_one(layer: Layer, row: Floats) -> Floats:
    sums = weigh_one(layer.weights, row)
    sums += layer.intercept
    return sums


def _sums_of_many(layer: Layer, values: Floats) -> Floats:
    sums = weigh_many(layer.weights, values)
    sums += layer.intercept[:, np.newaxis]
    return sums
