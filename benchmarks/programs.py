"""A program that is started, whose end is seen to, and whose output explains what goes wrong."""

import http.client
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.processes import Tree, kill


class ServerError(Exception):
    """A server that does not start, or answers wrongly."""


@dataclass(frozen=True)
class Program:
    """A process that was started, and the file that it writes to."""

    process: "subprocess.Popen[bytes]"
    output: IO[bytes]

    @property
    def tree(self) -> Tree:
        """Everything it started, too."""
        return Tree(self.process.pid)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Add the end of its output to what goes wrong.

        Raises
        ------
        ServerError
        """
        try:
            yield
        except (ValueError, OSError, http.client.HTTPException) as exc:
            self.output.seek(0)
            end = self.output.read()[-3000:].decode(errors="replace")
            raise ServerError(f"{exc}\n{end}".strip()) from exc


@contextmanager
def started(
    command: Sequence[str], directory: Path, variables: Mapping[str, str]
) -> Iterator[Program]:
    """Start a program, and end it with all that it started."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield Program(process, output)
        finally:
            _stop(process)


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, and end what is left of it three seconds later."""
    tree = Tree(process.pid)
    members = tree.members()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    kill([*tree.members(), *members])
    process.wait()
