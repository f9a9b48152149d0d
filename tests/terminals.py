"""Terminals that tests open: what is shown there, and commands that run there."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import COMMAND

_LINES = 40


def read_terminal(own: int, seconds: float = 10) -> Iterator[bytes]:
    """Yield what a terminal shows, until nobody has it open."""
    while select.select([own], [], [], seconds)[0]:
        try:
            yield os.read(own, 65536)
        except OSError:  # the other side is closed
            return


def run_at_terminal(words: tuple[str, ...], home: Path, width: int) -> str:
    """Run the command at a terminal of a width, and return what it prints there, with colours."""
    own, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, width, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}}
    process = subprocess.Popen(
        [*COMMAND, *words],
        cwd=home,
        stdin=other,
        stdout=other,
        stderr=subprocess.DEVNULL,  # progress
        env=env | {"TERM": "xterm-256color"},
    )
    os.close(other)
    shown = b"".join(read_terminal(own, 60))
    os.close(own)
    assert process.wait(60) == 0, shown
    return shown.decode().replace("\r\n", "\n")
