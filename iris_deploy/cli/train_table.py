"""``iris-deploy train --data``: what is shown while a table is learnt from, and of what came."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from iris_deploy.cli.figures import (
    describe_columns,
    list_files,
    metric_lines,
    print_runtime,
)
from iris_deploy.training.settings import TableSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from iris_deploy.training.bundles import Trained
    from iris_deploy.training.comparison import Score


def train_table(
    path: Path, settings: TableSettings, artifacts: Path, model: str | None, *, json: bool
) -> None:
    """Learn from a table, and report."""
    from iris_deploy.bundle.repository import Repository
    from iris_deploy.cli.output import fitting_progress, print_json

    with fitting_progress() as tell:
        from iris_deploy.training import bundles

        trained = bundles.train_table(path, settings, Repository(artifacts), model, tell)
    for note in trained.table.notes:
        typer.secho(f"note: {spell(note)}", fg="yellow", err=True)
    if json:
        scores = {
            score.name: {"mean": score.mean, "spread": score.spread, "folds": score.values}
            for score in trained.scores
        }
        extra = {"path": str(trained.bundle.path), "comparison": scores}
        print_json({**extra, "notes": trained.table.notes}, trained.bundle.manifest)
    else:
        _report(trained)


def spell(note: str) -> str:
    """Write the settings of a note as options."""
    from iris_deploy.cli import spell_options

    return spell_options(note)


def _report(trained: "Trained") -> None:
    from rich.console import Console

    bundle = trained.bundle
    manifest, (training, evaluation) = bundle.manifest, bundle.manifest.training
    split = training.split
    console = Console(highlight=False, soft_wrap=True)
    last = training.estimators[-1].name.rpartition(".")[2]
    console.print(
        f"[bold]{manifest.model} version {manifest.version}[/bold]: {last} predicts "
        f"{manifest.signature.output.name} of {training.dataset}"
    )
    total = split.train_samples + split.test_samples
    console.print(
        f"  data      {total:,} samples: {split.train_samples:,} to fit, {split.test_samples:,} "
        f"held out (seed {split.random_state})"
    )
    for position, line in enumerate(describe_columns(manifest.signature)):
        console.print(f"  {'' if position else 'columns':<9} {line}", markup=False)
    if trained.scores:
        _print_scores(console, trained.scores, manifest.task)
    for position, line in enumerate(metric_lines(evaluation)):
        console.print(f"  {'' if position else 'held out':<9} {line}")
    print_runtime(console, manifest)
    console.print(f"  bundle    {bundle.path}/")
    for line in list_files(bundle):
        console.print(f"            {line}")
    console.print("Next: [bold]iris-deploy evaluate[/bold], then [bold]iris-deploy serve[/bold]")


def _print_scores(console: "Console", scores: "Sequence[Score]", task: str) -> None:
    from iris_deploy.training.comparison import best_of

    best = best_of(scores, task)
    word = "accuracy" if task == "classification" else "mean absolute error"
    console.print(f"  compared  by {word} over {len(scores[0].values)} folds")
    width = max(len(score.name) for score in scores)
    for score in scores:
        mark = "  [green]the best, fitted[/green]" if score is best else ""
        figures = f"{score.mean:.4g} +- {score.spread:.2g}"
        console.print(f"            {score.name:<{width}}  {figures}{mark}")
