"""``iris-deploy import``: files that people have already, to a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli.options import Artifacts, Json
from iris_deploy.cli.train_options import Code, RuntimeName
from iris_deploy.errors import SettingsError
from iris_deploy.training.settings import ImportSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iris_deploy.schema.signature import Signature
    from iris_deploy.training.adopt.importing import Adopted

_WHAT, _PROOF = "What the files do not say", "How far it is proved"

Files = Annotated[
    list[Path],
    typer.Argument(
        help="Dumps of pickle, joblib or skops, in the order in which they apply: scaler, then "
        "model. Lists of columns and a LabelEncoder may be among them; or a folder of MLflow.",
        show_default=False,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="name,name",
        help="Names of the columns, in the order in which the first estimator was fitted to them.",
        rich_help_panel=_WHAT,
        show_default="what the files say, else x0,x1",
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        metavar="name,name",
        help="What the classes are called, in the order of the classifier.",
        rich_help_panel=_WHAT,
        show_default="what the files say",
    ),
]
Adapter = Annotated[
    Path | None,
    typer.Option(
        help="A TOML file: fields that clients send under other names, codes, defaults, one-hot "
        "columns, a threshold. docs/import.md shows what it may say.",
        rich_help_panel=_WHAT,
        show_default=False,
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="A dumped LabelEncoder, or a list of labels: what the classes stand for.",
        rich_help_panel=_WHAT,
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        help="What is predicted; several outputs as name,name. A column of the sample with this "
        "name gives figures.",
        rich_help_panel=_WHAT,
        show_default=False,
    ),
]
Sample = Annotated[
    Path | None,
    typer.Option(
        help="A table of rows like those to come (.csv, .tsv, .jsonl, .parquet): for ranges, "
        "warnings, drift and examples.",
        rich_help_panel=_WHAT,
        show_default=False,
    ),
]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Load the files with the scikit-learn installed, which runs the code in them, in a "
        "process of its own; compare labels and scores on the sample and on random rows.",
        rich_help_panel=_PROOF,
        show_default=False,
    ),
]
Expect = Annotated[
    Path | None,
    typer.Option(
        help="A table with the answers that you have recorded for the rows of the sample.",
        rich_help_panel=_PROOF,
        show_default=False,
    ),
]


def import_(
    files: Files,
    columns: Columns = None,
    classes: Classes = None,
    labels: Labels = None,
    adapter: Adapter = None,
    target: Target = None,
    sample: Sample = None,
    check: Check = False,
    expect: Expect = None,
    runtime: RuntimeName = "numpy",
    code: Code = None,
    artifacts: Artifacts = ARTIFACTS,
    model: Annotated[
        str | None,
        typer.Option(help="Name to write the bundle under.", show_default="the last file's"),
    ] = None,
    json: Json = False,
) -> None:
    """Make a bundle of the files that you have, without running any of them.

    A model alone, a scaler and a model, a dict of both, a pipeline, a search: what predicts is
    read out of the dumps, and is served without scikit-learn. Columns, categories and classes are
    taken from the files where they say them. What cannot be read so, scikit-learn itself may serve:
    --runtime scikit-learn.

    Example: iris-deploy import scaler.pkl model.pkl --columns length,width --check
    """
    settings = ImportSettings(
        runtime=runtime,
        code=tuple(code or ()),
        columns=_list("columns", columns),
        classes=_list("classes", classes),
        labels=labels,
        adapter=adapter,
        target=target,
        sample=sample,
        check=check,
        expect=expect,
    )
    from iris_deploy.cli.output import print_json, progress

    with progress("Reading the files"):
        from iris_deploy.bundle.repository import Repository
        from iris_deploy.training.adopt import importing

        adopted = importing.import_files(files, settings, Repository(artifacts), model)
    for where in adopted.given.ignored:
        typer.secho(f"note: {where} is nothing that a model needs, and is left out", err=True)
    if json:
        print_json({"path": str(adopted.bundle.path)}, adopted.bundle.manifest)
    else:
        _report(adopted)


def _list(option: str, text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise SettingsError(f"`{option}`: expected names with commas between, got {text!r:.80}")
    return names


def _report(adopted: "Adopted") -> None:
    from rich.console import Console
    from rich.markup import escape

    from iris_deploy.cli.figures import describe_columns, list_files, metric_lines, print_runtime

    bundle, given = adopted.bundle, adopted.given
    manifest, provenance = bundle.manifest, adopted.provenance
    console = Console(highlight=False, soft_wrap=True)
    wrote = ", ".join(f"{k} {v}" for k, v in provenance.versions.items())
    console.print(
        f"[bold]{manifest.model} version {manifest.version}[/bold]: "
        f"{escape(given.steps[-1].record.name.rpartition('.')[2])} predicts "
        f"{escape(manifest.signature.output.name)}"
    )
    for position, step in enumerate(given.steps):
        console.print(f"  {'' if position else 'read':<9} {escape(step.what)}")
    if wrote:
        console.print(f"            written by {escape(wrote)}")
    for position, line in enumerate(describe_columns(manifest.signature)):
        console.print(f"  {'' if position else 'columns':<9} {line}", markup=False)
    for head, line in _outputs(manifest.signature):
        console.print(f"  {head:<9} {line}", markup=False)
    if manifest.evaluation:
        for position, line in enumerate(metric_lines(manifest.evaluation)):
            console.print(f"  {'' if position else 'sample':<9} {line}")
    print_runtime(console, manifest, is_read=adopted.is_read)
    colour = "green" if provenance.checks else "yellow"
    console.print(f"  proved    [{colour}]{escape(provenance.proof)}[/{colour}]")
    if not provenance.checks:
        by_check = "" if manifest.library else "with scikit-learn by --check, or "
        console.print(f"            compare {by_check}with recorded answers by --expect")
    console.print(f"  bundle    {bundle.path}/")
    for line in list_files(bundle):
        console.print(f"            {line}")
    console.print("Next: [bold]iris-deploy serve[/bold]")


def _outputs(signature: "Signature") -> "Iterator[tuple[str, str]]":
    """Yield the classes, or each of several outputs with its own."""
    from iris_deploy.schema.outputs import label_text

    parts = signature.parts
    width = max(len(part.output.name) for part in parts)
    for position, part in enumerate(parts):
        classes = ", ".join(map(label_text, part.classes[:10]))
        if len(parts) > 1:
            yield (
                "" if position else "outputs",
                f"{part.output.name:<{width}}  {classes or 'number'}",
            )
        elif classes:
            yield "classes", classes
