"""How many processors this process may use."""

import math
import os
from pathlib import Path

from iris_deploy.serving.supervision.control_groups import CGROUP, OWN_CGROUP, read_figures


def usable_cpus(cgroup: Path = CGROUP, own: Path = OWN_CGROUP) -> int:
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
    legacy = ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
    found = read_figures("cpu", ["cpu.max"], legacy, cgroup, own)
    pairs = [words for words in found if len(words) == 2 and words[0].isdecimal()]
    quotas = [int(quota) / int(period) for quota, period in pairs if int(period) > 0]
    return [quota for quota in quotas if quota > 0]
