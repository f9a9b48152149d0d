"""From a repository to a running server: puts the parts of this room together.

Reads and verifies, binds, and hands over to the supervisor; in each fork, to a worker.
"""

import json
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from iris_deploy.bundle.repository import Repository
from iris_deploy.kernels.garbage import NoCollection
from iris_deploy.serving.http.access import Access
from iris_deploy.serving.http.endpoints import Endpoints
from iris_deploy.serving.http.late import LateApp
from iris_deploy.serving.settings import ServeSettings
from iris_deploy.serving.supervision.balance import Balance
from iris_deploy.serving.supervision.cpus import usable_cpus
from iris_deploy.serving.supervision.reload import Reloader, title
from iris_deploy.serving.supervision.service_manager import ServiceManager
from iris_deploy.serving.supervision.signals import Signals
from iris_deploy.serving.supervision.sockets import (
    close_sockets,
    open_sockets,
    remove_unix_sockets,
    reserve_files,
    shared_ports,
    url_of,
    url_to_try,
)
from iris_deploy.serving.supervision.supervisor import Supervisor
from iris_deploy.serving.telemetry.exposition import Exposition
from iris_deploy.serving.telemetry.log import Log
from iris_deploy.serving.telemetry.metrics import Metrics
from iris_deploy.serving.telemetry.slots import SharedMemory
from iris_deploy.serving.worker.lanes import Service
from iris_deploy.serving.worker.loop import Worker

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Launch:
    """A server about to run.

    Parameters
    ----------
    repository : Repository
    model : str or None
    version : int or None
        None serves the newest, and a newer one after SIGHUP.
    settings : ServeSettings
    tokens : callable
        Reads the bearer tokens; called again on SIGHUP.
    log : Log

    Raises
    ------
    BundleError
        If the bundle does not verify.
    ServerError
        If an address is not to be had, or the limits of the process are too low.
    """

    def __init__(
        self,
        repository: Repository,
        model: str | None,
        version: int | None,
        settings: ServeSettings,
        *,
        tokens: Callable[[], tuple[str, ...]],
        log: Log,
    ) -> None:
        self._settings = settings
        self._log = log
        reserve_files(settings.connections)
        bundle = repository.read(model, version)
        self._access = Access(tokens(), settings.cors_origins, settings.cors_headers)
        # From here on whoever connects waits instead of being refused.
        self._listeners = open_sockets(settings)
        self._urls = [url_of(listener) for listener in self._listeners]
        self._n_workers = settings.workers or usable_cpus()
        self._memory = SharedMemory(self._n_workers)
        self._metrics = Metrics(self._memory.slot(self._n_workers))
        exposition = Exposition(self._memory, lambda: self._endpoints.bundle.manifest)
        figures = exposition.build_route(is_open=settings.metrics == "open")
        self._endpoints = Endpoints(
            bundle,
            [] if settings.metrics == "off" else [figures],
            guarded=self._access.guarded,
            prefix=settings.url_prefix,
            contracts=settings.contracts,
            max_body_bytes=settings.max_body_bytes,
            page=settings.page == "on",
        )
        self._app = LateApp(self._create_app, self._give_up)
        self._reloader = Reloader(
            repository,
            bundle.manifest,
            version,
            prepare=self._endpoints.prepare,
            renew_tokens=lambda: self._access.set_tokens(tokens()),
            log=log,
        )

    def _create_app(self) -> "WSGIApplication":
        with NoCollection():
            from iris_deploy.serving.http.app import follow_app

        return follow_app(self._endpoints, max_body_bytes=self._settings.max_body_bytes)

    def run(self, signals: Signals, manager: ServiceManager, *, watch: bool) -> None:
        """Serve until SIGTERM or SIGINT.

        Parameters
        ----------
        signals : Signals
            Those that have come already, but for the ones that have ended it, are obeyed too.
        manager : ServiceManager
        watch : bool
            Whether to swap in a newer version as soon as there is one.

        Raises
        ------
        ServerError
            See `Supervisor.run`.
        """
        self._log.capture_logging()
        supervisor = Supervisor(
            self._listeners,
            self._settings,
            self._n_workers,
            signals=signals,
            spawn=self._run_worker,
            share=self._app.load,
            reload=lambda: self._reloader.reload(self._metrics),
            watch=self._reloader.is_outdated if watch else None,
            manager=manager,
            status=lambda: f"Serving {title(self._reloader.served)}",
            metrics=self._metrics,
            log=self._log,
        )
        try:
            supervisor.run(self._announce)
        finally:
            remove_unix_sockets(self._listeners)
            close_sockets(self._listeners)
        self._log.event("info", "stop", "Stopped; every request was answered", **self._facts())

    def _announce(self) -> None:
        manifest = self._reloader.served
        urls = self._urls
        example = json.dumps(manifest.examples[-1].instance)
        reach = url_to_try(self._listeners[0])
        through = "" if urls[0].startswith("http") else f" --unix-socket {urls[0][5:]}"
        n = self._n_workers
        self._log.event(
            "info",
            "start",
            f"Serving {title(manifest)} at {' and '.join(urls)}, "
            f"{n} worker{'s' if n > 1 else ''}, Ctrl-C to stop",
            **self._facts(),
            tokens=self._access.guarded,
            pid=os.getpid(),
            hint=f"Try: curl -s{through} {reach}{self._settings.url_prefix}/predict "
            f"-H 'Content-Type: application/json' -d '{example}'",
        )
        if manifest.library is not None:
            self._log.event("warning", "runtime", manifest.library.warning)
        for message in shared_ports(self._listeners):
            self._log.event("warning", "port_shared", message)

    def _facts(self) -> dict[str, object]:
        manifest = self._reloader.served
        return {
            "urls": self._urls,
            "model": manifest.model,
            "version": manifest.version,
            "digest": manifest.digest,
            "workers": self._n_workers,
            "threads": self._settings.threads,
        }

    def _run_worker(self, number: int, line: socket.socket) -> NoReturn:
        """Be a worker, in a process that was forked for it."""
        code = 1
        try:
            self._log.worker = number
            self._app.waits = self._n_workers > 1  # the others have it from the supervisor
            metrics = Metrics(self._memory.slot(number))
            metrics.predictions.begin(self._reloader.served, self._reloader.generation)
            self._endpoints.observer.observe = metrics.predictions.observe
            service = Service(
                self._endpoints, self._access, metrics, self._log, self._settings, self._app
            )

            balance = Balance(self._memory.connections, number)
            worker = Worker(
                self._app,
                service,
                self._listeners,
                self._settings,
                line,
                lambda order: self._reloader.follow(order, metrics),
                balance,
            )
            code = worker.run()
        except BaseException as exc:  # noqa: BLE001
            self._log.exception("the worker failed", exc)
        finally:
            os._exit(code)  # no clean-up of what is the supervisor's; threads may be stuck

    def _give_up(self, error: BaseException) -> NoReturn:
        """End a worker that could answer some requests only; the supervisor tells if all do."""
        self._log.exception("the application cannot be loaded", error)
        os._exit(1)
