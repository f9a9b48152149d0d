"""Which version of this package the workers of a cluster have: another could answer otherwise."""

from iris_deploy import __version__
from iris_deploy.errors import ClusterError


def own_version() -> str:
    """Return the version of this package where this runs."""
    return __version__


def check_version(worker: str, version: object) -> None:
    """Refuse a worker with another version of this package.

    Parameters
    ----------
    worker : str
    version : object
        What `own_version` has said there; no text if it could not.

    Raises
    ------
    ClusterError
    """
    if version != __version__:
        told = version if isinstance(version, str) else "none"
        raise ClusterError(
            f"{worker} has iris-deploy {told}; expected {__version__}",
            hint=f"pip install iris-deploy=={__version__} where workers run",
        )
