"""What XGBoost keeps of a model beside its trees: objective, start, rounds, names; checked.

A model is one document, in UBJSON or JSON, whether it was saved or pickled (dumps/ubjson.py).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.dumps.ubjson import read_document
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.xgboost_members import member, numbers, whole_number
from iris_deploy.kernels import singles

BOOSTER = "xgboost.Booster"

Start = tuple[float, ...]

_LOGIT = frozenset(["binary:logistic", "reg:logistic"])
_LOG = frozenset(["count:poisson", "reg:gamma", "reg:tweedie", "survival:cox"])
_BOUNDED = (3, 2)  # since when shares stay so far from 0 and 1
_ADDING, _WEIGHTED = (1, 4), (3, 3)  # between these estimators weight what was added to the start
_LEAST = float(np.float32(1e-6))
_MOST = float(np.float32(1.0) - np.float32(1e-6))
_UNSIGNED = {12: 16, 14: 32, 16: 64}
"""Bits of categories that are numbers from 0 on, by their type; UBJSON has them with a sign."""

_MAX_SCORES = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """A model of XGBoost, but for its trees.

    Parameters
    ----------
    objective : str
        Such as ``binary:logistic``.
    version : tuple of int
        Of the XGBoost that wrote it.
    n_features, n_scores : int
    start : tuple of float, length n_scores
        What trees add to; floats of 32 bits.
    names : list of str
        Of the features; empty if they have none.
    categories : dict of int to sequence of object
        Names of the categories of a feature, by its position; since release 3.1.
    best : (int or None, int or None)
        Rounds that early stopping has left, and trees for each score, if it says so.
    booster : str
        ``gbtree``, ``dart`` or ``gblinear``.
    trees : dict of str to object
        The document's part with the trees.
    weights : object
        Of the trees, where some were dropped; None if all are 1.
    adds_start : bool
        Whether what a tree says is added to the start and taken from it before it is weighted.
    """

    objective: str
    version: tuple[int, ...]
    n_features: int
    n_scores: int
    start: Start
    names: list[str]
    categories: dict[int, Sequence[object]]
    best: tuple[int | None, int | None]
    booster: str
    trees: dict[str, Any]
    weights: object
    adds_start: bool


def read_learner(record: Fitted) -> Learner:
    """Read the model of a booster, or of an estimator that holds one.

    Parameters
    ----------
    record : Fitted

    Raises
    ------
    ArtifactError
        If there is none, or it is not as XGBoost writes it.
    """
    booster = record if record.name == BOOSTER else record.state.get("_Booster")
    whole = read_document(_handle(record, booster))
    model = member(whole, "Model", dict) if "Model" in whole else whole
    learner = member(model, "learner", dict)
    parameters = member(learner, "learner_model_param", dict)
    n_scores = max(whole_number(parameters, "num_class", 0), 1)
    if whole_number(parameters, "num_target", 1) > 1 or n_scores > _MAX_SCORES:
        raise ArtifactError("models of XGBoost with several targets at once are not supported")
    objective = member(member(learner, "objective", dict), "name", str)
    version = _version(model)
    gradient = member(learner, "gradient_booster", dict)
    inner = member(gradient, "gbtree", dict) if "gbtree" in gradient else gradient
    trees = inner.get("model")
    trees = trees if isinstance(trees, dict) else {}
    return Learner(
        objective=objective,
        version=version,
        n_features=whole_number(parameters, "num_feature", 0),
        n_scores=n_scores,
        start=_start(parameters, objective, n_scores, version),
        names=_texts(learner.get("feature_names")),
        categories=_categories(trees.get("cats")),
        best=_best(record, booster, learner),
        booster=member(gradient, "name", str),
        trees=trees,
        weights=gradient.get("weight_drop", trees.get("weight_drop")),
        adds_start=inner is not gradient
        and record.name != BOOSTER
        and _ADDING <= version < _WEIGHTED,
    )


def _handle(record: Fitted, booster: object) -> bytes:
    """Return the document of a booster."""
    handle = booster.state.get("handle") if isinstance(booster, Fitted) else None
    if not isinstance(handle, (bytes, bytearray)):
        raise ArtifactError(
            f"{record.name} has no model in it; expected a fitted one",
            hint="fit the estimator before dumping it",
        )
    if not handle.startswith(b"{"):
        raise ArtifactError(
            "the model is in the binary format of an XGBoost before 1.3, which is not read",
            hint="with the XGBoost that wrote it: booster.save_model('model.json')",
        )
    return bytes(handle)


def _version(model: dict[str, Any]) -> tuple[int, ...]:
    version = model.get("version")
    values = version.tolist() if isinstance(version, np.ndarray) else version
    if isinstance(values, list) and len(values) == 3 and {int}.issuperset(map(type, values)):
        return tuple(values)
    raise ArtifactError("the model does not say which XGBoost wrote it")


def _start(
    parameters: dict[str, Any], objective: str, n_scores: int, version: tuple[int, ...]
) -> Start:
    """Return the scores before any tree, from what the objective makes of them."""
    text = member(parameters, "base_score", str)
    try:
        given = [float(np.float32(part)) for part in text[: 1 << 22].strip("[]").split(",")]
    except ValueError as exc:
        raise ArtifactError(f"the model starts from {text!r:.60}, which is no number") from exc
    given = given * n_scores if len(given) == 1 else given
    if len(given) != n_scores or not all(map(math.isfinite, given)):
        raise ArtifactError(f"the model starts from {text!r:.60}; expected {n_scores} numbers")
    if objective in _LOGIT:
        if version >= _BOUNDED:
            given = [min(max(share, _LEAST), _MOST) for share in given]
        if not 0 < min(given) <= max(given) < 1:
            raise ArtifactError(f"the model starts from {text!r:.60}; expected a share")
        return tuple(map(singles.logit, given))
    if objective in _LOG:
        if min(given) < np.finfo(np.float32).tiny:
            raise ArtifactError(f"the model starts from {text!r:.60}; expected more than 0")
        return tuple(map(singles.log, given))
    return tuple(given)


def _texts(values: object) -> list[str]:
    if not isinstance(values, list):
        return []
    return [value for value in values if isinstance(value, str)]


def _best(
    record: Fitted, booster: object, learner: dict[str, Any]
) -> tuple[int | None, int | None]:
    """Return how many rounds an estimator takes, and how many trees for each score, if it says so.

    A booster by itself takes all.
    """
    if record.name == BOOSTER:
        return None, None
    attributes = learner.get("attributes")
    owners = [attributes if isinstance(attributes, dict) else {}]
    owners += [owner.state for owner in (booster, record) if isinstance(owner, Fitted)]
    found = []
    for name in ("best_iteration", "best_ntree_limit"):
        value = next((owner[name] for owner in owners if owner.get(name) is not None), None)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            value = int(value)
        if value is not None and (type(value) is not int or not 0 <= value < 1 << 31):
            raise ArtifactError(f"{record.name} has a {name} that is no number of rounds")
        found.append(value)
    return None if found[0] is None else found[0] + 1, found[1]


def _categories(cats: object) -> dict[int, Sequence[object]]:
    """Return the names of categories, as releases since 3.1 keep them."""
    found: dict[int, Sequence[object]] = {}
    if not isinstance(cats, dict):
        return found
    for k, of in enumerate(member(cats, "enc", list)):
        if not isinstance(of, dict):
            raise ArtifactError("the model has names of categories that are none")
        values = numbers(of, "values", "iu")
        kind = of.get("type")
        bits = _UNSIGNED.get(kind) if isinstance(kind, int) else None
        names: list[Any] = [value % (1 << bits) if bits else value for value in values.tolist()]
        if "offsets" in of:
            text = values.astype(np.uint8).tobytes()
            ends = numbers(of, "offsets", "iu").tolist()
            if sorted(ends) != ends or (ends and not 0 <= ends[0] <= ends[-1] <= len(text)):
                raise ArtifactError("the model has names of categories that are cut oddly")
            names = [text[a:b].decode("utf-8", "replace") for a, b in pairwise(ends)]
        if names:
            found[k] = names
    return found
