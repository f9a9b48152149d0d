"""What is in an image, and what is left out: the one list, for the context and for the build."""

from typing import Final, NamedTuple

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


class LeftOut(NamedTuple):
    """Files and folders of the dependencies that are not in an image."""

    why: str
    paths: tuple[str, ...]
    """Patterns below the folder of the dependencies."""
    stay: bool = False
    """Whether modules stay without what is in them: they are imported, and asked nothing."""


NEVER_SERVED: Final = (
    LeftOut("programs for people at a terminal", ("bin",)),
    LeftOut(
        "tests, and what tests of others are written with",
        (
            *("**/tests", "**/_tests", "numpy/conftest.py"),
            *("click/testing.py", "flask/testing.py", "typer/testing.py", "werkzeug/testapp.py"),
        ),
    ),
    LeftOut(
        "headers, stubs and archives for compilers and type checkers",
        ("**/include", *(f"**/*.{kind}" for kind in ("pyi", "pxd", "pyx", "h", "c", "a", "lib"))),
    ),
    LeftOut("lists of files, which are not true any more", ("*.dist-info/RECORD",)),
    LeftOut("what is for Windows", ("*/_winconsole.py", "*/*/_winconsole.py")),
    LeftOut("instructions for those who write programs with it", ("typer/.agents",)),
    LeftOut("servers and middleware beside ours", ("waitress/runner.py", "werkzeug/middleware")),
    LeftOut(
        "metrics for other frameworks, and their readers",
        (
            *(f"prometheus_client/{name}" for name in ("aiohttp", "bridge", "django", "twisted")),
            *("prometheus_client/parser.py", "prometheus_client/openmetrics/parser.py"),
        ),
    ),
)
"""What no image needs, whatever predicts."""

ONLY_FOR_SCIKIT_LEARN: Final = (
    LeftOut(
        "what builds, documents and tests NumPy, and extensions with it",
        (
            *("numpy/f2py", "numpy/distutils", "numpy/testing", "numpy/doc", "numpy/_pyinstaller"),
            *("numpy/_configtool.py", "numpy/typing/mypy_plugin.py", "numpy/_core/_simd.*.so"),
            "numpy/_core/*_tests.*.so",
        ),
    ),
    LeftOut(
        "what NumPy imports when it is asked for, which serving never does",
        (
            *("numpy/random", "numpy/fft", "numpy/polynomial", "numpy/ma", "numpy/ctypeslib"),
            *("numpy/char", "numpy/strings", "numpy/_core/strings.py"),
            *("numpy/_core/defchararray.py", "numpy/lib/recfunctions.py"),
            *("numpy/rec", "numpy/matlib.py", "numpy/lib/*user_array*.py"),
            "numpy/linalg/lapack_lite.*.so",
        ),
    ),
    LeftOut("names that NumPy had before its version 2", ("numpy/core",)),
    LeftOut(
        "what NumPy's compiled functions tell who asks for help, 5 ms of each start",
        ("numpy/_core/_add_newdocs*.py",),
        stay=True,
    ),
)
"""What is left out, too, where NumPy alone predicts."""
