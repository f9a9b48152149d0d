"""The same bytes from both lanes, and from the command line."""

import json
import random
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Server, run_process, serving, wait_until
from tests.pieces import (
    BODY,
    CHUNKED,
    HOST,
    LAST,
    chunks,
    head,
    in_pool,
    post,
    post_head,
    take_apart,
    talk,
)
from tests.test_serve import INSTANCE, is_problem

ID = b"X-Request-ID: "
DATE = re.compile(rb"\r\nDate: [^\r]*")
DATE_AND_ID = re.compile(rb"\r\n(Date|X-Request-Id): [^\r]*")
TOKEN = "token-of-the-tests"


def in_both_lanes(server: Server, request: bytes, without: re.Pattern[bytes] = DATE) -> bytes:
    """Ask in the loop and in the pool, and return what both answer, without the date."""
    loop, pool = (
        without.sub(b"", talk(server.address, asked + LAST))
        for asked in (request, in_pool(request))
    )
    assert loop == pool
    return loop


def lanes(server: Server, identity: str) -> list[str]:
    """Return which lanes answered the requests of a name, once there are two."""

    def found() -> list[dict[str, Any]]:
        return [line for line in server.events("request") if line["id"] == identity]

    wait_until(lambda: len(found()) == 2)
    return sorted(line["lane"] for line in found())


MANY = json.dumps([INSTANCE, {"length": "1.4", "width": 0.2}, {"length": 99, "width": 1}]).encode()
ASKED: dict[str, tuple[int, bytes, bytes, list[bytes]]] = {
    "one": (200, BODY, b"", []),
    "array": (200, MANY, b"", []),
    "empty array": (200, b"[]", b"", []),
    "arrays": (200, b'{"width": [2.4, "0.2"], "length": [5.1, 99]}', b"", []),
    "arrays with details": (200, b'{"length": [5.1, 99], "width": [2.4, 1]}', b"?details", []),
    "one with details": (200, BODY, b"?details=true", []),
    "array with details": (200, MANY, b"?details", []),
    "encoded query": (200, BODY, b"?det%61ils=%74rue", []),
    "many digits": (200, b'{"length": 1.00000000000000000001, "width": 5e-324}', b"?details", []),
    "to be closed": (200, BODY, b"", [b"Connection: close"]),
    "of a page elsewhere": (200, BODY, b"", [b"Origin: https://elsewhere.example"]),
    "for another form": (200, BODY, b"", [b"Accept: text/html"]),
    "host with other signs": (200, BODY, b"", [b"Host: !$&'()*+;=%"]),
    "no JSON": (400, b"{", b"", []),
    "blank": (400, b" ", b"", []),
    "not UTF-8": (400, b'"\xff"', b"", []),
    "query that nobody knows": (400, BODY, b"?a=b&c&=d&%zz", []),
    "query that is nearly right": (400, BODY, b"?detail=true", []),
    "half a surrogate pair": (400, b'{"\\ud800": 1}', b"", []),
    "wrong query": (400, BODY, b"?details=perhaps", []),
    "wrong query in other letters": (400, BODY, b"?details=%ff%C3%A4%20%22", []),
    "query twice": (400, BODY, b"?details=1&details=0", []),
    "text": (415, BODY, b"", [b"Content-Type: text/plain"]),
    "type empty": (415, BODY, b"", [b"Content-Type:"]),
    "type in other letters": (415, BODY, b"", [b"Content-Type: \xe4"]),
    "types, two of them": (415, BODY, b"", [b"Content-Type: application/json, text/plain"]),
    "number": (422, b"1", b"", []),
    "wrong fields": (422, b'{"lenght": 1, "\xc3\xa4": [], "width": "x"}', b"", []),
    "many wrong fields": (422, b"[" + b",".join([b"{}"] * 150) + b"]", b"", []),
    "overflow": (422, b'{"length": 1e308, "width": 1.7e308}', b"", []),
}


def ask(body: bytes, query: bytes, lines: list[bytes], identity: str | None = None) -> bytes:
    """Write a request whose header has these lines instead of, or beside, the usual ones."""
    usual = {b"host": HOST, b"content-type": b"Content-Type: application/json"}
    for line in lines:
        usual[line.partition(b":")[0].lower()] = line
    if identity is not None:
        usual[b"x-request-id"] = ID + identity.encode()
    fields = [*usual.values(), b"Content-Length: %d" % len(body)]
    return head(b"POST /predict%s HTTP/1.1" % query, *fields) + body


@pytest.mark.parametrize("name", ASKED)
def test_both_lanes_answer_with_the_same_bytes(server: Server, name: str) -> None:
    status, body, query, lines = ASKED[name]
    identity = f"both-{name.replace(' ', '-').replace(',', '')}"
    data = in_both_lanes(server, ask(body, query, lines, identity))
    answer = take_apart(data)[0]
    if status == 200:
        assert (answer.status, answer.headers["X-Request-ID"]) == (200, identity)
    else:
        is_problem(answer, status)
    assert lanes(server, identity) == ["loop", "pool"]


@pytest.mark.parametrize("host", [b"a..b", b".", b"a" * 64, b"xn--a", b"[::::]", b"x:99999"])
def test_both_lanes_think_the_same_of_a_host(server: Server, host: bytes) -> None:
    in_both_lanes(server, ask(BODY, b"", [b"Host: " + host], "host"))


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("path", [b"/health/live", b"/health/ready"])
def test_both_lanes_answer_probes_with_the_same_bytes(
    server: Server, path: bytes, version: bytes
) -> None:
    identity = f"probe-{path.decode().rpartition('/')[2]}-{version.decode()}"

    request = head(b"GET %s HTTP/%s" % (path, version), HOST, ID + identity.encode())
    assert take_apart(in_both_lanes(server, request))[0].status == 200
    assert lanes(server, identity) == ["loop", "pool"]


def test_both_lanes_ask_for_tokens_with_the_same_bytes(artifacts: Path) -> None:
    right = b"Authorization: Bearer " + TOKEN.encode()
    asked = {
        "none": (401, []),
        "wrong": (401, [right + b"x"]),
        "basic": (401, [b"Authorization: Basic eDp5"]),
        "empty": (401, [b"Authorization:"]),
        "other-letters": (401, [b"Authorization: Bearer \xe4\xff"]),
        "twice": (401, [right + b", " + right]),
        "right": (200, [right]),
        "small-letters": (200, [right.replace(b"Bearer", b"bearer")]),
    }
    with serving(artifacts, env={"IRIS_DEPLOY_TOKENS": TOKEN}) as running:
        for identity, (status, lines) in asked.items():
            data = in_both_lanes(running, ask(BODY, b"", lines, identity))
            answer = take_apart(data)[0]
            assert answer.status == status
            if status == 401:
                is_problem(answer, 401, "Bearer")
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            # Whoever has no token is refused in the loop: no thread is worth it.
            assert lanes(running, identity) == ["loop", "pool" if status == 200 else "loop"]


@pytest.mark.parametrize("version", [1, 2], ids=["decision values", "probabilities"])
def test_offline_and_served_figures_are_equal_to_the_last_bit(
    artifacts: Path, version: int
) -> None:
    numbers = random.Random(version)
    rows = [{"length": numbers.uniform(0, 9), "width": numbers.uniform(0, 3)} for _ in range(60)]
    rows += [{"length": 5e-324, "width": 1e15}, {"length": -0.0, "width": -1.0}]
    together = json.dumps(rows).encode()
    lines = b"\n".join(json.dumps(row).encode() for row in rows)
    options = ("--artifacts", artifacts, "--version", version, "--details")
    alone, batch = (
        run_process("predict", *options, stdin=data).stdout.splitlines()
        for data in (lines, together)
    )
    with serving(artifacts, "--version", version, "--workers", 1) as running:
        for asked, expected in ([together], batch), (lines.split(b"\n"), alone):
            requests = [post(body, target=b"/predict?details=true") for body in asked]
            for sent in (requests, [in_pool(request) for request in requests]):
                data = b"".join(sent) + LAST
                answers = take_apart(talk(running.address, data, seconds=10))
                assert [answer.body for answer in answers[:-1]] == expected
    values = [json.loads(line) for line in alone]
    found = json.loads(batch[0])
    assert found["predictions"] == [value["prediction"] for value in values]
    (scores,) = found.keys() - {"predictions", "warnings"}
    assert found[scores] == [value[scores] for value in values]


printable = st.text(string.printable[:95], max_size=30)
names = st.sampled_from(
    (
        *("Accept", "Authorization", "Content-Type", "Cookie", "Expect"),
        *("Forwarded", "Host", "If-Match", "Origin", "Range", "Referer", "Via", "User-Agent"),
        *("Transfer-Encoding", "X-Forwarded-For", "X-HTTP-Method-Override", "X-Request-ID"),
    )
)
header_lines = st.builds("{}: {}".format, names, printable) | printable.filter(str.strip)
host_names = st.text(string.ascii_letters + string.digits + "-._~%!$&'()*+;=:[]", max_size=70)


@given(
    query=printable,
    line=header_lines,
    host=host_names,
)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_header_and_query_is_answered_by_the_contract_and_the_same_in_both_lanes(
    server: Server, query: str, line: str, host: str
) -> None:
    start = b"POST /predict?%s HTTP/1.1" % query.encode()
    kind, length = b"Content-Type: application/json", b"Content-Length: %d" % len(BODY)
    fields = (b"Host: " + host.encode(), kind, line.encode(), length)
    request = head(start, *fields) + BODY
    answer, *rest = take_apart(in_both_lanes(server, request, DATE_AND_ID))
    if answer.status == 100:
        answer, *rest = rest
    if answer.status != 200:
        assert 400 <= answer.status < 500 or answer.status == 501
        is_problem(answer, answer.status)
    assert [last.status for last in rest] == ([] if answer.headers["Connection"] else [200])


PLAIN = [{"length": 0.5 + k / 100, "width": 0.1 + k / 500} for k in range(1000)]
LARGER: dict[str, tuple[int, list[Any], bytes, str]] = {
    "plain": (200, PLAIN, b"", "loop"),
    "of too many bytes": (200, PLAIN * 3, b"", "pool"),
    "with details": (200, PLAIN, b"?details", "pool"),
    "with a string": (200, [*PLAIN, {"length": "1.5", "width": 1}], b"", "pool"),
    "one of them wrong": (422, [*PLAIN, {"length": None, "width": 1}], b"", "pool"),
    "one of them twice": (422, [*PLAIN, [PLAIN[0]]], b"", "pool"),
    "one of them too large": (422, [*PLAIN, {"length": 1e101, "width": 1}], b"", "pool"),
}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("name", LARGER)
def test_many_instances_are_answered_in_the_loop_if_that_is_quick_and_all_the_same(
    server: Server, name: str, chunked: bool
) -> None:
    status, value, query, lane = LARGER[name]
    identity = f"larger-{name.replace(' ', '-')}-{chunked}"
    body = json.dumps(value).encode()
    assert len(body) > 8192

    named, target = ID + identity.encode(), b"/predict" + query
    request = post(body, named, target=target)
    if chunked:
        request = post_head(named, CHUNKED, target=target) + chunks(body, 3000)
    answer = take_apart(in_both_lanes(server, request))[0]
    assert answer.status == status
    if status == 200:
        assert len(answer.json()["predictions"]) == len(value)
    assert lanes(server, identity) == sorted([lane, "pool"])
