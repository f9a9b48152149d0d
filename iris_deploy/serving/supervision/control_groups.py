"""What Linux' control groups say of this process, whichever version and wherever it is below them.

References
----------
Linux, Documentation/admin-guide/cgroup-v2.rst; cgroup-v1 for version 1.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def read_figures(
    controller: str,
    unified: Sequence[str],
    legacy: Sequence[str],
    cgroup: Path = CGROUP,
    own: Path = OWN_CGROUP,
) -> Iterator[list[str]]:
    """Yield the words of some files of the process's group, and of each above it.

    Parameters
    ----------
    controller : str
        Such as cpu.
    unified, legacy : sequence of str
        Names of the files in version 2 and in version 1.
    cgroup : Path
        Where the control groups are mounted.
    own : Path
        Where the kernel says which group this process is in.
    """
    for line in _read(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, names = cgroup, unified
        elif controller in controllers.split(","):
            top, names = cgroup / controllers, legacy
            if not top.is_dir():
                top = cgroup / controller  # where kernel and mount name them in another order
        else:
            continue
        group = top / path.lstrip("/")
        for directory in (group, *group.parents):
            yield " ".join(_read(directory / name) for name in names).split()
            if directory == top:
                break


def limit_of_memory(cgroup: Path = CGROUP, own: Path = OWN_CGROUP) -> int | None:
    """Return the bytes that the process's group, or one above it, may hold; None for any.

    Parameters
    ----------
    cgroup, own : Path
        See `read_figures`.
    """
    found = read_figures("memory", ["memory.max"], ["memory.limit_in_bytes"], cgroup, own)
    limits = [int(words[0]) for words in found if len(words) == 1 and words[0].isdecimal()]
    return min(limits, default=None)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
