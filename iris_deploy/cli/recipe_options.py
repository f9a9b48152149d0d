"""The options of ``recipe``: what runs, and what differs between places."""

from pathlib import Path
from typing import Annotated

import typer

_WHAT, _PLACE = "What runs", "The place"

Kind = Annotated[
    str | None, typer.Argument(help="Where it shall run.", show_default="the list of all")
]
Image = Annotated[
    str | None,
    typer.Option(help="The image: user/iris:1.0 or user/iris@sha256:...", rich_help_panel=_WHAT),
]
Lookup = Annotated[
    bool,
    typer.Option(
        "--lookup/--no-lookup",
        help="Ask the registry for the image's digest, and whether it holds this bundle.",
        rich_help_panel=_WHAT,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Folder for the files.", show_default="deploy/<kind>"),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]
Name = Annotated[
    str | None,
    typer.Option(
        help="Of the container, the unit or the Service.",
        show_default="the model's",
        rich_help_panel=_PLACE,
    ),
]
Replicas = Annotated[
    int | None,
    typer.Option(help="Copies to begin with.", show_default="2", rich_help_panel=_PLACE),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Processes of a server, one for each processor that it gets.",
        show_default="1",
        rich_help_panel=_PLACE,
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        help="Memory of a server, such as 512MiB.",
        show_default="what the bundle needs",
        rich_help_panel=_PLACE,
    ),
]
Port = Annotated[
    int | None,
    typer.Option(help="Port of the machine.", show_default="80", rich_help_panel=_PLACE),
]
Domain = Annotated[
    str | None, typer.Option(help="Name by which clients reach it.", rich_help_panel=_PLACE)
]
UrlPrefix = Annotated[
    str | None,
    typer.Option(
        help="Path below the domain that is its own, such as /iris.",
        show_default="all of it",
        rich_help_panel=_PLACE,
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option(help="Of Kubernetes.", show_default="default", rich_help_panel=_PLACE),
]
Tokens = Annotated[
    bool | None,
    typer.Option("--tokens", help="Want a bearer token of clients.", rich_help_panel=_PLACE),
]
Proxy = Annotated[
    str | None,
    typer.Option(
        help="In front of it, for TLS: nginx or caddy.",
        show_default="none",
        rich_help_panel=_PLACE,
    ),
]
Monitoring = Annotated[
    bool | None,
    typer.Option(
        "--monitoring", help="Prometheus, alerts and Grafana, too.", rich_help_panel=_PLACE
    ),
]
