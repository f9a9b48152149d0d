"""``iris-deploy score``: files of rows to files with answers."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli.cluster_options import Engine, Master, Scheduler, read_cluster
from iris_deploy.cli.options import Artifacts, Json, Model, Version, read_size
from iris_deploy.clusters import DASK, SPARK
from iris_deploy.errors import SettingsError

if TYPE_CHECKING:
    from iris_deploy.bundle.bundle import Bundle
    from iris_deploy.scoring.report import Report
    from iris_deploy.scoring.tally import Numbers

_STANDARD = "-"
_BAD = "Rows that do not fit"
_MACHINE = "How much of the machine it takes"


def score(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files to score, or folders of them: .csv, .tsv, .jsonl, .parquet or .arrow, text "
            "also compressed (.gz, .bz2, .zst, .lz4), here or in a store (s3://..., extra stores). "
            "- is standard input.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="File for the scored rows, in the format that its name says, or folder with a "
            "file for each input; - is standard output.",
            show_default=False,
        ),
    ],
    details: Annotated[
        bool,
        typer.Option(
            "--details", help="Add a column for each score, and one that counts warnings."
        ),
    ] = False,
    keep: Annotated[
        str,
        typer.Option(help="Columns to carry along: all, none, or names with commas between."),
    ] = "all",
    missing: Annotated[
        str,
        typer.Option(
            help="Texts of CSV that stand for a missing value, beside an empty field, with "
            "commas between: NA,NaN.",
            show_default=False,
        ),
    ] = "",
    form: Annotated[
        str,
        typer.Option(
            "--format", help="Format of standard input and output: csv, tsv, jsonl or arrow."
        ),
    ] = "csv",
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the files that an output folder does not have."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the output if it is there.")
    ] = False,
    on_bad: Annotated[
        str,
        typer.Option(
            help="fail: end with an error. skip: leave the row out. null: leave its answer out.",
            rich_help_panel=_BAD,
        ),
    ] = "fail",
    bad: Annotated[
        Path | None,
        typer.Option(
            help="Write such rows to this file (.jsonl), each with what is wrong.",
            rich_help_panel=_BAD,
            show_default=False,
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            help="Memory of all processes together, whatever the size of the files.",
            rich_help_panel=_MACHINE,
            show_default="256MiB, and what the model takes",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            "-w",
            help="Pieces that are scored at a time; as many as there are processors, and as the "
            "memory is enough for.",
            rich_help_panel=_MACHINE,
            show_default=False,
        ),
    ] = None,
    engine: Engine = None,
    scheduler: Scheduler = None,
    master: Master = None,
    artifacts: Artifacts = ARTIFACTS,
    model: Model = None,
    version: Version = None,
    as_json: Json = False,
) -> None:
    """Score files: each row gets its prediction, in constant memory.

    Columns are found by their names, and all others are carried along. The answers are those of
    the server, to the last bit. The output is there when all of it is, or not at all.

    Example: iris-deploy score new.csv --output scored.csv
    """
    if output == _STANDARD and as_json:
        raise SettingsError("`output`: standard output is for rows; expected a file with `json`")
    from iris_deploy.bundle.repository import Repository
    from iris_deploy.cli.output import progress, scoring_progress
    from iris_deploy.scoring.files import score_files
    from iris_deploy.scoring.inputs import find_inputs, read_standard
    from iris_deploy.scoring.memory import peak_bytes
    from iris_deploy.scoring.outputs import Output
    from iris_deploy.scoring.places import read_place
    from iris_deploy.scoring.settings import ScoreSettings, read_keep

    standard = read_standard(form)
    settings = ScoreSettings(
        details=details,
        keep=read_keep(keep),
        on_bad=on_bad,
        missing=tuple(filter(None, missing.split(","))),
        memory=read_size("memory", memory),
        workers=workers,
        cluster=read_cluster(engine, {DASK: scheduler, SPARK: master}),
    )
    found = find_inputs(inputs, standard)
    before = peak_bytes()
    with progress("Reading the bundle"):
        bundle = Repository(artifacts).read(model, version)
    settings = replace(settings, model=peak_bytes() - before)
    to = Output(read_place(output), standard, bad, force=force, resume=resume)
    signal.signal(signal.SIGTERM, _end)
    try:
        with scoring_progress() as tell:
            report = score_files(bundle, found, to, settings, tell)
    except BrokenPipeError:  # as of ``| head``, which has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(128 + signal.SIGPIPE) from None
    if as_json:
        _print_json(bundle, report, output)
    else:
        _report(bundle, report, output, bad)


def _end(number: int, _frame: object) -> None:
    """End as after Ctrl-C: what is half written is taken away."""
    raise SystemExit(128 + number)


def _print_json(bundle: "Bundle", report: "Report", output: str) -> None:
    from iris_deploy.cli.output import print_json

    manifest = bundle.manifest
    names = {"model": manifest.model, "version": manifest.version, "digest": manifest.digest}
    print_json(names, {"output": output}, report)


def _report(bundle: "Bundle", report: "Report", output: str, bad: Path | None) -> None:
    """Say what was done, on standard error where standard output is for rows."""
    from rich.console import Console

    from iris_deploy.dumps.notes import printable

    console = Console(highlight=False, soft_wrap=True, markup=False, stderr=output == _STANDARD)
    manifest = bundle.manifest
    pace = f", {report.rows / report.seconds:,.0f} a second" if report.seconds > 1 else ""
    console.print(
        f"{manifest.model} version {manifest.version}: {count(report.rows, 'row')} in "
        f"{report.seconds:.1f} s{pace}"
    )
    for name, answers in report.predictions.items():
        told = _share_classes(answers) if isinstance(answers, dict) else _describe(answers)
        console.print(f"  {printable(name)}  {printable(told)}")
    if report.bad_rows:
        where = f": {bad}" if bad else "; --bad FILE keeps them with what is wrong"
        verb = "does" if report.bad_rows == 1 else "do"
        console.print(f"  {count(report.bad_rows, 'row')} {verb} not fit{where}", style="yellow")
    if report.outside_values:
        told = count(report.outside_values, "value")
        console.print(f"  {told} outside the training range")
    for name, drift in report.drift.items():
        if drift.is_likely:
            console.print(
                f"  {printable(name)} is not distributed as in training: stability index "
                f"{drift.psi:.2f}, by chance {drift.threshold:.2f} at most",
                style="yellow",
            )
    if output != _STANDARD:
        console.print(f"Scored: {output}")


def count(number: int, noun: str) -> str:
    """Write how many there are of something."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _share_classes(answers: dict[str, int]) -> str:
    """Write how often the commonest classes were predicted."""
    total = sum(answers.values()) or 1
    first = sorted(answers.items(), key=lambda pair: -pair[1])[:8]
    told = ", ".join(f"{name} {count:,} ({count / total:.1%})" for name, count in first)
    more = len(answers) - len(first)
    return f"{told} and {more} classes more" if more else told


def _describe(numbers: "Numbers") -> str:
    return f"{numbers.minimum:.4g} to {numbers.maximum:.4g}, mean {numbers.mean:.4g}"
