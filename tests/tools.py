"""Programs that are not Python's, which tests run where they are installed."""

import os
import shutil
import sys
from pathlib import Path

import pytest


def require(tool: str) -> str:
    """Return the path of a program; without it skip the test, or fail if tools are required."""
    beside = Path(sys.executable).parent  # what was installed with this Python
    path = shutil.which(tool, path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if path is None:
        if os.environ.get("IRIS_DEPLOY_TEST_TOOLS") == "required":
            pytest.fail(f"{tool} is not installed")
        pytest.skip(f"{tool} is not installed")
    return path
