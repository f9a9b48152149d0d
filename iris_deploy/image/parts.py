"""What is in an image, and what is left out: the one list, for the context and for the build."""

from typing import Final

from iris_deploy.bundle.manifest import Manifest

PARTS: Final = ("lib", "app", "artifacts")
"""Of the image, from what seldom changes to what often does: a layer each."""

RUNTIME: Final = "runtime"
"""The part below them where scikit-learn predicts: scikit-learn, and what it needs."""


def parts_for(manifest: Manifest) -> tuple[str, ...]:
    """Return the parts of a bundle's image, in the order of their layers."""
    return (RUNTIME, *PARTS) if manifest.library else PARTS


SERVING_PART: Final = (
    *("__init__.py", "__main__.py", "py.typed", "errors.py", "facts.py"),
    *("schema", "kernels", "dumps", "estimators", "runtimes", "bundle", "codec", "serving"),
    *("cli/__init__.py", "cli/options.py", "cli/predict.py", "cli/serve.py"),
    "cli/serve_options.py",
)
"""What of this package goes into an image."""

PROGRAMS: Final = "bin"
"""Folder of the dependencies with what is only for people at a terminal; left out."""

FOLDERS_LEFT_OUT: Final = (
    # What nothing that serves imports.
    *("numpy/f2py", "numpy/distutils", "numpy/testing", "numpy/doc", "numpy/_pyinstaller"),
    # NumPy imports these when they are asked for, which serving never does.
    *("numpy/random", "numpy/fft", "numpy/polynomial"),
)
"""Folders of the dependencies that are left out, too, where scikit-learn does not need them."""

TESTS_AND_HEADERS = ("tests", "_tests", "include")
FOR_COMPILERS = (".pyi", ".pxd", ".pyx", ".h", ".c", ".a", ".lib")
