"""What is HTTP and what is not, in whatever pieces it arrives."""

import pytest

from tests.conftest import Answer, Server
from tests.oddities import LIVE, MALFORMED, METHODS, VALID
from tests.pieces import (
    HOST,
    INSTANCE,
    LAST,
    PROBE,
    SPLITS,
    head,
    in_each_split,
    is_problem,
    no_traceback,
    take_apart,
    talk,
)


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        pytest.param(status, request, id=name)
        for status, named in MALFORMED.items()
        for name, request in named.items()
    ],
)
def test_what_is_no_http_gets_one_refusal_and_the_end(
    server: Server, status: int, request_bytes: bytes
) -> None:
    answers = [take_apart(data) for data in in_each_split(server.address, request_bytes)]
    assert [len(each) for each in answers] == [1] * len(SPLITS)
    for (answer,) in answers:
        is_problem(answer, status)
        assert answer.headers["Connection"] == "close"
    assert server.predict(INSTANCE).json() == {"prediction": "virginica"}
    no_traceback(server)


@pytest.mark.parametrize("first", [b"\x16\x03\x01", b"[", b" "], ids=["TLS", "bracket", "blank"])
def test_what_begins_no_request_is_refused_at_once_wherever_an_empty_line_is_cut(
    server: Server, first: bytes
) -> None:
    for pieces in ((b"\r\n" + first,), (b"\r", b"\n" + first), (b"\r\n\r", b"\n" + first)):
        (answer,) = take_apart(talk(server.address, *pieces, seconds=5))
        is_problem(answer, 400)


@pytest.mark.parametrize(("request_bytes", "body"), VALID.values(), ids=VALID)
def test_what_is_http_is_answered_and_the_next_request_too(
    server: Server, request_bytes: bytes, body: bytes
) -> None:
    method = request_bytes.split()[0].decode()
    for data in in_each_split(server.address, request_bytes + LAST):
        answer, last = take_apart(data, method)
        assert (answer.status, answer.body) == (200, body)
        assert last.headers["X-Request-ID"] == "last"


@pytest.mark.parametrize(
    "request_bytes",
    [
        head(b"GET /health/live HTTP/1.0"),
        head(b"GET /health/live HTTP/1.0", b"Connection: close"),
        head(PROBE, HOST, b"Connection: CLOSE"),
        head(PROBE, HOST, b"Connection: upgrade, close"),
    ],
)
def test_a_connection_ends_with_the_answer_that_was_to_be_its_last(
    server: Server, request_bytes: bytes
) -> None:
    for data in in_each_split(server.address, request_bytes + LAST):
        (answer,) = take_apart(data)
        assert (answer.headers["Connection"], answer.body) == ("close", LIVE)


ROUTES = {
    "/": {"GET", "HEAD", "OPTIONS"},
    "/predict": {"POST", "OPTIONS"},
    "/health/live": {"GET", "HEAD", "OPTIONS"},
    "/health/ready": {"GET", "HEAD", "OPTIONS"},
    "/metrics": {"GET", "HEAD", "OPTIONS"},
    "/openapi.json": {"GET", "HEAD", "OPTIONS"},
    "/docs": {"GET", "HEAD", "OPTIONS"},
    "/page/docs.js": {"GET", "HEAD", "OPTIONS"},
}


def allowed(answer: Answer) -> set[str]:
    return set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("path", ROUTES)
def test_a_method_that_a_route_has_not_is_405_and_says_which_it_has(
    server: Server, path: str
) -> None:
    assert allowed(server.request("OPTIONS", path)) == ROUTES[path]
    for method in METHODS - ROUTES[path]:
        answer = server.request(method, path)
        assert allowed(answer) == ROUTES[path]
        if method == "HEAD":
            assert (answer.status, answer.body) == (405, b"")
        else:
            is_problem(answer, 405, method)


@pytest.mark.parametrize("path", sorted(ROUTES.keys() - {"/predict", "/metrics"}))
def test_head_is_get_without_the_body(server: Server, path: str) -> None:
    varying = {"Date", "X-Request-Id"}
    get, without = (server.request(method, path) for method in ("GET", "HEAD"))
    assert set(get.headers.items()) ^ set(without.headers.items()) <= {
        (name, value)
        for answer in (get, without)
        for name, value in answer.headers.items()
        if name in varying
    }
    assert without.body == b""


@pytest.mark.parametrize("method", sorted(METHODS - {"HEAD"}))
def test_another_path_is_404_whatever_the_method(server: Server, method: str) -> None:
    is_problem(server.request(method, "/nope"), 404)


@pytest.mark.parametrize("target", ["/%70redict", "/health%2flive", "/health/liv%65", "/%6detrics"])
def test_what_only_decodes_to_a_path_is_404(server: Server, target: str) -> None:
    """A proxy that has a rule for the path would not recognise it."""
    for method in ("GET", "POST"):
        is_problem(server.request(method, target), 404)


@pytest.mark.parametrize("target", ["/health//live", "/predict//", "//health//ready", "http://x"])
def test_nothing_is_redirected(server: Server, target: str) -> None:
    answer = server.request("GET", target)
    assert answer.status == (200 if target == "http://x" else 404)
    assert "Location" not in answer.headers
