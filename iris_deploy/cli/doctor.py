"""``iris-deploy doctor``: whether this machine has what it takes, and how to mend it."""

import os
from typing import Annotated

import typer

from iris_deploy import facts
from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli.options import Artifacts, Json

_COLOURS = {"ok": "green", "note": "yellow", "fault": "red"}


def doctor(
    artifacts: Artifacts = ARTIFACTS,
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="Where serve would listen.")
    ] = facts.PORT,
    as_json: Json = False,
) -> None:
    """See whether this machine has what it takes, and how to mend it.

    Looks at Python, packages, artifacts, the port, processors, memory, open files, container
    engines and proxies. A note may matter; a fault stops train or serve, and makes the exit code 1.

    Example: iris-deploy doctor --port 8080
    """
    from dataclasses import asdict

    from iris_deploy.cli import spell_options
    from iris_deploy.cli.diagnosis import look
    from iris_deploy.cli.output import print_json

    findings = []
    for each in look(artifacts, port, os.environ):
        told = {name: spell_options(text) for name, text in asdict(each).items()}
        findings.append(told)
        if as_json:
            continue
        typer.secho(f"{each.state:<6}", fg=_COLOURS[each.state], nl=False)
        typer.echo(f"{told['what']:<11} {told['found']}")
        if told["mend"]:
            typer.echo(f"{'':<18}{told['mend']}")
    if as_json:
        print_json({"findings": findings})
    if any(each["state"] == "fault" for each in findings):
        raise typer.Exit(1)
