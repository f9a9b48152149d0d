"""What browsers are told: security headers on every answer, CORS where it is asked for."""

from pathlib import Path

import pytest

from tests.conftest import Answer, Server, serving
from tests.pieces import post
from tests.raw_http import get, raw

SECURITY = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
A, B = b"https://a.example", b"https://b.example"
TOKEN = "browser-0123456789abcdef"
BODY = b'{"length": 5.1, "width": 2.4}'


def cors(answer: Answer) -> dict[str, str]:
    """Return what an answer says of other origins."""
    found = answer.headers.items()
    return {name: value for name, value in found if name.lower().startswith("access-control-")}


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get(b"/"), 200),
        (get(b"/", method=b"HEAD"), 200),
        (get(b"/health/live"), 200),
        (get(b"/metrics"), 200),
        (get(b"/nope"), 404),
        (get(b"/predict"), 405),
        (get(b"/predict", method=b"OPTIONS"), 200),
        (post(BODY), 200),
        (post(b"[" + BODY + b"]" + b" " * 5000), 200),
        (post(b"{"), 400),
        (post(b"{}"), 422),
        (get(b"/predict", b"Content-Length: 2", method=b"POST") + b"{}", 415),
        (post(b" " * (1024 * 1024 + 1)), 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n", 413),
        (b"GARBAGE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00", 400),
        (b"\x00\xff\r\n\r\n", 400),
        (get(b"/", b"A: " + b"a" * 20_000), 431),
        (get(b"/", b"Expect: wonders"), 417),
        (get(b"/", b"Transfer-Encoding: gzip"), 501),
    ],
)
def test_every_answer_has_the_security_headers(
    server: Server, request_bytes: bytes, status: int
) -> None:
    answer = raw(server, request_bytes)
    assert answer.status == status
    for name, value in SECURITY.items():
        assert answer.headers.get_all(name) == [value]
    assert len(answer.headers.get_all("X-Request-ID") or ()) == 1
    assert answer.headers["Content-Type"].partition(";")[0] in {
        *("application/json", "application/problem+json", "text/plain", "text/html"),
    }


def test_without_origins_no_answer_is_for_other_origins(server: Server) -> None:
    for request in (
        get(b"/", b"Origin: " + A),
        post(BODY, b"Origin: " + A),
        get(
            b"/predict", b"Origin: " + A, b"Access-Control-Request-Method: POST", method=b"OPTIONS"
        ),
    ):
        answer = raw(server, request)
        assert cors(answer) == {}
        assert "Vary" not in answer.headers


def test_an_allowed_origin_is_echoed_and_another_is_not(artifacts: Path) -> None:
    options = ("--workers", 1, "--cors-origin", A.decode(), "--cors-origin", "https://c.example")
    with serving(artifacts, *options, env={"IRIS_DEPLOY_TOKENS": TOKEN}) as running:
        token = b"Authorization: Bearer " + TOKEN.encode()
        for allowed in (A, b"https://c.example"):
            origin = b"Origin: " + allowed
            for answer in (
                *(raw(running, get(p, token, origin)) for p in (b"/", b"/nope", b"/predict")),
                *(
                    raw(running, post(body, token, origin))
                    for body in (BODY, b"{", BODY.ljust(9000))
                ),
                *(raw(running, get(b"/", origin)), raw(running, get(b"/health/live", origin))),
                *(raw(running, get(b"/", origin, b"Expect: wonders")),),
            ):
                told = cors(answer)
                assert told["Access-Control-Allow-Origin"] == allowed.decode()
                assert "X-Request-ID" in told["Access-Control-Expose-Headers"]
                assert "Access-Control-Allow-Credentials" not in told
                assert answer.headers["Vary"] == "Origin"
            preflight = get(
                b"/predict",
                origin,
                b"Access-Control-Request-Method: POST",
                b"Access-Control-Request-Headers: authorization, content-type",
                method=b"OPTIONS",
            )
            answer = raw(running, preflight)
            assert answer.status in {200, 204}
            told = {name: value.lower() for name, value in cors(answer).items()}
            assert told["Access-Control-Allow-Origin"] == allowed.decode()
            assert "post" in told["Access-Control-Allow-Methods"]
            assert {"authorization", "content-type"} <= set(
                told["Access-Control-Allow-Headers"].split(", ")
            )
            assert int(told["Access-Control-Max-Age"]) > 0
        for other in (
            B,
            b"null",
            b"https://a.example.evil",
            b"http://a.example",
            A + b":8443",
            b"",
        ):
            for method in (b"GET", b"OPTIONS"):
                answer = raw(running, get(b"/predict", token, b"Origin: " + other, method=method))
                assert cors(answer) == {}
                assert answer.headers["Vary"] == "Origin"
        assert raw(running, get(b"/", token)).headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ((), {"traceparent", "baggage"}),
        (("--cors-header", "X-Team", "--cors-header", "tracestate"), {"x-team", "tracestate"}),
    ],
)
def test_pages_may_send_the_headers_that_are_named(
    artifacts: Path, options: tuple[str, ...], headers: set[str]
) -> None:
    with serving(artifacts, "--workers", 1, "--cors-origin", A.decode(), *options) as running:
        asked = (b"Origin: " + A, b"Access-Control-Request-Method: POST")
        told = cors(raw(running, get(b"/predict", *asked, method=b"OPTIONS")))
        allowed = told["Access-Control-Allow-Headers"].lower().split(", ")
        assert set(allowed) == {"authorization", "content-type", "x-request-id"} | headers
        assert "Access-Control-Allow-Headers" not in cors(raw(running, get(b"/", asked[0])))


def test_a_star_allows_every_origin(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, "--cors-origin", "*") as running:
        for origin in (A, B, b"null"):
            told = cors(raw(running, post(BODY, b"Origin: " + origin)))
            assert told["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in told


def test_a_prefix_guards_and_opens_the_same_paths(artifacts: Path) -> None:
    env = {"IRIS_DEPLOY_TOKENS": TOKEN}
    with serving(artifacts, "--workers", 1, "--url-prefix", "/iris", env=env) as running:
        token = b"Authorization: Bearer " + TOKEN.encode()
        for path in (b"/iris/health/live", b"/iris/health/ready"):
            assert raw(running, get(path)).status == 200
        guarded = (b"/iris/", b"/iris", b"/iris/openapi.json", b"/iris/metrics")
        for path in (*guarded, b"/iris/predict", b"/iris/nope", b"/iris//health/live", b"//iris/"):
            assert raw(running, get(path)).status == 401, path
        for path in guarded:
            assert raw(running, get(path, token)).status in {200, 308}, path
        for body in (BODY, b"[" + b",".join([BODY] * 300) + b"]"):
            assert raw(running, post(body, target=b"/iris/predict")).status == 401
            assert raw(running, post(body, token, target=b"/iris/predict")).status == 200
