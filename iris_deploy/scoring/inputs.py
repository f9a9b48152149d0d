"""Files that are scored: which there are, and what their names say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, NamedTuple
from urllib.parse import unquote

from iris_deploy.codec.suffixes import COMPRESSIONS, TABLES, Format, read_format
from iris_deploy.errors import ScoringError, expect, is_clean
from iris_deploy.schema.signature import Signature
from iris_deploy.scoring.matching import Match, match_columns
from iris_deploy.scoring.places import find_like, read_place, telling
from iris_deploy.scoring.streams import STANDARD

ARROW: Final = ".arrow"
READ: Final = (*TABLES, ARROW)
"""What the names of files may end in."""

_NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"


class Size(NamedTuple):
    """How much a piece may be.

    Parameters
    ----------
    n_bytes : int
        Of text, or of columns in memory.
    most_rows : int
    """

    n_bytes: int
    most_rows: int


class Wish(NamedTuple):
    """What is wanted of an input.

    Parameters
    ----------
    signature : Signature
        Whose columns it has.
    keep : tuple of str or None
        Columns that are carried along; None for all.
    target : str
        What the output is: a suffix of text, or of columns.
    missing : tuple of str
        Texts of CSV that stand for a missing value.
    joins : bool
        Whether several inputs go into one output, which then has their partitions as columns.
    """

    signature: Signature
    keep: tuple[str, ...] | None
    target: str
    missing: tuple[str, ...] = ()
    joins: bool = True

    def match(self, given: "Input", names: Sequence[str]) -> tuple[Match, dict[str, str | None]]:
        """Find the columns in a file, and what its partition says instead.

        Raises
        ------
        ScoringError
        """
        more = {name: value for name, value in given.partition.items() if name not in names}
        keep = tuple(names) if self.keep is None and more and not self.joins else self.keep
        return match_columns(given.name, [*names, *more], self.signature, keep), more


@dataclass(frozen=True, slots=True)
class Input:
    """One file to be scored.

    Parameters
    ----------
    path : Path
        `STANDARD` is standard input.
    format : Format
    place : PurePath
        Where it stands in the folder that was named, or its name.
    """

    path: Path
    format: Format
    place: PurePath

    @property
    def name(self) -> str:
        """What it is called in errors."""
        return "standard input" if self.path == STANDARD else str(self.path)

    @property
    def n_bytes(self) -> int:
        """How large the file is; 0 of standard input, and where that is not known."""
        if self.path == STANDARD:
            return 0
        with telling(self.path):
            return self.path.stat().st_size or 0  # which a store may not say

    @property
    def partition(self) -> dict[str, str | None]:
        """Values that the folders above it name, as in ``year=2026``."""
        pairs = (part.partition("=") for part in self.place.parts[:-1] if "=" in part)
        return {
            unquote(name): None if value == _NO_VALUE else unquote(value)
            for name, _, value in pairs
        }


def read_standard(name: str) -> str:
    """Return the suffix of a format that standard input and output have.

    Raises
    ------
    SettingsError
    """
    known = [suffix[1:] for suffix in READ if suffix != ".parquet"]
    expect(name in known, "form", f"one of {', '.join(known)}", name)
    return f".{name}"


def find_inputs(words: Sequence[str], standard: str) -> list[Input]:
    """Return the files that words name.

    Parameters
    ----------
    words : sequence of str
        Each a file, a pattern such as ``new/*.csv``, a folder, any of them in a store, or ``-`` for
        standard input.
    standard : str
        Suffix of what comes by standard input.

    Raises
    ------
    ScoringError, DatasetError
        If one is not there, or standard input is named twice.
    """
    found: list[Input] = []
    for word in words:
        expect(is_clean(word), "inputs", "UTF-8 without NUL", word)
        place = read_place(word)
        try:
            with telling(place):
                found += _find(word, place, standard)
        except OSError as exc:
            name = exc.filename or word
            raise ScoringError(f"cannot read {name!s:.120}: {exc.strerror or exc}") from exc
    if [each.path for each in found].count(STANDARD) > 1:
        raise ScoringError("standard input is named twice; it can be read once")
    return found


def _find(word: str, place: Path, standard: str) -> Iterator[Input]:
    paths = [place]
    if any(sign in word for sign in "*?[") and not place.exists():
        paths = find_like(place)
    if not paths:
        raise ScoringError(f"no file is named like {word}")
    for path in paths:
        if path != STANDARD and path.is_dir():
            yield from _find_below(path)
        else:
            yield _find_one(path, standard)


def _find_below(folder: Path) -> list[Input]:
    """Return the tables in a folder and in those within it; hidden ones are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        place = PurePath(*path.relative_to(folder).parts)
        hidden = any(part.startswith((".", "_")) for part in place.parts)  # and ``..`` of a store
        if not hidden and path.is_file() and is_table(path):
            found.append(Input(path, read_format(path, READ), place))
    if not found:
        raise ScoringError(f"{folder} holds no file ending in {', '.join(READ)}")
    return found


def is_table(path: Path) -> bool:
    """Tell whether the name of a file says that a table is in it."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return bool({*suffixes[-2:]} & {*READ}) and (
        suffixes[-1] in READ or suffixes[-1] in COMPRESSIONS
    )


def _find_one(path: Path, standard: str) -> Input:
    if path == STANDARD:
        return Input(path, Format(standard, None), path)
    if path.stat().st_size == 0:
        raise ScoringError(f"{path} is empty; expected rows")
    return Input(path, read_format(path, READ), PurePath(path.name))
