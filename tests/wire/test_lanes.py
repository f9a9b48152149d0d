"""The same bytes from both lanes, and from the command line."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.conftest import Server, run_process, serving
from tests.lanes import (
    ASKED,
    DATE_AND_ID,
    ID,
    LARGER,
    TOKEN,
    ask,
    header_lines,
    host_names,
    printable,
)
from tests.pieces import (
    BODY,
    CHUNKED,
    HOST,
    LAST,
    chunks,
    head,
    in_pool,
    is_problem,
    post,
    post_head,
    take_apart,
    talk,
)
from tests.waits import wait_until

DATE = re.compile(rb"\r\nDate: [^\r]*")


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
