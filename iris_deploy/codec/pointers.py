"""Where in what came something is wrong: rows and columns as JSON pointers (RFC 6901)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from iris_deploy.errors import IrisDeployError
from iris_deploy.schema.problems import (
    MAX_PROBLEMS,
    Problem,
    SignatureError,
    ask_for,
    summarize,
)


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


class Layout(Protocol):
    """How instances came, and so where their values are."""

    def place(self, problem: Problem, names: Sequence[str]) -> Iterator[FieldProblem]:
        """Say where what a problem is about came; one place for each, if they are several.

        Parameters
        ----------
        problem : Problem
        names : sequence of str
            Of the columns.
        """
        ...


JsonKind = Literal["object", "objects", "arrays", "lists", "list", "values"]


@dataclass(frozen=True, slots=True)
class JsonLayout:
    """Instances in JSON.

    Parameters
    ----------
    kind : {'object', 'objects', 'arrays', 'lists', 'list', 'values'}
        One object, an array of objects, an object with an array a column; an array of arrays, an
        array for one instance, or an array of values of the only column.
    base : str
        JSON pointer of it in the body.
    keys : sequence of str
        Members in place of the positions of an array, if it came as an object.
    columns : sequence of str
        In the order of an instance that is an array; the columns' own if there are none.
    """

    kind: JsonKind
    base: str = ""
    keys: Sequence[str] = ()
    columns: Sequence[str] = ()

    def place(self, problem: Problem, names: Sequence[str]) -> Iterator[FieldProblem]:
        """Say where what a problem is about came; see `Layout`."""
        row, column, detail = self._row(problem.row), escape(problem.column), problem.detail
        if self.kind in {"lists", "list"}:
            column = self._position(problem.column, self.columns or names)
            detail = detail if problem.column is None else f"{problem.column}: {detail}"
        elif self.kind == "values":
            column = ""
        if self.kind != "arrays":
            places = [row + column]
        elif problem.column is None and row:
            places = [escape(name) + row for name in names[:MAX_PROBLEMS]]
        else:
            places = [column + row]
        for place in places:
            yield FieldProblem(f"#{self.base}{place}", detail, problem.suggestion)

    def _row(self, row: int | None) -> str:
        if row is None or self.kind in {"object", "list"}:
            return ""
        return escape(self.keys[row]) if self.keys else f"/{row}"

    def _position(self, column: str | None, columns: Sequence[str]) -> str:
        if column is None or column not in columns:
            return ""
        return f"/{columns.index(column)}"


OBJECT, OBJECTS, ARRAYS = JsonLayout("object"), JsonLayout("objects"), JsonLayout("arrays")


def locate(error: SignatureError, layout: Layout, names: Sequence[str]) -> InstanceError:
    """Say where in the JSON the values are that an error is about.

    Parameters
    ----------
    error : SignatureError
    layout : Layout
        How the instances came.
    names : sequence of str
        Of the features: a whole row is no one place in arrays, but one in each of them.
    """
    places = [place for problem in error.problems for place in layout.place(problem, names)]
    return InstanceError(places, more=error.more)


@contextmanager
def located(layout: Layout, names: Sequence[str]) -> Iterator[None]:
    """Say of what does not fit the signature, in a block, where it came; see `locate`."""
    try:
        yield
    except SignatureError as exc:
        raise locate(exc, layout, names) from None


def escape(name: str | None) -> str:
    """Write a member's name as a step of a JSON pointer; nothing for none."""
    return "" if name is None else f"/{name.replace('~', '~0').replace('/', '~1')}"
