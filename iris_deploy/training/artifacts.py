"""Fitted estimators as dumps, and what a manifest says of them."""

import hashlib
import io
import platform
from importlib.metadata import version as package_version
from typing import Any

import joblib

from iris_deploy import __version__
from iris_deploy.bundle.manifest import Artifact, Role
from iris_deploy.bundle.provenance import Environment, Estimator

PACKAGES = ("joblib", "numpy", "scikit-learn", "scipy")
"""Packages whose versions decide what is fitted."""


def build_artifact(role: Role, file: str, dumps: dict[str, bytes]) -> Artifact:
    """Describe one dump of several by name, size and digest."""
    data = dumps[file]
    return Artifact(role=role, file=file, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def describe_environment() -> Environment:
    """Return the versions that decide what is fitted."""
    packages = {"iris-deploy": __version__} | {name: package_version(name) for name in PACKAGES}
    return Environment(python=platform.python_version(), packages=packages)


def dump_estimator(estimator: Any) -> bytes:
    """Return what ``joblib.dump`` writes to a file."""
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    return buffer.getvalue()


def describe_estimator(estimator: Any) -> Estimator:
    """Record an estimator's public class and parameters."""
    cls = type(estimator)
    public = cls.__module__.partition("._")[0]
    parameters = {
        name: value if value is None or isinstance(value, (str, int, float)) else repr(value)
        for name, value in estimator.get_params(deep=False).items()
    }
    return Estimator(name=f"{public}.{cls.__name__}", parameters=parameters)
