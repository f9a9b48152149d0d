"""A virtual environment for each peer, from its pinned requirements, kept until they change.

To take newer versions: install what the first line of a ``requirements.txt`` names into an empty
environment, and write what ``pip freeze`` tells below it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from benchmarks.peer import Peer

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ROOT / ".venv" / "bench"


class LeftOutError(Exception):
    """A peer that cannot be measured here, and why."""


def python_36(given: str | None) -> Path:
    """Find a Python 3.6: the given one, that on PATH, or one of pyenv's.

    Raises
    ------
    LeftOutError
        If there is none.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    anywhere = [shutil.which("python3.6"), *map(str, pyenv.glob("versions/3.6.*/bin/python"))]
    for candidate in filter(None, [given] if given else anywhere):
        asked = _run([candidate, "-c", "import sys; print(sys.version_info[:2])"])
        if asked.returncode == 0 and asked.stdout.strip() == "(3, 6)":
            return Path(candidate)
    raise LeftOutError("no Python 3.6")


def require(program: str) -> None:
    """Look for a program of the machine.

    Raises
    ------
    LeftOutError
        If it is not there.
    """
    if not shutil.which(program):
        raise LeftOutError(f"no {program} on PATH")


def program_version(program: str) -> tuple[int, ...]:
    """Return the version that a program of the machine tells when it is asked with ``-v``."""
    told = _run([program, "-v"])
    return tuple(map(int, re.findall(r"\d+", (told.stdout + told.stderr).partition("/")[2])[:3]))


def _run(command: Sequence[str | Path]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)


class Environment:
    """Where a peer's packages are.

    Parameters
    ----------
    peer : Peer
    python : Path
        The interpreter it is made with.
    """

    def __init__(self, peer: Peer, python: Path) -> None:
        self.peer = peer
        self.python = python
        self.bin = ENVIRONMENTS / peer.server / "bin"
        if peer.is_ours:
            self.requirements = ROOT / "requirements" / "serve.txt"
            self._own = [ROOT / "setup.cfg", *sorted((ROOT / "iris_deploy").rglob("*.py"))]
        else:
            self.requirements = peer.directory / "requirements.txt"
            self._own = []  # files of this project to install

    def make(self) -> None:
        """Install what is pinned, unless that was done.

        Raises
        ------
        LeftOutError
            If it cannot be installed, or a program that it wants is missing.
        """
        if self.peer.program:
            require(self.peer.program)
        directory = self.bin.parent
        stamp = directory / "stamp"
        pinned = self.requirements.read_bytes() + str(self.python).encode()
        pinned += b"".join(path.read_bytes() for path in self._own)
        digest = hashlib.sha256(pinned).hexdigest()
        if stamp.is_file() and stamp.read_text() == digest:
            return
        print(f"{self.peer.server}: making its environment ...", file=sys.stderr, flush=True)
        shutil.rmtree(directory, ignore_errors=True)
        pip: list[str | Path] = [self.bin / "python", "-m", "pip", "install", "--no-deps"]
        commands: list[list[str | Path]] = [[self.python, "-m", "venv", directory]]
        commands.append([*pip, "-r", self.requirements])
        if self._own:
            commands.append([*pip, ROOT])
        for command in commands:
            ran = _run(command)
            if ran.returncode:
                told = (ran.stdout + ran.stderr).strip().splitlines()
                errors = [line for line in told if line.startswith("ERROR")]
                raise LeftOutError(
                    f"cannot be installed: {(errors or told or ['no word of why'])[-1]}"
                )
        stamp.write_text(digest)

    def _distributions(self, names: Iterable[str]) -> dict[str, metadata.Distribution]:
        """Find installed packages by their names."""
        [packages] = (self.bin.parent / "lib").glob("python3.*/site-packages")
        wanted = set(map(_normal, names))
        found = metadata.distributions(path=[str(packages)])
        return {_normal(d.metadata["Name"]): d for d in found if _normal(d.name) in wanted}

    def versions(self) -> dict[str, str]:
        """Return the versions that the report names."""
        found = self._distributions(self.peer.packages)
        if program := self.peer.program:
            return {program: ".".join(map(str, program_version(program)))}
        [lib] = (self.bin.parent / "lib").glob("python3.*")
        return {
            **{name: found[name].version for name in self.peer.packages if name in found},
            "Python": lib.name.removeprefix("python"),
        }

    def disk(self) -> int:
        """Return the bytes of the files of all packages it pins, and of ours where that serves."""
        names = re.findall(r"^([A-Za-z0-9._-]+)==", self.requirements.read_text(), re.MULTILINE)
        paths = [
            Path(str(d.locate_file(file)))
            for d in self._distributions(names).values()
            for file in d.files or ()
        ]
        if self.peer.has_our_predictor or self.peer.is_ours:
            paths += (ROOT / "iris_deploy").rglob("*")
        return sum(path.stat().st_size for path in paths if path.is_file())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
