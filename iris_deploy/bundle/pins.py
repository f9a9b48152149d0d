"""The versions of the packages by which a bundle is served: those that are installed here."""

import operator
import re
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, requires
from typing import Final

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.errors import BundleError

SERVING_PACKAGES: Final = ("flask", "msgspec", "numpy", "prometheus-client", "typer", "waitress")
"""What the server imports; what these require comes with them. Bounds are in setup.cfg."""

PACKAGES_LEFT_OUT: Final = frozenset(("rich", "colorama"))
"""Required by typer, which does without them."""

PREDICTS: Final = "numpy"
"""Package whose version may change an answer, for a bundle whose runtime is numpy."""


_FOR_PYTHON: Final = re.compile(r"""python_version *(<=?|>=?|==|!=) *['"](\d+)\.(\d+)['"]""")
_COMPARE: Final = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def pin_versions(bundle: Bundle) -> dict[str, str]:
    """Return the versions of what serving needs: those that are installed here.

    Parameters
    ----------
    bundle : Bundle

    Returns
    -------
    dict of str to str
        By name, sorted.

    Raises
    ------
    BundleError
        If the package that predicts is not of the version that trained the bundle.
    """
    manifest = bundle.manifest
    pins = _pins([*SERVING_PACKAGES, *(manifest.library.packages if manifest.library else ())])
    expected, got = manifest.environment.packages[PREDICTS], pins[PREDICTS]
    if expected != got:
        message = (
            f"{manifest.model} version {manifest.version} was trained with {PREDICTS} {expected}; "
            f"installed is {got}"
        )
        hint = f"`pip install {PREDICTS}=={expected}`, or `iris-deploy train` again"
        raise BundleError(message, hint=hint)
    return pins


def pin_by_part(bundle: Bundle) -> dict[str, dict[str, str]]:
    """Return the same by the part of the image that they are: what serves, and what it loads.

    Returns
    -------
    dict of str to dict of str to str
        ``serve``, and ``runtime`` if scikit-learn predicts.
    """
    pins, serving = pin_versions(bundle), _pins(SERVING_PACKAGES)
    runtime = {name: version for name, version in pins.items() if name not in serving}
    return {"serve": serving, "runtime": runtime} if bundle.manifest.library else {"serve": serving}


def _pins(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages and of all that they require."""
    pins: dict[str, str] = {}
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name in pins or name in PACKAGES_LEFT_OUT:
            continue
        try:
            pins[name] = distribution(name).version
        except PackageNotFoundError:
            continue  # needed by other systems or older Pythons only
        waiting += [_required(text) for text in requires(name) or () if _applies(text)]
    return dict(sorted(pins.items()))


def _applies(requirement: str) -> bool:
    """Tell whether a requirement is for this Python, and none of an extra (PEP 508).

    What is for other Pythons may be installed all the same, for something that is not served.
    """
    if "extra ==" in requirement:
        return False
    return " or " in requirement or all(
        _COMPARE[sign](sys.version_info[:2], (int(major), int(minor)))
        for sign, major, minor in _FOR_PYTHON.findall(requirement)
    )


def _required(requirement: str) -> str:
    """Return the normalised name in a requirement, PEP 508 and 503."""
    end = next((k for k, c in enumerate(requirement) if c in " ;<>=!~[("), len(requirement))
    return requirement[:end].lower().replace("_", "-").replace(".", "-")
