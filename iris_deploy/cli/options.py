"""Options that several commands share, and what is checked of every option of every command."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from iris_deploy.bundle.settings import ARTIFACTS, ARTIFACTS_VARIABLE, LATEST_VERSION
from iris_deploy.errors import IrisDeployError, SettingsError, expect, is_clean

if TYPE_CHECKING:
    from iris_deploy.bundle.gate import Gate
    from iris_deploy.bundle.repository import Repository

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?(|[kmg]i?)b?", re.IGNORECASE)


def _repository(context: typer.Context) -> "Repository":
    from iris_deploy.bundle.repository import Repository

    return Repository(Path(context.params.get("artifacts") or ARTIFACTS))


def complete_models(context: typer.Context, incomplete: str) -> list[str]:
    """Return the models that a shell may complete a word to; none where they cannot be read."""
    try:
        models = _repository(context).models()
    except IrisDeployError:
        return []
    return [model for model in models if model.startswith(incomplete)]


def complete_versions(context: typer.Context, incomplete: str) -> list[str]:
    """Return the versions of the model, or of all, that a shell may complete a word to."""
    try:
        repository = _repository(context)
        chosen = context.params.get("model")
        models = repository.models() if chosen is None else [str(chosen)]
        versions = {number for model in models for number in repository.versions(model)}
    except IrisDeployError:
        return []
    return [text for text in map(str, sorted(versions)) if text.startswith(incomplete)]


Artifacts = Annotated[
    Path,
    typer.Option(envvar=ARTIFACTS_VARIABLE, help="Directory of the bundles.", file_okay=True),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="Name of the model; may be left out where there is only one.",
        autocompletion=complete_models,
    ),
]
Version = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=LATEST_VERSION,
        help="Version of the model; the newest if left out.",
        show_default=False,
        autocompletion=complete_versions,
    ),
]
_GATES = "Gates: exit code 4, and nothing goes further"
Least = Annotated[
    list[str] | None,
    typer.Option(
        "--min",
        metavar="metric=number",
        help="Least value of a metric on the held-out samples, such as accuracy=0.9; several.",
        rich_help_panel=_GATES,
        show_default=False,
    ),
]
Most = Annotated[
    list[str] | None,
    typer.Option(
        "--max",
        metavar="metric=number",
        help="Largest value of a metric, such as mae=3; several.",
        rich_help_panel=_GATES,
        show_default=False,
    ),
]
MinAccuracy = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="The same as --min accuracy=...",
        rich_help_panel=_GATES,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]


class Command(TyperCommand):
    """A command whose options hold nothing that the system or the terminal could not take."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options.

        Raises
        ------
        SettingsError
            If one holds NUL, bytes that are not UTF-8, or a number that is none.
        """
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        self._check(given)  # before typer asks the system about paths
        rest: list[str] = super().parse_args(ctx, args)
        self._check(ctx.params)  # numbers now are, and what the environment says is there too
        return rest

    def _check(self, given: Mapping[str, Any]) -> None:
        for parameter in self.params:
            if parameter.param_type_name == "option" and parameter.name is not None:
                found = given.get(parameter.name)
                for value in found if isinstance(found, (list, tuple)) else [found]:
                    _check_value(parameter.name, value)


def _check_value(field: str, value: object) -> None:
    if isinstance(value, (str, Path)):
        expect(is_clean(str(value)), field, "UTF-8 without NUL", value)
    elif isinstance(value, float):
        expect(not math.isnan(value), field, "a number", value)


def read_pairs(field: str, texts: list[str] | None) -> dict[str, str]:
    """Return what an option was given as KEY=VALUE, several times.

    Raises
    ------
    SettingsError
    """
    pairs = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise SettingsError(f"`{field}`: expected KEY=VALUE, got {text!r}")
        pairs[name] = value
    return pairs


def read_size(field: str, text: str | None) -> int | None:
    """Return a size in bytes that an option was given as 250MB, 0.2GiB and the like.

    Raises
    ------
    SettingsError
    """
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise SettingsError(f"`{field}`: expected a size such as 250MB or 0.2GiB, got {text!r}")
    return int(float(found[1]) * _UNITS[found[2].lower()])


def choose_gates(
    least: list[str] | None, most: list[str] | None, min_accuracy: float | None
) -> "tuple[Gate, ...]":
    """Return the gates of a command line.

    Raises
    ------
    SettingsError
        If one is no metric and number.
    """
    from iris_deploy.bundle.gate import read_gates

    accuracy = [] if min_accuracy is None else [f"accuracy={min_accuracy!r}"]
    return read_gates([*(least or ()), *accuracy], most or ())
