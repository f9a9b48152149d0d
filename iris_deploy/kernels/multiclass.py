"""From classifiers of two classes to one of several: one against the rest, or one against one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from iris_deploy.kernels.links import Link, scores_of
from iris_deploy.kernels.pairs import Pairs, add_confidence, count_members, pairs_of


@dataclass(frozen=True, slots=True)
class OneVsRest:
    """How the scores of classifiers of one class against the rest become probabilities.

    Parameters
    ----------
    links : tuple of Link, Pairs or None
        One a classifier, a single one for two classes; None where the score is a probability.
    """

    links: tuple[Link | Pairs | None, ...]

    @property
    def are_probabilities(self) -> bool:
        """Whether the scores are: always."""
        return True

    def scores(self, decision: Sequence[Any], xp: Any) -> list[Any]:
        """Return one probability a class, all of them 0 where every classifier says so.

        Parameters
        ----------
        decision : sequence of float or of ndarray of shape (n_rows,)
            One score a classifier.
        xp : FloatMath or ColumnMath
            For what the entries are.
        """
        shares = [
            score if link is None else scores_of([score], link, xp)[1]
            for score, link in zip(decision, self.links, strict=True)
        ]
        if len(shares) == 1:  # two classes
            shares = [1.0 - shares[0], shares[0]]
        total = reduce(add, shares)  # sum() compensates since Python 3.12: other bits
        total = xp.where(total == 0.0, 1.0, total)
        return [share / total for share in shares]


def count_confident(votes: Sequence[Any], confidences: Sequence[Any], xp: Any) -> list[Any]:
    """Return one figure a class: the votes for it, and less than a third for how sure they are.

    Parameters
    ----------
    votes : sequence of float or of ndarray of shape (n_rows,)
        One a pair of classes, in the order of `pairs.pairs_of`: 1 for the second, 0 for the first.
    confidences : sequence of float or of ndarray of shape (n_rows,)
        How sure each is of the second.
    xp : FloatMath or ColumnMath
        For what the entries are.
    """
    n_classes = count_members(len(votes))
    counts: list[Any] = [0.0] * n_classes
    sure: list[Any] = [0.0] * n_classes
    for (i, j), vote, confidence in zip(pairs_of(n_classes), votes, confidences, strict=True):
        counts[i] = counts[i] + (1.0 - vote)
        counts[j] = counts[j] + vote
        sure[i] = sure[i] - confidence
        sure[j] = sure[j] + confidence
    return [add_confidence(count, own, xp) for count, own in zip(counts, sure, strict=True)]
