"""Ensembles of decision trees: every row walks down each tree, and what the leaves say is added up.

A node asks whether a feature is at most a threshold, and knows where a missing one goes. Nothing
else is asked: categories become features that can be asked so before the trees are walked.

Knows numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from iris_deploy.kernels.nodes import LARGEST_ROUNDED, Nodes, round_up_to_tie, single_below
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import OVERFLOW, Rule, build_decision
from iris_deploy.kernels.transform import Transform
from iris_deploy.kernels.tree_bits import LeafBits, build_bits
from iris_deploy.kernels.tree_columns import Walk
from iris_deploy.kernels.tree_rows import build_adder
from iris_deploy.schema.batch import Floats


@dataclass(frozen=True, eq=False)
class TreeKernel:
    """Trees, and how their leaves make scores.

    Parameters
    ----------
    transform : Transform
        From columns to the features that the nodes ask about.
    nodes : Nodes
    start : tuple of float, length n_scores
        What is added to.
    divisor : float
        What the sums are divided by.
    rule : {'above', 'least', 'largest', 'none'}
    single : bool
        Whether features are rounded to 32 bits before they are compared.

    Notes
    -----
    With several values to a leaf each is added to the score of its position; with one, the trees
    take turns over the scores. Sums are in the order of the trees.
    """

    transform: Transform
    nodes: Nodes
    start: tuple[float, ...]
    divisor: float
    rule: Rule
    single: bool

    @property
    def n_scores(self) -> int:
        """Sums."""
        return len(self.start)

    @property
    def size(self) -> int:
        """Operations for one row: the way down every tree."""
        return self.transform.size + len(self.nodes.roots) * len(self.nodes.levels)

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        trees, start, divisor = self._bits, self.start, self.divisor
        as_double = round_up_to_tie if self.single else np.asarray
        if trees is None:
            threshold, width = as_double(self.nodes.threshold), self.transform.width
            add_up = build_adder(self.nodes, threshold, width, start, divisor)
        else:
            add_up = trees.build_adder(divisor, as_double)
        decide, single = build_decision(self.rule), self.single
        transform = self._asked
        features = None if transform.is_identity else transform.build_features()
        low, high = -LARGEST_ROUNDED, LARGEST_ROUNDED

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            if features is not None:
                x = features(x)
            if single:
                for value in x:
                    if value > high or value < low:
                        return OVERFLOW, start
            scores = add_up(x)
            return decide(scores), scores

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_scores, n_rows)
            NaN for rows with a feature that 32 bits do not hold, where they are rounded so.
        """
        trees, transform = self._bits or self._walk, self._asked
        scores = np.empty((self.n_scores, len(rows)))
        step = trees.rows_at_a_time(len(rows), transform.width)
        dtype = np.float32 if self.single else np.float64
        for at, features in transform.parts(rows, step, dtype):
            too_large = np.isinf(features).any(axis=0) if self.single else False
            scores[:, at] = trees.add_up(features) / self.divisor
            if self.single:
                scores[:, at][:, too_large] = np.nan
        return scores

    @cached_property
    def _bits(self) -> LeafBits | None:
        """The trees as bits, if they are small enough."""
        return build_bits(self.nodes, self._threshold, self.start, self.transform)

    @property
    def _asked(self) -> Transform:
        """From columns to what is asked about."""
        return self._bits.transform if self._bits else self.transform

    @cached_property
    def _walk(self) -> Walk:
        """The trees made ready for many rows; that is put off until they come."""
        return Walk(self.nodes, self._threshold, self.transform.width, self.start)

    @property
    def _threshold(self) -> np.ndarray[Any, Any]:
        """As columns are compared with it."""
        threshold = self.nodes.threshold
        return single_below(threshold) if self.single else threshold
