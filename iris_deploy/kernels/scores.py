"""From scores to the position of a label, as scikit-learn decides."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from iris_deploy.kernels import singles
from iris_deploy.kernels.elementary import ColumnMath, FloatMath
from iris_deploy.kernels.links import sigmoids, softmax
from iris_deploy.kernels.pairs import count_votes, one_against_rest
from iris_deploy.schema.batch import Floats, Indices

OVERFLOW = -1
"""Decision on a row whose scores are not finite: none."""

Rule = Literal[
    "above",
    "least",
    "largest",
    "last_largest",
    "first_half",
    "votes",
    "confident",
    "none",
    "named",
    "likelier",
    "likelier_single",
    "likeliest",
    "likeliest_single",
    "likeliest_alone",
]
"""How one decides: the second class if the one score is above zero, or not below it; the first of
the largest of one score a class, or the last, or of the first half of all scores; by votes of one
score a pair of classes, the first of those with most, or the surest; not at all, where a number is
predicted; by the position of the class that is 'named' by the first score. Who decides by
probabilities decides by rounded ones, of 64 bits or 'single': the second class if it is 'likelier';
the first of the 'likeliest', each for itself if they are 'alone'."""

_BOUNDS: dict[Rule, float] = {
    "above": 0.0,
    "likelier": 1.5 * 2.0**-53,
    "likelier_single": 1.5 * 2.0**-24,
}
"""Scores up to these have a logistic function of one half at most, when it is rounded."""

_LIKELIEST: dict[Rule, tuple[float, Callable[[Sequence[Any], Any], list[Any]]]] = {
    "likeliest": (1e-15, softmax),
    "likeliest_single": (1e-6, singles.softmax),
    "likeliest_alone": (math.inf, sigmoids),
}
"""How far below the largest a score may be and have the same probability; what that is."""

_BY_PAIRS = {"votes": count_votes, "confident": one_against_rest}


def decide(scores: Floats, rule: Rule) -> Indices:
    """Choose the class of many rows from their scores.

    Parameters
    ----------
    scores : ndarray of shape (n_scores, n_rows)
        One for two classes, or one per class.
    rule : Rule

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Position of the class, 0 if there is none to choose; `OVERFLOW` where a score is not finite.
    """
    top = scores[0]
    if rule == "none":
        index = np.zeros(len(top), np.int32)
    elif rule == "named":
        index = np.nan_to_num(top).astype(np.int32)
    elif rule in _BOUNDS or rule == "least":
        index = ((top >= 0) if rule == "least" else (top > _BOUNDS[rule])).astype(np.int32)
    elif rule == "first_half":
        index = _first_of_largest(scores[: len(scores) // 2])
    elif rule == "last_largest":
        index = len(scores) - 1 - _first_of_largest(scores[::-1])
    elif rule in _BY_PAIRS:
        index = _first_of_largest(_BY_PAIRS[rule](scores, ColumnMath))
    else:
        index = _first_of_largest(scores)
        if rule in _LIKELIEST:
            _prefer_the_first(scores, index, rule)
    return np.where(np.isfinite(scores).all(axis=0), index, np.int32(OVERFLOW))


def _first_of_largest(scores: Sequence[Floats] | Floats) -> Indices:
    """Return the position of the largest: a tenth of the time of np.argmax across the lines."""
    top = scores[0]
    index = np.zeros(len(top), np.int32)
    for k in range(1, len(scores)):
        index = np.maximum(index, (scores[k] > top) * np.int32(k))
        top = np.maximum(top, scores[k])
    return index


def _prefer_the_first(scores: Floats, index: Indices, rule: Rule) -> None:
    """Choose the first of those that are as likely as the one with the largest score."""
    margin, shares_of = _LIKELIEST[rule]
    with np.errstate(invalid="ignore", over="ignore"):
        near = scores >= np.max(scores, axis=0) - margin
        near &= np.arange(len(scores))[:, np.newaxis] < index
        at = np.flatnonzero(near.any(axis=0) & np.isfinite(scores).all(axis=0))
        if len(at):
            index[at] = np.argmax(shares_of(list(scores[:, at]), ColumnMath), axis=0)


def write_decision(scores: list[str], rule: Rule) -> list[str]:
    """Write the same for one row as code: the last lines of a function of the scores."""
    finite = " and ".join(f"-inf < {s} < inf" for s in scores)
    everything = f"({', '.join(scores)},)"
    lines = [f"if not ({finite}): return {OVERFLOW}, {everything}"]
    if rule == "none":
        return [*lines, f"return 0, {everything}"]
    if rule not in {"largest", "first_half"}:
        lines.append(f"i = 1 if {scores[0]} {'>' if rule == 'above' else '>='} 0.0 else 0")
    else:
        deciding = scores if rule == "largest" else scores[: len(scores) // 2]
        lines.append(f"i, top = 0, {scores[0]}")
        lines += [f"if {s} > top: i, top = {k}, {s}" for k, s in enumerate(deciding) if k]
    return [*lines, f"return i, {everything}"]


def build_decision(rule: Rule) -> Callable[[Sequence[float]], int]:
    """Build the function that chooses the class of one row from its scores; see `decide`."""
    by_pairs = _BY_PAIRS.get(rule)
    if by_pairs is not None:
        return lambda scores: (
            _largest(by_pairs(scores, FloatMath))
            if all(-math.inf < score < math.inf for score in scores)
            else OVERFLOW
        )
    if rule == "largest":
        return _largest
    if rule == "last_largest":
        return _last_largest
    if rule == "first_half":
        return _largest_of_half
    return _build_likeliest(rule) if rule in _LIKELIEST else _build_alone(rule)


def _build_likeliest(rule: Rule) -> Callable[[Sequence[float]], int]:
    """Build the function that decides by rounded probabilities."""
    margin, shares_of = _LIKELIEST[rule]

    def decide_likeliest(scores: Sequence[float]) -> int:
        at = _largest(scores)
        if at <= 0:
            return at
        least = scores[at] - margin
        if any(score >= least for score in scores[:at]):
            shares = shares_of(scores, FloatMath)
            return shares.index(max(shares))
        return at

    return decide_likeliest


def _build_alone(rule: Rule) -> Callable[[Sequence[float]], int]:
    """Build the function that decides by one score."""
    bound = _BOUNDS.get(rule, 0.0)

    def decide_alone(scores: Sequence[float]) -> int:
        (score,) = scores
        if not -math.inf < score < math.inf:
            return OVERFLOW
        if rule == "none":
            return 0
        return int(score >= 0 if rule == "least" else score > bound)

    return decide_alone


def _last_largest(scores: Sequence[float]) -> int:
    """Return the position of the last of the largest; `OVERFLOW` if one is not finite."""
    at = _largest(scores[::-1])
    return at if at == OVERFLOW else len(scores) - 1 - at


def _largest_of_half(scores: Sequence[float]) -> int:
    """Return the position of the first of the largest of the first half, if all are finite."""
    at = _largest(scores[: len(scores) // 2])
    return at if all(-math.inf < score < math.inf for score in scores) else OVERFLOW


def _largest(scores: Sequence[float]) -> int:
    """Return the position of the first of the largest; `OVERFLOW` if one is not finite."""
    inf = math.inf
    at, top = 0, scores[0]
    for k, score in enumerate(scores):
        if score > top:
            at, top = k, score
        elif not -inf < score < inf:
            return OVERFLOW
    return at if top < inf else OVERFLOW
