"""Dask: a scheduler, and its workers."""

from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any, Final
from warnings import catch_warnings

from iris_deploy.clusters.versions import check_version, own_version
from iris_deploy.errors import ClusterError, first_line

_PATIENCE: Final = 10  # s for a scheduler to answer


def connect(address: str) -> Any:
    """Connect to a scheduler.

    Parameters
    ----------
    address : str
        As ``tcp://10.0.0.1:8786``.

    Returns
    -------
    distributed.Client
        With some workers, all with this version of the package.

    Raises
    ------
    ClusterError
        If there is no such scheduler, no worker, or one with another version.
    """
    try:
        import distributed
    except ImportError as exc:
        raise ClusterError("Dask is not installed", hint="pip install 'iris-deploy[dask]'") from exc
    client: Any = distributed.Client.__new__(distributed.Client)
    try:
        with catch_warnings(action="ignore"):  # of versions: an error below
            client.__init__(address, timeout=_PATIENCE, set_as_default=False)
    except Exception as exc:  # another release of Dask may say anything
        with suppress(Exception):  # in vain, it would be closed at the end of Python, or in a lock
            client.close()
        raise ClusterError(
            f"no scheduler answers at {address}: {str(exc)[:120]}",
            hint="start one: dask scheduler; and workers: dask worker ADDRESS",
        ) from exc
    try:
        _compare_versions(client)
        _look(client)
    except ClusterError:
        client.close()
        raise
    except Exception as exc:
        client.close()
        raise ClusterError(
            f"{address} is no cluster that this Dask can use: {first_line(exc)}"
        ) from exc
    return client


def check_modules(client: Any, names: Iterable[str]) -> None:
    """Refuse a cluster whose workers cannot import what is sent to them: they would say nothing.

    Parameters
    ----------
    client : distributed.Client
    names : iterable of str
        Of modules.

    Raises
    ------
    ClusterError
    """
    missing: dict[str, str | None] = client.run(_find_missing, sorted(names))
    for worker, name in missing.items():
        if name is not None:
            raise ClusterError(
                f"the worker {worker} has no module {name}, which is to be fitted",
                hint="install it where workers run",
            )


def _find_missing(names: list[str]) -> str | None:
    """Return the first module that cannot be imported where this runs."""
    for name in names:
        try:
            import_module(name)
        except ImportError:
            return name
    return None


def _compare_versions(client: Any) -> None:
    """Refuse another release of Dask: what it sends is not sure to be understood."""
    found = client.get_versions()
    own = found["client"]["packages"]["distributed"]
    others = {"the scheduler": found["scheduler"], **found["workers"]}
    for name, other in others.items():
        version = other["packages"]["distributed"]
        if version != own:
            raise ClusterError(
                f"{name} has Dask {version}; expected {own}, as here",
                hint=f"pip install distributed=={version}",
            )


def _look(client: Any) -> None:
    if not client.nthreads():
        raise ClusterError("the scheduler has no worker", hint="start some: dask worker ADDRESS")
    found: dict[str, Any] = client.run(own_version, on_error="return")
    for worker, version in found.items():
        check_version(f"the worker {worker}", version)
