"""The talk's first server: Flask's own, with reload and debugger. For one's own machine only."""

import ipaddress
from collections.abc import Callable

from flask import Flask
from werkzeug.serving import is_running_from_reloader, run_simple

from iris_deploy.errors import SettingsError
from iris_deploy.serving.settings import ServeSettings
from iris_deploy.serving.supervision.sockets import open_socket, url_of


def serve_development(
    app: Flask,
    settings: ServeSettings,
    on_listening: Callable[[str], None],
) -> None:
    """Serve an application with werkzeug's development server until Ctrl-C.

    Parameters
    ----------
    app : Flask
    settings : ServeSettings
        Only a loopback address is taken: the debugger runs whatever code it is sent.
    on_listening : callable
        Gets the URL before the server starts.

    Raises
    ------
    SettingsError
        If the address is not a loopback address.
    ServerError
        If the address is not to be had.
    """
    if settings.host != "localhost" and not _is_loopback(settings.host):
        raise SettingsError(
            f"`dev` listens on loopback only; got `host` {settings.host}",
            hint="leave `host` out, or leave `dev` out",
        )
    port = settings.ports[0]
    if not is_running_from_reloader():  # the reloader starts this process once more, below itself
        with open_socket(settings.host, port) as listener:
            port = listener.getsockname()[1]
            url = url_of(listener)
        on_listening(url)
    run_simple(
        settings.host,
        port,
        app,
        use_reloader=True,
        use_debugger=True,
        threaded=True,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
