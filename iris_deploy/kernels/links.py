"""From decision values to probabilities, the same bits for one row and for columns, everywhere."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import Any, Literal, Protocol

from iris_deploy.kernels import singles
from iris_deploy.kernels.elementary import exp, logistic

Link = Literal[
    "logistic",
    "softmax",
    "second_half",
    "modified_huber",
    "exponential",
    "weights",
    "shares",
    "sigmoids",
    "hinge",
    "logistic_single",
    "softmax_single",
]
"""How scores become probabilities; 'weights' are divided by their sum, 'shares' are some; the
'second_half' of them are those of a softmax."""


def probabilities(scores: Sequence[Any], link: Link, xp: Any) -> list[Any]:
    """Turn decision values into probabilities as scikit-learn's ``predict_proba`` does.

    Parameters
    ----------
    scores : sequence of float or of ndarray of shape (n_rows,)
        One entry for two classes, else one per class.
    link : Link
        'logistic' is one against the rest, normalised, 'sigmoids' the same and not normalised;
        'modified_huber' as in Zhang 2002; 'exponential' the logistic of twice the score; 'hinge' 0
        or 1; 'logistic_single' and 'softmax_single' XGBoost's.
    xp : FloatMath or ColumnMath
        For what the entries are.

    Returns
    -------
    list of float or of ndarray
        One entry per class.
    """
    if link == "shares":
        return list(scores)
    if link == "softmax":
        return softmax([-scores[0], scores[0]] if len(scores) == 1 else scores, xp)
    if link == "second_half":
        return softmax(scores[len(scores) // 2 :], xp)
    if link in _UNNORMALISED:
        found = _UNNORMALISED[link](scores, xp)
        return found if len(found) > 1 else [xp.single(1.0 - found[0]), found[0]]
    if link == "exponential":
        shares = [logistic(2.0 * s, xp) for s in scores]
    elif link == "logistic":
        shares = [logistic(s, xp) for s in scores]
    elif link == "weights":
        shares = list(scores)
    else:
        clipped = [xp.where(s < -1, -1.0, xp.where(s > 1, 1.0, s)) for s in scores]
        shares = [(s + 1.0) / 2.0 for s in clipped]
    if len(shares) == 1:  # two classes
        return [1.0 - shares[0], shares[0]]
    total = reduce(add, shares)  # sum() compensates since Python 3.12: other bits
    # No class has any share: every class gets the same.
    none = total == 0
    total = xp.where(none, float(len(shares)), total)
    return [xp.where(none, 1.0, s) / total for s in shares]


class Figures(Protocol):
    """What makes one score a class of decision values in its own way.

    Attributes
    ----------
    are_probabilities : bool
        Whether the scores are.
    """

    @property
    def are_probabilities(self) -> bool: ...  # noqa: D102

    def scores(self, decision: Sequence[Any], xp: Any) -> list[Any]:
        """Return one score a class; see `scores_of`."""
        ...


def scores_of(decision: Sequence[Any], link: Link | Figures | None, xp: Any) -> Sequence[Any]:
    """Return one score a class: probabilities if there is a link, else decision values.

    Parameters
    ----------
    decision : sequence of float or of ndarray of shape (n_rows,)
        What is decided by.
    link : Link, Figures or None
    xp : FloatMath or ColumnMath
        For what the entries are.
    """
    if link is None:
        return (-decision[0], decision[0]) if len(decision) == 1 else decision
    if isinstance(link, str):
        return probabilities(decision, link, xp)
    return link.scores(decision, xp)


def sigmoids(scores: Sequence[Any], xp: Any) -> list[Any]:
    """Compute the logistic function of each score, whatever they add up to."""
    return [logistic(s, xp) for s in scores]


def softmax(scores: Sequence[Any], xp: Any) -> list[Any]:
    """Normalise exp(score), shifted by the largest score."""
    top = scores[0]
    for s in scores[1:]:
        top = xp.where(s > top, s, top)
    shares = [exp(s - top, xp) for s in scores]
    total = reduce(add, shares)
    return [s / total for s in shares]


_UNNORMALISED: dict[Link, Callable[[Sequence[Any], Any], list[Any]]] = {
    "sigmoids": sigmoids,
    "hinge": lambda scores, xp: [xp.where(s > 0, 1.0, 0.0) for s in scores],
    "logistic_single": lambda scores, xp: [singles.sigmoid(s, xp) for s in scores],
    "softmax_single": singles.softmax,
}
"""Of one score that of the second of two classes."""
