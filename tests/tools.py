"""Programs that are not Python's, which tests run where they are installed."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest


def require(tool: str) -> str:
    """Return the path of a program; without it skip the test, or fail if tools are required."""
    path = _find(tool)
    return path or _do_without(f"{tool} is not installed")


def validators() -> Path:
    """Return the folder that ``.ci/validators`` has made; without it do as `require` does."""
    folder = os.environ.get("IRIS_DEPLOY_TEST_VALIDATORS")
    return Path(folder or _do_without("IRIS_DEPLOY_TEST_VALIDATORS is not set: see .ci/validators"))


def _find(tool: str) -> str | None:
    beside = Path(sys.executable).parent  # what was installed with this Python
    return shutil.which(tool, path=f"{beside}{os.pathsep}{os.environ['PATH']}")


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("IRIS_DEPLOY_TEST_TOOLS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
