"""``iris-deploy serve``: a bundle to an HTTP API."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iris_deploy.addresses import ALL_ADDRESSES
from iris_deploy.cli.options import Artifacts, Model, Version
from iris_deploy.environment import named_ports
from iris_deploy.errors import SettingsError
from iris_deploy.settings import (
    ARTIFACTS,
    CORS_HEADERS,
    HOST_VARIABLE,
    PORT_VARIABLES,
    TOKENS_VARIABLE,
    AccessLog,
    LogFormat,
    Metrics,
    ServeSettings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from iris_deploy.bundle.repository import Repository
    from iris_deploy.serving.log import Log

_DEFAULT = ServeSettings()
_BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_WHERE, _WORK, _LIMITS = "Where", "Work", "Limits"
_STOP, _SEEN, _ACCESS = "Stopping", "Logs and figures", "Access"


def serve(
    context: typer.Context,
    port: Annotated[
        list[int] | None,
        typer.Option(
            "--port",
            "-p",
            help="TCP port, 5000 if left out; 0 picks a free one. May be given several times. "
            f"Environment, the first that is set: {', '.join(PORT_VARIABLES)}.",
            rich_help_panel=_WHERE,
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            envvar=HOST_VARIABLE,
            help="Address to listen on; * for all of the machine's, IPv6 and IPv4.",
            rich_help_panel=_WHERE,
        ),
    ] = _DEFAULT.host,
    unix_socket: Annotated[
        Path | None,
        typer.Option(
            help="Path of a Unix socket; without --port, instead of TCP.", rich_help_panel=_WHERE
        ),
    ] = None,
    unix_socket_mode: Annotated[
        str, typer.Option(help="Its permissions, octal.", rich_help_panel=_WHERE)
    ] = f"{_DEFAULT.unix_socket_mode:o}",
    artifacts: Artifacts = ARTIFACTS,
    model: Model = None,
    version: Version = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Swap in newer versions as they are trained; see SIGHUP."),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            "-w",
            help="Processes; as many as there are processors to use if left out.",
            rich_help_panel=_WORK,
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int,
        typer.Option(help="Large requests a worker works on at a time.", rich_help_panel=_WORK),
    ] = _DEFAULT.threads,
    worker_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds without a sign of life until a worker is replaced.", rich_help_panel=_WORK
        ),
    ] = _DEFAULT.worker_timeout,
    max_body_bytes: Annotated[
        int, typer.Option(help="Largest request body (413).", rich_help_panel=_LIMITS)
    ] = _DEFAULT.max_body_bytes,
    max_header_bytes: Annotated[
        int,
        typer.Option(help="Largest request line and header (431).", rich_help_panel=_LIMITS),
    ] = _DEFAULT.max_header_bytes,
    max_memory_bytes: Annotated[
        int,
        typer.Option(
            help="Memory of one worker for large requests; beyond it they wait (503).",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULT.max_memory_bytes,
    connections: Annotated[
        int,
        typer.Option(
            help="Open connections of one worker; then the longest idle makes room.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULT.connections,
    request_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds for a request to arrive (408), and for a client to go on reading.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULT.request_timeout,
    idle_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds until a connection without traffic is closed.", rich_help_panel=_LIMITS
        ),
    ] = _DEFAULT.idle_timeout,
    queue_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds that a large request waits for a thread (503).", rich_help_panel=_LIMITS
        ),
    ] = _DEFAULT.queue_timeout,
    drain_delay: Annotated[
        float,
        typer.Option(
            help="Seconds of listening on after SIGTERM, not ready.", rich_help_panel=_STOP
        ),
    ] = _DEFAULT.drain_delay,
    grace: Annotated[
        float,
        typer.Option(help="Seconds from SIGTERM to the exit, at most.", rich_help_panel=_STOP),
    ] = _DEFAULT.grace,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            help="text for a terminal, json for anything else, if left out.",
            rich_help_panel=_SEEN,
            show_default=False,
        ),
    ] = None,
    access_log: Annotated[
        AccessLog,
        typer.Option(
            help="A line for each request; no-probes: but for those of the health routes.",
            rich_help_panel=_SEEN,
        ),
    ] = _DEFAULT.access_log,
    metrics: Annotated[
        Metrics,
        typer.Option(
            help="closed: /metrics wants a token if there are tokens; open: it does not.",
            rich_help_panel=_SEEN,
        ),
    ] = _DEFAULT.metrics,
    tokens_file: Annotated[
        Path | None,
        typer.Option(
            help=f"Bearer tokens, one a line; {TOKENS_VARIABLE} holds them if left out.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Origin whose pages may ask; * for all. May be given several times.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    cors_header: Annotated[
        list[str] | None,
        typer.Option(
            help="Header that such pages may send beside the API's own, "
            f"{' and '.join(CORS_HEADERS)} if left out. May be given several times.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="Address or network of proxies whose X-Forwarded-For counts; unix for the Unix "
            "socket, * for everybody. May be given several times.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    trusted_proxy_count: Annotated[
        int, typer.Option(help="Proxies in a row.", rich_help_panel=_ACCESS)
    ] = _DEFAULT.trusted_proxy_count,
    url_prefix: Annotated[
        str,
        typer.Option(
            help="Path in front of ours that a proxy leaves, such as /iris.",
            rich_help_panel=_ACCESS,
        ),
    ] = _DEFAULT.url_prefix,
    dev: Annotated[
        bool,
        typer.Option(
            "--dev", help="Flask's development server: reload and debugger, loopback only."
        ),
    ] = False,
) -> None:
    """Serve the newest bundle over HTTP until Ctrl-C or SIGTERM.

    POST /predict answers one instance or many; GET / tells the rest. scikit-learn is not
    needed: the numbers are read out of the artifacts, and nothing of them is run.

    SIGTERM and Ctrl-C answer what has come and stop; a second one stops at once. SIGHUP swaps in
    the newest version.
    """
    _occupy_standard_streams()
    for name in _BLAS_THREADS:  # before NumPy is imported: each worker is one processor's
        os.environ.setdefault(name, "1")
    settings = ServeSettings(
        host=host,
        ports=tuple(port or named_ports(os.environ) or (() if unix_socket else _DEFAULT.ports)),
        unix_socket=unix_socket,
        unix_socket_mode=_octal(unix_socket_mode),
        workers=workers,
        threads=threads,
        worker_timeout=worker_timeout,
        max_body_bytes=max_body_bytes,
        max_header_bytes=max_header_bytes,
        max_memory_bytes=max_memory_bytes,
        connections=connections,
        request_timeout=request_timeout,
        idle_timeout=idle_timeout,
        queue_timeout=queue_timeout,
        drain_delay=drain_delay,
        grace=grace,
        access_log=access_log,
        metrics=metrics,
        cors_origins=tuple(cors_origin or ()),
        cors_headers=tuple(cors_header or _DEFAULT.cors_headers),
        trusted_proxies=tuple(trusted_proxy or ()),
        trusted_proxy_count=trusted_proxy_count,
        url_prefix=url_prefix,
    )
    from iris_deploy.bundle.repository import Repository

    repository = Repository(artifacts)
    if dev:
        _serve_development(repository, model, version, settings, guarded=bool(_tokens(tokens_file)))
        return
    from iris_deploy.serving.launch import Launch
    from iris_deploy.serving.log import Log
    from iris_deploy.serving.signals import early_signals

    style: LogFormat = log_format or ("text" if os.isatty(1) else "json")
    log = Log(style, access=settings.access_log != "off")
    _warn(log, settings, ignored=context.obj or ())
    with early_signals() as signals:
        launch = Launch(
            repository, model, version, settings, tokens=lambda: _tokens(tokens_file), log=log
        )
        launch.run(signals, watch=watch)


def _serve_development(
    repository: "Repository",
    model: str | None,
    version: int | None,
    settings: ServeSettings,
    *,
    guarded: bool,
) -> None:
    from iris_deploy.serving.app import create_app
    from iris_deploy.serving.development import serve_development
    from iris_deploy.serving.endpoints import Endpoints

    if guarded or settings.unix_socket or len(settings.ports) != 1:
        message = "--dev listens on one TCP port and knows no tokens"
        raise SettingsError(message, hint="leave --dev out, or the other options")
    bundle = repository.read(model, version)
    app = create_app(Endpoints(bundle), max_body_bytes=settings.max_body_bytes)
    typer.secho("Flask's development server: not for production.", fg="yellow", err=True)
    manifest = bundle.manifest
    serve_development(
        app,
        settings,
        lambda url: typer.echo(
            f"Serving {manifest.model} version {manifest.version} at {url}, Ctrl-C to stop"
        ),
    )


def _warn(log: "Log", settings: ServeSettings, *, ignored: "Iterable[str]") -> None:
    """Say what of the settings is seldom meant, and what of the surroundings is not for us."""
    for name in ignored:
        message = (
            f"{name} is ignored: its value is one that Kubernetes or Docker sets for a Service"
        )
        log.event("warning", "ignored", f"{message} or link of this name", variable=name)
    if ALL_ADDRESSES in settings.trusted_proxies:
        message = "--trusted-proxy *: whoever connects is believed what X-Forwarded-For says"
        log.event("warning", "trusts_all", message)


def _occupy_standard_streams() -> None:
    """Open what is closed of the standard streams, or a socket would get its number."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one


def _octal(text: str) -> int:
    try:
        return int(text, 8)
    except ValueError:
        return -1  # refused with the other settings


def _tokens(path: Path | None) -> tuple[str, ...]:
    """Read the bearer tokens; there need not be any."""
    from iris_deploy.serving.access import read_tokens, split_tokens

    if path is not None:
        return read_tokens(path)
    text = os.environ.get(TOKENS_VARIABLE, "")
    return split_tokens(text, TOKENS_VARIABLE) if text.strip() else ()
