# mypy: ignore-errors
"""Granian's own interface, msgspec, and the predictor of iris-deploy; nothing between them."""

from pathlib import Path
from typing import Any

import msgspec

from iris_deploy.bundle.repository import Repository


class Flower(msgspec.Struct):
    """What is measured of one."""

    length: float
    width: float


bundle = Repository(Path("artifacts")).read()
predict = bundle.predictor.value
decode = msgspec.json.Decoder(Flower).decode
ANSWERS = {
    name: msgspec.json.encode({"prediction": name}) for name in bundle.manifest.signature.classes
}
HEADERS = [("content-type", "application/json")]


async def app(scope: Any, protocol: Any) -> None:
    """Answer one row."""
    if scope.path != "/predict" or scope.method != "POST":
        protocol.response_empty(404, [])
        return
    try:
        flower = decode(await protocol())
    except msgspec.MsgspecError as exc:
        protocol.response_str(422, [("content-type", "text/plain")], str(exc))
        return
    protocol.response_bytes(200, HEADERS, ANSWERS[predict((flower.length, flower.width))])
