"""pip's settings on this machine, so that a build takes packages from where they come from here."""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_PIP_OPTIONS = (
    *("index-url", "extra-index-url", "trusted-host", "no-index", "proxy", "timeout", "retries"),
    *("find-links", "cert"),
)
"""Settings of pip that matter for where packages come from."""

_LISTS = ("index-url", "extra-index-url", "find-links", "trusted-host")


def pip_settings(environ: Mapping[str, str]) -> tuple[dict[str, str], Path | None]:
    """Find out where pip takes packages from here, so that it can do so in the build.

    Parameters
    ----------
    environ : mapping of str to str

    Returns
    -------
    settings : dict of str to str
        Options of pip's configuration file. What names files of this machine is left out.
    certificates : Path or None
        The authorities that pip trusts, if they are not its own.
    """
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        env=dict(environ),
        check=False,
    )  # without pip there is the environment only
    settings: dict[str, str] = {}
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        option = key.rpartition(".")[2]
        if option in _PIP_OPTIONS and not key.startswith(":env:"):
            settings[option] = str(ast.literal_eval(value))
    for option in _PIP_OPTIONS:
        variable = "PIP_" + option.upper().replace("-", "_")
        if environ.get(variable):
            settings[option] = environ[variable]
    certificates = settings.pop("cert", None) or next(
        filter(None, map(environ.get, ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"))), None
    )
    for option in set(_LISTS) & set(settings):
        words = settings.pop(option).split()
        kept = [w for w in words if option == "trusted-host" or _is_remote(w)]
        if kept:
            settings[option] = "\n    ".join(kept)
    path = Path(certificates) if certificates else None
    return settings, path if path is not None and os.access(path, os.R_OK) else None


def _is_remote(address: str) -> bool:
    """Tell whether an address means the same inside the build; a path of this machine does not."""
    return "://" in address and not address.startswith("file:")
