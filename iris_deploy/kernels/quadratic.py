"""The arithmetic of classes that are clouds of samples: how far a row is from the centre of each.

Distances are taken along the features themselves, or along axes of each cloud.

Knows numbers only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from iris_deploy.kernels.blocks import Values
from iris_deploy.kernels.code import Names, build_function, number
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import Rule, build_decision, write_decision
from iris_deploy.kernels.sums import weigh_many, weigh_one
from iris_deploy.kernels.transform import Transform
from iris_deploy.schema.batch import Floats

_FIGURES = 1 << 15
"""Figures that are worked on at a time: 256 KiB."""

_MOST_WRITTEN = 1024
"""Operations that are written out as code; of more, vectors are quicker."""

_MOST_STACKED = 1 << 16
"""Operations up to which all clouds are worked on at once; of more, one after the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """One class.

    Parameters
    ----------
    centre : ndarray of shape (n_features,)
    spread : ndarray of shape (n_features,) or (n_features, n_axes)
        Variances that squares are divided by; or weights of features along axes.
    start, constant : float
        Added to what half of the squares is taken from, and last of all.
    """

    centre: Floats
    spread: Floats
    start: float
    constant: float


@dataclass(frozen=True, eq=False)
class QuadraticKernel:
    """A score for each cloud: less, the farther a row is away.

    Parameters
    ----------
    transform : Transform
    clouds : sequence of Cloud
        One a class, all of one kind.
    """

    transform: Transform
    clouds: Sequence[Cloud]
    rule: Rule = "largest"

    @property
    def n_scores(self) -> int:
        """Classes."""
        return len(self.clouds)

    @property
    def size(self) -> int:
        """Operations for one row."""
        sizes = [4 * len(cloud.centre) + 2 * cloud.spread.size for cloud in self.clouds]
        return int(self.transform.size + sum(sizes))

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        plain = all(isinstance(block, Values) for block in self.transform.blocks)
        if plain and self.clouds[0].spread.ndim == 1 and self.size <= _MOST_WRITTEN:
            return self._write_row()
        features, decide = self.transform.build_features(), build_decision(self.rule)
        shapes = {cloud.spread.shape for cloud in self.clouds}
        n_axes = self.clouds[0].spread.shape[-1]
        if len(shapes) == 1 and n_axes > 1 and self.size <= _MOST_STACKED:
            score = _stack(self.clouds)
        else:
            score = partial(_score_each, self.clouds)

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            values = np.array(features(x))
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                decision = score(values)
            return decide(decision), decision

        return row

    def _write_row(self) -> DecideRow:
        """Write the same out as code."""
        names = Names()
        lines, variables = self.transform.write(names)
        values = [x for own in variables for x in own]
        for k, cloud in enumerate(self.clouds):
            for j, (x, c, v) in enumerate(zip(values, cloud.centre, cloud.spread, strict=True)):
                lines.append(f"d = {x} - {number(c)}")
                lines.append(f"t = {'t + ' if j else ''}d * d / {number(v)}")
            lines.append(f"s{k} = {number(cloud.constant)} + ({number(cloud.start)} - 0.5 * t)")
        scores = [f"s{k}" for k in range(self.n_scores)]
        row: DecideRow = build_function([*lines, *write_decision(scores, self.rule)], names)
        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows; see `protocol.Kernel`."""
        scores = np.empty((self.n_scores, len(rows)))
        step = max(_FIGURES // max(cloud.spread.shape[-1] for cloud in self.clouds), 1)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            for at, values in self.transform.parts(rows, step):
                for line, cloud in zip(scores, self.clouds, strict=True):
                    line[at] = _score_many(cloud, values)
        return scores


def _stack(clouds: Sequence[Cloud]) -> Callable[[Floats], tuple[float, ...]]:
    """Build the function that scores one row for all clouds at once, the bits of each alone."""
    centres, spreads = (np.stack([getattr(c, n) for c in clouds]) for n in ("centre", "spread"))
    starts, constants = (np.array([getattr(c, n) for c in clouds]) for n in ("start", "constant"))
    along_axes = spreads.ndim == 3

    def score(row: Floats) -> tuple[float, ...]:
        off = row - centres
        if along_axes:
            along = np.add.reduce(spreads * off[:, :, np.newaxis], axis=1)
            squares = along * along
        else:
            squares = off * off / spreads
        total = np.add.accumulate(squares, axis=1)[:, -1]
        scores: list[float] = (constants + (starts - 0.5 * total)).tolist()
        return tuple(scores)

    return score


def _score_each(clouds: Sequence[Cloud], row: Floats) -> tuple[float, ...]:
    return tuple(_score_one(cloud, row) for cloud in clouds)


def _score_one(cloud: Cloud, row: Floats) -> float:
    off = row - cloud.centre
    if cloud.spread.ndim == 2:
        along = weigh_one(cloud.spread, off)
        squares = along * along
    else:
        squares = off * off / cloud.spread
    total = np.add.accumulate(squares)[-1] if len(squares) else 0.0
    return float(cloud.constant + (cloud.start - 0.5 * total))


def _score_many(cloud: Cloud, values: Floats) -> Floats:
    total = np.zeros(values.shape[1])
    if cloud.spread.ndim == 2:
        off = values - cloud.centre[:, np.newaxis]
        for x in weigh_many(cloud.spread, off):
            total += x * x
    else:
        for x, centre, spread in zip(values, cloud.centre, cloud.spread, strict=True):
            off = x - centre
            off *= off
            off /= spread
            total += off
    total *= 0.5
    score: Floats = cloud.constant + (cloud.start - total)
    return score
