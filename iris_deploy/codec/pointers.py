"""Where in the JSON that came something is wrong: rows and columns as JSON pointers (RFC 6901)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from iris_deploy.errors import IrisDeployError
from iris_deploy.schema.problems import (
    MAX_PROBLEMS,
    Problem,
    SignatureError,
    ask_for,
    summarize,
)

Layout = Literal["object", "objects", "arrays"]
"""How instances came: one object, an array of objects, or an object with an array a feature."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with one field of one instance.

    Parameters
    ----------
    pointer : str
        Where, as a JSON pointer in fragment form, ``#/3/length``.
    detail : str
        What is wrong, expected and got.
    suggestion : str, optional
        The field that was probably meant.
    """

    pointer: str
    detail: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """Return the problem as one line for a person."""
        return f"{self.pointer}: {self.detail}{ask_for(self.suggestion)}"


class InstanceError(IrisDeployError, ValueError):
    """Instances do not fit the signature of the bundle.

    Parameters
    ----------
    problems : sequence of FieldProblem
        Every bad field at once, a hundred at most.
    more : bool
        Whether there may be more that were not looked at.
    """

    def __init__(self, problems: Sequence[FieldProblem], *, more: bool = False) -> None:
        self.problems = tuple(problems)
        self.more = more
        super().__init__(summarize(self.problems, more=more))


def locate(error: SignatureError, layout: Layout, names: Sequence[str]) -> InstanceError:
    """Say where in the JSON the values are that an error is about.

    Parameters
    ----------
    error : SignatureError
    layout : {'object', 'objects', 'arrays'}
        How the instances came.
    names : sequence of str
        Of the features: a whole row is no one place in arrays, but one in each of them.
    """
    return InstanceError(
        [
            FieldProblem(pointer, problem.detail, problem.suggestion)
            for problem in error.problems
            for pointer in _pointers(problem, layout, names)
        ],
        more=error.more,
    )


def _pointers(problem: Problem, layout: Layout, names: Sequence[str]) -> Iterator[str]:
    row = "" if problem.row is None else f"/{problem.row}"
    if layout != "arrays":
        yield f"#{row}{_escape(problem.column)}"
    elif problem.column is None and row:
        yield from (f"#{_escape(name)}{row}" for name in names[:MAX_PROBLEMS])
    else:
        yield f"#{_escape(problem.column)}{row}"


def _escape(name: str | None) -> str:
    return "" if name is None else f"/{name.replace('~', '~0').replace('/', '~1')}"
