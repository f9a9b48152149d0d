"""``iris-deploy serve``: a bundle to an HTTP API."""

import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli import serve_options as o
from iris_deploy.cli.options import Artifacts, Model, Version
from iris_deploy.errors import SettingsError
from iris_deploy.kernels.garbage import NoCollection
from iris_deploy.serving.addresses import ALL_ADDRESSES
from iris_deploy.serving.contract_settings import ALL_NAMES, SEPARATOR, ContractSettings
from iris_deploy.serving.environment import asked_routes, handed_descriptors, named_ports
from iris_deploy.serving.settings import NOTIFY_VARIABLE, TOKENS_VARIABLE, ServeSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from iris_deploy.bundle.repository import Repository
    from iris_deploy.serving.telemetry.log import Log

_DEFAULT = ServeSettings()
_BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def serve(
    context: typer.Context,
    ports: o.Ports = None,
    host: o.Host = _DEFAULT.host,
    unix_socket: o.UnixSocket = None,
    unix_socket_mode: o.UnixSocketMode = f"{_DEFAULT.unix_socket_mode:o}",
    artifacts: Artifacts = ARTIFACTS,
    model: Model = None,
    version: Version = None,
    watch: o.Watch = False,
    workers: o.Workers = None,
    threads: o.Threads = _DEFAULT.threads,
    worker_timeout: o.WorkerTimeout = _DEFAULT.worker_timeout,
    max_body_bytes: o.MaxBodyBytes = _DEFAULT.max_body_bytes,
    max_header_bytes: o.MaxHeaderBytes = _DEFAULT.max_header_bytes,
    max_memory_bytes: o.MaxMemoryBytes = _DEFAULT.max_memory_bytes,
    connections: o.Connections = _DEFAULT.connections,
    request_timeout: o.RequestTimeout = _DEFAULT.request_timeout,
    idle_timeout: o.IdleTimeout = _DEFAULT.idle_timeout,
    queue_timeout: o.QueueTimeout = _DEFAULT.queue_timeout,
    drain_delay: o.DrainDelay = _DEFAULT.drain_delay,
    grace: o.Grace = _DEFAULT.grace,
    log_format: o.LogFormat = None,
    access_log: o.AccessLog = _DEFAULT.access_log,
    metrics: o.Metrics = _DEFAULT.metrics,
    page: o.Page = _DEFAULT.page,
    tokens_file: o.TokensFile = None,
    cors_origins: o.CorsOrigins = None,
    cors_headers: o.CorsHeaders = None,
    trusted_proxies: o.TrustedProxies = None,
    trusted_proxy_count: o.TrustedProxyCount = _DEFAULT.trusted_proxy_count,
    url_prefix: o.UrlPrefix = _DEFAULT.url_prefix,
    contracts: o.Contracts = ALL_NAMES,
    served_model_name: o.ServedModelName = None,
    served_model_version: o.ServedModelVersion = None,
    dev: o.Dev = False,
) -> None:
    """Serve the newest bundle over HTTP until Ctrl-C or SIGTERM.

    POST /predict answers one instance or many; GET / tells the rest. scikit-learn is not
    needed: the numbers are read out of the artifacts, and nothing of them is run.

    SIGTERM and Ctrl-C answer what has come and stop; a second one stops at once. SIGHUP swaps in
    the newest version.
    """
    options = locals()
    _occupy_standard_streams()
    for name in _BLAS_THREADS:  # before NumPy is imported: each worker is one processor's
        os.environ.setdefault(name, "1")
    settings = _settings(options)
    with NoCollection():
        from iris_deploy.bundle.repository import Repository

    repository = Repository(artifacts)
    if dev:
        _serve_development(repository, model, version, settings, guarded=bool(_tokens(tokens_file)))
        return
    with NoCollection():
        from iris_deploy.serving.launch import Launch
    from iris_deploy.serving.supervision.service_manager import ServiceManager
    from iris_deploy.serving.supervision.signals import early_signals
    from iris_deploy.serving.telemetry.log import Log

    log = Log(
        log_format or ("text" if os.isatty(1) else "json"), access=settings.access_log != "off"
    )
    _warn(log, settings, ignored=context.obj or ())
    with early_signals() as signals:
        launch = Launch(
            repository, model, version, settings, tokens=lambda: _tokens(tokens_file), log=log
        )
        manager = ServiceManager(os.environ.get(NOTIFY_VARIABLE, ""))
        launch.run(signals, manager, watch=watch)


def _settings(options: "Mapping[str, Any]") -> ServeSettings:
    """Return the settings of options by their names, and of the environment."""
    chosen: dict[str, Any] = {
        field.name: options.get(field.name) for field in fields(ServeSettings)
    }
    chosen["contracts"] = ContractSettings(
        contracts=tuple(name.strip() for name in options["contracts"].split(SEPARATOR)),
        served_model_name=options["served_model_name"],
        served_model_version=options["served_model_version"],
        **asked_routes(os.environ),
    )
    chosen["descriptors"] = handed_descriptors(os.environ, os.getpid())
    elsewhere = chosen["unix_socket"] or chosen["descriptors"]
    ports = chosen["ports"] or (() if chosen["descriptors"] else named_ports(os.environ))
    chosen["ports"] = ports or (() if elsewhere else _DEFAULT.ports)
    chosen["unix_socket_mode"] = _octal(chosen["unix_socket_mode"])
    chosen["cors_headers"] = chosen["cors_headers"] or _DEFAULT.cors_headers
    for name in ("ports", "cors_headers", "cors_origins", "trusted_proxies"):
        chosen[name] = tuple(chosen[name] or ())
    return ServeSettings(**chosen)


def _serve_development(
    repository: "Repository",
    model: str | None,
    version: int | None,
    settings: ServeSettings,
    *,
    guarded: bool,
) -> None:
    from iris_deploy.serving.development import serve_development
    from iris_deploy.serving.http.app import create_app
    from iris_deploy.serving.http.endpoints import Endpoints

    if guarded or settings.unix_socket or settings.descriptors or len(settings.ports) != 1:
        raise SettingsError(
            "--dev listens on one TCP port of its own and knows no tokens",
            hint="leave --dev out, or the other options",
        )
    bundle = repository.read(model, version)
    endpoints = Endpoints(
        bundle,
        contracts=settings.contracts,
        max_body_bytes=settings.max_body_bytes,
        page=settings.page == "on",
    )
    app = create_app(endpoints.served.table, max_body_bytes=settings.max_body_bytes)
    typer.secho("Flask's development server: not for production.", fg="yellow", err=True)
    manifest = bundle.manifest
    if manifest.library is not None:
        typer.secho(manifest.library.warning, fg="yellow", err=True)
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
    from iris_deploy.serving.http.access import read_tokens, split_tokens

    if path is not None:
        return read_tokens(path)
    text = os.environ.get(TOKENS_VARIABLE, "")
    return split_tokens(text, TOKENS_VARIABLE) if text.strip() else ()
