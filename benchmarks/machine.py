"""The machine: what it is, and whether others disturbed what was measured on it."""

import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """Return the processor time that went to somebody, the hypervisor's share (steal) included.

    Interrupts are left out: on loopback they are the load's own.
    """
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, _, _, steal = map(int, fields[:8])
    return (user + nice + system + steal) / TICK


def own_seconds() -> float:
    """Return the processor time of this process and of the children it has waited for."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Watch:
    """How much of the machine others use from here on.

    Parameters
    ----------
    server_seconds : callable
        The processor time of the server so far.
    """

    def __init__(self, server_seconds: Callable[[], float]) -> None:
        self._server_seconds = server_seconds
        self._start = self._read()

    def _read(self) -> tuple[float, float, float]:
        return time.perf_counter(), self._server_seconds(), busy_seconds() - own_seconds()

    def read(self) -> tuple[float, float]:
        """Return the server's processor seconds, and the share of all processors others had."""
        wall, server, rest = (b - a for a, b in zip(self._start, self._read(), strict=True))
        return server, max(0.0, (rest - server) / wall / (os.cpu_count() or 1))


def describe() -> dict[str, str]:
    """Tell the date, the processors, the kernel and the Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": models[0] if models else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
