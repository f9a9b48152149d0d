"""Files into a folder: all of them or none, and none over what is there."""

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from iris_deploy.errors import RecipeError

_SCRIPT = "#!"


def write_files(directory: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Write files below a folder, which need not be there.

    They are all written beside it first, so that a full disk leaves nothing half-written.

    Parameters
    ----------
    directory : Path
    files : mapping of str to str
        Contents by path below the folder.
    force : bool
        Whether files that are there are replaced.

    Raises
    ------
    RecipeError
        If the folder cannot be written, or has such files already.
    """
    there = [name for name in files if os.path.lexists(directory / name)]
    if there and not force:
        raise RecipeError(
            f"{directory} has {there[0]}"
            + (f" and {len(there) - 1} more of these files" if there[1:] else "")
            + " already; nothing was written",
            hint="choose another `output`, or replace them with `force`",
        )
    beside = directory.parent / f".{directory.name}.{secrets.token_hex(4)}"
    try:
        for name, text in files.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            if text.startswith(_SCRIPT):
                path.chmod(0o755)
        if not os.path.lexists(directory):
            beside.rename(directory)
            return
        for name in files:
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
        for name in files:
            (beside / name).replace(directory / name)
    except OSError as exc:
        raise RecipeError(
            f"{directory} cannot be written: {exc.strerror or exc}", hint="choose another `output`"
        ) from exc
    finally:
        shutil.rmtree(beside, ignore_errors=True)
