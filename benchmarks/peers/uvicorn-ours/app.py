# mypy: ignore-errors
"""ASGI without a framework, msgspec, and the predictor of iris-deploy."""

from pathlib import Path
from typing import Any

import msgspec

from iris_deploy.bundle.repository import Repository


class Flower(msgspec.Struct):
    """What is measured of one."""

    length: float
    width: float


def messages(status: int, kind: bytes, body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write an answer as ASGI has it."""
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


bundle = Repository(Path("artifacts")).read()
predict = bundle.predictor.value
decode = msgspec.json.Decoder(Flower).decode
ANSWERS = {
    name: messages(200, b"application/json", msgspec.json.encode({"prediction": name}))
    for name in bundle.manifest.signature.classes
}
NOT_FOUND = messages(404, b"text/plain", b"not found")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer one row."""
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    if scope["path"] != "/predict" or scope["method"] != "POST":
        answer = NOT_FOUND
    else:
        try:
            flower = decode(body)
            answer = ANSWERS[predict((flower.length, flower.width))]
        except msgspec.MsgspecError as exc:
            answer = messages(422, b"text/plain", str(exc).encode())
    await send(answer[0])
    await send(answer[1])
