"""From a bundle to a tagged image, in the order in which a tag is earned.

Gate, context, build, size, trial, tag, push. Whatever fails, what was made until then is removed
again.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.gate import check_gates
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.errors import GateError, ImageError
from iris_deploy.image.context import write_context
from iris_deploy.image.engines.layout import Layer
from iris_deploy.image.engines.protocol import Built, Engine
from iris_deploy.image.options import BuildOptions, build_options
from iris_deploy.image.parts import parts_for
from iris_deploy.image.settings import ImageSettings
from iris_deploy.image.trial import Trial, try_image


@dataclass(frozen=True, kw_only=True)
class ImageReport:
    """What came of it.

    Parameters
    ----------
    builder : str
        Its name.
    image : str
        Id.
    tags : tuple of str
    pushed : tuple of str
        ``repository@sha256:...`` of each tag.
    base_image : str
    size, added : int
        Bytes of the files of the image, and how many of them are not its base.
    layers : list of Layer
        From the base up.
    trial : Trial or None
    reproducible : bool
        Whether the same bundle and versions give the same image id with this builder.
    """

    builder: str
    image: str
    tags: tuple[str, ...]
    pushed: tuple[str, ...]
    base_image: str
    size: int
    added: int
    layers: list[Layer]
    trial: Trial | None
    reproducible: bool


def check_bundle(bundle: Bundle, settings: ImageSettings) -> None:
    """Refuse a bundle below the gate, before anything is built.

    Raises
    ------
    GateError
    """
    check_gates(bundle.manifest.evaluation, settings.gates, what_then=": nothing was built")


def write_context_only(bundle: Bundle, directory: Path, environ: Mapping[str, str]) -> None:
    """Write the build context for whatever builds elsewhere.

    Raises
    ------
    ImageError
        If there is something in the directory already.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise ImageError(
                f"{directory} is not empty", hint="name a new directory with `context_only`"
            )
        write_context(directory, bundle, environ)
    except OSError as exc:
        raise ImageError(
            f"cannot write the build context to {directory}: {exc.strerror or exc}"
        ) from exc


def build_image(
    bundle: Bundle,
    settings: ImageSettings,
    builder: Engine,
    environ: Mapping[str, str],
    *,
    on_line: Callable[[str], None],
    on_step: Callable[[str], None],
) -> ImageReport:
    """Build, try and tag an image.

    Parameters
    ----------
    bundle : Bundle
        Read and verified.
    settings : ImageSettings
    builder : Engine
    environ : mapping of str to str
    on_line : callable
        Gets the builder's log, line by line.
    on_step : callable
        Told what is being done now.

    Returns
    -------
    ImageReport

    Raises
    ------
    GateError
        If the bundle or the image misses a figure that was asked for.
    ImageError
        If anything else stands in the way. There is no tag then.
    """
    check_bundle(bundle, settings)
    options = build_options(settings, bundle.manifest, environ)
    if settings.trial and not builder.runs:
        raise ImageError(
            f"{builder.name} cannot run what it builds, so that the image cannot be tried",
            hint="`no_trial`, or `builder` docker or podman",
        )
    builder.check()
    built = _build(bundle, options, builder, environ, on_line=on_line, on_step=on_step)
    try:
        size = sum(layer.size for layer in built.layers)
        _check_size(size, settings.max_size)
        trial = None
        if settings.trial:
            on_step("Trying the image: read-only, no capabilities, no network, a foreign user")
            trial = try_image(builder.program, built.image, bundle.manifest)
        builder.tag(built.image, settings.tags)
    except BaseException:
        builder.remove_image(built.image)
        raise
    parts = parts_for(bundle.manifest)
    base, ours = built.layers[: -len(parts)], built.layers[-len(parts) :]
    named = zip(parts, ours, strict=True)  # what they hold, which the history does not tell
    return ImageReport(
        builder=builder.name,
        image=built.image,
        tags=settings.tags,
        pushed=(),
        base_image=options.base_image,
        size=size,
        added=sum(layer.size for layer in ours),
        layers=base + [Layer(f"/opt/iris-deploy/{part}", of.size) for part, of in named],
        trial=trial,
        reproducible=builder.reproducible,
    )


def push_image(
    report: ImageReport,
    builder: Engine,
    *,
    on_line: Callable[[str], None],
    on_step: Callable[[str], None],
) -> ImageReport:
    """Push all tags of an image that has earned them.

    Returns
    -------
    ImageReport
        With the digests.

    Raises
    ------
    ImageError
        If a registry refuses. The tags stay.
    """
    pushed = []
    for tag in report.tags:
        on_step(f"Pushing {tag}")
        pushed.append(builder.push(tag, on_line))
    return replace(report, pushed=tuple(pushed))


def _check_size(size: int, largest: int | None) -> None:
    if largest is not None and size > largest:
        raise GateError(
            f"the image has {size:,} bytes; `max_size` allows {largest:,}",
            hint="choose a smaller base with `base_image`",
        )


def _build(
    bundle: Bundle,
    options: BuildOptions,
    builder: Engine,
    environ: Mapping[str, str],
    *,
    on_line: Callable[[str], None],
    on_step: Callable[[str], None],
) -> Built:
    on_step(f"Writing the build context of {bundle.path}")
    try:
        with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=builder.files) as directory:
            write_context(Path(directory), bundle, environ)
            on_step(f"Building on {options.base_image} with {builder.name}")
            return builder.build(Path(directory), options, on_line)
    except OSError as exc:
        raise ImageError(
            f"cannot write the build context: {exc.strerror or exc}",
            hint=f"make room in {tempfile.gettempdir()}",
        ) from exc


def show_command(
    settings: ImageSettings, builder: Engine, manifest: Manifest, environ: Mapping[str, str]
) -> list[list[str]]:
    """Return the commands that `build_image` would run, with words for what is made meanwhile."""
    options = build_options(settings, manifest, environ)
    program = builder.name
    commands = [[program, *builder.build_words(Path("CONTEXT"), Path("ID"), options)]]
    commands += [[program, "tag", "IMAGE", tag] for tag in settings.tags]
    if settings.push:
        commands += [[program, "push", tag] for tag in settings.tags]
    return commands
