"""From columns to features: for one row by code or by vectors, for many column by column."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.blocks import Block, Hot, Values, deciding, expand, write_line
from iris_deploy.kernels.code import Names, build_function
from iris_deploy.kernels.mixing import Mixed, Mixing, MixRow
from iris_deploy.kernels.words import Found, Words, spread, text_of
from iris_deploy.schema.batch import Floats

MAX_UNROLLED = 4096
"""Operations of a row that are written out as code (about 0.1 s to compile)."""
Features = Callable[[Sequence[float]], Sequence[float]]
"""From one row of columns to its features."""

Piece = NDArray[Any] | int | Found
Pieces = Callable[[Sequence[float]], list[Piece]]
"""The same, block by block; of a one-hot block which one is on, of words those that are there."""


@dataclass(frozen=True, eq=False)
class Transform:
    """What happens before a kernel.

    Parameters
    ----------
    n_columns : int
        What comes in.
    blocks : tuple of Values, Hot, Spread or Words
        Features in their order, out of the columns and what follows them.
    mixed : tuple of Mixed
        What follows the columns, each part made of what is before it.
    """

    n_columns: int
    blocks: tuple[Block, ...]
    mixed: tuple[Mixed, ...] = ()

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """Where each block begins among the features, and where the last ends."""
        return np.cumsum([0, *(block.width for block in self.blocks)])

    @property
    def width(self) -> int:
        """Features that come out."""
        return int(self.edges[-1])

    @property
    def size(self) -> int:
        """Operations for one row."""
        return self.written + sum(of.size + by.size for of, by in self._mixing)

    @property
    def written(self) -> int:
        """Operations for one row that are written out as code, if they are not too many."""
        return sum(block.size for block in self.blocks)

    @property
    def is_identity(self) -> bool:
        """Whether the features are the columns."""
        match self.blocks:
            case tuple((Values(sources=sources, steps=tuple(())),)) if not self.mixed:
                return bool(sources.tolist() == list(range(self.n_columns)))
        return False

    def write(self, names: Names) -> tuple[list[str], list[list[str]]]:
        """Write the features of one row ``x`` as code.

        Returns
        -------
        lines : list of str
        variables : list of list of str
            For each block its features; one that decides, if they are looked up.
        """
        uses = Counter(j for block in self.blocks for j in deciding(block).sources.tolist())
        if self.mixed:  # few of many, maybe
            lines = [f"x = {names.bind(self._build_extend())}(x)"]
            lines += [f"x{j} = x[{j}]" for j in sorted(uses)]
        else:
            lines = [f"{', '.join(f'x{j}' for j in range(self.n_columns))}, = x"]
        copies = 0
        variables: list[list[str]] = []
        for block in self.blocks:
            values = deciding(block)
            own: list[str] = []
            for k, source in enumerate(values.sources.tolist()):
                x = f"x{source}"
                if uses[source] > 1:
                    x, copies = f"f{copies}", copies + 1
                    lines.append(f"{x} = x{source}")
                lines += [step.write(x, k, names) for step in values.steps]
                own.append(x)
            variables.append(own)
        return lines, variables

    def build_features(self) -> Features:
        """Build the function from one row to its features."""
        if self.written > MAX_UNROLLED:
            return self._build_features_of_pieces()
        names = Names()
        lines, variables = self.write(names)
        parts = []
        for block, own in zip(self.blocks, variables, strict=True):
            if isinstance(block, Values):
                parts += own
            elif not isinstance(block, Words):  # which is too large to be written
                parts.append(f"*{write_line(block, own[0], names)}")
        return build_function([*lines, f"return ({', '.join(parts)},)"], names)

    def build_pieces(self) -> Pieces:
        """Build the function from one row to its features by vectors: many take no code."""
        extend = self._build_extend() if self.mixed else None
        blocks = [(block, deciding(block)) for block in self.blocks]

        def pieces(row: Sequence[float]) -> list[Piece]:
            x = np.array(row if extend is None else extend(row), np.float64)
            found: list[Piece] = []
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                for block, values in blocks:
                    if isinstance(block, Words):
                        found.append(block.find(text_of(row[block.source])))
                        continue
                    vector = x[values.sources]
                    for step in values.steps:
                        vector = step.change(vector, slice(None))
                    if isinstance(block, Values):
                        found.append(vector)
                    elif isinstance(block, Hot):
                        found.append(int(block.slots.get(float(vector[0]))))
                    else:
                        found.append(block.figures[int(block.lines.get(float(vector[0])))])
            return found

        return pieces

    def _build_features_of_pieces(self) -> Features:
        pieces, blocks = self.build_pieces(), self.blocks

        def features(row: Sequence[float]) -> Sequence[float]:
            found: list[float] = []
            for block, piece in zip(blocks, pieces(row), strict=True):
                if isinstance(piece, tuple):
                    found += spread(piece, block.width)
                elif isinstance(block, Hot):
                    found += expand(block, int(piece))
                else:
                    found += np.asarray(piece).tolist()
            return found

        return features

    @cached_property
    def _mixing(self) -> "list[tuple[Transform, Mixing]]":
        """What goes into each of what follows the columns, and what is made of it."""
        return [(Transform(each.n_columns, each.blocks), each.by) for each in self.mixed]

    def _build_extend(self) -> MixRow:
        """Build the function from one row of columns to them and all that follows."""
        parts = [(of.build_features(), by.build_row()) for of, by in self._mixing]

        def extend(x: Sequence[float]) -> Sequence[float]:
            row = [*x]
            for features, mix in parts:
                row += mix(features(row))
            return row

        return extend

    def prepare(self, rows: Floats) -> Floats:
        """Return what the blocks take of many rows: the columns, and what follows them."""
        if not self.mixed:
            return rows
        at = self.n_columns
        extended = np.empty((at + sum(by.width for _, by in self._mixing), len(rows)))
        extended[:at] = rows.T
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            for of, by in self._mixing:
                end = at + by.width
                extended[at:end] = by.many(of.matrix(extended[:at].T))
                at = end
        return extended.T

    def parts(
        self, rows: Floats, step: int, dtype: Any = np.float64
    ) -> Iterator[tuple[slice, np.ndarray[Any, Any]]]:
        """Yield some rows after the others: which they are, and their features.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
        step : int
            Rows at a time.
        dtype : {numpy.float64, numpy.float32}

        Yields
        ------
        at : slice
        features : ndarray of shape (n_features, n_rows of these)
        """
        for start in range(0, len(rows), step):
            at = slice(start, start + step)
            yield at, self.matrix(self.prepare(rows[at]), dtype)

    def column(self, block: Block, k: int, rows: Floats) -> Floats:
        """Compute one feature of many prepared rows, or the value that decides a block."""
        values = deciding(block)
        x = np.ascontiguousarray(rows[:, values.sources[k]])
        for step in values.steps:
            x = step.change(x, k)
        return x

    def matrix(self, rows: Floats, dtype: Any = np.float64) -> np.ndarray[Any, Any]:
        """Compute all features of many prepared rows.

        Returns
        -------
        ndarray of shape (n_features, n_rows)
        """
        matrix = np.empty((self.width, len(rows)), dtype)
        at = 0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for block in self.blocks:
                if isinstance(block, Words):  # of rows one by one
                    raise TypeError
                part = matrix[at : at + block.width]
                if isinstance(block, Values):
                    for k, line in enumerate(part):
                        line[:] = self.column(block, k, rows)
                elif isinstance(block, Hot):
                    slots = block.slots.take(self.column(block, 0, rows))
                    for k, line in enumerate(part):
                        line[:] = np.where(slots == k, block.on[k], block.off[k])
                else:
                    lines = block.lines.take(self.column(block, 0, rows)).astype(np.int64)
                    part[:] = block.figures.T.take(lines, axis=1)
                at += block.width
        return matrix


def identity(n_columns: int) -> Transform:
    """Return the transform that does nothing."""
    return Transform(n_columns, (Values(np.arange(n_columns, dtype=np.int32)),))
