"""Inert records: an estimator as a dump describes it, and what it is put together from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

_Value = TypeVar("_Value")
_Read = TypeVar("_Read")


@dataclass(slots=True, eq=False)
class Fitted:
    """An object as a dump describes it: a class name and its attributes, inert.

    Parameters
    ----------
    name : str
        Public name of the class, such as ``sklearn.linear_model.Perceptron``.
    state : dict of str to object
        Attributes: numbers, strings, lists, ndarrays and further `Fitted` records.
    arguments : tuple of object
        What it was to be made with.
    unnamed : tuple of object
        Attributes that have no names.
    """

    name: str
    state: dict[str, object] = field(default_factory=dict)
    arguments: tuple[Any, ...] = ()
    unnamed: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassName:
    """Stands for a class or a function wherever a dump names one."""

    name: str


@dataclass(slots=True, eq=False)
class PendingArray:
    """An array whose bytes follow in the file as soon as its description is complete: joblib's."""

    state: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class PlainArray:
    """An array as NumPy itself pickles it: first a shell, which may be remembered, then the rest.

    Parameters
    ----------
    value : ndarray, list of ndarray or None
        None before the rest has come; a list for an array of arrays.
    """

    value: np.ndarray[Any, Any] | list[np.ndarray[Any, Any]] | None = None


def read_each_once(values: Sequence[_Value], read: Callable[[_Value], _Read]) -> list[_Read]:
    """Read values of which a dump can name the same one for every feature.

    Parameters
    ----------
    values : sequence of object
    read : callable
        Gets a value that it has not had yet.

    Returns
    -------
    list
        What was read of each value.
    """
    known: dict[int, _Read] = {}
    for value in values:
        if id(value) not in known:
            known[id(value)] = read(value)
    return [known[id(value)] for value in values]
