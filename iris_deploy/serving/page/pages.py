"""The pages for people: at `/` a model is asked, at `/docs` its API is read and tried.

Their files stand in files/, the same whatever is served: what a page tells, it reads from `/` and
/openapi.json, and so it holds nothing that needs a token.
"""

import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from iris_deploy.serving.preferences import choose, choose_language
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.route import Asked, Operation, Route, answer_at_once
from iris_deploy.serving.schemas import refusals, sentence

DOCS_PATH: Final = "/docs"
LANGUAGES: Final = ("en", "ja")

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
"""Content-Security-Policy of the pages: nothing from elsewhere, nothing within a page runs."""

_FOLDER = Path(__file__).parent / "files"
_KINDS = {".js": "text/javascript", ".css": "text/css"}
_CHOICES = {"text/html": True, "application/json": False}

CONTENT: Final = {"text/html": {"schema": {"type": "string"}}}
"""A page, as OpenAPI describes an answer."""


def wants_page(headers: Mapping[str, str]) -> bool:
    """Tell whether somebody asks who looks at pages: a browser, and not a program."""
    return choose(headers.get("ACCEPT", ""), _CHOICES, default=False)


class FrontPage:
    """The page at `/`, in every language."""

    def __init__(self) -> None:
        template = (_FOLDER / "front.html").read_text("utf-8")
        self._texts = {language: _translate(template, language) for language in LANGUAGES}

    def reply(self, asked: Asked) -> Reply:
        """Return the page in the language of ``?lang=``, else in the one that is preferred."""
        chosen = asked.query.removeprefix("lang=")
        preferred = asked.headers.get("ACCEPT_LANGUAGE", "")
        default = choose_language(preferred, self._texts, self._texts[LANGUAGES[0]])
        text = self._texts.get(chosen, default)
        return _page(text.replace("{{root}}", html.escape(asked.root)))


def build_routes() -> Iterator[Route]:
    """Yield the routes of the page at /docs, and of the files of both."""
    page = _page((_FOLDER / "docs.html").read_text("utf-8"))
    summary = "a page to read this API and to try it"
    answers = {"200": {"description": "A page", "content": CONTENT}, **refusals(400)}
    yield answer_at_once(
        DOCS_PATH,
        summary,
        lambda: page,
        describe=lambda: Operation({"summary": sentence(summary), "responses": answers}),
        open=True,
    )
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _KINDS:
            yield _file(path)


def _file(path: Path) -> Route:
    reply = Reply(200, (_type(_KINDS[path.suffix]),), path.read_bytes())
    return answer_at_once(f"/page/{path.name}", "a file of the pages", lambda: reply, open=True)


def _page(text: str) -> Reply:
    policy = ("Content-Security-Policy", POLICY)
    return Reply(200, (_type("text/html"), policy), text.encode())


def _type(kind: str) -> tuple[str, str]:
    return "Content-Type", f"{kind}; charset=utf-8"


def _translate(template: str, language: str) -> str:
    """Fill in the words of a language; its script gets all of them."""
    words = json.loads((_FOLDER / f"words.{language}.json").read_text("utf-8"))
    told = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")  # ends no element
    text = template.replace("{{lang}}", language).replace("{{words}}", told)
    for name, word in words.items():
        text = text.replace(f"{{{{{name}}}}}", html.escape(word))
    return text
