"""Where files are: on this machine, or in a store that fsspec reaches, as ``s3://`` and others."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path, PurePath
from typing import IO, Any, Final

from iris_deploy.errors import IrisDeployError, ScoringError, first_line

_BUGS: Final = (NameError, AttributeError, TypeError, LookupError, AssertionError)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]+://")


def read_place(word: str) -> Path:
    """Return the place that a word names.

    Parameters
    ----------
    word : str
        A path, or an address such as ``s3://bucket/new.csv``.

    Returns
    -------
    Path
        Of a store: what is used like one.

    Raises
    ------
    ScoringError
        If there is no access to such stores.
    """
    if not _URL.match(word):
        return Path(word)
    try:
        from upath import UPath
    except ImportError as exc:
        raise ScoringError(
            f"{word:.120} is in a store, and nothing here reaches stores",
            hint="pip install 'iris-deploy[stores]', and s3fs, gcsfs, adlfs or what else it is",
        ) from exc
    with telling(word):
        place: Any = UPath(word)
        place.fs  # noqa: B018  finds out what is to be installed
    return place  # type: ignore[no-any-return]


def is_remote(path: object) -> bool:
    """Tell whether a place is in a store."""
    return not isinstance(path, PurePath)


@contextmanager
def telling(place: object) -> Iterator[None]:
    """Turn what goes wrong in a store into an error of ours: each store has others.

    Parameters
    ----------
    place : object
        Where; nothing is done about places of this machine.

    Raises
    ------
    ScoringError
    """
    try:
        yield
    except IrisDeployError:
        raise
    except Exception as exc:
        if not is_remote(place) or isinstance(exc, _BUGS):
            raise
        if isinstance(exc, ImportError):
            raise ScoringError(f"{place!s:.120}: {exc}", hint="install it beside this") from exc
        raise ScoringError(
            f"{place!s:.120}: the store says: {first_line(exc)}",
            hint="are its address and your credentials right?",
        ) from exc


@contextmanager
def open_store(place: Any) -> Iterator[IO[bytes]]:
    """Open a file of a store; it is there when the block has ended well.

    Parameters
    ----------
    place : Path
        Of a store.
    """
    with place.fs.transaction, place.fs.open(place.path, "wb") as file:
        yield file


def find_like(place: Any) -> list[Path]:
    """Return the places that a pattern names, in order.

    Parameters
    ----------
    place : Path
        With a pattern.
    """
    if not is_remote(place):
        return [*map(Path, sorted(glob(str(place), recursive=True)))]  # noqa: PTH207
    found = sorted(place.fs.glob(place.path))
    return [read_place(place.fs.unstrip_protocol(each)) for each in found]
