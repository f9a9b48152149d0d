"""From a bundle to a tagged image, in the order in which a tag is earned.

Gate, context, build, size, trial, tag, push. Whatever fails, what was made until then is removed
again.
"""

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from iris_deploy import __version__
from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.errors import GateError, ImageError, SettingsError
from iris_deploy.image.builders import Builder, BuildOptions, Layer, Name
from iris_deploy.image.contents import PARTS
from iris_deploy.image.context import write_context
from iris_deploy.image.trial import Trial, try_image
from iris_deploy.settings import ImageSettings

EPOCH: Final = 315532800
"""1980-01-01, the earliest time that all archives can hold; for all files of the image."""

_LABEL = "io.iris-deploy."
_OCI = "org.opencontainers.image."
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:)|\[[0-9a-f:]+\])"
_TAG = re.compile(
    rf"(?:{_REGISTRY}(?::\d+)?/)?{_COMPONENT}(?:/{_COMPONENT})*"
    r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
)
"""The grammar of the distribution project, with a tag that is always there."""


@dataclass(frozen=True, kw_only=True)
class ImageReport:
    """What came of it.

    Parameters
    ----------
    builder : {'docker', 'podman', 'buildah'}
    image : str
        Id.
    tags : tuple of str
    pushed : tuple of str
        ``repository@sha256:...`` of each tag.
    base_image : str
    size, added : int or None
        Bytes of the image, and how many of them are not its base; None if the builder cannot tell.
    layers : list of Layer
        From the base up.
    trial : Trial or None
    reproducible : bool
        Whether the same bundle and versions give the same image id with this builder.
    """

    builder: Name
    image: str
    tags: tuple[str, ...]
    pushed: tuple[str, ...]
    base_image: str
    size: int | None
    added: int | None
    layers: list[Layer]
    trial: Trial | None
    reproducible: bool


def complete_tag(tag: str) -> str:
    """Check a tag, and add ``:latest`` as the engines do if there is only a name.

    Raises
    ------
    SettingsError
    """
    whole = tag if ":" in tag.rpartition("/")[2] else f"{tag}:latest"
    if not _TAG.fullmatch(whole) or len(whole) > 255:
        message = f"--tag: expected [registry/]name:tag in lower case, got {tag!r}"
        raise SettingsError(message, hint="for example --tag user/iris:1.0")
    return whole


def base_image_for(manifest: Manifest) -> str:
    """Return the base image with the Python that trained the bundle."""
    return f"python:{manifest.environment.python_minor}-slim"


def build_options(
    settings: ImageSettings, manifest: Manifest, environ: Mapping[str, str]
) -> BuildOptions:
    """Return what the build is told."""
    base = settings.base_image or base_image_for(manifest)
    epoch = environ.get("SOURCE_DATE_EPOCH", "") or str(EPOCH)
    if not epoch.isdigit():
        message = f"SOURCE_DATE_EPOCH: expected seconds since 1970, got {epoch!r}"
        raise SettingsError(message)
    return BuildOptions(
        base_image=base,
        epoch=int(epoch),
        platform=settings.platform,
        network=settings.network,
        build_args=settings.build_args,
        labels={**describe(manifest, base), **settings.labels},
    )


def describe(manifest: Manifest, base_image: str) -> dict[str, str]:
    """Return the labels by which the image describes itself."""
    accuracy = manifest.evaluation.accuracy
    features = [{"name": f.name, "unit": f.unit} for f in manifest.signature.features]
    signature = {"features": features, "classes": manifest.signature.classes}
    versions = {"python": manifest.environment.python, **manifest.environment.packages}
    return {
        f"{_OCI}title": manifest.model,
        f"{_OCI}version": str(manifest.version),
        f"{_OCI}description": f"{manifest.model} version {manifest.version} behind an HTTP API, "
        f"right for {accuracy:.1%} of its held-out samples",
        f"{_OCI}base.name": base_image,
        f"{_LABEL}model": manifest.model,
        f"{_LABEL}version": str(manifest.version),
        f"{_LABEL}digest": manifest.digest,
        f"{_LABEL}signature": json.dumps(signature, separators=(",", ":")),
        f"{_LABEL}accuracy": repr(accuracy),
        f"{_LABEL}trained-with": json.dumps(versions, separators=(",", ":")),
        f"{_LABEL}built-with": f"iris-deploy {__version__}",
    }


def check_bundle(bundle: Bundle, settings: ImageSettings) -> None:
    """Refuse a bundle below the gate, before anything is built.

    Raises
    ------
    GateError
    """
    accuracy, gate = bundle.manifest.evaluation.accuracy, settings.min_accuracy
    if gate is not None and accuracy < gate:
        message = f"accuracy {accuracy:.4f} is below --min-accuracy {gate:g}: nothing was built"
        raise GateError(message, hint="train a better one, or lower the gate")


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
            message = f"{directory} is not empty"
            raise ImageError(message, hint="name a new directory with --context-only")
        write_context(directory, bundle, environ)
    except OSError as exc:
        message = f"cannot write the build context to {directory}: {exc.strerror or exc}"
        raise ImageError(message) from exc


def build_image(
    bundle: Bundle,
    settings: ImageSettings,
    builder: Builder,
    environ: Mapping[str, str],
    *,
    tell: Callable[[str], None],
    begin: Callable[[str], None],
) -> ImageReport:
    """Build, try and tag an image.

    Parameters
    ----------
    bundle : Bundle
        Read and verified.
    settings : ImageSettings
    builder : Builder
    environ : mapping of str to str
    tell : callable
        Gets the builder's log, line by line.
    begin : callable
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
        message = f"{builder.name} cannot run what it builds, so that the image cannot be tried"
        raise ImageError(message, hint="--no-trial, or --builder docker or podman")
    builder.check()
    image = _build(bundle, options, builder, environ, tell=tell, begin=begin)
    try:
        size = builder.size(image) if builder.runs else None
        _check_size(size, settings.max_size)
        trial = None
        if settings.trial:
            begin("Trying the image: read-only, no capabilities, no network, a foreign user")
            trial = try_image(builder, image, bundle.manifest)
        builder.tag(image, settings.tags)
    except BaseException:
        builder.remove_image(image)
        raise
    return ImageReport(
        builder=builder.name,
        image=image,
        tags=settings.tags,
        pushed=(),
        base_image=options.base_image,
        size=size,
        added=size - builder.size(options.base_image) if size is not None else None,
        layers=_named(builder.layers(image)) if builder.runs else [],
        trial=trial,
        reproducible=builder.reproducible,
    )


def push_image(
    report: ImageReport,
    builder: Builder,
    *,
    tell: Callable[[str], None],
    begin: Callable[[str], None],
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
        begin(f"Pushing {tag}")
        pushed.append(builder.push(tag, tell))
    return replace(report, pushed=tuple(pushed))


def _named(layers: list[Layer]) -> list[Layer]:
    """Say what our layers hold, which the history of an image does not."""
    ours = zip(PARTS, layers[-len(PARTS) :], strict=True)
    named = [Layer(f"/opt/iris-deploy/{part}", layer.size) for part, layer in ours]
    return layers[: -len(PARTS)] + named


def _check_size(size: int | None, largest: int | None) -> None:
    if largest is not None and size is not None and size > largest:
        message = f"the image has {size:,} bytes; --max-size allows {largest:,}"
        raise GateError(message, hint="choose a smaller base with --base-image")


def _build(
    bundle: Bundle,
    options: BuildOptions,
    builder: Builder,
    environ: Mapping[str, str],
    *,
    tell: Callable[[str], None],
    begin: Callable[[str], None],
) -> str:
    begin(f"Writing the build context of {bundle.path}")
    try:
        with tempfile.TemporaryDirectory(prefix="iris-deploy-", dir=builder.files) as directory:
            write_context(Path(directory), bundle, environ)
            begin(f"Building on {options.base_image} with {builder.name}")
            return builder.build(Path(directory), options, tell)
    except OSError as exc:
        message = f"cannot write the build context: {exc.strerror or exc}"
        raise ImageError(message, hint=f"make room in {tempfile.gettempdir()}") from exc


def show_command(
    settings: ImageSettings, builder: Builder, manifest: Manifest, environ: Mapping[str, str]
) -> list[list[str]]:
    """Return the commands that `build_image` would run, with words for what is made meanwhile."""
    options = build_options(settings, manifest, environ)
    program = builder.name
    commands = [builder.build_command(Path("CONTEXT"), Path("ID"), options)]
    commands += [[program, "tag", "IMAGE", tag] for tag in settings.tags]
    if settings.push:
        commands += [[program, "push", tag] for tag in settings.tags]
    return commands
