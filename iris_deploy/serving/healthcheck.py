"""Entry point of an image's HEALTHCHECK: ask the server in the same container whether it is ready.

Imports neither the server nor the command line, since it is run every half minute.
"""

import contextlib
import http.client
import os
import sys

from iris_deploy.errors import SettingsError
from iris_deploy.facts import READY_PATH
from iris_deploy.serving.environment import address_to_ask

_TIMEOUT = 3.0  # seconds; the Dockerfile gives five


def main() -> int:
    """Ask where the environment says that the server listens; return 0 if it is ready, else 1."""
    try:
        host, port = address_to_ask(os.environ)
    except SettingsError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    try:
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        with contextlib.closing(connection):
            connection.request("GET", READY_PATH)
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as exc:  # ValueError: no host name
        sys.stderr.write(f"{host!r} port {port}: {exc!r}\n")
        return 1
    sys.stdout.write(f"{host} port {port}: {status}\n")
    return int(status != http.client.OK)


if __name__ == "__main__":
    sys.exit(main())
