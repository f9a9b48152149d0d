"""Programs that are not Python's, which tests run where they are installed."""

import os
import shutil

import pytest


def require(tool: str) -> str:
    """Return the path of a program; without it skip the test, or fail if tools are required."""
    path = shutil.which(tool)
    if path is None:
        if os.environ.get("IRIS_DEPLOY_TEST_TOOLS") == "required":
            pytest.fail(f"{tool} is not installed")
        pytest.skip(f"{tool} is not installed")
    return path
