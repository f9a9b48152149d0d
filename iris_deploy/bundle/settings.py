"""Where bundles are, unless told otherwise, and how many versions there can be."""

from pathlib import Path

ARTIFACTS = Path("artifacts")
"""Where bundles are written and read, relative to the working directory."""

ARTIFACTS_VARIABLE = "IRIS_DEPLOY_ARTIFACTS"

LATEST_VERSION = 10**9 - 1
"""Of a model; the name of its directory has nine digits at most."""
