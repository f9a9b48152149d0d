"""What families share that separate an estimator of several outputs into one for each."""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.schema.outputs import MAX_OUTPUTS


def check_outputs(record: Fitted, n_outputs: object) -> int:
    """Return of how many outputs an estimator is; 1 if nothing says that there are several.

    Raises
    ------
    ArtifactError
        If they are more than a bundle has.
    """
    if type(n_outputs) is not int or n_outputs < 2:
        return 1
    if n_outputs > MAX_OUTPUTS:
        raise ArtifactError(
            f"{record.name} predicts {n_outputs} outputs; expected at most {MAX_OUTPUTS}"
        )
    return n_outputs


def with_state(record: Fitted, **changes: object) -> Fitted:
    """Return a record with other attributes, which shares all that stay the same."""
    return Fitted(record.name, record.state | changes, record.arguments, record.unnamed)


def columns_of(record: Fitted, attribute: str, n_outputs: int) -> list[np.ndarray[Any, Any]]:
    """Return the columns of an array that has one for each output.

    Raises
    ------
    ArtifactError
        If it has more or fewer.
    """
    found = record.state.get(attribute)
    if not isinstance(found, np.ndarray) or found.ndim < 1 or found.shape[-1] != n_outputs:
        raise _of_others(record, attribute, n_outputs)
    return [found[..., k] for k in range(n_outputs)]


def members_of(record: Fitted, attribute: str, n_outputs: int) -> list[Any]:
    """Return the members of a list that has one for each output.

    Raises
    ------
    ArtifactError
        If it has more or fewer.
    """
    found = record.state.get(attribute)
    if not isinstance(found, list) or len(found) != n_outputs:
        raise _of_others(record, attribute, n_outputs)
    return found


def separate_answers(record: Fitted) -> list[Fitted]:
    """Return for each column of a sample's answers what has the same samples.

    Raises
    ------
    ArtifactError
        If there are too many, or classes of others.
    """
    answers = record.state.get("_y")
    n_columns = answers.shape[1] if isinstance(answers, np.ndarray) and answers.ndim == 2 else 1
    n_outputs = check_outputs(record, n_columns)
    if n_outputs == 1:
        return []
    columns = columns_of(record, "_y", n_outputs)
    if record.name.endswith("Regressor"):
        return [with_state(record, _y=own) for own in columns]
    labels = members_of(record, "classes_", n_outputs)
    return [
        with_state(record, _y=own, classes_=named)
        for own, named in zip(columns, labels, strict=True)
    ]


def _of_others(record: Fitted, attribute: str, n_outputs: int) -> ArtifactError:
    return ArtifactError(f"{record.name} has {attribute} of another number than {n_outputs}")
