"""Features that are computed of several others: columns are followed by them, as if they were some.

A transform then takes its features from columns and from these alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from iris_deploy.kernels.blocks import Block, Values
from iris_deploy.kernels.words import Words
from iris_deploy.schema.batch import Floats

MixRow = Callable[[Sequence[float]], Sequence[float]]


class Mixing(Protocol):
    """What makes features of several others, the same bits for a row alone and among many."""

    @property
    def width(self) -> int:
        """How many come out."""
        ...

    @property
    def size(self) -> int:
        """Operations for one row."""
        ...

    def build_row(self) -> MixRow:
        """Build the function for one row."""
        ...

    def many(self, features: Floats) -> Floats:
        """Mix many rows.

        Parameters
        ----------
        features : ndarray of shape (n_in, n_rows)

        Returns
        -------
        ndarray of shape (width, n_rows)
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """Features that follow the columns.

    Parameters
    ----------
    n_columns : int
        How many columns there are, with what follows them already.
    blocks : tuple of Values, Hot or Spread
        What goes in, out of these.
    by : Mixing
    """

    n_columns: int
    blocks: tuple[Block, ...]
    by: Mixing


class Side(Protocol):
    """Features that stand beside others: a transform."""

    @property
    def n_columns(self) -> int: ...  # noqa: D102

    @property
    def blocks(self) -> tuple[Block, ...]: ...  # noqa: D102

    @property
    def mixed(self) -> tuple[Mixed, ...]: ...  # noqa: D102


def join(sides: Sequence[Side]) -> tuple[tuple[Block, ...], tuple[Mixed, ...]]:
    """Put features of the same columns side by side: return their blocks, and what is mixed.

    What follows the columns of several is kept once, if it is the same in front of all else.
    """
    mixed, blocks = [*sides[0].mixed], [*sides[0].blocks]
    width = sides[0].n_columns + sum(each.by.width for each in mixed)
    for side in sides[1:]:
        start, same = side.n_columns, 0
        while same < min(len(mixed), len(side.mixed)) and side.mixed[same] is mixed[same]:
            start += mixed[same].by.width
            same += 1
        offset = width - start
        for each in side.mixed[same:]:
            moved = tuple(_moved(block, start, offset) for block in each.blocks)
            mixed.append(Mixed(each.n_columns + offset, moved, each.by))
            width += each.by.width
        blocks += [_moved(block, start, offset) for block in side.blocks]
    return tuple(blocks), tuple(mixed)


def _moved(block: Block, start: int, offset: int) -> Block:
    """Return a block whose sources from one on are further behind."""
    if not offset or isinstance(block, Words):  # which are of columns themselves
        return block
    if not isinstance(block, Values):
        moved = _moved(block.of, start, offset)
        return replace(block, of=moved) if isinstance(moved, Values) else block
    sources = block.sources
    moved_to = np.where(sources < start, sources, sources + offset).astype(sources.dtype)
    return replace(block, sources=moved_to)
