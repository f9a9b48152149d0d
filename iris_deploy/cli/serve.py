"""``iris-deploy serve``: a bundle to an HTTP API."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from iris_deploy.cli.options import Artifacts, Model, Version
from iris_deploy.settings import ARTIFACTS, PORT_VARIABLES, ServeSettings

if TYPE_CHECKING:
    from iris_deploy.bundle.bundle import Bundle

_DEFAULT = ServeSettings()


def serve(
    port: Annotated[
        int,
        typer.Option(
            "--port", "-p", envvar=list(PORT_VARIABLES), help="TCP port; 0 picks a free one."
        ),
    ] = _DEFAULT.port,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all of the machine's.")
    ] = _DEFAULT.host,
    artifacts: Artifacts = ARTIFACTS,
    model: Model = None,
    version: Version = None,
    threads: Annotated[
        int, typer.Option(help="Requests that are worked on at the same time.")
    ] = _DEFAULT.threads,
    max_body_bytes: Annotated[
        int, typer.Option(help="Largest request body, in bytes.")
    ] = _DEFAULT.max_body_bytes,
    dev: Annotated[
        bool,
        typer.Option(
            "--dev", help="Flask's development server: reload and debugger, loopback only."
        ),
    ] = False,
) -> None:
    """Serve the newest bundle over HTTP until Ctrl-C or SIGTERM.

    POST /predict answers one instance or an array; GET / tells the rest. scikit-learn is not
    needed: the numbers are read out of the artifacts, and nothing of them is run.
    """
    settings = ServeSettings(host=host, port=port, threads=threads, max_body_bytes=max_body_bytes)
    from iris_deploy.bundle.repository import Repository
    from iris_deploy.serving.app import create_app

    bundle = Repository(artifacts).read(model, version)
    app = create_app(bundle, max_body_bytes=settings.max_body_bytes)

    def announce(url: str) -> None:
        typer.echo(_announcement(bundle, url))

    if dev:
        from iris_deploy.serving.development import serve_development

        typer.secho("Flask's development server: not for production.", fg="yellow", err=True)
        serve_development(app, settings, announce)
    else:
        from iris_deploy.serving.server import serve as serve_production

        serve_production(app, settings, announce)
        typer.echo("Stopped.")


def _announcement(bundle: "Bundle", url: str) -> str:
    """Say what is served where, and how to ask it."""
    manifest = bundle.manifest
    example = json.dumps(manifest.examples[-1].instance)
    return (
        f"Serving {manifest.model} version {manifest.version} ({manifest.digest[:19]}) at {url}, "
        "Ctrl-C to stop\n"
        f"Try: curl -s {url}/predict -H 'Content-Type: application/json' -d '{example}'"
    )
