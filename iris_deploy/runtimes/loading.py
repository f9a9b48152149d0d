"""Loads artifacts with joblib, which runs what is in them: after what they name was checked.

First the machine that runs nothing reads a file: it names nothing but what names.py has, and its
trees lead nowhere else. Then the same bytes are loaded, under a hook that lets the same names pass.
"""

import contextlib
import io
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

from iris_deploy.dumps.formats import PICKLE, recognise
from iris_deploy.dumps.unpack import MAX_DUMP_BYTES, unpack
from iris_deploy.errors import ArtifactError, BundleError
from iris_deploy.estimators.registry import read_plain
from iris_deploy.runtimes import LEARN
from iris_deploy.runtimes.names import MAIN, LoadableNames
from iris_deploy.runtimes.structures import check_structures, find_records, find_releases

_HINT = (
    "scikit-learn loads its own classes, and what is defined in Python modules that you bring "
    "along with `code`; nothing of the file was run"
)

_loading = threading.local()
"""Which names may be imported by what this thread loads."""


class Loader:
    """Loads files, and lets them import what is known.

    Parameters
    ----------
    code : mapping of str to bytes
        Modules of the model's owner by name, in the order in which they are run.

    Attributes
    ----------
    names : LoadableNames

    Raises
    ------
    ArtifactError
        If a module cannot be run.
    """

    def __init__(self, code: Mapping[str, bytes] | None = None) -> None:
        self._modules = {name: _run_module(name, data) for name, data in (code or {}).items()}
        self.names = LoadableNames(self._modules)

    def read(self, plain: bytes) -> object:
        """Read what a file holds, and check it; nothing of it is run.

        Parameters
        ----------
        plain : bytes
            The whole file, unpacked.

        Raises
        ------
        ArtifactError
            If it names what may not be imported, has trees that are none, or was written by another
            release than is installed.
        """
        value = read_plain(plain, self.names, _HINT)
        records = find_records(value)
        check_structures(records)
        installed = version(LEARN)
        for release in find_releases(records):
            if release != installed:
                raise ArtifactError(
                    f"it was written by scikit-learn {release:.40}; installed is {installed}",
                    hint=f"`pip install scikit-learn=={release:.40}`, or fit and dump it again",
                )
        return value

    def load(self, data: bytes) -> Any:
        """Check a file and load it.

        Parameters
        ----------
        data : bytes
            The whole file, compressed or not.

        Raises
        ------
        ArtifactError
            See `read`; or if it cannot be loaded.
        """
        import joblib

        plain = unpack(data, MAX_DUMP_BYTES)
        kind = recognise(plain)
        if kind is not PICKLE:
            raise ArtifactError(
                f"scikit-learn loads pickles, and nothing else: {kind.name}",
                hint="import it without `runtime`, or dump the estimator with joblib",
            )
        self.read(plain)
        try:
            with _guarded(self.names), self._as_main():
                return joblib.load(io.BytesIO(plain))
        except ArtifactError:
            raise
        except Exception as exc:
            raise ArtifactError(
                f"scikit-learn cannot load it: {type(exc).__name__}: {str(exc)[:300]}",
                hint="fit and dump it again with the packages that are installed",
            ) from exc

    @contextlib.contextmanager
    def _as_main(self) -> Iterator[None]:
        """Let what a notebook or a script has defined be found where it was."""
        main = vars(sys.modules[MAIN])
        own = {
            name: value
            for module in self._modules.values()
            for name, value in vars(module).items()
            if getattr(value, "__module__", None) == module.__name__ and name not in main
        }
        main.update(own)
        try:
            yield
        finally:
            for name in own:
                del main[name]


def member_of(value: Any, path: Sequence[str | int]) -> Any:
    """Return what keys and positions lead to, in a file that holds several."""
    for key in path:
        value = value[key]
    return value


def check_packages(packages: Mapping[str, str]) -> None:
    """Make sure that packages are installed in exactly these versions.

    Raises
    ------
    BundleError
        Naming the first that is not.
    """
    for name, expected in packages.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "none"
        if installed != expected:
            raise BundleError(
                f"scikit-learn predicts for this bundle, and it needs {name} {expected}; "
                f"installed is {installed}",
                hint=f"`pip install {name}=={expected}`",
            )


def _run_module(name: str, source: bytes) -> ModuleType:
    """Run a module of the owner's, so that others and artifacts may import it."""
    module = ModuleType(name)
    module.__file__ = f"{name}.py"
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        exec(compile(source, module.__file__, "exec", dont_inherit=True), vars(module))  # noqa: S102
    except Exception as exc:
        sys.modules.pop(name)
        if before is not None:
            sys.modules[name] = before
        raise ArtifactError(
            f"{module.__file__} cannot be run: {type(exc).__name__}: {str(exc)[:300]}",
            hint="it may import what scikit-learn needs, and modules that are given before it",
        ) from exc
    return module


@contextlib.contextmanager
def _guarded(names: LoadableNames) -> Iterator[None]:
    """Let pickles import nothing but names that were looked up, whichever reads them."""
    _install_guard()
    _loading.names = names
    try:
        yield
    finally:
        del _loading.names


@cache
def _install_guard() -> None:
    sys.addaudithook(_guard)


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "pickle.find_class":
        return
    names = getattr(_loading, "names", None)
    if names is not None and not names.may_import(*arguments):
        raise ArtifactError(f"the dump imports {'.'.join(arguments)[:100]!r} all the same")
