"""Errors as one member of an object, as most contracts have them."""

import msgspec

from iris_deploy.serving.reply import JSON, Refusal, Reply

BAD_REQUEST, UNPROCESSABLE = 400, 422


def reply_error(refusal: Refusal) -> Reply:
    """Answer with ``{"error": ...}``; what does not fit the signature is a bad request."""
    body = msgspec.json.encode({"error": refusal.detail})
    return Reply(plain_status(refusal.status), JSON + refusal.headers, body)


def plain_status(status: int) -> int:
    """Return the status that clients of protocols know: they have no other for bad fields."""
    return BAD_REQUEST if status == UNPROCESSABLE else status
