"""What is in an image, and what is left out: the one list, for the context and for the build."""

from typing import Final

PARTS: Final = ("lib", "app", "artifacts")
"""Of the image, from what seldom changes to what often does: a layer each."""

SERVING_PART: Final = (
    *("__init__.py", "__main__.py", "py.typed", "errors.py", "facts.py"),
    *("schema", "kernels", "dumps", "estimators", "bundle", "codec", "serving"),
    *("cli/__init__.py", "cli/options.py", "cli/predict.py", "cli/serve.py"),
    "cli/serve_options.py",
)
"""What of this package goes into an image."""

FOLDERS_LEFT_OUT: Final = (
    # A program that is only for people at a terminal, and nothing that serves imports.
    *("bin", "numpy/f2py", "numpy/distutils", "numpy/testing", "numpy/doc", "numpy/_pyinstaller"),
    # NumPy imports these when they are asked for, which serving never does.
    *("numpy/random", "numpy/fft", "numpy/polynomial"),
)
"""Folders of the dependencies that are left out."""

TESTS_AND_HEADERS = ("tests", "_tests", "include")
FOR_COMPILERS = (".pyi", ".pxd", ".pyx", ".h", ".c", ".a", ".lib")
