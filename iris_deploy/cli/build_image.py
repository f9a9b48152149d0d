"""``iris-deploy build-image``: a bundle to a container image that has been tried."""

import os
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli.options import Artifacts, Json, Model, Version
from iris_deploy.errors import SettingsError

if TYPE_CHECKING:
    from iris_deploy.image.build import ImageReport

_WHERE, _CHECKS, _ENGINE = "What comes out", "What it has to pass", "The build"
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?(|[kmg]i?)b?", re.IGNORECASE)
_STEP = re.compile(r"(?:Step|STEP|\[\d/\d\] STEP) (\d+/\d+) ?: (.*)|#\d+ (\[.*?\d+/\d+\] .*)")

_WORK = ("FROM", "RUN", "COPY")  # the instructions that take time


def build_image(
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            "-t",
            help="Name of the image, such as user/iris:1.0; may be given several times.",
            show_default="<model>:<version>",
            rich_help_panel=_WHERE,
        ),
    ] = None,
    artifacts: Artifacts = ARTIFACTS,
    model: Model = None,
    version: Version = None,
    push: Annotated[
        bool,
        typer.Option(
            "--push",
            help="Push the tags, with the engine's own credentials.",
            rich_help_panel=_WHERE,
        ),
    ] = False,
    label: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE, added to the image's labels.", rich_help_panel=_WHERE),
    ] = None,
    context_only: Annotated[
        Path | None,
        typer.Option(
            help="Write Dockerfile and build context to this new directory, and build elsewhere.",
            rich_help_panel=_WHERE,
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the commands and run none.", rich_help_panel=_WHERE),
    ] = False,
    trial: Annotated[
        bool,
        typer.Option(
            "--trial/--no-trial",
            help="Run the image hardened and replay the recorded examples before it is tagged.",
            rich_help_panel=_CHECKS,
        ),
    ] = True,
    max_size: Annotated[
        str | None,
        typer.Option(
            help="Largest image, such as 250MB; a larger one gets no tag (exit code 4).",
            rich_help_panel=_CHECKS,
            show_default=False,
        ),
    ] = None,
    min_accuracy: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Build nothing if the bundle's accuracy is below this (exit code 4).",
            rich_help_panel=_CHECKS,
            show_default=False,
        ),
    ] = None,
    builder: Annotated[
        Literal["docker", "podman", "buildah"] | None,
        typer.Option(
            help="What builds; the first of these that there is, if left out.",
            rich_help_panel=_ENGINE,
            show_default=False,
        ),
    ] = None,
    base_image: Annotated[
        str | None,
        typer.Option(
            help="Image to build on; it needs python3 with venv.",
            show_default="python:X.Y-slim, with the Python that trained the bundle",
            rich_help_panel=_ENGINE,
        ),
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option(
            help="Such as linux/amd64; as the builder takes it.",
            rich_help_panel=_ENGINE,
            show_default=False,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="Network of the build; as the builder takes it.",
            rich_help_panel=_ENGINE,
            show_default=False,
        ),
    ] = None,
    build_arg: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE for the Dockerfile.", rich_help_panel=_ENGINE),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the builder's whole log.")
    ] = False,
    json: Json = False,
) -> None:
    """Build a container image of the newest bundle, try it, and tag it.

    The image holds the server and this one bundle, without scikit-learn. It gets its tag only after
    it has run without privileges, on a read-only root, has answered the recorded examples to the
    last bit on ports 5000 and 8080, and has stopped on SIGTERM.
    """
    from iris_deploy.bundle.repository import Repository
    from iris_deploy.image import build, options
    from iris_deploy.image.engines.builders import find_builder
    from iris_deploy.image.settings import ImageSettings

    bundle = Repository(artifacts).read(model, version)
    manifest = bundle.manifest
    tags = tag or [f"{manifest.model}:{manifest.version}"]
    settings = ImageSettings(
        tags=tuple(dict.fromkeys(map(options.complete_tag, tags))),
        base_image=base_image,
        platform=platform,
        network=network,
        build_args=_pairs("--build-arg", build_arg),
        labels=_pairs("--label", label),
        trial=trial,
        max_size=_bytes(max_size),
        min_accuracy=min_accuracy,
        push=push,
    )
    environ = dict(os.environ)
    if context_only is not None:
        build.check_bundle(bundle, settings)
        build.write_context_only(bundle, context_only, environ)
        base = base_image or options.base_image_for(manifest)
        typer.echo(f"Build context of {manifest.model} version {manifest.version}: {context_only}/")
        typer.echo(f"Next: build it with --build-arg BASE_IMAGE={base}")
        return
    engine = find_builder(builder, environ)
    if dry_run:
        for command in build.show_command(settings, engine, manifest, environ):
            typer.echo(shlex.join(command))
        return
    with _progress(verbose=verbose) as (tell, begin):
        try:
            report = build.build_image(bundle, settings, engine, environ, tell=tell, begin=begin)
        except KeyboardInterrupt:
            typer.secho("interrupted: no tag was given, and nothing is left behind", err=True)
            raise
        if push:
            report = build.push_image(report, engine, tell=tell, begin=begin)
    if json:
        import msgspec

        from iris_deploy.cli.terminal import print_json

        print_json(msgspec.to_builtins(report))
    else:
        _report(report)


@contextmanager
def _progress(*, verbose: bool) -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """Show on standard error what is done: one changing line on a terminal, else a line a step."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    begun = time.monotonic()
    if verbose or not console.is_terminal:

        def begin(what: str) -> None:
            console.print(f"{time.monotonic() - begun:6.1f} s  {what}")

        def tell(line: str) -> None:
            if verbose:
                console.print(line)
            elif step := _step(line):
                begin(step)

        yield tell, begin
        return
    with console.status("", spinner="line") as status:

        def begin_(what: str) -> None:
            console.print(f"{time.monotonic() - begun:6.1f} s  {what}")
            status.update("")

        def tell_(line: str) -> None:
            if step := _step(line):
                status.update(step)

        yield tell_, begin_


def _step(line: str) -> str | None:
    found = _STEP.match(line)
    if not found:
        return None
    number, instruction, other = found.groups()
    if instruction and not instruction.startswith(_WORK):
        return None
    text = " ".join((other or f"step {number}: {instruction}").split())
    return text if len(text) <= 100 else text[:97] + "..."


def _report(report: "ImageReport") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{' '.join(report.tags)}[/bold]  {report.image}")
    console.print(
        f"  size      {report.size / 1e6:.1f} MB, "
        f"{report.added / 1e6:.1f} MB of it on top of {report.base_image}"
    )
    if report.trial is None:
        console.print(
            "  trial     [yellow]none[/yellow]: that it starts, answers and stops is not proven"
        )
    else:
        ports = " and ".join(map(str, report.trial.ports))
        console.print(
            f"  trial     ready after {report.trial.ready_seconds:g} s; "
            f"{report.trial.replayed} recorded examples right on ports {ports}; "
            f"stopped in {report.trial.stop_seconds:g} s"
        )
    repeat = "the same bundle and versions give the same image again"
    if not report.reproducible:
        repeat = "the same bundle and versions give the same layers again, but not the same id"
    console.print(f"  repeat    {repeat}")
    for digest in report.pushed:
        console.print(f"  pushed    {digest}")
    if report.layers:
        table = Table(box=None, header_style="bold", padding=(0, 1), show_edge=False)
        table.add_column("   layer", justify="right")
        table.add_column("made by", no_wrap=True, overflow="ellipsis")
        for layer in report.layers:
            table.add_row(f"{layer.size / 1e6:.2f} MB", layer.instruction or report.base_image)
        Console(highlight=False).print(table)
    tag = report.tags[0]
    engine = "docker" if report.builder == "docker" else "podman"
    console.print(f"Next: [bold]{engine} run -i -t --rm -p 5000:5000 {tag}[/bold]")


def _pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise SettingsError(f"{option}: expected KEY=VALUE, got {text!r}")
        pairs[name] = value
    return pairs


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise SettingsError(f"--max-size: expected a size such as 250MB or 0.2GiB, got {text!r}")
    return int(float(found[1]) * _UNITS[found[2].lower()])
