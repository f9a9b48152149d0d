"""``iris-deploy list``: the bundles there are."""

from typing import TYPE_CHECKING

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli.options import Artifacts, Json

if TYPE_CHECKING:
    from iris_deploy.bundle.listing import Listed
    from iris_deploy.bundle.manifest import Manifest


def list_(artifacts: Artifacts = ARTIFACTS, as_json: Json = False) -> None:
    """List the bundles there are: models, versions, figures, where each comes from.

    Only manifests are read; whether files are as they were written, serve and evaluate verify.

    Example: iris-deploy list --json
    """
    from iris_deploy.bundle.listing import list_bundles
    from iris_deploy.bundle.repository import Repository

    listed = list(list_bundles(Repository(artifacts)))
    if as_json:
        from iris_deploy.cli.output import print_json

        print_json({"bundles": [_tell(each) for each in listed]})
        return
    if not listed:
        typer.echo(f"There is no bundle in {artifacts}/")
        typer.echo("Next: iris-deploy train, or iris-deploy import FILE")
        return
    _report(listed)


def _tell(listed: "Listed") -> dict[str, object]:
    told: dict[str, object] = {
        "model": listed.model,
        "version": listed.version,
        "path": str(listed.path),
    }
    manifest = listed.manifest
    if manifest is None:
        return told | {"problem": listed.problem}
    return told | {
        "digest": manifest.digest,
        "task": manifest.task,
        "runtime": manifest.predicted_by,
        "estimator": _estimator(manifest),
        "output": manifest.signature.output.name,
        "columns": len(manifest.signature.columns),
        "metrics": manifest.figures,
        "provenance": _provenance(manifest),
        "size": listed.size,
    }


def _report(listed: "list[Listed]") -> None:
    from rich.console import Console

    from iris_deploy.dumps.notes import printable

    console = Console(highlight=False, soft_wrap=True, markup=False)
    shown = ""
    for each in listed:
        newest = ", the newest" * (each.model != shown)
        shown = each.model
        start = f"{each.model} version {each.version}{newest}"
        manifest = each.manifest
        if manifest is None:
            console.print(start, style="bold", end="")
            console.print(f": {printable(each.problem)}", style="red")
            continue
        n_columns = len(manifest.signature.columns)
        console.print(start, style="bold", end="")
        console.print(
            f": {printable(_estimator(manifest))} predicts "
            f"{printable(manifest.signature.output.name)} of "
            f"{n_columns:,} column{'s' * (n_columns != 1)}"
        )
        figures = [f"{name} {value:.4g}" for name, value in manifest.figures.items()]
        console.print(
            f"  figures   {printable(', '.join(figures)) or 'none: nobody has measured it'}"
        )
        console.print(f"  from      {printable(_provenance(manifest))}")
        console.print(f"  bundle    {each.path}/, {each.size:,} bytes, {manifest.digest[:19]}")


def _estimator(manifest: "Manifest") -> str:
    names = [each.name for each in manifest.provenance.estimators]
    return names[-1].rpartition(".")[2] if names else "estimator"


def _provenance(manifest: "Manifest") -> str:
    from iris_deploy.bundle.provenance import Imported

    provenance = manifest.provenance
    if isinstance(provenance, Imported):
        return f"{', '.join(each.file for each in provenance.files)}, {provenance.proof}"
    split = provenance.split
    return f"{provenance.dataset}, {split.train_samples:,} samples to fit"
