"""What a build is told beside its context: base image, time, labels, and the tags of its image."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from iris_deploy import __version__
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.provenance import Imported
from iris_deploy.errors import SettingsError
from iris_deploy.facts import LABEL
from iris_deploy.image.settings import ImageSettings
from iris_deploy.reference import read_reference
from iris_deploy.schema.columns import Column, NumberColumn, TextColumn

EPOCH: Final = 315532800
"""1980-01-01, the earliest time that all archives can hold; for all files of the image."""

_OCI = "org.opencontainers.image."


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What a build is told, beside its context.

    Parameters
    ----------
    base_image : str
    epoch : int
        Seconds since 1970, for all times in the image.
    platform, network : str or None
        As the builder takes them.
    build_args, labels : mapping of str to str
    """

    base_image: str
    epoch: int
    platform: str | None = None
    network: str | None = None
    build_args: Mapping[str, str]
    labels: Mapping[str, str]


def complete_tag(tag: str) -> str:
    """Check a tag, and add ``:latest`` as the engines do if there is only a name.

    Raises
    ------
    SettingsError
    """
    reference = read_reference(tag)
    if reference is None or reference.digest:
        raise SettingsError(
            f"`tag`: expected [registry/]name:tag in lower case, got {tag!r}",
            hint="for example `tag` user/iris:1.0",
        )
    return str(reference._replace(tag=reference.tag or "latest"))


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
        raise SettingsError(f"SOURCE_DATE_EPOCH: expected seconds since 1970, got {epoch!r}")
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
    columns = [_describe_column(column) for column in manifest.signature.columns]
    outputs = [{"output": of.output.name, "classes": of.classes} for of in manifest.signature.parts]
    signature = {"columns": columns, **(outputs[0] if len(outputs) == 1 else {"outputs": outputs})}
    provenance, versions = manifest.provenance, manifest.environment.packages
    if isinstance(provenance, Imported):
        versions = provenance.versions
    else:
        versions = {"python": manifest.environment.python, **versions}
    return {
        f"{_OCI}title": manifest.model,
        f"{_OCI}version": str(manifest.version),
        f"{_OCI}description": f"{manifest.model} version {manifest.version} behind an HTTP API, "
        f"{_describe_figures(manifest)}",
        f"{_OCI}base.name": base_image,
        f"{LABEL}model": manifest.model,
        f"{LABEL}version": str(manifest.version),
        f"{LABEL}digest": manifest.digest,
        f"{LABEL}signature": json.dumps(signature, separators=(",", ":")),
        f"{LABEL}metrics": json.dumps(manifest.figures, separators=(",", ":")),
        f"{LABEL}provenance": _describe_provenance(manifest),
        f"{LABEL}runtime": manifest.predicted_by,
        f"{LABEL}trained-with": json.dumps(versions, separators=(",", ":")),
        f"{LABEL}built-with": f"iris-deploy {__version__}",
    }


def _describe_figures(manifest: Manifest) -> str:
    """Say how good it is, as far as anybody knows."""
    evaluation, is_imported = manifest.evaluation, isinstance(manifest.provenance, Imported)
    if evaluation is None:
        return "imported, without figures"
    name, metric = evaluation.first
    what = "samples" if is_imported else "held-out samples"
    return f"{name} {metric.value:.3f} on {evaluation.samples} {what}"


def _describe_provenance(manifest: Manifest) -> str:
    """Say whether it was trained here, or imported and compared with what."""
    provenance = manifest.provenance
    if not isinstance(provenance, Imported):
        return "trained"
    return f"imported, {provenance.proof}"


def _describe_column(column: Column) -> dict[str, object]:
    if isinstance(column, NumberColumn):
        return {"name": column.name, "unit": column.unit}
    if isinstance(column, TextColumn):
        return {"name": column.name, "text": True}
    return {"name": column.name, "categories": len(column.categories)}
