"""The options of ``iris-deploy serve``: how they are spelled, and what ``--help`` says of them.

Names are those of `ServeSettings`, which has the defaults and the bounds.
"""

from pathlib import Path
from typing import Annotated

import typer

from iris_deploy.serving import settings
from iris_deploy.serving.contract_settings import (
    CONTRACTS_VARIABLE,
    MODEL_NAME_VARIABLE,
    MODEL_VERSION_VARIABLE,
)
from iris_deploy.serving.settings import (
    CORS_HEADERS,
    HOST_VARIABLE,
    PORT_VARIABLES,
    TOKENS_VARIABLE,
)

_WHERE, _WORK, _LIMITS = "Where", "Work", "Limits"
_STOP, _SEEN, _ACCESS = "Stopping", "Logs and figures", "Access"
_SPOKEN = "Contracts"

Ports = Annotated[
    list[int] | None,
    typer.Option(
        "--port",
        "-p",
        help="TCP port, 5000 if left out; 0 picks a free one. May be given several times. "
        f"Environment, the first that is set: {', '.join(PORT_VARIABLES)}.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
Host = Annotated[
    str,
    typer.Option(
        envvar=HOST_VARIABLE,
        help="Address to listen on; * for all of the machine's, IPv6 and IPv4.",
        rich_help_panel=_WHERE,
    ),
]
UnixSocket = Annotated[
    Path | None,
    typer.Option(
        help="Path of a Unix socket; without --port, instead of TCP.", rich_help_panel=_WHERE
    ),
]
UnixSocketMode = Annotated[
    str, typer.Option(help="Its permissions, octal.", rich_help_panel=_WHERE)
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Swap in newer versions as they are trained; see SIGHUP."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-w",
        help="Processes; as many as there are processors to use if left out.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
Threads = Annotated[
    int,
    typer.Option(help="Large requests a worker works on at a time.", rich_help_panel=_WORK),
]
WorkerTimeout = Annotated[
    float,
    typer.Option(
        help="Seconds without a sign of life until a worker is replaced.", rich_help_panel=_WORK
    ),
]
MaxBodyBytes = Annotated[
    int, typer.Option(help="Largest request body (413).", rich_help_panel=_LIMITS)
]
MaxHeaderBytes = Annotated[
    int,
    typer.Option(help="Largest request line and header (431).", rich_help_panel=_LIMITS),
]
MaxMemoryBytes = Annotated[
    int,
    typer.Option(
        help="Memory of one worker for large requests; beyond it they wait (503).",
        rich_help_panel=_LIMITS,
    ),
]
Connections = Annotated[
    int,
    typer.Option(
        help="Open connections of one worker; then the longest idle makes room.",
        rich_help_panel=_LIMITS,
    ),
]
RequestTimeout = Annotated[
    float,
    typer.Option(
        help="Seconds for a request to arrive (408), and for a client to go on reading.",
        rich_help_panel=_LIMITS,
    ),
]
IdleTimeout = Annotated[
    float,
    typer.Option(
        help="Seconds until a connection without traffic is closed.", rich_help_panel=_LIMITS
    ),
]
QueueTimeout = Annotated[
    float,
    typer.Option(
        help="Seconds that a large request waits for a thread (503).", rich_help_panel=_LIMITS
    ),
]
DrainDelay = Annotated[
    float,
    typer.Option(help="Seconds of listening on after SIGTERM, not ready.", rich_help_panel=_STOP),
]
Grace = Annotated[
    float,
    typer.Option(help="Seconds from SIGTERM to the exit, at most.", rich_help_panel=_STOP),
]
LogFormat = Annotated[
    settings.LogFormat | None,
    typer.Option(
        help="text for a terminal, json for anything else, if left out.",
        rich_help_panel=_SEEN,
        show_default=False,
    ),
]
AccessLog = Annotated[
    settings.AccessLog,
    typer.Option(
        help="A line for each request; no-probes: but for those of the health routes.",
        rich_help_panel=_SEEN,
    ),
]
Metrics = Annotated[
    settings.Metrics,
    typer.Option(
        help="closed: /metrics wants a token if there are tokens; open: it does not.",
        rich_help_panel=_SEEN,
    ),
]
Page = Annotated[
    settings.Page,
    typer.Option(help="Pages for browsers, at / and /docs.", rich_help_panel=_SEEN),
]
TokensFile = Annotated[
    Path | None,
    typer.Option(
        help=f"Bearer tokens, one a line; {TOKENS_VARIABLE} holds them if left out.",
        rich_help_panel=_ACCESS,
    ),
]
CorsOrigins = Annotated[
    list[str] | None,
    typer.Option(
        "--cors-origin",
        help="Origin whose pages may ask; * for all. May be given several times.",
        rich_help_panel=_ACCESS,
    ),
]
CorsHeaders = Annotated[
    list[str] | None,
    typer.Option(
        "--cors-header",
        help="Header that such pages may send beside the API's own, "
        f"{' and '.join(CORS_HEADERS)} if left out. May be given several times.",
        rich_help_panel=_ACCESS,
    ),
]
TrustedProxies = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy",
        help="Address or network of proxies whose X-Forwarded-For counts; unix for the Unix "
        "socket, * for everybody. May be given several times.",
        rich_help_panel=_ACCESS,
    ),
]
TrustedProxyCount = Annotated[int, typer.Option(help="Proxies in a row.", rich_help_panel=_ACCESS)]
UrlPrefix = Annotated[
    str,
    typer.Option(
        help="Path in front of ours that a proxy leaves, such as /iris.",
        rich_help_panel=_ACCESS,
    ),
]
Dev = Annotated[
    bool,
    typer.Option("--dev", help="Flask's development server: reload and debugger, loopback only."),
]
Contracts = Annotated[
    str,
    typer.Option(
        envvar=CONTRACTS_VARIABLE,
        help="Wire contracts that are spoken, with commas between: native is POST /predict; v2 the "
        "Open Inference Protocol; v1 KServe's; invocations SageMaker and MLflow.",
        rich_help_panel=_SPOKEN,
    ),
]
ServedModelName = Annotated[
    str | None,
    typer.Option(
        envvar=MODEL_NAME_VARIABLE,
        help="Name in the paths of V1 and V2; the model's own if left out. KServe asks for that "
        "of the InferenceService.",
        rich_help_panel=_SPOKEN,
        show_default=False,
    ),
]
ServedModelVersion = Annotated[
    str | None,
    typer.Option(
        envvar=MODEL_VERSION_VARIABLE,
        help="Version in the paths of V2; the bundle's if left out.",
        rich_help_panel=_SPOKEN,
        show_default=False,
    ),
]
