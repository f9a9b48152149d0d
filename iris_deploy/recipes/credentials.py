"""Logins of registries, where engines keep them."""

import json
from pathlib import Path

from iris_deploy.bundle.files import read_file

_MOST_BYTES = 1 << 20


def read_credentials(directory: Path) -> dict[str, str]:
    """Read the logins that engines keep in a file; none if there is no such file.

    Parameters
    ----------
    directory : Path
        Docker's configuration, mostly ``~/.docker``.

    Notes
    -----
    Logins in a keychain are not read: only its own program could.
    """
    try:
        kept = json.loads(read_file(directory / "config.json", _MOST_BYTES))["auths"]
        return {name: str(entry["auth"]) for name, entry in kept.items() if "auth" in entry}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
