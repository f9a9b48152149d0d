"""Where scored rows are to go, and what stands in the way."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iris_deploy.codec.suffixes import Format, read_format
from iris_deploy.errors import ScoringError, SettingsError
from iris_deploy.scoring.inputs import READ, Input, is_table
from iris_deploy.scoring.places import is_remote, telling
from iris_deploy.scoring.streams import STANDARD


@dataclass(frozen=True, slots=True)
class Output:
    """Where scored rows go.

    Parameters
    ----------
    path : Path
        A file for the rows of all inputs, or a folder with a file for each; `STANDARD` is standard
        output.
    standard : str
        Suffix of what goes to standard output.
    bad : Path or None
        Where bad rows go, with what is wrong with them.
    force : bool
        Whether files that are there are replaced.
    resume : bool
        Whether files of a folder that are there are left as they are.
    """

    path: Path
    standard: str
    bad: Path | None = None
    force: bool = False
    resume: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether each input gets a file of its own."""
        return self.path != STANDARD and (self.path.is_dir() or not is_table(self.path))


@dataclass(frozen=True, slots=True)
class Group:
    """Inputs whose rows go into one file.

    Parameters
    ----------
    inputs : sequence of Input
    path : Path
    format : Format
    """

    inputs: Sequence[Input]
    path: Path
    format: Format


def plan_groups(inputs: Sequence[Input], output: Output) -> list[Group]:
    """Return which inputs go where; without those that are there already, if that is wanted.

    Raises
    ------
    ScoringError, DatasetError, SettingsError
        If something stands in the way.
    """
    try:
        with telling(output.path):
            return _plan(inputs, output)
    except OSError as exc:
        name = exc.filename or output.path
        raise ScoringError(f"cannot write {name!s:.120}: {exc.strerror or exc}") from exc


def _plan(inputs: Sequence[Input], output: Output) -> list[Group]:
    if not output.is_folder:
        if output.resume:
            raise SettingsError("`resume`: expected a folder as the output")
        form = Format(output.standard, None)
        if output.path != STANDARD:
            form = read_format(output.path, READ)
        groups = [Group(inputs, output.path, form)]
    else:
        if output.path.suffix and not output.path.is_dir():
            read_format(output.path, READ)  # says which suffixes there are
        groups = [
            Group([each], output.path.joinpath(*_place(each)), each.format) for each in inputs
        ]
    _check(output, inputs, groups)
    return [group for group in groups if not (output.resume and group.path.exists())]


def _place(given: Input) -> tuple[str, ...]:
    if given.path == STANDARD:
        raise ScoringError("standard input has no name in a folder; name a file as the output")
    return given.place.parts


def _identity(path: Path) -> tuple[object, object]:
    if is_remote(path):
        return None, str(path)
    found = path.stat()
    return found.st_dev, found.st_ino


def _check(output: Output, inputs: Sequence[Input], groups: Sequence[Group]) -> None:
    """Refuse an output that is there, is an input, or has no place to be."""
    paths = [group.path for group in groups]
    twice, times = Counter(paths).most_common(1)[0]
    if times > 1:
        raise ScoringError(
            f"two inputs would both be {twice}", hint="score them one by one, or name their folder"
        )
    top = output.path if output.is_folder else None
    files = [path for path in (*paths, output.bad) if path is not None and path != STANDARD]
    given = {_identity(each.path) for each in inputs if each.path != STANDARD}
    for path in files:
        parent = path.parent if top is None or path == output.bad else top.parent
        if not is_remote(path) and not parent.is_dir():
            raise ScoringError(f"there is no directory {parent}", hint="make it first")
        if not path.exists():
            continue
        if _identity(path) in given:
            raise ScoringError(f"{path} is an input, too", hint="name another output")
        if path.is_dir():
            raise ScoringError(f"{path} is a directory; expected a file")
        if not output.force and not (output.resume and path != output.bad):
            ways = "name another, or give `force`"
            raise ScoringError(
                f"{path} is there already", hint=ways if top is None else f"{ways} or `resume`"
            )
