"""Which names of a dump scikit-learn may import: its own classes, and those of the owner's code.

A dump is read by the machine that runs nothing (dumps.machine) before it is loaded. It has to name
nothing but what stands here: a class that scikit-learn itself defines, a few of SciPy's, what the
families read (estimators.registry), and what the modules define that go with the artifacts.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType

from iris_deploy.dumps.names import NAMES
from iris_deploy.estimators.registry import find, public_name

_REFUSED = (
    *("sklearn.datasets", "sklearn.externals", "sklearn.inspection", "sklearn.experimental"),
    *("sklearn.utils._testing", "sklearn.utils._mocking", "sklearn.utils.fixes"),
)
"""Parts of scikit-learn that no estimator is made of: they read files, ask hosts, or are tests."""

_BOOSTERS = ("xgboost", "lightgbm")
"""Packages whose models the families read: they are not loaded."""

_OTHERS = frozenset(
    {
        ("sklearn.cluster._kmeans", "_kmeans_single_lloyd"),
        ("sklearn.cluster._kmeans", "_kmeans_single_elkan"),
        *((f"scipy.sparse._{kind}", f"{kind}_matrix") for kind in ("csc", "coo")),
        *((f"scipy.sparse._{kind}", f"{kind}_array") for kind in ("csc", "coo", "dia")),
    }
)
"""What estimators keep that is no class of scikit-learn's own, and no family reads."""

MAIN = "__main__"
"""Where a notebook or a script has its classes; a module of the owner's stands for it."""


class LoadableNames(Mapping[tuple[str, str], str]):
    """Public names of what a dump may name, by module and name.

    Parameters
    ----------
    code : mapping of str to module
        Modules of the owner's, by name.

    Attributes
    ----------
    seen : set of str
        What was looked up and may be named.
    """

    def __init__(self, code: Mapping[str, ModuleType] | None = None) -> None:
        self._code = code or {}
        self.seen: set[str] = set()

    def __getitem__(self, key: tuple[str, str]) -> str:
        """Return the public name of what may be loaded."""
        module, name = key
        if module.startswith(_BOOSTERS):
            raise KeyError(key)
        known = public_name(module, name)
        if find(known) is None and not self._is_own(module, name) and not _is_theirs(module, name):
            raise KeyError(key)
        self.seen.add(f"{module}.{name}")
        return known

    def may_import(self, module: str, name: str) -> bool:
        """Tell whether what is about to be imported was looked up, or is NumPy's or joblib's."""
        return (module, name) in NAMES or f"{module}.{name}" in self.seen

    def _is_own(self, module: str, name: str) -> bool:
        """Tell whether a module of the owner's defines it; a dotted name leads out of it."""
        modules = self._code.values() if module == MAIN else [self._code.get(module)]
        found = [getattr(of, name, None) for of in modules if of is not None and "." not in name]
        return any(getattr(each, "__module__", None) in self._code for each in found)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield none: what there is shows when it is asked for."""
        return iter(())

    def __len__(self) -> int:
        """Return how many are listed: none."""
        return 0


def _is_theirs(module: str, name: str) -> bool:
    """Tell whether it is a class that scikit-learn, or SciPy, defines in this very module."""
    if (module, name) in _OTHERS:
        return True
    if not module.startswith("sklearn.") or module.startswith(_REFUSED) or ".tests" in module:
        return False
    try:
        found = getattr(import_module(module), name, None)
    except ImportError:
        return False
    return isinstance(found, type) and found.__module__ == module
