"""The arithmetic of linear estimators, on plain floats for one row and on columns for many.

One row gets the same bits alone, in any batch and on every machine: each score is the same short
sequence of IEEE 754 operations in the same order, whoever asks. scikit-learn cannot promise that,
because BLAS takes another path for one row than for many.

Knows numbers only: no estimator's attributes, no labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from iris_deploy.kernels.affine import Affine, compose
from iris_deploy.kernels.blocks import Hot, Spread, Values
from iris_deploy.kernels.code import Names, build_function, number
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import Rule, build_decision, write_decision
from iris_deploy.kernels.tables import Table
from iris_deploy.kernels.transform import MAX_UNROLLED, Transform
from iris_deploy.kernels.words import Words, add_products, keep_lines, text_of
from iris_deploy.schema.batch import Floats

_FEW = 24
"""Products, up to which BLAS is no quicker than column by column."""

BLOCK_ROWS = 1 << 14
"""Rows that are worked on at a time: 128 KiB a column, so that a few columns stay in the cache."""

_FEW_TERMS = 1 << 10
"""Words of a text, times lines, up to which lists are quicker than arrays."""

_KNOWN = 1 << 16
"""Weights of words that were asked about, and are kept as lists: some megabytes."""


@dataclass(frozen=True, eq=False)
class LinearKernel:
    """One weighted sum of features per line of ``coef``.

    Parameters
    ----------
    transform : Transform
        From columns to features, as many as ``coef`` is wide.
    coef : ndarray of shape (n_lines, n_features)
        Weights; one line for two classes, else one per class.
    intercept : ndarray of shape (n_lines,)
        Added last.
    rule : {'above', 'largest', 'first_half', 'none'}
        How the sums decide.
    """

    transform: Transform
    coef: Floats
    intercept: Floats
    rule: Rule

    @property
    def n_scores(self) -> int:
        """Lines of ``coef``."""
        return len(self.coef)

    @property
    def size(self) -> int:
        """Operations for one row."""
        values = sum(
            block.width if isinstance(block, Values) else 1 for block in self.transform.blocks
        )
        return self.n_scores * values + self.transform.size - values

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        (first, *others), mixed = self.transform.blocks, self.transform.mixed
        if isinstance(first, Words) and not others and not mixed:
            return self._build_of_words(first)
        if self.size - self.transform.size + self.transform.written > MAX_UNROLLED:
            return self._build_of_pieces()
        names = Names()
        lines, variables = self.transform.write(names)
        scores = [f"s{k}" for k in range(self.n_scores)]
        begun = False
        for (block, weights), own in zip(self._parts(), variables, strict=True):
            if isinstance(block, Values):
                lines += _write_products(own, weights, begun=begun)
            elif isinstance(block, Hot):
                lines += _write_found(block, own[0], weights, names, begun=begun)
            begun = True
        lines += [f"{s} = {s} + {number(b)}" for s, b in zip(scores, self.intercept, strict=True)]
        row: DecideRow = build_function([*lines, *write_decision(scores, self.rule)], names)
        return row

    def _build_of_words(self, block: Words) -> DecideRow:
        """Build the function of a text alone: few of its features are not 0.

        It adds up what the columns do, in their order.
        """
        decide, by_pieces = build_decision(self.rule), self._build_of_pieces()
        intercept, most = self.intercept.tolist(), _FEW_TERMS // self.n_scores
        weights_of = keep_lines(np.ascontiguousarray(self.coef.T), _KNOWN // self.n_scores)

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            words, values = block.list_found(text_of(x[block.source]))
            if not 0 < len(words) <= most:
                return by_pieces(x)
            terms = weights_of(words)
            decision = tuple(
                [add_products(line, values) + b for line, b in zip(zip(*terms), intercept)]  # noqa: B905
            )
            return decide(decision), decision

        return row

    def _parts(self) -> Iterator[tuple[Values | Hot | Words, Floats]]:
        """Yield the blocks of features with their weights."""
        at = 0
        for block in self.transform.blocks:
            if isinstance(block, Spread):  # of trees alone
                raise TypeError
            yield block, self.coef[:, at : at + block.width]
            at += block.width

    def _build_of_pieces(self) -> DecideRow:
        """Build the same by vectors over the features; the bits are those of the columns.

        The steps are the same operations element by element, and `accumulate` adds from left to
        right, as the columns are added one after the other.
        """
        pieces, decide = self.transform.build_pieces(), build_decision(self.rule)
        parts = [
            _contributions(block, own) if isinstance(block, Hot) else own
            for block, own in self._parts()
        ]

        nothing = np.zeros(1)  # of a text without a known word

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            totals: list[Floats] = [np.empty(0)] * self.n_scores
            with np.errstate(over="ignore", invalid="ignore"):
                for weights, piece in zip(parts, pieces(x), strict=True):
                    if isinstance(piece, tuple):
                        terms = weights.take(piece[0], axis=1) * piece[1]
                    elif isinstance(piece, int):
                        terms = weights[:, piece, np.newaxis]
                    else:
                        terms = weights * piece
                    totals = [
                        np.add.accumulate(np.concatenate((total, line)))[-1:]
                        for total, line in zip(totals, terms, strict=True)
                    ]
                scores = np.concatenate([t if len(t) else nothing for t in totals]) + self.intercept
            decision = tuple(scores.tolist())
            return decide(decision), decision

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows, a column at a time.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_lines, n_rows)
            For each row the bits that the function of `build_row` gives.
        """
        scores = np.empty((len(self.coef), len(rows)))
        # An overflow shows in the scores and is refused there, for one row as for many.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(0, len(rows), BLOCK_ROWS):
                end = start + BLOCK_ROWS
                prepared, part = self.transform.prepare(rows[start:end]), scores[:, start:end]
                product = np.empty_like(part)
                for position, terms in enumerate(self._terms(prepared, product)):
                    if position:
                        part += terms
                    else:
                        part[:] = terms
                part += self.intercept[:, np.newaxis]
        return scores

    @cached_property
    def _affine(self) -> Affine | None:
        """The scores as sums of columns, where adding them up one by one takes longer."""
        few = self.n_scores * self.transform.width < _FEW and not self.transform.mixed
        return None if few else compose(self.transform, self.coef, self.intercept)

    def propose(self, rows: Floats) -> tuple[Floats, Floats] | None:
        """Compute the scores of many rows by BLAS; see `proposals.Proposing`."""
        return None if self._affine is None else self._affine.propose(rows)

    def _terms(self, rows: Floats, product: Floats) -> Iterator[Floats]:
        """Yield what is added up for prepared rows, one term of all lines after the other.

        A term may be in ``product``, until the next one is asked for.
        """
        for block, weights in self._parts():
            if isinstance(block, Words):  # of rows one by one
                raise TypeError
            if isinstance(block, Values):
                for k in range(block.width):
                    column = self.transform.column(block, k, rows)
                    yield np.multiply(weights[:, k : k + 1], column, out=product)
            else:
                slots = block.slots.take(self.transform.column(block, 0, rows)).astype(np.int64)
                yield _contributions(block, weights).take(slots, axis=1)


def _contributions(block: Hot, weights: Floats) -> Floats:
    """Return what a one-hot block adds to each score, by the feature that is on.

    Parameters
    ----------
    block : Hot
    weights : ndarray of shape (n_lines, width)

    Returns
    -------
    ndarray of shape (n_lines, width + 1)
        The last column is for none.
    """
    off = weights * block.off
    # From left to right, on every machine; NumPy's own sum is in the order of its processor.
    none = np.add.accumulate(off, axis=1)[:, -1:]
    return np.concatenate((none - off + weights * block.on, none), axis=1)


def _write_products(own: Sequence[str], weights: Floats, *, begun: bool) -> list[str]:
    return [
        f"s{k} = {f's{k} + ' if begun or j else ''}{x} * {number(weights[k, j])}"
        for k in range(len(weights))
        for j, x in enumerate(own)
    ]


def _write_found(block: Hot, x: str, weights: Floats, names: Names, *, begun: bool) -> list[str]:
    """Write what a one-hot block adds: looked up by the value that decides."""
    contributions = _contributions(block, weights)
    at = [*block.slots.figures.astype(int), int(block.slots.other), int(block.slots.missing)]
    found = []
    for line in contributions[:, at]:
        *figures, other, missing = line.tolist()
        table = Table(block.slots.keys, np.array(figures), other, missing)
        found.append(table.write(x, names))
    return [f"s{k} = {f's{k} + ' if begun else ''}({text})" for k, text in enumerate(found)]
