"""Liveness and readiness, as platforms ask for them."""

from iris_deploy.facts import LIVE_PATH, READY_PATH
from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.reply import JSON, Reply
from iris_deploy.serving.route import Operation, Route, answer_at_once
from iris_deploy.serving.schemas import an_object, describe_get

_LIVE = Reply(200, JSON, b'{"status":"live"}')
_READY = Reply(200, JSON, b'{"status":"ready"}')
_DRAINING = reply_problem(503, "the server is draining: it stops soon", (("Retry-After", "1"),))


class Readiness:
    """Whether a process takes requests: one of its own for each worker.

    Attributes
    ----------
    draining : bool
        Whether it is about to stop; then it is not ready.
    """

    def __init__(self) -> None:
        self.draining = False

    def build_routes(self) -> tuple[Route, Route]:
        """Return the routes of both probes."""
        live = answer_at_once(
            LIVE_PATH,
            "liveness: the process runs",
            lambda: _LIVE,
            describe=lambda: Operation(describe_get("Liveness: the process runs", _status("live"))),
            open=True,
            probe=True,
            vital=True,
        )
        return live, answer_at_once(
            READY_PATH,
            "readiness: the bundle is verified and predictions are answered",
            lambda: _DRAINING if self.draining else _READY,
            describe=lambda: Operation(
                describe_get("Readiness: predictions are answered", _status("ready"), 503)
            ),
            open=True,
            probe=True,
            vital=True,
        )


def _status(word: str) -> dict[str, object]:
    return an_object({"status": {"const": word}}, "status")
