"""Features as they come out of columns, several at a time, symbolically: nothing is computed here.

A pipeline is carried out once on blocks, when its dump is read. What is left is, for each feature,
from which column it comes and what happens to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.code import Names
from iris_deploy.kernels.steps import Step
from iris_deploy.kernels.tables import Table
from iris_deploy.kernels.words import Words
from iris_deploy.schema.batch import Floats, Indices

_MOST_LINES = 1 << 16
"""Figures of an encoder that are kept as lines of Python for one row; 3 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Features that are columns, each changed by itself.

    Parameters
    ----------
    sources : ndarray of int, shape (n_features,)
        Position of the column that each comes from.
    steps : tuple of Step
        In the order in which they apply.
    """

    sources: Indices
    steps: tuple[Step, ...] = ()

    @property
    def width(self) -> int:
        """How many features it is."""
        return len(self.sources)

    @property
    def size(self) -> int:
        """Operations for one row."""
        return self.width * (1 + len(self.steps))

    def pick(self, indices: Indices) -> "Values":
        """Return some of the features."""
        steps = tuple(step.pick(indices) for step in self.steps)
        return Values(self.sources[indices], steps)

    def then(self, step: Step) -> "Values":
        """Return the features after one more step."""
        return replace(self, steps=(*self.steps, step))


@dataclass(frozen=True, slots=True, eq=False)
class Hot:
    """Features of which one at most is on, by the value of one column: one-hot encoding.

    Parameters
    ----------
    of : Values
        One feature: the value that decides.
    slots : Table
        Which feature is on, by the value; ``width`` for none.
    off, on : ndarray of shape (n_features,)
        What each feature is while off, and while on.
    """

    of: Values
    slots: Table
    off: Floats
    on: Floats

    @property
    def width(self) -> int:
        """How many features it is."""
        return len(self.off)

    @property
    def size(self) -> int:
        """Operations for one row."""
        return 1 + len(self.of.steps)

    def pick(self, indices: Indices) -> "Hot":
        """Return some of the features, each once."""
        moved = np.full(self.width + 1, len(indices), np.float64)
        moved[indices] = np.arange(len(indices))

        def move(slot: float) -> float:
            return float(moved[int(slot)])

        slots = Table(
            self.slots.keys,
            moved[self.slots.figures.astype(np.int64)],
            move(self.slots.other),
            move(self.slots.missing),
        )
        return Hot(self.of, slots, self.off[indices], self.on[indices])

    def then(self, step: Step) -> "Hot":
        """Return the features after one more step."""
        everywhere = slice(None)
        off, on = step.change(self.off, everywhere), step.change(self.on, everywhere)
        return replace(self, off=off, on=on)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Features that are all looked up by the value of one column.

    Parameters
    ----------
    of : Values
        One feature: the value that decides.
    lines : Table
        Which line of figures holds, by the value.
    figures : ndarray of number, shape (n_lines, n_features)
        Of a byte each, if they are 0 or 1.
    """

    of: Values
    lines: Table
    figures: NDArray[Any]

    @property
    def width(self) -> int:
        """How many features it is."""
        return int(self.figures.shape[1])

    @property
    def size(self) -> int:
        """Operations for one row."""
        return 1 + len(self.of.steps)

    def pick(self, indices: Indices) -> "Spread":
        """Return some of the features."""
        return replace(self, figures=np.ascontiguousarray(self.figures[:, indices]))

    def then(self, step: Step) -> "Spread":
        """Return the features after one more step."""
        lines = [step.change(line, slice(None)) for line in self.figures]
        return replace(self, figures=np.array(lines))


Block = Values | Hot | Spread | Words

Integers = NDArray[np.int64]


def pick(blocks: Sequence[Block], edges: Integers, indices: Indices) -> tuple[Block, ...]:
    """Return some features of several blocks, in the order that is given.

    Parameters
    ----------
    blocks : sequence of Values, Hot, Spread or Words
    edges : ndarray of int, shape (n_blocks + 1,)
        Where each begins among the features of all together, and where the last ends.
    indices : ndarray of int
        Positions among the features of all blocks together.
    """
    owner = np.searchsorted(edges, indices, side="right") - 1
    picked: list[Block] = []
    start = 0
    for end in range(1, len(indices) + 1):  # runs of one block
        if end == len(indices) or owner[end] != owner[start]:
            block = int(owner[start])
            picked.append(blocks[block].pick(indices[start:end] - edges[block]))
            start = end
    return tuple(picked)


def deciding(block: Block) -> Values:
    """Return the values that a block is computed from."""
    if isinstance(block, Words):
        return Values(np.array([block.source], np.int32))
    return block if isinstance(block, Values) else block.of


def expand(block: Hot, slot: int) -> list[float]:
    """Return the features of a one-hot block of which one is on, or none."""
    line: list[float] = block.off.tolist()
    if slot < block.width:
        line[slot] = float(block.on[slot])
    return line


def write_line(block: Hot | Spread, x: str, names: Names) -> str:
    """Write the features of a block as an expression of the value that decides."""
    table = block.slots if isinstance(block, Hot) else block.lines

    def line(at: float) -> list[float]:
        return expand(block, int(at)) if isinstance(block, Hot) else block.figures[int(at)].tolist()

    if (len(table.keys) + 2) * block.width > _MOST_LINES:
        return f"{names.bind(line)}({table.write(x, names)})"
    by_key = {key: line(at) for key, at in zip(table.keys.tolist(), table.figures, strict=True)}
    found = f"{names.bind(by_key)}.get({x}, {names.bind(line(table.other))})"
    if table.missing == table.other:
        return found
    return f"({names.bind(line(table.missing))} if {x} != {x} else {found})"
