"""Features that are all looked up by one value, as that one lookup: encoded columns of trees."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.blocks import Block, Hot, Spread, Values, expand
from iris_deploy.kernels.nodes import Integers
from iris_deploy.kernels.transform import Transform

MAX_FIGURES = 1 << 20
"""Of one-hot encoding, of which each line is written out: 8 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Lookups:
    """A transform less what is looked up: of each encoded column the number of its line.

    Parameters
    ----------
    transform : Transform
        To values, and to numbers of lines.
    place : ndarray of int, shape (n_features,)
        Which of these each feature of the whole transform hangs on.
    column : ndarray of int, shape (n_features,)
        Where a looked-up feature stands among the figures of its line; 0 of a value.
    figures : dict of int to ndarray of shape (n_lines, n_block_features)
        By the position of a number of a line, what the features are on each line.
    """

    transform: Transform
    place: Integers
    column: Integers
    figures: dict[int, NDArray[Any]]


def find_lookups(transform: Transform) -> Lookups | None:
    """Return the lookups of a transform; None if their lines would take too much memory."""
    hot = [block.width for block in transform.blocks if isinstance(block, Hot)]
    if sum(width * (width + 1) for width in hot) > MAX_FIGURES:
        return None
    blocks: list[Block] = []
    place: list[NDArray[Any]] = []
    column: list[NDArray[Any]] = []
    figures: dict[int, NDArray[Any]] = {}
    at = 0
    for block in transform.blocks:
        if isinstance(block, Values):
            blocks.append(block)
            place.append(np.arange(at, at + block.width))
            column.append(np.zeros(block.width, np.int64))
            at += block.width
            continue
        lines = _lines(block)
        numbers = np.arange(len(lines), dtype=np.float64)[:, np.newaxis]
        table = block.slots if isinstance(block, Hot) else block.lines
        blocks.append(Spread(block.of, table, numbers))
        place.append(np.full(block.width, at))
        column.append(np.arange(block.width))
        figures[at] = lines
        at += 1
    return Lookups(
        replace(transform, blocks=tuple(blocks)),
        np.concatenate(place),
        np.concatenate(column),
        figures,
    )


def _lines(block: Hot | Spread) -> NDArray[Any]:
    if isinstance(block, Spread):
        return block.figures
    return np.array([expand(block, slot) for slot in range(block.width + 1)])
