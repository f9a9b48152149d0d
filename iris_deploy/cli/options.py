"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from iris_deploy.settings import ARTIFACTS_VARIABLE

Artifacts = Annotated[
    Path,
    typer.Option(envvar=ARTIFACTS_VARIABLE, help="Directory of the bundles.", file_okay=True),
]
Model = Annotated[
    str | None,
    typer.Option(help="Name of the model; may be left out where there is only one."),
]
Version = Annotated[
    int | None,
    typer.Option(min=1, help="Version of the model; the newest if left out.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]
