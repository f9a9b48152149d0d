"""Pages of the documentation run as they stand: their Python, their commands, and what they print.

A fence of ``python`` is run after those before it, and a fence of ``text`` behind it is what it
prints. Of a fence of ``console`` each command is run, and the lines below it are what it prints; a
command without such lines has to succeed.
"""

import contextlib
import io
import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import Server, run_process, serving
from tests.waits import wait_until

ELSEWHERE = {
    "docker": "tests/engine runs images",
    "build-image": "tests/engine builds them",
    "pip": "installs from the network",
    ".": "changes a shell",
    "python3": "makes an environment",
    "sudo": "changes a machine: tests/machine boots one",
    "journalctl": "the same",
}
"""Commands that a page shows and that are run in other tests, or cannot be here, and why."""

_SHELL = {"openssl"}  # programs that are run as they stand
_PLAINLY = ("--workers", "2", "--log-format", "text")
_ADDRESS = "127.0.0.1:5000"
_MOVING = {
    r"sha256:[0-9a-f]{12}": "sha256:…",
    r" +[0-9,]+ bytes": " … bytes",
    r"(scikit-learn|xgboost) [0-9.]+": r"\1 …",
    r"127\.0\.0\.1:\d+": _ADDRESS,
}
"""What depends on the versions of an installation, or on chance; and what stands for it."""


class Block(NamedTuple):
    """A fence of a page."""

    kind: str
    text: str


def read_blocks(page: Path) -> list[Block]:
    """Return the fences of a page, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [Block(kind, text) for kind, text in found]


def read_commands(block: Block) -> Iterator[tuple[str, str]]:
    """Yield the commands of a fence of console with what they print."""
    text = block.text.replace("\\\n", " ")
    yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)


def mask(text: str, *, loosely: bool = False) -> str:
    """Leave out what moves; loosely every number, since other versions fit other figures."""
    for pattern, instead in _MOVING.items():
        text = re.sub(pattern, instead, text)
    return re.sub(r"[0-9.]+", "#", text) if loosely else text


class Reader:
    """Somebody who does what pages say, in one directory.

    Parameters
    ----------
    home : Path
        The directory.
    stack : ExitStack
        Ends the servers that are started.

    Attributes
    ----------
    done : set of str
        What was run, and what was left to other tests: programs, and commands of ours.
    """

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home = home
        self.done: set[str] = set()
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._stack = stack
        self._server: Server | None = None

    def follow(self, page: Path) -> None:
        """Do what a page says."""
        blocks = read_blocks(page)
        for block, after in zip(blocks, [*blocks[1:], Block("", "")], strict=True):
            if block.kind == "python":
                printed = self._python(block.text)
                assert printed == (after.text if after.kind == "text" else ""), block.text
            elif block.kind == "console":
                for command, output in read_commands(block):
                    self._command(command, output)

    def _python(self, code: str) -> str:
        self.done.add("python")
        with contextlib.chdir(self.home), contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "<page>", "exec"), self._names)
        return printed.getvalue()

    def _command(self, command: str, output: str) -> None:
        words = shlex.split(command)
        program = Path(words[0]).name or words[0]
        name = words[1] if program == "iris-deploy" else program
        self.done.add(name)
        if name in ELSEWHERE:
            assert not output, command
        elif name == "serve":
            self.serve(words[1:], output)
        elif program == "curl":
            self._curl(words, output)
        elif program in _SHELL:
            subprocess.run(command, shell=True, cwd=self.home, timeout=60, check=True)
        else:
            assert program == "iris-deploy", command
            self._ours(words, output)

    def _ours(self, words: list[str], output: str) -> None:
        more = ["--no-lookup"] * (words[1] == "recipe" and "--image" in words)
        ran = run_process(*words[1:], *more, cwd=self.home)
        assert ran.returncode == 0, ran.stderr
        if output:
            loosely = "--data" in words
            said = mask(ran.stdout.decode(), loosely=loosely)
            assert said == mask(output, loosely=loosely)

    def serve(self, words: Sequence[str], output: str = "") -> None:
        """Start a server on another port, which is asked from here on."""
        options = [word for word in words[1:] if word not in {"--port", "5000"}]
        with contextlib.chdir(self.home):
            self._server = self._stack.enter_context(
                serving(Path("artifacts"), *_PLAINLY, *options)
            )
        log = self._server.output
        wait_until(lambda: log.read_text().count("\n") > 1, failed=log.read_text)
        if output:
            said = "".join(log.read_text().splitlines(keepends=True)[:2])
            assert mask(said) == mask(output)

    def _curl(self, words: list[str], output: str) -> None:
        assert self._server, "no server was started on this page"
        ours = self._server.url.removeprefix("http://")
        asked = [word.replace(_ADDRESS, ours).replace("ADDRESS", ours) for word in words]
        assert asked != words, words
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
        assert ran.stdout.rstrip("\n") == output.rstrip("\n")
        json.loads(ran.stdout)
