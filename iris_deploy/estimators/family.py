"""What a family of estimators is: names, and how attributes become arithmetic.

A family is one module. It ends in a tuple ``FAMILY`` of what dumps may hold of it, which the
registry lists. Nothing else has to know of it: the reader of dumps, the predictor and the tests
take it from there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from iris_deploy.dumps.records import Fitted
from iris_deploy.kernels.links import Link
from iris_deploy.kernels.protocol import Kernel
from iris_deploy.kernels.steps import Step


class Shape(NamedTuple):
    """What a bundle's signature says of its classifier."""

    n_classes: int
    n_features: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """A class that a dump may name, of what estimators hold; nothing is computed of it.

    Parameters
    ----------
    name : str
        Public name, such as ``sklearn.preprocessing.LabelBinarizer``.
    modules : tuple of str
        Every module in which dumps have had it, the newest first. Exact: a prefix would not do,
        since from pickle's protocol 4 on a name may be dotted and reach through any module.
    """

    name: str
    modules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Transformer(Part):
    """An estimator that changes features one by one, before a classifier.

    Parameters
    ----------
    name, modules
        See `Part`.
    read : callable
        Gets the record and the number of features; returns steps, or raises `ArtifactError` at an
        attribute that is not as it has to be.
    cases : tuple of dict
        Parameters with which the tests fit it and compare.
    """

    read: Callable[[Fitted, int], Sequence[Step]]
    cases: tuple[Mapping[str, Any], ...] = ({},)


@dataclass(frozen=True, kw_only=True)
class Classifier(Part):
    """An estimator that decides.

    Parameters
    ----------
    name, modules, cases
        See `Transformer`.
    read : callable
        Gets the record and the shape; returns a kernel, and how its scores
        become probabilities, None where the classifier has none. Raises `ArtifactError`.
    """

    read: Callable[[Fitted, Shape], tuple[Kernel, Link | None]]
    cases: tuple[Mapping[str, Any], ...] = ({},)
