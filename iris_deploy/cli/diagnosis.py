"""What this machine has of what the commands need: one look at each, and the way to mend it."""

import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from iris_deploy import facts
from iris_deploy.errors import ImageError, IrisDeployError, ServerError

if TYPE_CHECKING:
    from iris_deploy.image.engines.protocol import Engine

State = Literal["ok", "note", "fault"]

_NAME = re.compile(r"[A-Za-z0-9._-]+")  # at the start of a requirement
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True)
class Finding:
    """What one look has found.

    Parameters
    ----------
    what : str
        What was looked at.
    state : {'ok', 'note', 'fault'}
        A fault stops a command that most people need; a note may matter.
    found : str
    mend : str
        What to do; empty if there is nothing.
    """

    what: str
    state: State
    found: str
    mend: str = ""


def look(artifacts: Path, port: int, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything, one after the other.

    Parameters
    ----------
    artifacts : Path
        Directory of the bundles.
    port : int
        Where `serve` would listen.
    environ : mapping of str to str
    """
    yield _look_at_python()
    yield _look_at_packages()
    yield _look_at_artifacts(artifacts)
    yield _look_at_port(port)
    yield _look_at_processors()
    yield from _look_at_memory()
    yield _look_at_files()
    yield from _look_at_engines(environ)
    yield _look_at_proxies(environ)


def list_versions() -> dict[str, str | None]:
    """Return the versions of the packages that it needs; None for what is not installed."""
    from importlib.metadata import PackageNotFoundError, requires, version

    found: dict[str, str | None] = {}
    for requirement in requires("iris-deploy") or ():
        if "extra ==" in requirement:
            continue
        name = _NAME.match(requirement)[0]  # type: ignore[index]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _look_at_python() -> Finding:
    return Finding("Python", "ok", f"{platform.python_version()} in {sys.prefix}")


def _look_at_packages() -> Finding:
    versions = list_versions()
    found = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        mend = "install the package anew: pip install --upgrade iris-deploy"
        return Finding("packages", "fault", f"{found}; without {', '.join(missing)}", mend)
    return Finding("packages", "ok", found)


def _look_at_artifacts(artifacts: Path) -> Finding:
    from iris_deploy.bundle.listing import list_bundles
    from iris_deploy.bundle.repository import Repository

    try:
        paths = (artifacts, *artifacts.absolute().parents)
    except OSError as exc:
        mend = "go to a directory that is there"
        return Finding("artifacts", "fault", f"this directory: {exc.strerror}", mend)
    place = next(path for path in paths if os.path.exists(path))  # noqa: PTH110 - never raises
    if not os.access(place, os.W_OK | os.X_OK):
        mend = f"give yourself permission to write to {place}, or name others with --artifacts"
        return Finding("artifacts", "fault", f"{place} cannot be written to", mend)
    try:
        listed = list(list_bundles(Repository(artifacts)))
    except IrisDeployError as exc:
        return Finding("artifacts", "fault", str(exc), exc.hint or "")
    damaged = [f"{each.model} version {each.version}" for each in listed if not each.manifest]
    if damaged:
        mend = "iris-deploy list says why; train again, or restore the files"
        return Finding("artifacts", "note", f"cannot be read: {', '.join(damaged)}", mend)
    n_bundles = f"{len(listed)} bundle{'s' * (len(listed) != 1)}"
    return Finding("artifacts", "ok", f"{artifacts}/ can be written to, and holds {n_bundles}")


def _look_at_port(port: int) -> Finding:
    from iris_deploy.serving.settings import ServeSettings
    from iris_deploy.serving.supervision.sockets import open_socket

    try:
        open_socket(ServeSettings().host, port).close()
    except ServerError as exc:
        mend = exc.hint or ""
        if sys.platform == "darwin" and port == facts.PORT:
            mend += "; on a Mac AirPlay Receiver has it, in System Settings, General"
        return Finding("port", "note", str(exc), mend)
    return Finding("port", "ok", f"{port} is free")


def _look_at_processors() -> Finding:
    from iris_deploy.serving.supervision.cpus import usable_cpus

    usable, there = usable_cpus(), os.cpu_count() or 1
    workers = f"serve runs {usable} worker{'s' * (usable != 1)}"
    found = f"{usable} of {there} may be used; {workers}" if usable < there else workers
    return Finding("processors", "ok", found)


def _look_at_memory() -> Iterator[Finding]:
    """Compare what is free with what a server of the default size holds."""
    from iris_deploy.serving.supervision.cpus import usable_cpus

    free = _free_memory()
    if free is None:
        return
    needed = facts.SUPERVISOR_BYTES + usable_cpus() * facts.WORKER_BYTES
    found = f"{free / 1e9:.1f} GB free"
    if free < needed:
        mend = "run fewer workers: iris-deploy serve --workers 1, or give it more memory"
        yield Finding(
            "memory", "note", f"{found}, where a server holds {needed / 1e6:.0f} MB", mend
        )
    else:
        yield Finding("memory", "ok", found)


def _free_memory() -> int | None:
    """Return the bytes that are to be had, by the kernel and the control group; None if unknown."""
    from iris_deploy.serving.supervision.control_groups import limit_of_memory

    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    limit = limit_of_memory()
    return free if limit is None else min(free, limit)


def _look_at_files() -> Finding:
    from iris_deploy.serving.settings import ServeSettings
    from iris_deploy.serving.supervision.sockets import reserve_files

    connections = ServeSettings().connections
    try:
        reserve_files(connections)
    except IrisDeployError as exc:
        return Finding("open files", "fault", str(exc), exc.hint or "")
    return Finding("open files", "ok", f"enough for {connections} connections of a worker")


def _look_at_engines(environ: Mapping[str, str]) -> Iterator[Finding]:
    from iris_deploy.image.engines.registry import ENGINES, find_engine

    try:
        find_engine(None, environ)
    except ImageError as exc:
        yield Finding("engine", "note", str(exc), exc.hint or "")
        return
    for kind in ENGINES:
        try:
            engine = find_engine(kind.name, environ)
        except ImageError:
            continue
        yield _look_at_engine(engine)


def _look_at_engine(engine: "Engine") -> Finding:
    try:
        engine.check()
    except ImageError as exc:
        mend = exc.hint or "build-image needs one engine that answers"
        return Finding(engine.name, "note", str(exc).splitlines()[0], mend)
    if engine.files is not None:
        mend = f"nothing, as long as your project is below {engine.files}"
        return Finding(engine.name, "note", "answers; a snap, which sees that only", mend)
    return Finding(engine.name, "ok", "answers")


def _look_at_proxies(environ: Mapping[str, str]) -> Finding:
    """Look whether programs would ask a proxy for this machine's own server."""
    lower = {name.lower(): value for name, value in environ.items()}
    proxies = [name for name in _PROXIES if lower.get(name)]
    if not proxies:
        return Finding("proxy", "ok", "none is set")
    spared = {part.strip() for part in lower.get("no_proxy", "").split(",")}
    if spared & {"127.0.0.1", "localhost", "*"}:
        return Finding("proxy", "ok", f"{', '.join(proxies)}; not asked for this machine")
    mend = "export no_proxy=127.0.0.1,localhost, or curl --noproxy '*'"
    found = f"{', '.join(proxies)}: curl asks it for 127.0.0.1 too"
    return Finding("proxy", "note", found, mend)
