"""Requests whose head the server has seen before get the same answers as the first one."""

import contextlib
import json
import re
import signal
import socket
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from iris_deploy.serving.worker.known_heads import HEADS
from tests.conftest import Server, serving
from tests.lanes import ASKED, DATE_AND_ID, TOKEN, ask, header_lines, host_names, printable
from tests.pieces import BODY, HOST, LAST, PREDICTION, head, post, read_to_end, send, talk
from tests.waits import wait_until

LENGTH = re.compile(rb"\r\nContent-Length: (\d+)")
IDENTITY = re.compile(rb"\r\nX-Request-Id: ([^\r]+)")


def exchange(connection: socket.socket, *pieces: bytes) -> bytes:
    """Send a request and return its answer, as it came."""
    send(connection, *pieces)
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(1 << 16)
        if not more:
            return data
        data += more
    whole = data.index(b"\r\n\r\n") + 4 + int((LENGTH.search(data) or [0, 0])[1])
    while len(data) < whole:
        data += connection.recv(1 << 16)
    assert len(data) == whole
    return data


def again_and_again(server: Server, request: bytes, times: int = 4) -> list[bytes]:
    """Send a request several times on one connection, as long as it stays open."""
    answers: list[bytes] = []
    with server.connect() as connection:
        for _ in range(times):
            answers.append(exchange(connection, request))
            if b"\r\nConnection: close\r\n" in answers[-1]:
                assert read_to_end(connection, 5) == b""
                break
    return answers


@pytest.mark.parametrize("name", ASKED)
def test_a_request_sent_again_gets_the_same_bytes(server: Server, name: str) -> None:
    _, body, query, lines = ASKED[name]
    request = ask(body, query, lines)
    first, *others = again_and_again(server, request)
    assert bool(others) == (name != "to be closed")
    for answer in others:
        assert DATE_AND_ID.sub(b"", answer) == DATE_AND_ID.sub(b"", first)
        assert len(answer) - len(first) in (-1, 0, 1)  # the id may have one digit more


@pytest.mark.parametrize("path", [b"/health/live", b"/health/ready"])
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_probe_sent_again_gets_the_same_bytes(
    server: Server, path: bytes, version: bytes
) -> None:
    request = head(b"GET %s HTTP/%s" % (path, version), HOST, b"Connection: keep-alive")
    answers = [DATE_AND_ID.sub(b"", answer) for answer in again_and_again(server, request)]
    assert len(answers) == 4
    assert set(answers) == {answers[0]}


@given(
    query=printable,
    line=header_lines,
    host=host_names,
)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_header_sent_again_gets_the_same_bytes(
    server: Server, query: str, line: str, host: str
) -> None:
    lines = [b"Host: " + host.encode(), line.encode()]
    request = ask(BODY, b"?" + query.encode(), lines)
    first, *others = again_and_again(server, request)
    for answer in others:
        assert DATE_AND_ID.sub(b"", answer) == DATE_AND_ID.sub(b"", first)


def test_only_the_body_is_new_under_a_known_head(server: Server) -> None:
    """All of one length, so that the head is the same: right, wrong, and right again."""
    setosa, wrong, no_json = (
        b'{"length": 1.4, "width": 0.2}',
        b'{"length": 5.1, "wiidth": 2.4}',
        b'{"length": 5.1, "width": 2.4 ',
    )
    with server.connect() as connection:
        for _ in range(3):
            seen = [exchange(connection, post(b)) for b in (BODY, setosa, wrong, no_json)]
            assert [answer.split(b" ")[1] for answer in seen] == [b"200", b"200", b"422", b"400"]
            assert seen[0].endswith(b"\r\n\r\n" + PREDICTION)
            assert seen[1].endswith(b'{"prediction":"setosa"}')
            assert b"did you mean" in seen[2].lower() or b"suggestion" in seen[2]


@pytest.mark.parametrize("cut", [1, 20, -30, -29, -1], ids=str)
def test_a_known_request_that_comes_in_pieces_is_put_together(server: Server, cut: int) -> None:
    request = post(BODY)
    with server.connect() as connection:
        expected = [DATE_AND_ID.sub(b"", exchange(connection, request)) for _ in range(3)]
        for _ in range(3):
            answer = exchange(connection, request[:cut], request[cut:])
            assert DATE_AND_ID.sub(b"", answer) == expected[0]
        assert DATE_AND_ID.sub(b"", exchange(connection, request)) == expected[0]


def test_known_requests_sent_together_are_answered_in_order(server: Server) -> None:
    setosa = b'{"length": 1.4, "width": 0.2}'
    with server.connect() as connection:
        for body in (BODY, BODY, BODY):
            exchange(connection, post(body))
        send(connection, post(BODY) + post(setosa) + post(BODY) + LAST)
        data = read_to_end(connection, 5)
    assert re.findall(rb'{"prediction":"(\w+)"}', data) == [b"virginica", b"setosa", b"virginica"]


def test_what_follows_a_known_request_too_short_or_too_long_is_not_lost(server: Server) -> None:
    request = post(BODY)
    with server.connect() as connection:
        for _ in range(3):
            exchange(connection, request)
        send(connection, request + request[:30], request[30:] + LAST)
        assert read_to_end(connection, 5).count(PREDICTION) == 2


def test_a_blank_line_before_a_known_request_is_passed_over(server: Server) -> None:
    request = post(BODY)
    with server.connect() as connection:
        for before in (b"", b"", b"", b"\r\n", b"\r\n\r\n", b""):
            assert exchange(connection, before + request).endswith(PREDICTION)


def test_each_answer_has_its_own_id_and_its_line_in_the_log(server: Server) -> None:
    line = b"X-Test: of its own"
    answers = again_and_again(server, post(BODY, line), times=6)
    found = [IDENTITY.search(answer) for answer in answers]
    identities = [match[1].decode() for match in found if match]
    assert len(set(identities)) == 6

    def lines() -> list[dict[str, object]]:
        return [e for e in server.events("request") if e["id"] in identities]

    wait_until(lambda: len(lines()) == 6)
    for event in lines():
        assert event["path"] == "/predict"
        assert event["bytes"] == len(PREDICTION)
        assert (event["status"], event["lane"], event["client"]) == (200, "loop", "127.0.0.1")
        assert (event["method"], event["level"]) == ("POST", "info")


def test_each_request_and_prediction_is_counted(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1) as running:
        again_and_again(running, post(BODY), times=7)
        again_and_again(running, post(b"{"), times=5)
        figures = running.metrics()
    count = 'iris_deploy_requests_total{contract="native",route="/predict",status="%d"}'
    assert [figures[count % status] for status in (200, 400)] == [7, 5]
    assert figures['iris_deploy_predictions_total{class="virginica"}'] == 7
    assert (
        figures['iris_deploy_request_duration_seconds_count{contract="native",route="/predict"}']
        == 12
    )


def test_the_clients_own_id_is_given_back_each_time(server: Server) -> None:
    with server.connect() as connection:
        for identity in (b"own-a", b"own-a", b"own-a", b"own-b", b"own-a"):
            answer = exchange(connection, post(BODY, b"X-Request-ID: " + identity))
            match = IDENTITY.search(answer)
            assert match
            assert match[1] == identity


def test_a_token_is_looked_at_each_time(artifacts: Path, tmp_path: Path) -> None:
    """Replacing the tokens ends what an open connection may do."""
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    request = post(BODY, b"Authorization: Bearer " + TOKEN.encode())
    options = ("--tokens-file", file, "--workers", 1)
    with serving(artifacts, *options) as running, running.connect() as connection:
        for _ in range(4):
            assert exchange(connection, request).startswith(b"HTTP/1.1 200 ")
            assert exchange(connection, post(BODY)).startswith(b"HTTP/1.1 401 ")
        file.write_text("another-token-of-the-tests")
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: exchange(connection, request).startswith(b"HTTP/1.1 401 "))


def test_a_trusted_proxy_is_believed_each_time(artifacts: Path) -> None:
    with serving(artifacts, "--trusted-proxy", "127.0.0.1", "--workers", 1) as running:
        for client in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
            again_and_again(running, post(BODY, b"X-Forwarded-For: " + client.encode()))
        wait_until(lambda: len(running.events("request")) == 12)
        seen = [event["client"] for event in running.events("request")]
    assert seen == ["192.0.2.1"] * 4 + ["192.0.2.2"] * 4 + ["192.0.2.1"] * 4


def test_heads_as_proxies_send_them_are_read_and_logged_one_by_one(artifacts: Path) -> None:
    """None is like another to the byte, and all are answered in the loop."""
    sent: list[dict[str, Any]] = [
        {
            "id": f"own-{number}",
            "client": f"192.0.2.{number}",
            "traceparent": f"00-{number + 1:032x}-{number + 1:016x}-01",
            "status": 200 if number % 5 else 422,
            "lane": "loop",
        }
        for number in range(40)
    ]
    options = ("--trusted-proxy", "127.0.0.1", "--workers", 1)
    with serving(artifacts, *options) as running, running.connect() as connection:
        for number, told in enumerate(sent):
            body = BODY if number % 5 else b'{"length": "%d"}' % number
            fields = [
                b"X-Request-ID: %b" % told["id"].encode(),
                b"X-Forwarded-For: 203.0.113.9, %b" % told["client"].encode(),
                b"traceparent: %b" % told["traceparent"].encode(),
            ]
            answer = exchange(connection, post(body + b" " * (7 * number), *fields))
            assert answer.startswith(b"HTTP/1.1 %d " % told["status"])
            assert b"\r\nX-Request-Id: own-%d\r\n" % number in answer
        wait_until(lambda: len(running.events("request")) == len(sent))
        logged = running.events("request")
    assert [{key: line[key] for key in sent[0]} for line in logged] == sent


def test_more_heads_than_are_remembered_are_all_answered(artifacts: Path) -> None:
    """Each of them twice, so that it would be remembered; and the first ones once more."""
    numbers = [*range(2 * HEADS), *range(50)]
    with serving(artifacts, "--workers", 1, "--access-log", "off") as running:
        with running.connect() as connection:
            for number in numbers:
                request = post(BODY, b"X-Number: %d" % number)
                for _ in range(2):
                    assert exchange(connection, request).endswith(b"\r\n\r\n" + PREDICTION)
        assert running.metrics()['iris_deploy_predictions_total{class="virginica"}'] == 2 * len(
            numbers
        )


def test_the_date_goes_on(server: Server) -> None:
    with server.connect() as connection:
        seen: list[bytes] = []

        def dates() -> int:
            answer = exchange(connection, post(BODY))
            seen.append(answer.partition(b"\r\nDate: ")[2][:29])
            return len(set(seen))

        wait_until(lambda: dates() >= 3)
    changes = [a != b for a, b in pairwise(seen)]
    assert sum(changes) == 2
    assert all(date.endswith(b" GMT") for date in seen)


def test_a_known_request_is_the_last_one_when_the_server_drains(artifacts: Path) -> None:
    options = ("--drain-delay", 2, "--workers", 1)
    with serving(artifacts, *options) as running, running.connect() as connection:
        for _ in range(3):
            assert b"\r\nConnection:" not in exchange(connection, post(BODY))
        running.process.terminate()
        wait_until(lambda: running.events("drain"))
        wait_until(lambda: b"\r\nConnection: close\r\n" in exchange(connection, post(BODY)))


def test_a_client_that_reads_nothing_gets_every_answer_in_the_end(server: Server) -> None:
    """The kernel takes only so much; the rest of an answer waits, and requests behind it."""
    body = json.dumps([json.loads(BODY)] * 50).encode()
    request = post(body, target=b"/predict?details=true")
    with server.connect() as connection:
        first = exchange(connection, request)
        length = len(first)
        for _ in range(2):
            exchange(connection, request)
        connection.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 1 << 28:
                sent += connection.send(request)
        connection.setblocking(True)
        wanted = sent // len(request)
        assert wanted > 100
        received = 0
        while received < wanted * (length - 40):
            more = connection.recv(1 << 20)
            assert more
            received += len(more)


def test_a_client_that_is_gone_is_noted_and_hurts_nobody(server: Server) -> None:
    for _ in range(20):
        connection = server.connect()
        for _ in range(3):
            exchange(connection, post(BODY))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        send(connection, post(BODY))
        connection.close()
    assert talk(server.address, post(BODY) + LAST).count(PREDICTION) == 1
