"""What several commands show while they work, and how a script reads what they did."""

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

_STEP = re.compile(r"(?:Step|STEP|\[\d/\d\] STEP) (\d+/\d+) ?: (.*)|#\d+ (\[.*?\d+/\d+\] .*)")
_WORK = ("FROM", "RUN", "COPY")  # the instructions that take time


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Show on a terminal's standard error that work goes on; elsewhere nothing."""
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ...", spinner="line"):
        yield


@contextlib.contextmanager
def fitting_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show on a terminal's standard error which fit is on, of how many; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _name, _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("Reading the table", total=None)

        def tell(name: str, done: int, total: int) -> None:
            shown.update(task, description=f"Fitting {name}".strip(), completed=done, total=total)

        yield tell


@contextlib.contextmanager
def scoring_progress() -> Iterator[Callable[[int, float], None]]:
    """Show on a terminal's standard error how far scoring is; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _rows, _share: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("Reading", total=None)
        begun = time.monotonic()

        def tell(rows: int, share: float) -> None:
            pace = rows / max(time.monotonic() - begun, 1e-9)
            told = f"{rows:,} rows, {pace:,.0f}/s"
            shown.update(task, description=told, completed=share, total=1 if share else None)

        yield tell


def print_json(*parts: Mapping[str, object] | msgspec.Struct) -> None:
    """Print one JSON object made of all members of the parts."""
    members: dict[str, Any] = {}
    for part in parts:
        members |= msgspec.to_builtins(part)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(members), indent=2).decode() + "\n")


@contextlib.contextmanager
def build_progress(
    *, verbose: bool
) -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """Show on standard error what is done: one changing line on a terminal, else a line a step."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    started = time.monotonic()
    if verbose or not console.is_terminal:

        def on_step(what: str) -> None:
            console.print(f"{time.monotonic() - started:6.1f} s  {what}")

        def on_line(line: str) -> None:
            if verbose:
                console.print(line)
            elif step := _step(line):
                on_step(step)

        yield on_line, on_step
        return
    with console.status("", spinner="line") as status:

        def on_step_(what: str) -> None:
            console.print(f"{time.monotonic() - started:6.1f} s  {what}")
            status.update("")

        def on_line_(line: str) -> None:
            if step := _step(line):
                status.update(step)

        yield on_line_, on_step_


def _step(line: str) -> str | None:
    found = _STEP.match(line)
    if not found:
        return None
    number, instruction, other = found.groups()
    if instruction and not instruction.startswith(_WORK):
        return None
    text = " ".join((other or f"step {number}: {instruction}").split())
    return text if len(text) <= 100 else text[:97] + "..."
