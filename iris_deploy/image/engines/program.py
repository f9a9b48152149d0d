"""One command-line program of an engine: run, watched, or ended with us.

The only module that runs an engine.
"""

import contextlib
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from iris_deploy.image.engines.failures import explain

_TAIL: Final = 25  # lines of a log that are shown when it fails


class Program:
    """A program that takes words and says what went wrong.

    Parameters
    ----------
    name : str
        As people know it.
    path : str
    environ : mapping of str to str
        Of the process.
    """

    def __init__(self, name: str, path: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self.path = path
        self._environ = environ

    def succeeds(self, *words: str) -> bool:
        """Run it for what it does or shows by its exit code."""
        ran = subprocess.run(
            [self.path, *words], capture_output=True, start_new_session=True, check=False
        )
        return ran.returncode == 0

    def run(self, *words: str, given: str = "") -> str:
        """Run it and return what it prints.

        Raises
        ------
        ImageError
        """
        ran = subprocess.run(
            [self.path, *words],
            input=given,
            capture_output=True,
            text=True,
            start_new_session=True,  # a Ctrl-C is ours: it should not be cut off half-way
            check=False,
        )
        if ran.returncode:
            raise explain(self.name, words[0], ran.stderr.strip().splitlines() or [ran.stdout])
        return ran.stdout

    def all_output(self, *words: str) -> str:
        """Run it and return what it prints on both channels, in order, whatever its exit code."""
        ran = subprocess.run(
            [self.path, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ran.stdout

    def stream(self, words: Sequence[str], on_line: Callable[[str], None]) -> None:
        """Run it for minutes, with its output told line by line; end it if we are interrupted.

        Raises
        ------
        ImageError
            With the end of its output.
        """
        tail: deque[str] = deque(maxlen=_TAIL)
        with subprocess.Popen(
            [self.path, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**self._environ, "BUILDKIT_PROGRESS": "plain"},
        ) as process:
            assert process.stdout is not None  # noqa: S101
            try:
                for line in process.stdout:
                    tail.append(line.rstrip())
                    on_line(line.rstrip())
                code = process.wait()
            except BaseException:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                process.kill()
                raise
        if code:
            raise explain(self.name, words[0], list(tail))
