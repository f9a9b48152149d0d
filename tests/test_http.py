"""What is HTTP and what is not, in whatever pieces it arrives."""

import pytest

from tests.conftest import Answer, Server
from tests.pieces import (
    BODY,
    CHUNKED,
    GET,
    HOST,
    LAST,
    PREDICTION,
    PROBE,
    SPLITS,
    chunks,
    head,
    in_each_split,
    no_traceback,
    post,
    post_head,
    take_apart,
    talk,
)
from tests.test_serve import INSTANCE, is_problem

LIVE = b'{"status":"live"}'


def in_chunks(body: bytes) -> bytes:
    return post_head(CHUNKED) + body


MALFORMED: dict[int, dict[str, bytes]] = {
    400: {
        "one word": head(b"HELLO"),
        "HTTP/0.9": b"GET /\r\n",
        "HTTP/0.9 with a blank line": head(b"GET /"),
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/9.9": head(b"GET / HTTP/9.9", HOST),
        "HTTP in small letters": head(b"GET / http/1.1", HOST),
        "version of two digits": head(b"GET / HTTP/1.10", HOST),
        "version without a minor": head(b"GET / HTTP/1", HOST),
        "four words": head(b"GET / / HTTP/1.1", HOST),
        "two blanks": head(b"GET  / HTTP/1.1", HOST),
        "tabs for blanks": head(b"GET\t/\tHTTP/1.1", HOST),
        "blank in front": head(b" GET / HTTP/1.1", HOST),
        "blank in front, after an empty line": head(b"", b" GET / HTTP/1.1", HOST),
        "bare CR in front": head(b"\r\rGET / HTTP/1.1", HOST),
        "bare CR behind the version": head(b"GET / HTTP/1.1\r", HOST),
        "vertical tab behind the version": head(b"GET / HTTP/1.1\v", HOST),
        "method in small letters": head(b"get / HTTP/1.1", HOST),
        "method with a control byte": head(b"G\1T / HTTP/1.1", HOST),
        "method in brackets": head(b"[GET] / HTTP/1.1", HOST),
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
        "JSON alone": BODY + b"\r\n",
        "target is no URL": head(b"GET http://[ HTTP/1.1", HOST),
        "target without a slash": head(b"GET predict HTTP/1.1", HOST),
        "target with a backslash in front": head(b"GET \\predict HTTP/1.1", HOST),
        "target with a control byte": head(b"GET /\1 HTTP/1.1", HOST),
        "target with NUL": head(b"GET /\0 HTTP/1.1", HOST),
        "target with DEL": head(b"GET /\x7f HTTP/1.1", HOST),
        "target with a fragment": head(b"GET /#top HTTP/1.1", HOST),
        "target for a tunnel": head(b"CONNECT x:443 HTTP/1.1", HOST),
        "target of another scheme": head(b"GET ftp://x/ HTTP/1.1", HOST),
        "target without a host": head(b"GET http:///predict HTTP/1.1", HOST),
        "no Host": head(GET),
        "Host twice": head(GET, b"Host: x", b"Host: y"),
        "Host twice the same": head(GET, HOST, HOST),
        "two hosts in one": head(GET, b"Host: x, y"),
        "Host with a blank": head(GET, b"Host: x y"),
        "Host with a path": head(GET, b"Host: x/y"),
        "Host with a user": head(GET, b"Host: u@x"),
        "Host with a word for its port": head(GET, b"Host: x:http"),
        "Host with half a bracket": head(GET, b"Host: [::1"),
        "header without a colon": head(GET, HOST, b"Accept"),
        "header without a name": head(GET, HOST, b": x"),
        "header with a blank before the colon": head(GET, HOST, b"Accept : x"),
        "header with a name in brackets": head(GET, HOST, b"(a): x"),
        "header with a name of other letters": head(GET, HOST, b"\xc3\xa4: x"),
        "header folded": head(GET, HOST, b"A: x", b" y"),
        "header folded with a tab": head(GET, HOST, b"A: x", b"\ty"),
        "first header folded": head(GET, b" a: x", HOST),
        "header with bare CR": head(GET, HOST, b"A: x\rB: y"),
        "header with bare LF": head(GET, HOST, b"A: x\nB: y"),
        "header with NUL": head(GET, HOST, b"A: \0"),
        "header with a control byte": head(GET, HOST, b"A: \x1b"),
        "LF for every CR LF": head(GET, HOST).replace(b"\r", b""),
        "length below zero": post_head(b"Content-Length: -1"),
        "length with a sign": post_head(b"Content-Length: +1") + b"1",
        "length in hexadecimal": post_head(b"Content-Length: 0x1") + b"1",
        "length with a fraction": post_head(b"Content-Length: 1.0") + b"1",
        "length empty": post_head(b"Content-Length:"),
        "length in two words": post_head(b"Content-Length: 1 1") + b"1",
        "length in another digit": post_head(b"Content-Length: \xb2") + b"12",
        "length twice": post_head(b"Content-Length: 1", b"Content-Length: 2") + b"12",
        "length twice the same": post_head(b"Content-Length: 1", b"Content-Length: 1") + b"1",
        "length and chunks": post_head(b"Content-Length: 5", CHUNKED) + chunks(b""),
        "chunks and length": post_head(CHUNKED, b"Content-Length: 5") + chunks(b""),
        "chunked twice": post_head(CHUNKED, CHUNKED) + chunks(BODY),
        "chunked twice in one": post_head(CHUNKED + b", chunked") + chunks(BODY),
        "transfer coding empty": post_head(b"Transfer-Encoding:") + chunks(BODY),
        "chunks in HTTP/1.0": in_chunks(chunks(BODY)).replace(b"HTTP/1.1", b"HTTP/1.0"),
        "chunk size in no digits": in_chunks(b"g\r\n1\r\n0\r\n\r\n"),
        "chunk size below zero": in_chunks(b"-1\r\n1\r\n0\r\n\r\n"),
        "chunk size with 0x": in_chunks(b"0x1\r\n1\r\n0\r\n\r\n"),
        "chunk size with a blank": in_chunks(b"1 \r\n1\r\n0\r\n\r\n"),
        "chunk size empty": in_chunks(b"\r\n1\r\n1\r\n0\r\n\r\n"),
        "chunk size with LF": in_chunks(b"1\n\r\n1\r\n0\r\n\r\n"),
        "chunk longer than its size": in_chunks(b"1\r\n11\r\n0\r\n\r\n"),
        "chunk followed by a blank line": in_chunks(b"1\r\n1\r\n\r\n0\r\n\r\n"),
        "chunk extension without a name": in_chunks(b"1;=x\r\n1\r\n0\r\n\r\n"),
        "chunk extension with LF": in_chunks(b"1;x\n\r\n1\r\n0\r\n\r\n"),
        "trailer without a colon": in_chunks(b"1\r\n1\r\n0\r\ntrailer\r\n\r\n"),
        "trailer with bare LF": in_chunks(b"1\r\n1\r\n0\r\nA: x\nB: y\r\n\r\n"),
        "trailer with NUL": in_chunks(b"1\r\n1\r\n0\r\nA: \0\r\n\r\n"),
    },
    413: {
        "length above the limit": post_head(b"Content-Length: 99999999"),
        "length of 5,000 digits": post_head(b"Content-Length: " + b"9" * 5000),
        "chunk above the limit": in_chunks(b"fffffffff\r\n"),
    },
    417: {
        "unknown expectation": head(GET, HOST, b"Expect: tea"),
        "one expectation too many": post(BODY, b"Expect: 100-continue, tea"),
    },
    431: {
        "header above the limit": head(GET, HOST, b"A: " + b"a" * 17_000),
        "header without end": head(GET, HOST)[:-2] + b"A: a\r\n" * 4_000,
        "target above the limit": head(b"GET /" + b"a" * 17_000 + b" HTTP/1.1", HOST),
    },
    501: {
        "transfer coding gzip": post_head(b"Transfer-Encoding: gzip") + b"1",
        "transfer coding gzip in chunks": post_head(b"Transfer-Encoding: gzip, chunked") + b"1",
        "transfer coding with a parameter": post_head(CHUNKED + b";q=1") + chunks(BODY),
        "transfer coding in quotes": post_head(b'Transfer-Encoding: "chunked"') + chunks(BODY),
        "transfer coding that looks like it": post_head(b"Transfer-Encoding: xchunked") + b"1",
    },
}


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


VALID: dict[str, tuple[bytes, bytes]] = {
    "length": (post(BODY), PREDICTION),
    "no blank behind a colon": (post(BODY).replace(b"th: ", b"th:", 1), PREDICTION),
    "more blanks and tabs": (post(BODY).replace(b"th: ", b"th: \t ", 1), PREDICTION),
    "names in small letters": (post(BODY).replace(b"Content-", b"content-"), PREDICTION),
    "names in capitals": (post(BODY).replace(b"Content-", b"CONTENT-"), PREDICTION),
    "chunk": (in_chunks(chunks(BODY)), PREDICTION),
    "chunks of one byte": (in_chunks(chunks(BODY, 1)), PREDICTION),
    "chunk size in capitals, with zeros": (
        in_chunks(b"0001D\r\n" + BODY + b"\r\n000\r\n\r\n"),
        PREDICTION,
    ),
    "chunk extensions": (
        in_chunks(b'1D;a;b=c;d="e f"\r\n' + BODY + b"\r\n0;x\r\n\r\n"),
        PREDICTION,
    ),
    "chunk extensions with blanks": (
        in_chunks(b'1D; a ;\tb = c; d= "e f"\r\n' + BODY + b"\r\n0 ;x\r\n\r\n"),
        PREDICTION,
    ),
    "trailer": (in_chunks(chunks(BODY)[:-2] + b"Digest: x\r\nHost: y\r\n\r\n"), PREDICTION),
    "chunked in capitals": (post_head(b"TRANSFER-ENCODING: CHUNKED") + chunks(BODY), PREDICTION),
    "URL": (post(BODY, target=b"http://x/predict"), PREDICTION),
    "URL of another host, with a port": (post(BODY, target=b"HTTPS://y:8443/predict"), PREDICTION),
    "query": (post(BODY, target=b"/predict?&details=0"), PREDICTION),
    "empty line in front": (b"\r\n" + post(BODY), PREDICTION),
    "empty lines in front": (b"\r\n" * 3 + post(BODY), PREDICTION),
    "Host with a port": (head(PROBE, b"Host: x.example:8080"), LIVE),
    "Host of IPv6": (head(PROBE, b"Host: [2001:db8::1]:80"), LIVE),
    "Host empty": (head(PROBE, b"Host:"), LIVE),
    "Host with an underscore": (head(PROBE, b"Host: a_b"), LIVE),
    "other letters in a value": (head(PROBE, HOST, "A: \u00e4 \u4e16".encode()), LIVE),
    "empty value": (head(PROBE, HOST, b"A:", b"B: "), LIVE),
    "name with an underscore": (post(BODY, b"Content_Length: 7"), PREDICTION),
    "unknown body": (head(PROBE, HOST, b"Content-Length: 4") + b"GET ", LIVE),
    "no body, said so": (head(PROBE, HOST, b"Content-Length: 0"), LIVE),
    "upgrade": (head(PROBE, HOST, b"Connection: upgrade", b"Upgrade: h2c"), LIVE),
    "HTTP/1.0 kept alive": (head(b"GET /health/live HTTP/1.0", b"Connection: keep-alive"), LIVE),
    "HEAD": (head(b"HEAD /health/live HTTP/1.1", HOST), b""),
    "OPTIONS": (head(b"OPTIONS /predict HTTP/1.1", HOST), b""),
}


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
}
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"}


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
