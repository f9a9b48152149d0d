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
from iris_deploy.schema.outputs import ClassOutput, Output


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


def count_classes(output: Output) -> int:
    """Return how many classes an output has.

    Raises
    ------
    ArtifactError
        If it is a number.
    """
    if not isinstance(output, ClassOutput):
        raise ArtifactError("a classifier cannot predict a number")
    return len(output.classes)


def known_classes(classifier: Fitted) -> object:
    """Return the classes of a classifier, whatever they are."""
    holder = classifier.state.get("_label_binarizer", classifier.state.get("label_binarizer_"))
    holder = holder if isinstance(holder, Fitted) else classifier  # RidgeClassifier before 1.8
    return holder.state.get("classes_", classifier.state.get("classes_"))


def check_classes(classifier: Fitted, n_classes: int) -> None:
    """Make sure that a classifier was fitted to so many classes.

    Raises
    ------
    ArtifactError
        If it was not.
    """
    classes = known_classes(classifier)
    if not isinstance(classes, np.ndarray) or classes.shape != (n_classes,):
        raise ArtifactError(
            f"{classifier.name} has no classes_ for {n_classes} classes; expected a fitted one",
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


def read_width(estimator: Fitted, *older: str) -> int:
    """Return how many features an estimator was fitted to.

    Parameters
    ----------
    estimator : Fitted
    *older : str
        Attributes in which older releases said so.

    Raises
    ------
    ArtifactError
        If it does not say so.
    """
    for attribute in ("n_features_in_", *older):
        width = estimator.state.get(attribute)
        if isinstance(width, int) and width > 0:
            return width
    raise ArtifactError(
        f"{estimator.name} has no n_features_in_; expected a fitted estimator",
        hint="fit the estimator before dumping it",
    )


def read_number(estimator: Fitted, attribute: str, default: float) -> float:
    """Return a parameter that has to be a number, NaN among them."""
    value = as_float(estimator.state.get(attribute, default))
    if value is None:
        raise ArtifactError(f"{estimator.name} has {attribute} that is no number")
    return value


def as_float(value: object) -> float | None:
    """Return a number as a float; None for anything else, and for one beyond all floats."""
    if not isinstance(value, (float, int)) or isinstance(value, bool):
        return None
    return float(value) if isinstance(value, float) or abs(value) < 1 << 1023 else None


def read_list(estimator: Fitted, attribute: str, length: int | None = None) -> list[Any]:
    """Return an attribute that has to be a list, of so many elements if that is given."""
    value = estimator.state.get(attribute)
    if not isinstance(value, list) or length not in {None, len(value)}:
        wanted = "" if length is None else f" of {length}"
        raise ArtifactError(
            f"{estimator.name} has no list{wanted} in {attribute}; expected a fitted estimator",
            hint="fit the estimator before dumping it",
        )
    return value


def read_record(estimator: Fitted, attribute: str) -> Fitted:
    """Return an attribute that has to be a record itself."""
    value = estimator.state.get(attribute)
    if not isinstance(value, Fitted):
        raise ArtifactError(
            f"{estimator.name} has no {attribute}; expected a fitted estimator",
            hint="fit the estimator before dumping it",
        )
    return value


def fitted_values(estimator: Fitted, array: object, attribute: str) -> list[Any]:
    """Return an array of categories as Python's own: text, floats, and None for a missing one.

    Raises
    ------
    ArtifactError
        If it is no array of one axis, or holds anything else.
    """
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "fiubUO":
        raise ArtifactError(f"{estimator.name} has {attribute} that is no array of categories")
    values = [_plain(value) for value in array.tolist()]
    if any(value is _OTHER for value in values):
        raise ArtifactError(f"{estimator.name} has {attribute} of more than text and numbers")
    return values


def fitted_positions(estimator: Fitted, array: object, attribute: str, below: int) -> list[int]:
    """Return an array of whole numbers from 0 on and below a bound.

    Raises
    ------
    ArtifactError
        If it is anything else.
    """
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "iu":
        raise ArtifactError(f"{estimator.name} has {attribute} that is no array of positions")
    positions: list[int] = array.tolist()
    if not all(0 <= position < below for position in positions):
        raise ArtifactError(f"{estimator.name} has {attribute} beyond what it is about")
    return positions


_OTHER = object()


def _plain(value: object) -> object:
    """Return one category: NaN and None are the same missing one."""
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, str):
        return value
    number = float(value) if isinstance(value, bool) else as_float(value)
    return _OTHER if number is None else number
