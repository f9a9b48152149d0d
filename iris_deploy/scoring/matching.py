"""Columns of a file to those of a signature, by their names."""

from collections.abc import Sequence
from dataclasses import dataclass

from iris_deploy.errors import ScoringError
from iris_deploy.schema.problems import Problems, ask_for, list_names, summarize
from iris_deploy.schema.signature import Signature


@dataclass(frozen=True, slots=True)
class Match:
    """Which columns of a file are what.

    Parameters
    ----------
    names : tuple of str
        All columns of the file, in its order.
    fields : tuple of int or None
        Position of each column of the signature; None of one that is missing in every row.
    kept : tuple of int
        Positions of the columns that are carried along.
    """

    names: tuple[str, ...]
    fields: tuple[int | None, ...]
    kept: tuple[int, ...]


def match_columns(
    file: str, names: Sequence[str], signature: Signature, keep: Sequence[str] | None
) -> Match:
    """Find the columns of a signature in a file.

    Parameters
    ----------
    file : str
        What the file is called in errors.
    names : sequence of str
        Of its columns.
    signature : Signature
    keep : sequence of str or None
        Columns that are carried along; None for all.

    Raises
    ------
    ScoringError
        Naming all that is wrong at once.
    """
    wrong: list[str] = []
    places: dict[str, int] = {}
    for position, name in enumerate(names):
        own = signature.aliases.get(name, name)
        if names[position] in names[:position]:
            wrong.append(f"{name!r:.80} stands twice in the header")
        elif own in places:
            wrong.append(f"{names[places[own]]} and {name} are both {own}")
        else:
            places[own] = position
    problems = Problems()
    known = set(signature.names)
    others = {
        name.lower(): name for name in names if signature.aliases.get(name, name) not in known
    }
    for column in signature.columns:
        if column.name in places:
            continue
        close = problems.closest(column.name, others) if others else None
        if close or not column.missing:
            wrong.append(f"{column.name} is missing; expected {column.expected}{ask_for(close)}")
    unknown = [name for name in keep or () if name not in names]
    wrong += [f"`keep` names {name!r:.80}, which is not there" for name in unknown]
    if wrong:
        raise ScoringError(
            f"{file}: {summarize(wrong, more=False)}",
            hint=f"it has {list_names(names)}; expected {list_names(signature.names)}",
        )
    kept = range(len(names)) if keep is None else [names.index(name) for name in keep]
    return Match(tuple(names), tuple(places.get(name) for name in signature.names), tuple(kept))
