"""XGBoost and LightGBM, and their estimators as the registry lists them.

LightGBM wants the system's libgomp. Without it tests of either say so and are skipped.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
import xgboost

from tests.families import PARTS, cases

try:
    import lightgbm
except OSError as exc:
    if os.environ.get("IRIS_DEPLOY_TEST_TOOLS") == "required":
        raise
    pytest.skip(f"LightGBM cannot be loaded: {exc}", allow_module_level=True)

__all__ = ["BOOSTERS", "lightgbm", "xgboost"]

BOOSTERS: dict[str, Callable[[], Any]] = {
    name: create
    for package in ("xgboost", "lightgbm")
    for task in ("classification", "regression")
    for name, create in cases(PARTS, task, package)
}
"""They take classes from 0 on."""
