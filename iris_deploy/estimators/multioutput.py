"""The family of those that fit one estimator for each of several outputs, alone or in a chain."""

from typing import NoReturn

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import read_list, read_word
from iris_deploy.estimators.ensembles import Asked, as_member, last_of, read_members
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features, joined
from iris_deploy.estimators.labels import read_labels
from iris_deploy.estimators.separating import check_outputs, with_state
from iris_deploy.estimators.stacking import alone, answering
from iris_deploy.kernels.members import Member
from iris_deploy.kernels.stacking import Answers
from iris_deploy.schema.outputs import ClassOutput, Output, Task

_SEPARATED = "_separated"
"""That a chain ends with the output which is asked for."""


def _separate(record: Fitted) -> list[Fitted]:
    """Return the estimators within."""
    members = read_list(record, "estimators_")
    n_outputs = check_outputs(record, len(members))
    if not all(isinstance(member, Fitted) for member in members):
        raise ArtifactError(f"{record.name} has estimators_ that are none")
    return members if n_outputs > 1 else []


def _alone(record: Fitted, _: Features, __: Output, ___: Reading) -> NoReturn:
    raise ArtifactError(
        f"{record.name} of one output, or within another estimator, is not supported",
        hint="dump the estimator within it",
    )


def _separate_chain(record: Fitted) -> list[Fitted]:
    """Return for each output the chain that ends with it."""
    members = _separate(record)
    separated = []
    for place in np.argsort(_order(record, len(members))).tolist():
        state = {"estimators_": members[: place + 1], _SEPARATED: True}
        if "classes_" in record.state:
            state["classes_"] = members[place].state.get("classes_")
        separated.append(with_state(record, **state))
    return separated


def _order(record: Fitted, n_outputs: int) -> list[int]:
    """Return which output each estimator of a chain is for."""
    given = record.state.get("order_") if n_outputs else []
    listed = given.tolist() if isinstance(given, np.ndarray) and given.ndim == 1 else given
    order = [k for k in listed if type(k) is int] if isinstance(listed, list) else []
    if not len(order) == n_outputs == len({*order} & {*range(n_outputs)}):
        raise ArtifactError(f"{record.name} has an order_ that is none")
    return order


def _chain(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    """Ask the last estimator, of the features and of what those before it have answered."""
    *before, last = read_members(record)
    if before and _SEPARATED not in record.state:
        raise ArtifactError(f"{record.name} has several outputs; expected one")
    asked = Asked(reading, {})
    for each in before:
        member = _answering(record, each, features, output, asked)
        features = joined([features, features.mixed(Answers([member], [1]))])
    return reading.predict(last, features, output)


def _answering(
    record: Fitted, each: Fitted, features: Features, output: Output, asked: Asked
) -> Member:
    """Return an estimator whose answer is a feature of those behind it."""
    inner = alone(features)
    if not isinstance(output, ClassOutput):
        return as_member(asked.model(each, inner, output), "number")
    labels = read_labels(last_of(each))
    if len(labels) < 2 or labels != tuple(range(len(labels))):
        raise ArtifactError(
            f"{record.name} has the classes {', '.join(map(repr, labels[:10]))}; expected 0, 1, ..."
        )
    model = asked.model(each, inner, ClassOutput(name="before", classes=labels))
    method = read_word(record, "chain_method_", "predict")
    member, count = answering(record, each, model, method, len(labels))
    if count != 1:
        raise ArtifactError(f"{record.name} asks for {method} of more than two classes")
    return member


_KINDS: tuple[tuple[str, Task], ...] = (
    ("Classifier", "classification"),
    ("Regressor", "regression"),
)

FAMILY = (
    *(
        Predicting(
            name=f"sklearn.multioutput.MultiOutput{kind}",
            modules=("sklearn.multioutput",),
            task=task,
            read=_alone,
            separate=_separate,
            cases=(),
            ulp=None,
            refused="a single output",
        )
        for kind, task in _KINDS
    ),
    *(
        Predicting(
            name=f"sklearn.multioutput.{kind}Chain",
            modules=("sklearn.multioutput",),
            task=task,
            read=_chain,
            separate=_separate_chain,
            since="0.19" if task == "classification" else "0.20",
            cases=(),
            ulp=None,
            refused="classes other than 0, 1, ..." if task == "classification" else "",
        )
        for kind, task in _KINDS
    ),
)
