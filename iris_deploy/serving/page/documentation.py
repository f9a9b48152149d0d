"""``GET /docs``: a page on which people read the API and try it.

Its files stand in docs/, the same whatever is served: what the page tells, it reads from
/openapi.json, and so it holds nothing that needs a token. Its addresses are relative, so that it
works below any prefix.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from iris_deploy.serving.reply import Reply
from iris_deploy.serving.route import Operation, Route, answer_at_once
from iris_deploy.serving.schemas import refusals

PATH: Final = "/docs"

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src data:",  # the icon: browsers ask for a file otherwise
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # no text becomes markup
    )
)
"""Content-Security-Policy of the page: nothing from elsewhere, nothing within the page runs."""

_FOLDER = Path(__file__).parent / "docs"
_PAGE = "index.html"
_KINDS = {"app.js": "text/javascript", "style.css": "text/css"}


def build_routes() -> Iterator[Route]:
    """Yield the routes of the page and of its files."""
    policy = ("Content-Security-Policy", POLICY)
    page = Reply(200, (_type("text/html"), policy), (_FOLDER / _PAGE).read_bytes())
    yield answer_at_once(
        PATH, "a page to read this API and to try it", lambda: page, describe=_describe, open=True
    )
    for name, kind in _KINDS.items():
        yield _file(name, Reply(200, (_type(kind),), (_FOLDER / name).read_bytes()))


def _type(kind: str) -> tuple[str, str]:
    return "Content-Type", f"{kind}; charset=utf-8"


def _file(name: str, file: Reply) -> Route:
    return answer_at_once(f"{PATH}/{name}", "a file of the page", lambda: file, open=True)


def _describe() -> Operation:
    page = {"description": "A page", "content": {"text/html": {"schema": {"type": "string"}}}}
    answers = {"200": page, **refusals(400)}
    return Operation({"summary": "A page to read this API and to try it", "responses": answers})
