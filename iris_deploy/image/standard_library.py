"""Byte code of Python's own library, where the base image has none.

The official slim images leave it out, and a container may not write it: every start would compile
some 130 modules, for 0.3 s. Only what is served imports is compiled, into a folder of the image
that the launchers name to Python as the place of byte code.
"""

import py_compile
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from iris_deploy.errors import ImageError

WITHOUT_DOCUMENTATION: Final = 2
"""How much byte code is optimized: as by ``python -OO``, which leaves out what nobody reads."""

_LIST: Final = """\
import contextlib, importlib, importlib.machinery, importlib.util, os, pkgutil, sys, sysconfig

sys.path[:0] = paths = sys.argv[1:]
told, sys.stdout = sys.stdout, sys.stderr
names = [module.name for module in pkgutil.iter_modules(paths)]
import iris_deploy
names += [module.name for module in pkgutil.walk_packages(iris_deploy.__path__, "iris_deploy.")]
for name in names:
    if not name.endswith(".__main__"):
        with contextlib.suppress(Exception):
            importlib.import_module(name)
own = os.path.join(sysconfig.get_path("stdlib"), "")
for module in [*sys.modules.values()]:
    path = getattr(module, "__file__", None) or ""
    loader = getattr(module, "__loader__", None)
    if type(loader) is importlib.machinery.SourceFileLoader and path.startswith(own):
        print(os.path.exists(importlib.util.cache_from_source(path)), path, sep="\\t", file=told)
"""
"""Tells of each module of Python's that is imported whether it has byte code, and its path.

Packages may print what they like when they are imported, or fail, if nobody asks them.
"""


def compile_missing(target: Path, paths: Sequence[str]) -> bool:
    """Compile what is imported of Python's library, if any of it has no byte code.

    Parameters
    ----------
    target : Path
        Gets the byte code, below the folders of the sources.
    paths : sequence of str
        Where packages and this one are imported from; all of their modules are.

    Returns
    -------
    bool
        Whether it was compiled: all of it then, since Python looks nowhere else.

    Raises
    ------
    ImageError
        If the modules cannot be listed.
    """
    command = [sys.executable, "-IBc", _LIST, *paths]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode:
        raise ImageError(f"what is served cannot be imported: {listed.stderr.strip()[-500:]}")
    modules = [line.partition("\t")[::2] for line in listed.stdout.splitlines()]
    if all(has_code == "True" for has_code, _ in modules):
        return False
    for _, path in modules:
        source = Path(path)
        folder = target / source.parent.relative_to(source.anchor)
        py_compile.compile(
            path,
            cfile=str(folder / f"{source.stem}.{sys.implementation.cache_tag}.pyc"),
            doraise=True,
            optimize=WITHOUT_DOCUMENTATION,
            invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP,  # Python may be upgraded
        )
    return True
