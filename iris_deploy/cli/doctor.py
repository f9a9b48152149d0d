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
    engines and proxies. The exit code is 1 if train or serve would fail for what it finds.

    Example: iris-deploy doctor --port 8080
    """
    from iris_deploy.cli import spell_options
    from iris_deploy.cli.diagnosis import look

    findings = look(artifacts, port, os.environ)
    if as_json:
        from dataclasses import asdict

        from iris_deploy.cli.output import print_json

        listed = list(findings)
        print_json({"findings": [asdict(each) for each in listed]})
    else:
        listed = []
        for each in findings:
            listed.append(each)
            typer.secho(f"{each.state:<6}", fg=_COLOURS[each.state], nl=False)
            typer.echo(f"{each.what:<11} {spell_options(each.found)}")
            if each.mend:
                typer.echo(f"{'':<18}{spell_options(each.mend)}")
    if any(each.state == "fault" for each in listed):
        raise typer.Exit(1)
