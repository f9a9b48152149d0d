"""Error bodies: problem details for HTTP APIs, RFC 9457.

Knows neither Flask nor sockets; whoever refuses asks it for the bytes of an error.
"""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from iris_deploy.codec.pointers import FieldProblem
from iris_deploy.serving.reply import PROBLEM, Refusal, Reply

# As RFC 9110 has them; Python took them over in 3.13. 499 is nobody's but nginx's, and never sent.
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content", 499: "Client Closed Request"}


def phrase(status: int) -> str:
    """Return the standard phrase of a status, the same on every Python."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def build_problem(status: int, detail: str, problems: Sequence[FieldProblem] = ()) -> bytes:
    """Write the body of an error.

    Parameters
    ----------
    status : int
        HTTP status code; its standard phrase becomes the title.
    detail : str
        What is wrong and what to do, for a person.
    problems : sequence of FieldProblem
        The bad fields, if it is about fields.

    Returns
    -------
    bytes
        JSON with title, status, detail and, where there are bad fields, errors: a list of detail,
        pointer and suggestion.

    References
    ----------
    RFC 9457, section 3. Without a ``type`` it is ``about:blank``, whose title is the status' own.
    """
    body: dict[str, object] = {
        "title": phrase(status),
        "status": status,
        "detail": detail,
    }
    if problems:
        body["errors"] = [
            {
                "detail": problem.detail,
                "pointer": problem.pointer,
                **({"suggestion": problem.suggestion} if problem.suggestion else {}),
            }
            for problem in problems
        ]
    return msgspec.json.encode(body)


def reply_problem(status: int, detail: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Answer with problem details that are not about fields."""
    return Reply(status, PROBLEM + headers, build_problem(status, detail))


def reply_refusal(refusal: Refusal) -> Reply:
    """Answer with problem details."""
    body = build_problem(refusal.status, refusal.detail, refusal.problems)
    return Reply(refusal.status, PROBLEM + refusal.headers, body)


def read_refusal(reply: Reply) -> Refusal | None:
    """Read problem details that were written here; None of any other reply."""
    if reply.headers[: len(PROBLEM)] != PROBLEM or not isinstance(reply.body, bytes):
        return None
    detail = msgspec.json.decode(reply.body)["detail"]
    return Refusal(reply.status, detail, (), reply.headers[len(PROBLEM) :])


def too_large(limit: int) -> str:
    """Say which body is taken."""
    return f"the body is too large; expected at most {limit} bytes. Send fewer instances at a time"
