"""The family of those that fit one estimator for each of several outputs."""

from typing import NoReturn

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import read_list
from iris_deploy.estimators.family import Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.separating import check_outputs
from iris_deploy.schema.outputs import Output, Task


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


_KINDS: tuple[tuple[str, Task], ...] = (
    ("Classifier", "classification"),
    ("Regressor", "regression"),
)

FAMILY = tuple(
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
)
