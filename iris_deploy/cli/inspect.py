"""``iris-deploy inspect``: what is in somebody's files, before anything of them is run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iris_deploy.cli.options import Json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    from iris_deploy.estimators.inspection import Inspection, NamedUse, Part
    from iris_deploy.training.adopt.mlmodel import ModelFile

_MOST_NAMES = 20
_WIDTH = 200  # characters of a line that is not for a terminal
_MOST_ATTRIBUTES = 12


def inspect(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Dumps: .pkl, .pickle, .joblib, .sav, compressed or not; .skops; .ubj and .json "
            "of XGBoost, .txt of LightGBM; folders of MLflow."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Show what is in a dump, without running any of it.

    Its estimators with their parameters, columns and classes; the scikit-learn that wrote it; every
    name that `pickle.load` would import, and those that no estimator needs; whether it is served
    without scikit-learn, and if not, what stands in the way. Hostile files are safe to look at.

    Example: iris-deploy inspect model.pkl scaler.pkl
    """
    from iris_deploy.training.adopt.mlflow import open_folder

    folders = [open_folder(path) for path in files]
    opened = [folder.model if folder else path for folder, path in zip(folders, files, strict=True)]
    told = [folder.said if folder else None for folder in folders]
    found = [_inspect(path) for path in opened]
    if as_json:
        from iris_deploy.cli.output import print_json

        print_json(
            {
                "files": [
                    {"file": str(path), "inspection": of} | ({"mlflow": said} if said else {})
                    for path, of, said in zip(opened, found, told, strict=True)
                ]
            }
        )
        return
    for path, of, said in zip(opened, found, told, strict=True):
        _report(str(path), of, said)


def _inspect(path: Path) -> "Inspection":
    from iris_deploy.bundle.files import read_file
    from iris_deploy.cli.output import progress
    from iris_deploy.dumps.formats import PICKLE, SKOPS, recognise
    from iris_deploy.dumps.unpack import MAX_DUMP_BYTES, unpack
    from iris_deploy.errors import ArtifactError
    from iris_deploy.estimators.inspection import inspect_dump
    from iris_deploy.estimators.own_formats import read_own_format
    from iris_deploy.estimators.own_inspection import inspect_record

    with progress(f"Looking at {path}"):
        try:
            data = read_file(path, MAX_DUMP_BYTES)
        except OSError as exc:
            raise ArtifactError(f"cannot read {path}: {exc.strerror or exc}") from exc
        try:
            plain = unpack(data, MAX_DUMP_BYTES)
        except ArtifactError as exc:
            raise ArtifactError(f"{path}: {exc}", hint=exc.hint) from exc
        try:
            model = read_own_format(plain)
        except ArtifactError as exc:
            raise ArtifactError(f"{path}: {exc}", hint=exc.hint) from exc
        if model is not None:
            return inspect_record(model)
        kind = recognise(plain)
        if kind not in {PICKLE, SKOPS}:
            raise ArtifactError(f"{path} is no dump of an estimator: {kind.name}", hint=kind.hint)
        return inspect_dump(plain)


def _report(name: str, found: "Inspection", said: "ModelFile | None") -> None:
    from rich.console import Console
    from rich.tree import Tree

    width = None if sys.stdout.isatty() else _WIDTH
    console = Console(highlight=False, soft_wrap=True, width=width)
    kind = f"{found.written_by} of protocol {found.protocol}"
    kind = "model in a file" if found.written_by == "another" else kind
    tree = Tree(_line(f"[bold]{_clean(name)}[/bold]  {kind}"))
    for part in found.parts:
        _grow(tree, part)
    console.print(tree, soft_wrap=False)
    if said is not None:
        wrote = f", written by MLflow {said.mlflow}" if said.mlflow else ""
        console.print(f"  MLflow    flavor {said.flavor}{_clean(wrote)}")
    if said is not None and said.inputs is not None and said.inputs.names is not None:
        inputs = [*zip(said.inputs.names, said.inputs.kinds, strict=True)]
        console.print(f"  columns   {_list(inputs)}")
    if found.damage:
        console.print(f"  damaged   [red]{_clean(found.damage)}[/red]; the rest was not looked at")
    if found.written_by != "another":
        load = "pickle.load" if found.written_by == "pickle" else "skops.io.load"
        console.print(f"  names     {len(found.names)} that {load} would import")
    unneeded = [use for use in found.names if use.standing == "unneeded"]
    for use in unneeded[:_MOST_NAMES]:
        what = "called" if use.is_called else "named"
        console.print(
            f"            [bold red]{_clean(use.name)}[/] is {what}{_place(use)}; "
            "no estimator needs it"
        )
    if len(unneeded) > _MOST_NAMES:
        console.print(f"            and {len(unneeded) - _MOST_NAMES:,} more that none needs")
    _print_standing(console, found, is_harmless=not unneeded)


def _print_standing(console: "Console", found: "Inspection", *, is_harmless: bool) -> None:
    """Say how it can be served."""
    if found.why_not is None:
        console.print("  served    without scikit-learn: every part has a family")
        return
    console.print(f"  served    not as it is: {_clean(found.why_not)}")
    others = [use.name for use in found.names if use.standing == "package"]
    if others:
        shown = ", ".join(others[:_MOST_NAMES])
        console.print(f"            no family reads {_clean(shown)}")
        if is_harmless:
            console.print("            scikit-learn may: iris-deploy import --runtime scikit-learn")


def _place(use: "NamedUse") -> str:
    """Say where a pickle names something; the nodes of skops have no place."""
    return f" by byte {use.position:,}" if use.position else ""


def _grow(tree: "Tree", part: "Part") -> None:
    label = f"{_clean(part.label)}: " if part.label else ""
    count = f"{part.count:,} x " if part.count > 1 else ""
    version = f"  [dim]scikit-learn {_clean(part.version)}[/dim]" if part.version else ""
    branch = tree.add(_line(f"{label}{count}[bold]{_clean(_short(part.name))}[/bold]{version}"))
    given = [(k, v) for k, v in part.parameters.items() if v != "None" and not k.startswith("_")]
    if given:
        branch.add(_line(_list(given)))
    for key, value in [*part.fitted.items()][:_MOST_ATTRIBUTES]:
        branch.add(_line(f"[dim]{_clean(key)}[/dim] {_clean(value)}".strip()))
    for inner in part.parts:
        _grow(branch, inner)


def _line(markup: str) -> "Text":
    """Return a line that goes on below itself where the terminal ends."""
    from rich.text import Text

    return Text.from_markup(markup, overflow="fold")


def _list(items: list[tuple[str, str]]) -> str:
    shown = [f"{_clean(k)}={_clean(v)}" for k, v in items[:_MOST_ATTRIBUTES]]
    more = ["..."] if len(items) > _MOST_ATTRIBUTES else []
    return ", ".join(shown + more)


def _short(name: str) -> str:
    """Return the class of a name of scikit-learn, and others whole."""
    return name.rpartition(".")[2] if name.startswith("sklearn.") else name


def _clean(text: str) -> str:
    """Return text of somebody's file as it can be shown: no commands to a terminal."""
    from rich.markup import escape

    from iris_deploy.dumps.notes import printable

    return escape(printable(text))
