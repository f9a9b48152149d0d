"""``iris-deploy`` alone: where you are, and what to do next."""

import os
from collections.abc import Iterator
from pathlib import Path

import typer

from iris_deploy import __version__
from iris_deploy.bundle.settings import ARTIFACTS, ARTIFACTS_VARIABLE
from iris_deploy.codec.suffixes import TABLES

_DUMPS = (".pkl", ".pickle", ".joblib", ".sav", ".skops")
_MOST_FILES = 1000  # of a directory that are looked at


def show_start() -> None:
    """Show what is here, and the commands that go on from it."""
    from iris_deploy.bundle.repository import Repository

    artifacts = Path(os.environ.get(ARTIFACTS_VARIABLE) or ARTIFACTS)
    repository = Repository(artifacts)
    models = {model: repository.versions(model) for model in repository.models()}
    typer.secho(f"iris-deploy {__version__}", bold=True, nl=False)
    typer.echo(": a scikit-learn model to an HTTP API and a container image")
    typer.echo("")
    typer.echo(f"Here   {_describe(artifacts, models)}")
    for position, (command, what) in enumerate(_steps(models, _own_files())):
        typer.echo(f"{'' if position else 'Next':<6} {command}")
        typer.echo(f"           {what}")
    typer.echo("All    iris-deploy --help")


def _describe(artifacts: Path, models: dict[str, list[int]]) -> str:
    if not models:
        return f"no bundle in {artifacts}/ yet"
    named = [
        f"{name} (version{'s' * (len(versions) > 1)} {_range(versions)})"
        for name, versions in models.items()
    ]
    return f"{artifacts}/ holds {', '.join(named)}"


def _range(versions: list[int]) -> str:
    return str(versions[0]) if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"


def _own_files() -> dict[str, str]:
    """Return the first dump and the first table of this directory, by what they are."""
    found: dict[str, str] = {}
    try:
        with os.scandir() as entries:
            names = [entry.name for entry, _ in zip(entries, range(_MOST_FILES), strict=False)]
    except OSError:  # a directory that is gone, or not ours to look at
        return found
    for name in sorted(filter(str.isprintable, names)):  # no commands to a terminal
        kind = Path(name).suffix.lower()
        if kind in _DUMPS:
            found.setdefault("dump", name)
        elif kind in TABLES:
            found.setdefault("table", name)
    return found


def _steps(models: dict[str, list[int]], files: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield commands, and what each does."""
    import shlex

    choice = f" --model {next(iter(models))}" if len(models) > 1 else ""
    if models:
        yield f"iris-deploy serve{choice}", "answer over HTTP, with a page to try it"
        yield f"iris-deploy evaluate{choice}", "measure the newest bundle on its held-out samples"
        yield f"iris-deploy build-image{choice}", "pack it into a container image, and try it"
        yield "iris-deploy list", "all bundles with their figures"
    else:
        yield "iris-deploy train", "fit the talk's perceptron to its data, which come along"
    table = shlex.quote(files.get("table", "FILE"))
    yield f"iris-deploy train --data {table} --target COLUMN", "learn from a table of yours"
    dump = shlex.quote(files.get("dump", "FILE"))
    yield f"iris-deploy import {dump}", "make a bundle of a model that you have"
    yield "iris-deploy doctor", "see whether this machine has what it takes"
