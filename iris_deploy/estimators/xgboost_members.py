"""Members of objects in XGBoost's documents, each of the one kind that it has to be."""

import re
from typing import Any

import numpy as np

from iris_deploy.errors import ArtifactError


def member(of: dict[str, Any], name: str, kind: type[Any]) -> Any:
    """Return a member of an object in the document, which has to be of a kind.

    Raises
    ------
    ArtifactError
    """
    value = of.get(name)
    if type(value) is not kind:
        raise ArtifactError(
            f"the model is not as XGBoost writes it: expected {kind.__name__} in {name}, got "
            f"{type(value).__name__}"
        )
    return value


def whole_number(of: dict[str, Any], name: str, default: int) -> int:
    """Return a parameter, a whole number that XGBoost writes as text."""
    value = of.get(name, str(default))
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,9}", value):
        raise ArtifactError(f"the model is not as XGBoost writes it: {name} is no whole number")
    return int(value)


def numbers(
    of: dict[str, Any], name: str, kinds: str, length: int | None = None
) -> np.ndarray[Any, Any]:
    """Return numbers that stand in one piece, or in a list as JSON has it.

    Raises
    ------
    ArtifactError
        If they are of another kind of NumPy's, or not as many.
    """
    values = of.get(name)
    if isinstance(values, list):
        plain = {bool, int, float} if "f" in kinds else {bool, int}
        if plain.issuperset(map(type, values)):
            try:
                values = np.array(values, np.float64 if "f" in kinds else np.int64)
            except OverflowError:
                values = None
    if not isinstance(values, np.ndarray) or (values.dtype.kind not in kinds and len(values)):
        raise ArtifactError(f"the model is not as XGBoost writes it: {name} is no array of numbers")
    if values.ndim != 1 or length not in {None, len(values)}:
        raise ArtifactError(
            f"the model is not as XGBoost writes it: {name} has {len(values)} numbers; "
            f"expected {length}"
        )
    return values
