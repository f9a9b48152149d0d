"""What the names in a dump may stand for: a closed list of inert records.

Knows scikit-learn's class names, old and new, and joblib's and NumPy's few. Of these it imports
NumPy only, whose dtypes the arrays need.
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
            message = (
                "the dump holds an array of Python objects, which can hide any pickle; "
                "expected numbers or text"
            )
            raise ArtifactError(
                message,
                hint="fit on arrays of numbers and classes of integers or fixed-width text "
                "(DataFrames and object arrays leave object arrays behind), then dump again",
            )
        # NumPy would read whole expressions here, and warn of some.
        if not _CODE.fullmatch(self.code) or self.order not in {"<", ">", "|"}:
            message = (
                f"the dump holds an array of dtype {self.code[:40]!r}; expected numbers or text"
            )
            raise ArtifactError(message)
        return np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]


_CODE = re.compile(r"[biuf][1248]|U\d{1,6}")  # kind and bytes; for text, characters

ARRAY, DTYPE, SCALAR, NDARRAY = object(), object(), object(), object()

_LOSSES = (
    "EpsilonInsensitive",
    "Hinge",
    "Huber",
    "Log",
    "ModifiedHuber",
    "SquaredEpsilonInsensitive",
    "SquaredHinge",
    "SquaredLoss",
)

# Every pair that may stand in a dump: today's module first, then that of scikit-learn before 0.22.
# A prefix would not do: from protocol 4 on a name may be dotted and reach through any module.
NAMES: dict[tuple[str, str], object] = {
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): ARRAY,
    ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"): ARRAY,
    ("numpy", "dtype"): DTYPE,
    ("numpy", "ndarray"): NDARRAY,
    ("numpy._core.multiarray", "scalar"): SCALAR,
    ("numpy.core.multiarray", "scalar"): SCALAR,
    **{
        (module, loss): ClassName(f"sklearn.{loss}")
        for module in ("sklearn._loss._loss", "_loss")  # its name in 1.6 to 1.8
        for loss in ("CyHalfBinomialLoss", "CyHalfSquaredError", "CyHuberLoss")
    },
    **{
        (module, public.rpartition(".")[2]): ClassName(f"sklearn.{public}")
        for public, modules in {
            "preprocessing.StandardScaler": ("preprocessing._data", "preprocessing.data"),
            "preprocessing.MinMaxScaler": ("preprocessing._data", "preprocessing.data"),
            "preprocessing.LabelBinarizer": ("preprocessing._label", "preprocessing.label"),
            "linear_model.Perceptron": ("linear_model._perceptron", "linear_model.perceptron"),
            "linear_model.LogisticRegression": ("linear_model._logistic", "linear_model.logistic"),
            "linear_model.SGDClassifier": (
                "linear_model._stochastic_gradient",
                "linear_model.stochastic_gradient",
            ),
            "linear_model.RidgeClassifier": ("linear_model._ridge", "linear_model.ridge"),
            "svm.LinearSVC": ("svm._classes", "svm.classes"),
            "discriminant_analysis.LinearDiscriminantAnalysis": ("discriminant_analysis",),
            "pipeline.Pipeline": ("pipeline",),
            **{
                f"linear_model.{loss}": ("linear_model._sgd_fast", "linear_model.sgd_fast")
                for loss in _LOSSES
            },
        }.items()
        for module in (f"sklearn.{name}" for name in modules)
    },
}
