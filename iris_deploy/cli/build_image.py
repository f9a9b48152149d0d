"""``iris-deploy build-image``: a bundle to a container image that has been tried."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli import options as common
from iris_deploy.cli.options import Artifacts, Json, Model, Version

if TYPE_CHECKING:
    from iris_deploy.bundle.bundle import Bundle
    from iris_deploy.image.build import ImageReport
    from iris_deploy.image.engines.protocol import Engine
    from iris_deploy.image.settings import ImageSettings

_WHERE, _CHECKS, _ENGINE = "What comes out", "What it has to pass", "The build"


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
    least: common.Least = None,
    most: common.Most = None,
    min_accuracy: common.MinAccuracy = None,
    builder: Annotated[
        str | None,
        typer.Option(
            metavar="docker|podman|buildah",
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
    from iris_deploy.image.engines.registry import find_engine
    from iris_deploy.image.settings import ImageSettings

    bundle = Repository(artifacts).read(model, version)
    manifest = bundle.manifest
    tags = tag or [f"{manifest.model}:{manifest.version}"]
    settings = ImageSettings(
        tags=tuple(dict.fromkeys(map(options.complete_tag, tags))),
        base_image=base_image,
        platform=platform,
        network=network,
        build_args=common.read_pairs("build_arg", build_arg),
        labels=common.read_pairs("label", label),
        trial=trial,
        max_size=common.read_size("max_size", max_size),
        gates=common.choose_gates(least, most, min_accuracy),
        push=push,
    )
    environ = dict(os.environ)
    if context_only is not None:
        _write_context(bundle, context_only, settings, environ)
        return
    engine = find_engine(builder, environ)
    if dry_run:
        for command in build.show_command(settings, engine, manifest, environ):
            typer.echo(shlex.join(command))
        return
    report = _build(bundle, settings, engine, environ, verbose=verbose)
    if json:
        import msgspec

        from iris_deploy.cli.output import print_json

        print_json(msgspec.to_builtins(report))
    else:
        _report(report, engine.runner)


def _write_context(
    bundle: "Bundle", directory: Path, settings: "ImageSettings", environ: dict[str, str]
) -> None:
    from iris_deploy.image import build, options

    build.check_bundle(bundle, settings)
    build.write_context_only(bundle, directory, environ)
    manifest = bundle.manifest
    base = settings.base_image or options.base_image_for(manifest)
    typer.echo(f"Build context of {manifest.model} version {manifest.version}: {directory}/")
    typer.echo(f"Next: build it with --build-arg BASE_IMAGE={base}")


def _build(
    bundle: "Bundle",
    settings: "ImageSettings",
    engine: "Engine",
    environ: dict[str, str],
    *,
    verbose: bool,
) -> "ImageReport":
    """Build, try, tag and push, and show how far it is."""
    from iris_deploy.cli.output import build_progress
    from iris_deploy.image import build

    with build_progress(verbose=verbose) as (on_line, on_step):
        try:
            report = build.build_image(
                bundle, settings, engine, environ, on_line=on_line, on_step=on_step
            )
        except KeyboardInterrupt:
            typer.secho("interrupted: no tag was given, and nothing is left behind", err=True)
            raise
        if settings.push:
            report = build.push_image(report, engine, on_line=on_line, on_step=on_step)
    return report


def _report(report: "ImageReport", runner: str) -> None:
    from rich.console import Console
    from rich.text import Text

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
    for layer in report.layers:
        size, made_by = layer.size / 1e6, layer.instruction or report.base_image
        line = Text(f"{size:>9.2f} MB  {made_by}", no_wrap=True, overflow="ellipsis")
        console.print(line, soft_wrap=not console.is_terminal)
    tag = report.tags[0]
    console.print(f"Next: [bold]{runner} run -i -t --rm -p 5000:5000 {tag}[/bold]")
