"""``iris-deploy evaluate``: a bundle to figures, and a gate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli.options import Artifacts, Json, Model, Version

if TYPE_CHECKING:
    from iris_deploy.bundle.bundle import Bundle
    from iris_deploy.training.evaluation import HeldOut


def evaluate(
    artifacts: Artifacts = ARTIFACTS,
    model: Model = None,
    version: Version = None,
    min_accuracy: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Exit with code 4 if the accuracy is below this.", show_default=False
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw decision regions and confusion matrix to this file (PNG, SVG, PDF).",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a bundle on the samples that were held out when it was trained.

    The predictor is the one that serves, and the data must be those that the bundle recorded.
    """
    from iris_deploy.bundle.repository import Repository
    from iris_deploy.cli.output import print_json, progress

    with progress("Reading the bundle and measuring it"):
        bundle = Repository(artifacts).read(model, version)
        from iris_deploy.bundle.gate import check_gate
        from iris_deploy.training.evaluation import evaluate_bundle

        held_out = evaluate_bundle(bundle)
        if plot:
            from iris_deploy.training.plots import write_plot

            write_plot(bundle, held_out, plot)
    if json:
        manifest = bundle.manifest
        names = {"model": manifest.model, "version": manifest.version, "digest": manifest.digest}
        print_json(names, held_out.evaluation)
    else:
        _report(bundle, held_out, plot)
    check_gate(held_out.evaluation, min_accuracy)


def _report(bundle: "Bundle", held_out: "HeldOut", plot: Path | None) -> None:
    from rich.console import Console

    from iris_deploy.cli.figures import accuracy_line, class_table, decision_map

    manifest = bundle.manifest
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"[bold]{manifest.model} version {manifest.version}[/bold] on the held-out samples of "
        f"{manifest.training.dataset}"
    )
    console.print(f"  accuracy  {accuracy_line(held_out.evaluation)}\n")
    console.print(class_table(held_out.evaluation))
    if len(manifest.signature.features) == 2:
        console.print()
        console.print(decision_map(bundle, held_out))
    if plot:
        console.print(f"\nPicture: {plot}")
