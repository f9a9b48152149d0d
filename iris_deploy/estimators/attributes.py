"""Attributes of an estimator in a dump, each of the one type and shape that it has to have.

Whoever made the dump chose them, so nothing is converted before its shape was right: what is a byte
in the dump becomes eight, in every scaler that shares it.
"""

import re
from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.schema.batch import Floats


def fitted_array(estimator: Fitted, attribute: str) -> np.ndarray[Any, Any]:
    """Return a fitted attribute as numbers of the type that the dump has them in.

    Raises
    ------
    ArtifactError
        If it is missing or anything but numbers.
    """
    value = estimator.state.get(attribute)
    if not isinstance(value, (np.ndarray, float, int)):
        raise ArtifactError(
            f"{estimator.name} has no {attribute}; expected a fitted estimator",
            hint="fit the estimator before dumping it",
        )
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ArtifactError(
            f"{estimator.name} has {attribute} of shape {array.shape} and dtype {array.dtype}; "
            "expected numbers"
        )
    return array


def fitted_floats(estimator: Fitted, attribute: str, *shapes: tuple[int, ...]) -> Floats:
    """Return a fitted attribute as finite floats.

    Parameters
    ----------
    estimator : Fitted
    attribute : str
    *shapes : tuple of int
        The shapes that it may have; an error names the first.

    Returns
    -------
    ndarray
        A copy.

    Raises
    ------
    ArtifactError
        If it is missing, of another shape, or anything but finite numbers.
    """
    array = fitted_array(estimator, attribute)
    if array.shape not in shapes:
        raise ArtifactError(
            f"{estimator.name} has {attribute} of shape {array.shape}; expected {shapes[0]}"
        )
    if not np.isfinite(array).all():
        raise ArtifactError(f"{estimator.name} has {attribute} that is not finite")
    return array.astype(np.float64)


def fitted_divisor(estimator: Fitted, attribute: str, *shapes: tuple[int, ...]) -> Floats:
    """Return a fitted attribute that is divided by; see `fitted_floats`.

    Raises
    ------
    ArtifactError
        If it holds a zero, too.
    """
    divisor = fitted_floats(estimator, attribute, *shapes)
    if not divisor.all():
        raise ArtifactError(f"{estimator.name} has a {attribute} of zero")
    return divisor


def check_classes(classifier: Fitted, n_classes: int) -> None:
    """Make sure that a classifier was fitted to so many classes.

    Raises
    ------
    ArtifactError
        If it was not.
    """
    classes = classifier.state.get("classes_")
    if not isinstance(classes, np.ndarray) or classes.shape != (n_classes,):
        raise ArtifactError(
            f"{classifier.name} has no classes_ for {n_classes} classes",
            hint="fit the classifier before dumping it",
        )


def read_version(estimator: Fitted) -> tuple[int, int]:
    """Return the major and minor version of the scikit-learn that dumped the estimator."""
    version = estimator.state.get("_sklearn_version")
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version) if isinstance(version, str) else None
    if not match:
        raise ArtifactError(f"{estimator.name} does not say which scikit-learn dumped it")
    return int(match[1]), int(match[2])


def read_word(estimator: Fitted, attribute: str, default: str) -> str:
    """Return a parameter that has to be a string."""
    value = estimator.state.get(attribute, default)
    if not isinstance(value, str):
        raise ArtifactError(f"{estimator.name} has {attribute} that is no string")
    return value


def read_flag(estimator: Fitted, attribute: str, *, default: bool) -> bool:
    """Return a parameter that has to be true or false."""
    value = estimator.state.get(attribute, default)
    if not isinstance(value, (bool, int)):
        raise ArtifactError(f"{estimator.name} has {attribute} that is neither true nor false")
    return bool(value)
