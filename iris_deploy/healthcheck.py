"""Entry point of an image's HEALTHCHECK: ask the server in the same container whether it is ready.

Imports neither the server nor the command line, since it is run every half minute.
"""

import http.client
import os
import sys

from iris_deploy.settings import PORT_VARIABLES, READY_PATH, ServeSettings

_TIMEOUT = 3.0  # seconds; the Dockerfile gives five


def main() -> int:
    """Ask on the first port that the environment names; return 0 if the server is ready, else 1."""
    named = [word for name in PORT_VARIABLES for word in os.environ.get(name, "").split()]
    port = int(named[0]) if named else ServeSettings().ports[0]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        connection.request("GET", READY_PATH)
        status = connection.getresponse().status
    except OSError as exc:
        sys.stderr.write(f"port {port}: {exc}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"port {port}: {status}\n")
    return int(status != http.client.OK)


if __name__ == "__main__":
    sys.exit(main())
