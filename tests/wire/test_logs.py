"""What the server says: one line per event and request, whatever clients send."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import Server, serving
from tests.pieces import post
from tests.raw_http import get, raw, request_line
from tests.waits import wait_until

INSTANCE = {"length": 5.1, "width": 2.4}
CLEAN = re.compile(r"[A-Za-z0-9._-]{1,64}")
REQUEST_FIELDS = {
    *("time", "level", "event", "worker", "id", "client"),
    *("method", "path", "status", "duration_ms", "bytes", "lane"),
}


def test_start_and_stop_are_told_in_json_when_there_is_no_terminal(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--threads", 3) as running:
        manifest = json.loads((artifacts / "iris/2/bundle.json").read_text())
        start = running.log()[0]
        assert (start["event"], start["level"]) == ("start", "info")
        assert start["urls"] == [running.url]
        assert (start["model"], start["version"]) == ("iris", 2)
        assert start["digest"] == manifest["digest"]
        assert (start["workers"], start["threads"]) == (2, 3)
        assert start["pid"] == running.process.pid
        assert start["tokens"] is False
        answer = running.predict(INSTANCE)
        assert request_line(running, answer.headers["X-Request-ID"])["status"] == 200
        assert running.stop() == 0
        assert [line["event"] for line in running.log()] == ["start", "request", "drain", "stop"]
        for line in running.log():
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert running.errors.read_text() == ""


@pytest.fixture(scope="module")
def strict(_trained: Path) -> Iterator[Server]:
    """A server with narrow limits."""
    limits = ("--max-body-bytes", 1000, "--max-header-bytes", 6000, "--request-timeout", 0.5)
    logged = ("--access-log", "all")
    with serving(_trained, "--version", 1, "--workers", 2, *limits, *logged) as running:
        yield running


@pytest.mark.parametrize(
    ("request_bytes", "status", "method", "path"),
    [
        (post(json.dumps(INSTANCE).encode()), 200, "POST", "/predict"),
        (get(b"/health/live?x=1"), 200, "GET", "/health/live"),
        (get(b"/"), 200, "GET", "/"),
        (b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", 200, "HEAD", "/"),
        (get(b"/nope?x=1"), 404, "GET", "/nope"),
        (get(b"//predict"), 404, "GET", "//predict"),
        (get(b"/predict"), 405, "GET", "/predict"),
        (post(b"{}"), 422, "POST", "/predict"),
        (post(b"{"), 400, "POST", "/predict"),
        (post(b" " * 1001), 413, "POST", "/predict"),
        (post(b" " * 9000), 413, "POST", "/predict"),
        (get(b"/", b"A: " + b"a" * 9000), 431, "", ""),
        (b"GARBAGE\r\n\r\n", 400, "", ""),
        (b"\x16\x03\x01\x02\x00", 400, "", ""),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "GET", "/"),
        (get(b"/", b"Expect: a miracle"), 417, "GET", "/"),
        (get(b"/", b"Transfer-Encoding: gzip"), 501, "GET", "/"),
        (b"GET / HT", 408, "", ""),
        (post(b"{")[:-1], 408, "POST", "/predict"),
    ],
)
def test_every_answer_has_its_line(
    strict: Server, request_bytes: bytes, status: int, method: str, path: str
) -> None:
    answer = raw(strict, request_bytes)
    assert answer.status == status
    line = request_line(strict, answer.headers["X-Request-ID"])
    assert set(line) == REQUEST_FIELDS
    assert (line["level"], line["client"]) == ("info", "127.0.0.1")
    assert (line["status"], line["bytes"]) == (status, len(answer.body))
    assert line["worker"] in {0, 1}
    assert line["lane"] in {"loop", "pool"}
    assert 0 <= line["duration_ms"] < 5000
    assert (line["method"], line["path"]) == (method, path)


SECRET = "739182.6455"


@pytest.mark.parametrize("style", ["json", "text"])
def test_no_data_of_a_request_is_logged(artifacts: Path, style: str) -> None:
    bodies = (
        json.dumps({"length": float(SECRET), "width": SECRET}),
        json.dumps({"length": "x" + SECRET, SECRET: 1}),
        json.dumps([{"length": SECRET}] * 300),
        f'{{"length": {SECRET}',
        json.dumps({"length": 1e308, "width": 1.7e308, SECRET: SECRET}),
    )
    with serving(artifacts, "--workers", 1, "--log-format", style) as running:
        statuses = [running.predict(b, Cookie=SECRET).status for b in bodies]
        assert statuses == [200, 422, 422, 400, 422]
        for query in (f"?details={SECRET}", f"?x={SECRET}", f"?{SECRET}"):
            assert running.predict("{}", query).status == 400
        headers = {"Authorization": f"Bearer {SECRET}", "X-Custom": SECRET, "Host": SECRET}
        assert running.request("GET", f"/nope?{SECRET}", headers=headers).status == 404
        for late in (b" " + SECRET.encode() + b": 1", b"A\n: " + SECRET.encode()):
            assert raw(running, get(b"/?" + SECRET.encode(), late)).status == 400
        with running.connect() as gone:
            gone.sendall(post(SECRET.encode() * 9)[:-5])
        assert running.stop() == 0
        assert SECRET not in running.output.read_text() + running.errors.read_text()


BROKEN = """\
import iris_deploy.codec.instances as instances

def read(self, body):
    return float(body)  # its message quotes what is no number

instances.InstanceReader.read = read
"""


@pytest.mark.parametrize("padding", [0, 9000], ids=["loop", "pool"])
def test_a_bug_is_logged_without_the_data_of_the_request(
    artifacts: Path, tmp_path: Path, padding: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    with serving(artifacts, "--workers", 1, env={"PYTHONPATH": str(tmp_path)}) as running:
        body = json.dumps({"length": SECRET}) + " " * padding
        answer = running.predict(body, "?details", **{"X-Custom": SECRET})
        assert answer.status == 500
        assert SECRET.encode() not in answer.body
        line = request_line(running, answer.headers["X-Request-ID"])
        assert (line["status"], line["lane"]) == (500, "pool" if padding else "loop")
        (bug,) = running.events("bug")
        assert (bug["level"], bug["id"]) == ("error", line["id"])
        assert bug["traceback"].endswith("ValueError")
        assert SECRET not in running.output.read_text() + running.errors.read_text()


def test_a_clean_request_id_is_echoed_and_any_other_replaced(server: Server) -> None:
    for identity in ("a", "A-1_b.c", "0" * 64, "4bf92f3577b34da6a3ce929d0e0e4736"):
        answer = server.predict(INSTANCE, **{"X-Request-ID": identity})
        assert answer.headers["X-Request-ID"] == identity
        assert request_line(server, identity)["status"] == 200
    for identity in ("", "0" * 65, "a b", "a,b", "a/b", "é", '"', "a;b"):
        made = server.predict(INSTANCE, **{"X-Request-ID": identity}).headers["X-Request-ID"]
        assert made != identity
        assert CLEAN.fullmatch(made)


def test_made_request_ids_are_unique_over_workers(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--access-log", "all") as running:

        def ask(k: int) -> str | None:
            path = ("/health/live", "/")[k % 2]  # both lanes
            return running.request("GET", path).headers["X-Request-ID"]

        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(ask, range(500)))
        assert len(set(made)) == 500
        wait_until(lambda: len(running.events("request")) == 500)
        assert {line["id"] for line in running.events("request")} == set(made)
        assert {line["worker"] for line in running.events("request")} == {0, 1}


@pytest.mark.parametrize("choice", [(), ("--access-log", "no-probes"), ("--access-log", "all")])
@pytest.mark.parametrize("prefix", ["", "/iris"])
def test_the_probes_are_logged_if_everything_is(
    artifacts: Path, choice: tuple[str, ...], prefix: str
) -> None:
    options = (*choice, "--url-prefix", prefix) if prefix else choice
    with serving(artifacts, "--workers", 1, *options) as running:
        live, ready = f"{prefix}/health/live", f"{prefix}/health/ready"
        in_pool = {"Content-Encoding": "identity"}
        for path, headers in ((live, {}), (ready, {}), (live, in_pool)):
            assert running.request("GET", path, headers=headers).status == 200
            assert running.request("POST", path, b"{}").status == 405
        assert running.request("GET", f"{prefix}/health/lively").status == 404
        assert running.request("GET", f"{prefix}/").status == 200
        assert running.stop() == 0
        paths = [line["path"].removeprefix(prefix) for line in running.events("request")]
        probes = [path for path in paths if path not in {"/health/lively", "/"}]
        assert len(probes) == (6 if "all" in choice else 0)
        assert {"/health/lively", "/"} <= set(paths)


def test_without_access_log_there_are_events_only(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, "--access-log", "off") as running:
        assert running.predict(INSTANCE).status == 200
        assert raw(running, b"GARBAGE\r\n\r\n").status == 400
        assert running.stop() == 0
        assert [line["event"] for line in running.log()] == ["start", "drain", "stop"]


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("query", ["", "?details"], ids=["loop", "pool"])
def test_a_trace_is_in_the_log_and_goes_nowhere_else(artifacts: Path, query: str) -> None:
    with serving(artifacts, "--workers", 1) as running:
        for _ in range(3):  # the head is known by then, but for the trace
            headers = {"traceparent": TRACE, "tracestate": "a=b", "baggage": "c=d"}
            answer = running.predict([INSTANCE] * 2000, query, **headers)
            assert answer.status == 200
            assert "trace" not in str(answer.headers).lower()
            line = request_line(running, str(answer.headers["X-Request-ID"]))
            assert line["traceparent"] == TRACE
        other = running.predict(INSTANCE)
        assert "traceparent" not in request_line(running, str(other.headers["X-Request-ID"]))


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        TRACE.upper(),
        TRACE[:-1],
        TRACE + "0",
        f"ff{TRACE[2:]}",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
        f"{TRACE}, {TRACE}",
    ],
)
def test_what_is_no_trace_is_not_logged_and_changes_nothing(server: Server, given: str) -> None:
    """As W3C Trace Context, section 3.2.2, has it."""
    answer = server.predict(INSTANCE, traceparent=given)
    assert answer.json() == {"prediction": "virginica"}
    assert "traceparent" not in request_line(server, str(answer.headers["X-Request-ID"]))
