"""Clusters that people have: how they are reached, and whether they have this package."""

from typing import Final

DASK: Final = "dask"
SPARK: Final = "spark"
