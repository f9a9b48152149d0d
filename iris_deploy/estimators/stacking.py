"""The family of those that ask several estimators, and one more what that means."""

from dataclasses import replace

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    read_flag,
    read_list,
    read_record,
    read_word,
)
from iris_deploy.estimators.calibrating import DECIDING
from iris_deploy.estimators.ensembles import (
    Asked,
    as_member,
    last_of,
    predicting,
    read_members,
)
from iris_deploy.estimators.family import Model, Reading
from iris_deploy.estimators.features import Features, joined
from iris_deploy.kernels.members import Member
from iris_deploy.kernels.pairs import Pairs
from iris_deploy.kernels.stacking import Answers
from iris_deploy.kernels.transform import identity
from iris_deploy.schema.outputs import Output


def _classifier(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    records = read_members(record)
    methods = read_list(record, "stack_method_", len(records))
    inner, asked = alone(features), Asked(reading, {})
    if not all(isinstance(method, str) for method in methods):
        raise ArtifactError(f"{record.name} has a stack_method_ that is no string")
    members, counts = [], []
    for each, method in zip(records, methods, strict=True):
        check_classes(last_of(each), n_classes)
        model = asked.model(each, inner, output)
        member, count = answering(record, each, model, method, n_classes)
        members.append(member)
        counts.append(count)
    return _ended(record, features, Answers(members, counts), output, reading)


def answering(
    record: Fitted, each: Fitted, model: Model, method: str, n_classes: int
) -> tuple[Member, int]:
    """Return a member, and how many of its answers count: of two classes one is enough.

    Parameters
    ----------
    record : Fitted
        Who asks.
    each : Fitted
        Who answers.
    model : Model
        What that does.
    method : str
        ``predict``, ``predict_proba`` or ``decision_function``.
    n_classes : int

    Raises
    ------
    ArtifactError
        If it does not answer so.
    """
    one = 1 if n_classes == 2 else n_classes
    if method == "predict":
        return as_member(model, "index"), 1
    if method == "predict_proba" and model.has_probabilities:
        return as_member(model, "shares"), one
    last = last_of(each)
    by_pairs = n_classes > 2 and read_word(last, "decision_function_shape", "ovr") == "ovo"
    known = last.name.rpartition(".")[2] in DECIDING and not by_pairs
    if method == "decision_function" and known:
        if isinstance(model.link, Pairs):  # not its probabilities
            model = replace(model, link=Pairs() if n_classes > 2 else None)
        return as_member(model, "decision"), one
    raise ArtifactError(f"{record.name} asks {each.name} by {method!s:.40}, which it has not")


def _regressor(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    inner, asked = alone(features), Asked(reading, {})
    members = [
        as_member(asked.model(each, inner, output), "number") for each in read_members(record)
    ]
    return _ended(record, features, Answers(members, [1] * len(members)), output, reading)


def alone(features: Features) -> Features:
    """Return features as if they were columns: members see nothing of what made them."""
    return replace(features, transform=identity(features.width))


def _ended(
    record: Fitted, features: Features, answers: Answers, output: Output, reading: Reading
) -> Model:
    """Ask the last estimator about all answers, and about the features themselves if it wants."""
    meta = features.mixed(answers)
    if read_flag(record, "passthrough", default=False):
        meta = joined([meta, features])
    return reading.predict(read_record(record, "final_estimator_"), meta, output)


FAMILY = (
    predicting("StackingClassifier", _classifier, "stacking", since="0.22", ulp=None),
    predicting("StackingRegressor", _regressor, "stacking", since="0.22", ulp=None),
)
