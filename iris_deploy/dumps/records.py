"""Inert records: an estimator as a dump describes it, and what it is put together from.

Of the packages that dumps name it imports NumPy only, whose dtypes the arrays need.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from iris_deploy.errors import ArtifactError


@dataclass(slots=True, eq=False)
class Fitted:
    """An estimator as a dump describes it: a class name and its attributes, inert.

    Parameters
    ----------
    name : str
        Public name of the class, such as ``sklearn.linear_model.Perceptron``.
    state : dict of str to object
        Attributes: numbers, strings, lists, ndarrays and further `Fitted` records.
    """

    name: str
    state: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClassName:
    """Stands for a class of scikit-learn wherever a dump names one."""

    name: str


@dataclass(slots=True, eq=False)
class PendingArray:
    """An array whose bytes follow in the file as soon as its description is complete."""

    state: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class PendingDtype:
    """A dtype before and after its byte order is known."""

    code: str
    order: str = "|"

    def resolve(self) -> np.dtype[Any]:
        """Return the NumPy dtype; refuse every kind that is not plain numbers or text."""
        if self.code.startswith(("O", "|O")):
            raise ArtifactError(
                "the dump holds an array of Python objects, which can hide any pickle; "
                "expected numbers or text",
                hint="fit on arrays of numbers and classes of integers or fixed-width text "
                "(DataFrames and object arrays leave object arrays behind), then dump again",
            )
        # NumPy would read whole expressions here, and warn of some.
        if not _CODE.fullmatch(self.code) or self.order not in {"<", ">", "|"}:
            raise ArtifactError(
                f"the dump holds an array of dtype {self.code[:40]!r}; expected numbers or text"
            )
        return np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]


_CODE = re.compile(r"[biuf][1248]|U\d{1,6}")  # kind and bytes; for text, characters
