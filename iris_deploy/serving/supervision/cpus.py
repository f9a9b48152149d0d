"""How many processors this process may use."""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def usable_cpus(cgroup: Path = _CGROUP, own: Path = _OWN_CGROUP) -> int:
    """Count the processors of the affinity mask, and no more than the control group pays for.

    Parameters
    ----------
    cgroup : Path
        Where the control groups are mounted.
    own : Path
        Where the kernel says which group this process is in.

    Returns
    -------
    int
        At least 1. A container with a quota of half a processor has 1.

    References
    ----------
    Linux, Documentation/admin-guide/cgroup-v2.rst, cpu.max; sched-bwc.rst for version 1.
    """
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    cpus = len(affinity) or os.cpu_count() or 1
    return max(1, min([cpus, *map(math.ceil, _quotas(cgroup, own))]))


def _quotas(cgroup: Path, own: Path) -> list[float]:
    """Return the quotas of the process's group and of those above it, in processors."""
    quotas = []
    for line in _read(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, names = cgroup, ["cpu.max"]
        elif "cpu" in controllers.split(","):
            top = cgroup / controllers
            if not top.is_dir():
                top = cgroup / "cpu"  # where kernel and mount name them in another order
            names = ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        else:
            continue
        group = top / path.lstrip("/")
        for directory in (group, *group.parents):
            figures = " ".join(_read(directory / name) for name in names).split()
            if len(figures) == 2 and figures[0].isdecimal() and int(figures[1]) > 0:
                quotas.append(int(figures[0]) / int(figures[1]))
            if directory == top:
                break
    return [quota for quota in quotas if quota > 0]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
