"""Liveness and readiness, as platforms ask for them."""

from iris_deploy.facts import LIVE_PATH, READY_PATH
from iris_deploy.serving.problem import reply_problem
from iris_deploy.serving.reply import JSON, Reply
from iris_deploy.serving.route import Asked, Operation, Route
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

        def ready(_asked: Asked, _body: bytes) -> Reply:
            return _DRAINING if self.draining else _READY

        def ready_quickly(_asked: Asked, body: bytes) -> Reply | None:
            return None if body else _DRAINING if self.draining else _READY

        live = Route(
            method="GET",
            path=LIVE_PATH,
            summary="liveness: the process runs",
            handle=lambda _asked, _body: _LIVE,
            quick=lambda _asked, body: None if body else _LIVE,
            describe=lambda: Operation(describe_get("Liveness: the process runs", _status("live"))),
            open=True,
            probe=True,
            vital=True,
        )
        return live, Route(
            method="GET",
            path=READY_PATH,
            summary="readiness: the bundle is verified and predictions are answered",
            handle=ready,
            quick=ready_quickly,
            describe=lambda: Operation(
                describe_get("Readiness: predictions are answered", _status("ready"), 503)
            ),
            open=True,
            probe=True,
            vital=True,
        )


def _status(word: str) -> dict[str, object]:
    return an_object({"status": {"const": word}}, "status")
