"""What a platform has to know of the server and its image: the one table, for both and for recipes.

The Dockerfile says the same; a test holds it against this. Knows nothing above it.
"""

import re
from typing import Final

PORT: Final = 5000
"""The talk's."""

PLATFORM_PORT: Final = 8080
"""What most platforms probe; an image listens on it too."""

LIVE_PATH: Final = "/health/live"
READY_PATH: Final = "/health/ready"
METRICS_PATH: Final = "/metrics"
PREDICTION_ROUTES: Final = "/predict|/score|/invocations|/v1/.+:predict|/v2/.+/infer"
"""Routes whose figures are about predictions: contracts have others, too."""

URL_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~-]{1,128}){1,8}")
"""A path that a proxy leaves in front of ours, or says that it has taken away."""

USER: Final = 1000
GROUP: Final = 0
"""Of the process in a container: a number, since Kubernetes cannot tell a name from root's; group 0
as OpenShift has it."""

GRACE: Final = 5.0
"""Seconds from SIGTERM to the exit, at most: the least that any platform gives."""

KILL_AFTER: Final = 10
"""Seconds that recipes give it before SIGKILL: `GRACE`, and as much again for a slow machine."""

BALANCER_DELAY: Final = 5
"""Seconds until what stands in front of a server has seen that it is not to be asked any more."""

IDLE_TIMEOUT: Final = 620.0
"""Seconds that a connection may be idle: longer than any load balancer keeps one."""

MAX_BODY_BYTES: Final = 1 << 20
MAX_MEMORY_BYTES: Final = 1 << 28
"""Of one worker, for large requests."""

LEAST_MEMORY_BYTES: Final = 1 << 26
"""The same where memory is scarce: enough for bodies of `MAX_BODY_BYTES`, one after the other."""

SUPERVISOR_BYTES: Final = 50 << 20
WORKER_BYTES: Final = 50 << 20
"""What each process holds besides: three held 149 MB after 25 minutes of mixed load."""

SCIKIT_LEARN_BYTES: Final = 100 << 20
"""What each holds more where scikit-learn predicts: 220 MB, of which much is shared at first."""

HEALTHCHECK: Final = "/opt/iris-deploy/app/healthcheck"
"""In an image: asks whether the server beside it is ready."""

HEALTHCHECK_INTERVAL, HEALTHCHECK_TIMEOUT, HEALTHCHECK_START, HEALTHCHECK_RETRIES = 30, 5, 10, 3
"""Seconds, seconds, seconds, and how often in a row it has to fail."""

LABEL: Final = "io.iris-deploy."
"""In front of the names by which an image of ours says what is in it."""
