"""What a family of estimators is: names, and how attributes become arithmetic.

A family is one module. It ends in a tuple ``FAMILY`` of what dumps may hold of it, which the
registry lists. Nothing else has to know of it: the reader of dumps, the predictor and the tests
take it from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from iris_deploy.dumps.records import Fitted
from iris_deploy.estimators.features import Features
from iris_deploy.kernels.links import Figures, Link
from iris_deploy.kernels.protocol import Kernel
from iris_deploy.kernels.steps import Step
from iris_deploy.kernels.thresholds import Cut
from iris_deploy.schema.outputs import Output, Task


@dataclass(frozen=True, kw_only=True)
class Model:
    """What predicts.

    Parameters
    ----------
    kernel : Kernel
    link : Link, Figures or None
        How scores become probabilities; None where there are none.
    after : tuple of Step
        What happens to a number that is predicted, in this order.
    cut : Cut or None
        From which score on a class of two is predicted; None where the kernel decides.
    """

    kernel: Kernel
    link: Link | Figures | None = None
    after: tuple[Step, ...] = ()
    cut: Cut | None = None

    @property
    def has_probabilities(self) -> bool:
        """Whether it has probabilities, and not decision values alone."""
        link = self.link
        return link is not None and (isinstance(link, str) or link.are_probabilities)


class Reading(Protocol):
    """Reads an estimator that is within another."""

    def transform(self, record: Fitted, features: Features) -> Features:
        """Carry a transformer out."""
        ...

    def predict(self, record: Fitted, features: Features, output: Output) -> Model:
        """Return what a classifier or a regressor does."""
        ...


@dataclass(frozen=True, kw_only=True)
class Part:
    """A class or a function that a dump may name; nothing is computed of it.

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
class Estimator(Part):
    """A class that is served; ``docs/families.md`` has what it says of itself.

    Parameters
    ----------
    name, modules
        See `Part`.
    since : str
        The release of its package from which on dumps are read.
    ulp : int or None
        By how much what it makes or answers may differ from what its package does: units in the
        last place of the largest figure of a row, or of a median row if that is larger. 0 for the
        same bits; None if it hangs on the estimators within.
    same_scores : bool
        Whether scores have the same bits before powers of e make probabilities or numbers of them.
    refused : str
        What of it is not served, as it follows "refused:"; empty where there is nothing to say.
    """

    since: str = "0.19"
    ulp: int | None = 0
    same_scores: bool = False
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Transformer(Estimator):
    """An estimator that makes features of features.

    Parameters
    ----------
    name, modules, since, ulp, same_scores, refused
        See `Estimator`.
    read : callable
        Gets the record, the features, and what reads estimators within; returns the features that
        come out, or raises `ArtifactError` at an attribute that is not as it has to be.
    cases : tuple of dict
        Parameters with which the tests fit it and compare.
    """

    read: Callable[[Fitted, Features, Reading], Features]
    cases: tuple[Mapping[str, Any], ...] = ({},)


@dataclass(frozen=True, kw_only=True)
class Predicting(Estimator):
    """An estimator that decides on a class, or predicts a number.

    Parameters
    ----------
    name, modules, since, ulp, same_scores, refused, cases
        See `Transformer`.
    task : {'classification', 'regression'} or None
        None for what can do either, as the output wants it.
    read : callable
        Gets the record, the features, the output and what reads estimators within; returns the
        model, or raises `ArtifactError`.
    transform : callable or None
        As `Transformer` reads, for those that make features, too.
    separate : callable or None
        Of a fitted estimator returns those that predict each of several outputs alone; none if
        it has one output. None for those that never have several.
    """

    task: Task | None
    read: Callable[[Fitted, Features, Output, Reading], Model]
    cases: tuple[Mapping[str, Any], ...] = ({},)
    transform: Callable[[Fitted, Features, Reading], Features] | None = None
    separate: Callable[[Fitted], list[Fitted]] | None = None


@dataclass(frozen=True, kw_only=True)
class Composite(Estimator):
    """An estimator that holds others, and is what the last of them is.

    Parameters
    ----------
    name, modules, since, ulp, same_scores, refused
        See `Estimator`.
    transform, predict : callable
        As `Transformer` and `Predicting` read.
    """

    ulp: int | None = None
    transform: Callable[[Fitted, Features, Reading], Features]
    predict: Callable[[Fitted, Features, Output, Reading], Model]
