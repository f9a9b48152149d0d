"""Asks for predictions without a pause, inside a cluster; the image's own Python runs it.

Two connections for each turn: one that is kept, one that is new. Prints a line of JSON every
second: how many were right, and how the others failed.
"""

import http.client
import json
import sys
import time

HOST = sys.argv[1]
INSTANCE = '{"length": 5.1, "width": 2.4}'
REQUEST = ("POST", "/predict", INSTANCE, {"Content-Type": "application/json"})
RIGHT = b'{"prediction":"virginica"}'


def main() -> None:
    """Ask until killed."""
    right, failures, told = 0, [], time.monotonic()
    kept = http.client.HTTPConnection(HOST, timeout=10)
    while True:
        new = http.client.HTTPConnection(HOST, timeout=10)
        for connection in (kept, new):
            try:
                connection.request(*REQUEST)
                answer = connection.getresponse()
                body = answer.read()
                if (answer.status, body) != (200, RIGHT):
                    failures.append(f"{answer.status} {body[:200]!r}")
                else:
                    right += 1
            except (OSError, http.client.HTTPException) as exc:
                failures.append(repr(exc))
                connection.close()
        new.close()
        if time.monotonic() - told >= 1:
            told = time.monotonic()
            line = json.dumps({"right": right, "failures": failures[-20:]})
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
