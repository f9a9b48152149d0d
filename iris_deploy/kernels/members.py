"""Several models put together: each answers, and their answers are added up, or the middle taken.

One row gets the same bits alone and in any batch, as those of the members are.

Knows numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from iris_deploy.kernels.elementary import ColumnMath, FloatMath
from iris_deploy.kernels.links import Figures, Link, scores_of
from iris_deploy.kernels.multiclass import count_confident
from iris_deploy.kernels.pairs import Pairs, count_members
from iris_deploy.kernels.protocol import DecideRow, Kernel
from iris_deploy.kernels.samme import log_shares
from iris_deploy.kernels.scores import OVERFLOW, Rule, build_decision
from iris_deploy.kernels.steps import Step
from iris_deploy.kernels.thresholds import Cut, build_row, choose
from iris_deploy.schema.batch import Floats, Indices

Answer = Literal["shares", "log_shares", "label", "index", "decision", "number"]
"""What of a member counts: its probabilities, these as `samme` has them, its label as 1 among 0s or
as a position, its decision values, or its number."""

Combine = Literal["sum", "median", "one_vs_rest", "one_vs_one"]

_ROWS = 8192
"""Rows that are worked on at a time."""


@dataclass(frozen=True, eq=False)
class Member:
    """A model among others.

    Parameters
    ----------
    kernel : Kernel
    link : Link, Figures or None
    after : tuple of Step
    cut : Cut or None
        See `estimators.family.Model`.
    answer : {'shares', 'log_shares', 'label', 'index', 'decision', 'number'}
    weight : float
    places : ndarray of int, shape (n_answers,) or None
        Which of all classes its own are; None if it knows all.
    votes : bool
        Whether its label as a position stands before its answers.
    """

    kernel: Kernel
    link: Link | Figures | None
    after: tuple[Step, ...]
    cut: Cut | None
    answer: Answer
    weight: float = 1.0
    places: NDArray[np.int64] | None = None
    votes: bool = False

    def build_row(self) -> DecideRow:
        """Build the function from one row to its label and scores."""
        return build_row(self.kernel, self.cut)

    def many(self, rows: Floats) -> tuple[list[Any], Indices]:
        """Return what it answers to many rows, and its labels, `OVERFLOW` where it has none.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)
        """
        decision = self.kernel.columns(rows)
        index = choose(decision, self.kernel.rule, self.cut)
        with np.errstate(all="ignore"):
            return self.answers(index, list(decision), ColumnMath), index

    def answers(self, index: Any, decision: Sequence[Any], xp: Any) -> list[Any]:
        """Return its answers: one a class of its own, or the number, and its vote before them.

        Parameters
        ----------
        index : int or ndarray of int
            Its label.
        decision : sequence of float or of ndarray
            Its scores.
        xp : FloatMath or ColumnMath
        """
        found = self._answers(index, decision, xp)
        return [1.0 * index, *found] if self.votes else found

    def _answers(self, index: Any, decision: Sequence[Any], xp: Any) -> list[Any]:
        if self.answer == "shares":
            return list(scores_of(decision, self.link, xp))
        if self.answer == "log_shares":
            return log_shares(scores_of(decision, self.link, xp), xp)
        if self.answer == "label":
            n_classes = count_answers(self.kernel)
            return [xp.where(index == k, 1.0, 0.0) for k in range(n_classes)]
        if self.answer == "index":
            return [1.0 * index]
        if self.answer == "decision":
            by_pairs = isinstance(self.link, Pairs)
            return self.link.scores(decision, xp) if by_pairs else list(decision)  # type: ignore[union-attr]
        value = np.asarray(decision[0])
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for step in self.after:
                value = step.change(np.atleast_1d(value), slice(None))
        return [float(value.ravel()[0])] if xp is FloatMath else [value]


def count_answers(kernel: Kernel) -> int:
    """Return how many classes a kernel decides between."""
    if kernel.rule in {"above", "least"}:
        return 2
    if kernel.rule in {"votes", "confident"}:
        return count_members(kernel.n_scores)
    return kernel.n_scores // 2 if kernel.rule == "first_half" else kernel.n_scores


@dataclass(frozen=True, eq=False)
class EnsembleKernel:
    """Members.

    Parameters
    ----------
    members : sequence of Member
    n_scores : int
        One a class; one for two classes, or for a number.
    divisor : float
        What sums are divided by.
    rule : {'above', 'largest', 'last_largest', 'none'}
    combine : {'sum', 'median', 'one_vs_rest', 'one_vs_one'}
        The median is of numbers, by weight; the last two are of classifiers of two classes, see
        `multiclass`.
    otherwise : float
        What a label adds for other classes than its own, in relation to its weight.
    """

    members: Sequence[Member]
    n_scores: int
    divisor: float
    rule: Rule
    combine: Combine = "sum"
    otherwise: float = 0.0

    @property
    def size(self) -> int:
        """Operations for one row."""
        return sum(m.kernel.size + 2 * self.n_scores + 2 for m in self.members)

    def build_row(self) -> DecideRow:
        """Build the function from one row of floats to its decision and scores."""
        built: dict[tuple[int, int], DecideRow] = {}
        parts = []
        for member in self.members:
            key = id(member.kernel), id(member.cut)
            if key not in built:
                built[key] = member.build_row()
            parts.append((member, built[key]))
        decide_row = build_decision(self.rule)
        lost = (float("nan"),) * self.n_scores

        def row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            found = []
            for member, own in parts:
                index, decision = own(x)
                if index == OVERFLOW:
                    return OVERFLOW, lost
                found.append(member.answers(index, decision, FloatMath))
            scores = tuple(self._combined(found, FloatMath))
            return decide_row(scores), scores

        return row

    def columns(self, rows: Floats) -> Floats:
        """Compute the scores of many rows; see `protocol.Kernel`."""
        scores = np.empty((self.n_scores, len(rows)))
        for at in range(0, len(rows), _ROWS):
            part = rows[at : at + _ROWS]
            found, lost = [], np.zeros(len(part), bool)
            for member in self.members:
                answers, index = member.many(part)
                lost |= index == OVERFLOW
                found.append(answers)
            own = np.array(self._combined(found, ColumnMath)).reshape(self.n_scores, len(part))
            own[:, lost] = np.nan
            scores[:, at : at + _ROWS] = own
        return scores

    def _combined(self, found: Sequence[Sequence[Any]], xp: Any) -> list[Any]:
        """Put the answers of all members together."""
        if self.combine == "median":
            weights = np.array([member.weight for member in self.members])
            middle = _weighted_median(np.array([own[0] for own in found]), weights)
            return [float(middle)] if xp is FloatMath else [middle]
        if self.combine == "one_vs_rest":
            return [own[-1] for own in found]
        if self.combine == "one_vs_one":
            scores = count_confident([own[0] for own in found], [own[-1] for own in found], xp)
            return scores[1:] if self.rule == "above" else scores
        wide = max(self.n_scores, 2) if self.rule != "none" else 1
        totals: list[Any] = [0.0] * wide
        for member, own in zip(self.members, found, strict=True):
            places = range(len(own)) if member.places is None else member.places.tolist()
            for place, answer in zip(places, own, strict=True):
                totals[place] = totals[place] + self._weighed(member, answer, xp)
        if self.rule == "above":
            totals = [totals[1] - totals[0]]
        return [total / self.divisor for total in totals]

    def _weighed(self, member: Member, answer: Any, xp: Any) -> Any:
        if self.otherwise == 0.0:
            return member.weight * answer
        return xp.where(answer == 1.0, member.weight, self.otherwise * member.weight)


def _weighted_median(values: Floats, weights: Floats) -> Any:
    """Return the lowest value that half of all weights is not above.

    Parameters
    ----------
    values : ndarray of shape (n_members,) or (n_members, n_rows)
    """
    order = np.argsort(values, axis=0, kind="stable")
    sums = np.add.accumulate(weights[order], axis=0)
    first = np.argmax(sums >= 0.5 * sums[-1], axis=0)
    return np.take_along_axis(values, np.take_along_axis(order, first[None], axis=0), axis=0)[0]
