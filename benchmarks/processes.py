"""A tree of processes as /proc shows it: its members, processor time and memory."""

import contextlib
import os
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import TICK

GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


@dataclass(frozen=True)
class Memory:
    """Resident bytes of a tree; ``pss`` counts a page that n processes share as one nth."""

    rss: int
    pss: int


@dataclass(frozen=True)
class Process:
    """A process as it is now; ``born`` tells it from a later one with the same id."""

    pid: int
    born: int
    parent: int
    session: int
    seconds: float


class Tree:
    """Processes that lead sessions, and everything they started.

    Parameters
    ----------
    *roots : int
        Their process ids.
    """

    def __init__(self, *roots: int) -> None:
        self.roots = roots

    def members(self) -> list[Process]:
        """Return who is in it now."""
        everything = [process for process in map(_read, _pids()) if process]
        members = set(self.roots)
        while True:  # a child may stand before its parent
            more = {
                p.pid for p in everything if p.parent in members or p.session in self.roots
            } - members
            if not more:
                return [process for process in everything if process.pid in members]
            members |= more

    def seconds(self) -> float:
        """Return the processor time of its members and of children they have waited for."""
        return sum(process.seconds for process in self.members())

    def memory(self) -> Memory:
        """Add up the members' resident memory."""
        sums = {"Rss": 0, "Pss": 0}
        for pid in (process.pid for process in self.members()):
            with contextlib.suppress(*GONE):
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                for name in sums:
                    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
                    sums[name] += int(found[1]) * 1024 if found else 0
        return Memory(sums["Rss"], sums["Pss"])

    def forget_peaks(self) -> None:
        """Start anew with what `peak` tells."""
        for pid in (process.pid for process in self.members()):
            with contextlib.suppress(*GONE):
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """Return the sum of each member's largest resident memory, bytes."""
        total = 0
        for pid in (process.pid for process in self.members()):
            with contextlib.suppress(*GONE):
                found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
                total += int(found[1]) * 1024 if found else 0
        return total


def kill(processes: Iterable[Process]) -> None:
    """End at once those that still run."""
    for process in processes:
        now = _read(process.pid)
        if now and now.born == process.born:
            with contextlib.suppress(*GONE):
                os.kill(process.pid, signal.SIGKILL)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def _read(pid: int) -> Process | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except GONE:
        return None
    seconds = sum(map(int, fields[11:15])) / TICK
    return Process(pid, int(fields[19]), int(fields[1]), int(fields[3]), seconds)
