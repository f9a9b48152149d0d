"""The family of those that make one classifier of several classes of several of two classes."""

import math
from dataclasses import replace
from typing import Any

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    read_record,
    read_version,
    read_word,
)
from iris_deploy.estimators.calibrating import DECIDING, SHARING
from iris_deploy.estimators.ensembles import Asked, as_member, last_of, read_members
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.members import EnsembleKernel, Member
from iris_deploy.kernels.multiclass import OneVsRest
from iris_deploy.kernels.pairs import count_pairs
from iris_deploy.kernels.scores import Rule
from iris_deploy.kernels.thresholds import Cut
from iris_deploy.schema.outputs import ClassOutput, Output

_TWO = ClassOutput(name="", classes=(0, 1))
_ABOVE_HALF = math.nextafter(0.5, 1.0)

_DECIDING = frozenset({*DECIDING, "AdaBoostClassifier"})
"""Those whose decision values scikit-learn asks for; it asks others for probabilities."""


def _one_vs_rest(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    """Take the class that is surest against the rest."""
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    kind = read_word(read_record(record, "label_binarizer_"), "y_type_", "")
    if kind not in {"binary", "multiclass"}:
        raise ArtifactError(
            f"{record.name} has y_type_={kind!r:.40}, where a row may have several labels, or "
            "none; expected one of several classes"
        )
    records, asked = _members(record, 1 if n_classes == 2 else n_classes), Asked(reading, {})
    models = [_two_classes(record, each, features, asked) for each in records]
    members = [_member(each, model) for each, model in zip(records, models, strict=True)]
    rule = _rule(record, n_classes)
    kernel = EnsembleKernel(members, len(members), 1.0, rule, combine="one_vs_rest")
    link = None
    if all(model.has_probabilities for model in models):
        own = (
            None if member.answer == "shares" else model.link
            for member, model in zip(members, models, strict=True)
        )
        link = OneVsRest(tuple(own))  # type: ignore[arg-type]
    cut = None
    if n_classes == 2 and members[0].answer == "shares":
        cut = Cut(1, _ABOVE_HALF, None)
    return Model(kernel=kernel, link=link, cut=cut)


def _rule(record: Fitted, n_classes: int) -> Rule:
    """Return how scores decide; of classes that are equally sure the last, before 1.8."""
    if n_classes == 2:
        return "above"
    return "largest" if read_version(record) >= (1, 8) else "last_largest"


def _one_vs_one(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    """Take the class that wins most often against another, of several the surest."""
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    if record.state.get("pairwise_indices_") is not None:
        raise ArtifactError(f"{record.name} has pairwise_indices_: it takes a matrix of kernels")
    records, asked = _members(record, count_pairs(n_classes)), Asked(reading, {})
    members = []
    for each in records:
        model = _two_classes(record, each, features, asked)
        members.append(replace(_member(each, model), votes=True))
    if n_classes > 2:
        kernel = EnsembleKernel(members, n_classes, 1.0, "largest", combine="one_vs_one")
        return Model(kernel=kernel)
    kernel = EnsembleKernel(members, 1, 1.0, "above", combine="one_vs_one")
    fixed = members[0].answer == "shares" and read_version(record) >= (1, 1)
    return Model(kernel=kernel, cut=Cut(1, _ABOVE_HALF, None) if fixed else None)


def _members(record: Fitted, n_members: int) -> list[Fitted]:
    """Return the classifiers of two classes: a list, or a tuple."""
    found: Any = record.state.get("estimators_")
    listed = [*found] if isinstance(found, tuple) else found
    members = read_members(Fitted(record.name, {"estimators_": listed}))
    if len(members) != n_members:
        raise ArtifactError(f"{record.name} has {len(members)} members; expected {n_members}")
    return members


def _two_classes(record: Fitted, each: Fitted, features: Features, asked: Asked) -> Model:
    """Read one classifier.

    Raises
    ------
    ArtifactError
        Also if it has neither decision values nor probabilities of which it is known that
        scikit-learn asks for them.
    """
    last = last_of(each)
    name = last.name.rpartition(".")[2]
    if name not in _DECIDING and name not in SHARING:
        raise ArtifactError(f"{record.name} of {last.name} is not supported")
    check_classes(last, 2)
    model = asked.model(each, features, _TWO)
    if name in SHARING and not model.has_probabilities:
        raise ArtifactError(f"{record.name} wants probabilities, which {last.name} has not")
    return model


def _member(each: Fitted, model: Model) -> Member:
    """Return a classifier by what it is asked for: how sure it is of the second class."""
    if last_of(each).name.rpartition(".")[2] in SHARING:
        return as_member(model, "shares")
    return as_member(replace(model, link=None), "decision")


def _multiclass(name: str, read: Any, refused: str) -> Predicting:
    return Predicting(
        name=f"sklearn.multiclass.{name}",
        modules=("sklearn.multiclass",),
        task="classification",
        read=read,
        ulp=None,
        refused=refused,
        cases=(),
    )


FAMILY = (
    _multiclass(
        "OneVsRestClassifier",
        _one_vs_rest,
        "several labels of a row, and regressors and some classifiers within",
    ),
    _multiclass(
        "OneVsOneClassifier",
        _one_vs_one,
        "precomputed kernels, and regressors and some classifiers within",
    ),
)
