"""Who may ask: tokens, what stays open, what nobody gets to see, and what browsers are told."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Answer, Server, run_process, serving
from tests.raw_http import get, raw
from tests.waits import wait_until

INSTANCE = {"length": 5.1, "width": 2.4}
LARGE = [INSTANCE] * 300  # answered on a thread, not in the loop
TOKENS = ("first-0123456789abcdef", "second.~+/0123456789==", "third_0123456789-abcdef")
GUARDED = (
    *("/", "/predict", "/openapi.json", "/metrics", "/nope", "//predict", "/predict/.."),
    *("/health/live/", "/health/live/../../predict", "/health/live%00"),
    *("/HEALTH/LIVE", "/health//live", "/health/live%2f..%2f..%2fpredict", "/docs/..", "/docs/"),
    *("/health/live;/predict", "http://x/predict", "/predict?/health/live"),
)


def ask(server: Server, path: str, authorization: str | None = None, method: str = "GET") -> Answer:
    headers = [] if authorization is None else [b"Authorization: " + authorization.encode()]
    return raw(server, get(path.encode(), *headers, method=method.encode()))


def is_refused(answer: Answer) -> None:
    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["status"] == 401


@pytest.fixture(scope="module", params=["environment", "file"])
def guarded(
    request: pytest.FixtureRequest, _trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that wants one of three tokens, which it knows from either source."""
    options: tuple[object, ...] = ("--version", 1, "--workers", 2, "--max-body-bytes", 20_000)
    env = {}
    if request.param == "file":
        path = tmp_path_factory.mktemp("tokens") / "tokens"
        path.write_text("\n".join(TOKENS) + "\n")
        options += ("--tokens-file", path)
    else:
        env = {"IRIS_DEPLOY_TOKENS": f" {TOKENS[0]}, {TOKENS[1]}\n{TOKENS[2]} "}
    with serving(_trained, *options, env=env) as running:
        yield running


def test_without_a_token_everything_but_the_probes_and_the_page_is_refused(guarded: Server) -> None:
    for path in GUARDED:
        for method in ("GET", "POST", "HEAD", "PUT", "DELETE"):
            answer = ask(guarded, path, method=method)
            assert answer.status == 401, (method, path)
            if method != "HEAD":
                is_refused(answer)
        preflight = ask(guarded, path, method="OPTIONS")  # carries no token, learns nothing
        assert preflight.status != 401
        assert not re.search(rb"sha256|HELP|digest|schemas", preflight.body)
    for value in (INSTANCE, LARGE):
        is_refused(guarded.predict(value))
    for path in ("/%2fhealth/live", "//health/live"):  # no paths of the table
        is_refused(ask(guarded, path))
    opened = ("/docs", "/page/docs.js", "/page/style.css")
    for path in ("/health/live", "/health/ready", "/health/live?x=1", *opened):
        assert ask(guarded, path).status == 200
        assert ask(guarded, path, method="HEAD").status == 200
        assert ask(guarded, path, "Bearer wrong").status == 200


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_each_token_opens_in_both_lanes(guarded: Server, token: str, scheme: str) -> None:
    authorization = f"{scheme} {token}"
    for value in (INSTANCE, LARGE):
        assert guarded.predict(value, Authorization=authorization).status == 200
    for path in ("/", "/openapi.json", "/metrics"):
        assert ask(guarded, path, authorization).status == 200
    assert ask(guarded, "/nope", authorization).status == 404


@pytest.mark.parametrize(
    "authorization",
    [
        *("", "Bearer", "Bearer ", "Bearer x", TOKENS[0], f"Basic {TOKENS[0]}", "Bearer =="),
        *(f"Bearer {TOKENS[0][:-1]}", f"Bearer {TOKENS[0]}x", f"Bearer {TOKENS[0].upper()}"),
        *(f"Bearer {TOKENS[0]},{TOKENS[1]}", f"Bearer {TOKENS[0]} {TOKENS[1]}"),
        *(f"Bearer\t{TOKENS[0]}", f"Bearer:{TOKENS[0]}", f'Bearer "{TOKENS[0]}"'),
        *(f"Token {TOKENS[0]}", "Basic dXNlcjpwYXNz", f"Bearer Bearer {TOKENS[0]}", "Bearer \xff"),
        f"Bearer {' '.join(TOKENS)}",
    ],
)
def test_anything_else_is_refused_in_both_lanes(guarded: Server, authorization: str) -> None:
    is_refused(ask(guarded, "/predict", authorization))
    for value in (INSTANCE, LARGE):
        body = json.dumps(value).encode()
        lines = (b"Content-Type: application/json", b"Content-Length: %d" % len(body))
        header = b"Authorization: " + authorization.encode("latin-1")
        is_refused(raw(guarded, get(b"/predict", *lines, header, method=b"POST") + body))


def test_two_authorization_headers_do_not_open(guarded: Server) -> None:
    headers = (b"Authorization: Bearer wrong", b"Authorization: Bearer " + TOKENS[0].encode())
    is_refused(raw(guarded, get(b"/", *headers)))
    is_refused(raw(guarded, get(b"/", *reversed(headers))))


def test_tokens_are_nowhere_to_be_seen(guarded: Server) -> None:
    answers = [ask(guarded, "/", f"Basic {TOKENS[0]}"), ask(guarded, "/", f"Bearer {TOKENS[1]}")]
    answers += [ask(guarded, f"/{path}", f"Bearer {TOKENS[2]}") for path in ("metrics", "nope")]
    answers.append(guarded.predict("{", Authorization=f"Bearer {TOKENS[0]}"))
    answers.append(raw(guarded, b"G\r\nAuthorization: Bearer " + TOKENS[0].encode() + b"\r\n\r\n"))
    wait_until(lambda: len(guarded.events("request")) >= len(answers))
    seen = [guarded.output.read_bytes(), guarded.errors.read_bytes()]
    seen += [answer.body + str(answer.headers).encode() for answer in answers]
    for pid in (guarded.process.pid, *guarded.workers()):
        seen.append(Path(f"/proc/{pid}/cmdline").read_bytes())
    for token in TOKENS:
        assert not [text for text in seen if token.encode() in text]
    assert guarded.start["tokens"] is True


def test_metrics_may_be_left_open(artifacts: Path) -> None:
    env = {"IRIS_DEPLOY_TOKENS": TOKENS[0]}
    with serving(artifacts, "--workers", 1, "--metrics", "open", env=env) as running:
        assert ask(running, "/metrics").status == 200
        for path in ("/", "/predict", "/openapi.json", "/metrics/"):
            is_refused(ask(running, path))


@pytest.mark.parametrize(
    "content",
    [
        *(b"", None, b"short", b"\x00\xff\xfe\x80" * 16, b"x" * 513),
        *(b"hush-0123456789abcdef\nwith$sign-0123456789", b"0123456789abcde\xc3\xa9-hush"),
    ],
    ids=["empty", "missing", "short", "binary", "long", "sign", "umlaut"],
)
def test_an_unfit_tokens_file_is_a_usage_error_that_tells_no_token(
    artifacts: Path, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "tokens"
    if content is not None:
        path.write_bytes(content)
    result = run_process("serve", "--artifacts", artifacts, "--port", 0, "--tokens-file", path)
    assert result.returncode == 2
    assert b"--tokens-file" in result.stderr
    assert b"openssl rand" in result.stderr or b"write one token on each line" in result.stderr
    for word in (b"hush", b"0123456789", b"sign", b"xxx", b"Traceback"):
        assert word not in result.stderr + result.stdout


@pytest.mark.parametrize("text", ["good-0123456789abcdef,bad", "0123456789 abcdef", ","])
def test_an_unfit_token_in_the_environment_is_a_usage_error(artifacts: Path, text: str) -> None:
    env = {"IRIS_DEPLOY_TOKENS": text}
    result = run_process("serve", "--artifacts", artifacts, "--port", 0, env=env)
    assert result.returncode == 2
    assert b"IRIS_DEPLOY_TOKENS" in result.stderr
    assert not [w for w in re.findall(r"\w{3,}", text) if w.encode() in result.stderr.split()]


def test_sighup_rotates_the_tokens_and_an_unfit_file_keeps_them(
    artifacts: Path, tmp_path: Path
) -> None:
    def statuses(token: str) -> set[int]:
        asked = [ask(running, path, f"Bearer {token}") for path in ("/", "/predict") * 10]
        return {answer.status for answer in asked}

    path = tmp_path / "tokens"
    path.write_text(TOKENS[0])
    with serving(artifacts, "--workers", 2, "--tokens-file", path) as running:
        assert (statuses(TOKENS[0]), statuses(TOKENS[1])) == ({200, 405}, {401})
        path.write_text(TOKENS[1])
        assert statuses(TOKENS[1]) == {401}
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: statuses(TOKENS[1]) == {200, 405} and statuses(TOKENS[0]) == {401})
        for content in ("hush", "", None):
            told = len(running.events("tokens_refused"))
            path.unlink() if content is None else path.write_text(content)
            running.process.send_signal(signal.SIGHUP)
            wait_until(lambda n=told: len(running.events("tokens_refused")) > n)  # type: ignore[misc]
            assert (statuses(TOKENS[1]), statuses(TOKENS[0])) == ({200, 405}, {401})
        assert "hush" not in running.output.read_text()
        assert {line["level"] for line in running.events("tokens_refused")} == {"error"}
