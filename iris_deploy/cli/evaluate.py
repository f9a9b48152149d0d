"""``iris-deploy evaluate``: a bundle to figures, and a gate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli.options import (
    Artifacts,
    Json,
    Least,
    MinAccuracy,
    Model,
    Most,
    Version,
    choose_gates,
)
from iris_deploy.errors import SettingsError

if TYPE_CHECKING:
    from iris_deploy.bundle.bundle import Bundle
    from iris_deploy.training.held_out import HeldOut


def evaluate(
    artifacts: Artifacts = ARTIFACTS,
    model: Model = None,
    version: Version = None,
    least: Least = None,
    most: Most = None,
    min_accuracy: MinAccuracy = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Measure on this table instead, which has the same columns and the target.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw what suits the task to this file (PNG, SVG, PDF).",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a bundle on the samples that were held out when it was trained.

    The predictor is the one that serves, and the data must be those that the bundle recorded;
    --data measures on others.
    """
    from iris_deploy.bundle.gate import check_gates
    from iris_deploy.bundle.repository import Repository
    from iris_deploy.cli.output import print_json, progress

    gates = choose_gates(least, most, min_accuracy)
    with progress("Reading the bundle and measuring it"):
        bundle = Repository(artifacts).read(model, version)
        one = len(bundle.predictor.parts) == 1
        if plot and not one:
            raise SettingsError("`plot`: a picture is of one output; the bundle has several")
        from iris_deploy.training.held_out import evaluate_bundle
        from iris_deploy.training.importance import measure_importance

        held_out = evaluate_bundle(bundle, data)
        importance = measure_importance(bundle.predictor, held_out.rows, held_out.y) if one else {}
        if plot:
            from iris_deploy.training.plots import write_plot

            write_plot(bundle, held_out, plot)
    if json:
        manifest = bundle.manifest
        names = {"model": manifest.model, "version": manifest.version, "digest": manifest.digest}
        print_json(names, held_out.evaluation, {"importance": importance})
    else:
        _report(bundle, held_out, importance, plot, "samples" if data else "held-out samples")
    check_gates(held_out.evaluation, gates)


def _report(
    bundle: "Bundle",
    held_out: "HeldOut",
    importance: dict[str, float],
    plot: Path | None,
    what: str,
) -> None:
    from rich.console import Console

    from iris_deploy.cli.figures import (
        accuracy_line,
        can_be_mapped,
        class_table,
        decision_map,
        importance_bars,
        metric_lines,
    )

    manifest, evaluation = bundle.manifest, held_out.evaluation
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{manifest.model} version {manifest.version}[/bold] on {held_out.what}")
    lines = metric_lines(evaluation)
    if evaluation.classes:
        told = accuracy_line(evaluation, what)
        console.print(f"  accuracy  {told}")
        lines = lines[1:]
    for line in lines:
        console.print(f"  {line}")
    if evaluation.classes:
        console.print()
        console.print(class_table(evaluation))
    if importance:
        console.print()
        console.print(importance_bars(importance, manifest.task))
    if can_be_mapped(bundle, held_out):
        console.print()
        console.print(decision_map(bundle, held_out))
    if plot:
        console.print(f"\nPicture: {plot}")
