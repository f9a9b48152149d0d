"""``iris-deploy serve``, through real sockets and real processes."""

import json
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iris_deploy.serving.page.pages import POLICY
from tests.conftest import COMMAND, Run, Server, free_port, run_process, serving
from tests.load import is_refused
from tests.pieces import INSTANCE, JSON, is_problem
from tests.raw_http import raw
from tests.waits import wait_until


def test_the_talks_request_gets_the_talks_answer(server: Server) -> None:
    answer = server.predict(INSTANCE)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"prediction": "virginica"}


@pytest.mark.parametrize(
    "instance",
    [
        {"length": "5.1", "width": "2.4"},
        {"width": 2.4, "length": 5.1},
        {"length": " 5.1 ", "width": "+2.4e0"},
        {"length": 5, "width": "2."},
    ],
)
def test_numbers_and_numeric_strings_are_taken_in_any_order(
    server: Server, instance: dict[str, object]
) -> None:
    assert server.predict(instance).json() == {"prediction": "virginica"}


def test_an_array_is_answered_in_its_order(server: Server) -> None:
    instances = [INSTANCE, {"length": 1.4, "width": 0.2}, {"length": 4.5, "width": 1.3}] * 30
    answer = server.predict(instances)
    assert answer.json() == {"predictions": ["virginica", "setosa", "versicolor"] * 30}
    assert server.predict([]).json() == {"predictions": []}


def test_an_array_for_each_feature_is_answered_in_its_order(server: Server) -> None:
    arrays: dict[str, list[object]]
    arrays = {"width": [2.4, "0.2", 1.3] * 30, "length": [5.1, 1, 4.5] * 30}
    for _ in range(2):
        answer = server.predict(arrays)
        assert answer.json() == {"predictions": ["virginica", "setosa", "versicolor"] * 30}
        arrays["width"] = [2.4, 0.2, 1.3] * 30  # no strings: the quick reader takes it
    assert server.predict({"length": [], "width": []}).json() == {"predictions": []}
    instances = [{"length": 50, "width": 1}, INSTANCE]
    arrays = {"length": [50, 5.1], "width": [1, 2.4]}
    for query in ("?details", ""):
        assert server.predict(arrays, query).body == server.predict(instances, query).body


def test_what_is_wrong_with_arrays_is_said_of_each(server: Server) -> None:
    arrays = {"length": [1, "x", None], "width": [1, 2], "height": [1]}
    problem = is_problem(server.predict(arrays), 422, "4 problems")
    assert [(error["pointer"], error["detail"]) for error in problem["errors"]] == [
        ("#/height", "unknown field; expected length, width"),
        ("#/length/1", "expected a finite number; got the string 'x'"),
        ("#/length/2", "expected a finite number; got null"),
        ("#/width", "expected 3 numbers, as many as length has; got 2"),
    ]
    problem = is_problem(server.predict({"length": 5.1, "width": [1, 2]}), 422)
    detail = "expected an array of 2 numbers, as width has one; got 5.1"
    assert problem["errors"] == [{"pointer": "#/length", "detail": detail}]
    problem = is_problem(server.predict({"length": []}), 422)
    detail = "missing; expected an array of 0 numbers, as length has one"
    assert problem["errors"] == [{"pointer": "#/width", "detail": detail}]
    flood = is_problem(
        server.predict({"length": [None] * 5000, "width": []}), 422, "at least 100 problems"
    )
    assert len(flood["errors"]) == 100


def test_details_add_scores_and_warnings_and_change_nothing_else(server: Server) -> None:
    one = server.predict(INSTANCE, "?details=true").json()
    assert one["prediction"] == "virginica"
    assert list(one["decision_values"]) == ["setosa", "versicolor", "virginica"]
    assert one["warnings"] == []
    many = server.predict([INSTANCE, {"length": 50, "width": 1}], "?details").json()
    assert many["predictions"][0] == "virginica"
    assert many["decision_values"][0] == one["decision_values"]
    assert many["warnings"] == [[], ["length 50.0 is above the training range 1.1 to 6.9 cm"]]
    assert server.predict(INSTANCE, "?details=false").json() == {"prediction": "virginica"}


def test_every_route_gives_a_row_the_same_bits(server: Server, run: Run, artifacts: Path) -> None:
    rows = [{"length": 0.1 * i, "width": 0.037 * i} for i in range(1, 70)]
    batch = server.predict(rows, "?details=true").json()["decision_values"]
    for row, expected in zip(rows, batch, strict=True):
        assert server.predict(row, "?details=true").json()["decision_values"] == expected
    line = run("predict", "--artifacts", artifacts, "--version", 1, json.dumps(rows), "--details")
    assert line.json()["decision_values"] == batch


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "line 1, column 2"),
        (b"{'length': 1}", "not JSON"),
        (b'{"length": 1,}', "not JSON"),
        (b'{"length": 01}', "not JSON"),
        (b'{"length": .5}', "not JSON"),
        (b'{"length": 1} {}', "not JSON"),
        (b'{"length": NaN, "width": 1}', "NaN is not JSON"),
        (b'{"length": -Infinity, "width": 1}', "-Infinity is not JSON"),
        (b'{"length": 1e400, "width": 1}', "too large"),
        (b'{"length": ' + b"9" * 5000 + b', "width": 1}', "too many digits"),
        (b'{"length": 1, "width": 1, "length": 2}', "'length' appears twice"),
        (b'{"length": 1, "width": 1, "l\\u0065ngth": 2}', "'length' appears twice"),
        (b'{"length": "\xff"}', "not UTF-8"),
        ('{"length": 1, "width": 1}'.encode("utf-16"), "not UTF-8"),
        (b'\xef\xbb\xbf{"length": 1, "width": 1}', "byte order mark"),
    ],
)
def test_what_is_not_strict_json_is_400(server: Server, body: bytes, words: str) -> None:
    is_problem(server.predict(body), 400, words)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b"[" * 500_000 + b"]" * 500_000,
        b'{"length":' * 100_000,
        b'{"length":' * 90_000 + b"1" + b"}" * 90_000,
    ],
    ids=["arrays, open", "arrays", "objects, open", "objects"],
)
def test_nesting_without_end_is_refused_and_does_no_harm(server: Server, body: bytes) -> None:
    """How deep Python's reader goes depends on its version: too deep, or no instance."""
    answer = server.predict(body)
    assert answer.status in {400, 422}
    is_problem(answer, answer.status)
    assert server.predict(INSTANCE).status == 200


def test_every_bad_field_is_named_at_once_with_what_was_meant(server: Server) -> None:
    instance = {"lenght": 5.1, "width": "wide", "colour": "red"}
    problem = is_problem(server.predict(instance), 422, "4 problems")
    assert problem["errors"] == [
        {"pointer": "#/length", "detail": "missing; expected a number (cm)"},
        {"pointer": "#/width", "detail": "expected a finite number; got the string 'wide'"},
        {
            "pointer": "#/lenght",
            "detail": "unknown field; expected length, width",
            "suggestion": "length",
        },
        {"pointer": "#/colour", "detail": "unknown field; expected length, width"},
    ]


def test_bad_fields_of_a_batch_are_found_by_their_pointers(server: Server) -> None:
    batch = [INSTANCE, {"length": 1}, 7, {"length": 1, "width": [], "a/b~c": 0}]
    problem = is_problem(server.predict(batch), 422)
    assert [error["pointer"] for error in problem["errors"]] == [
        "#/1/width",
        "#/2",
        "#/3/width",
        "#/3/a~1b~0c",
    ]


def test_of_a_flood_of_bad_fields_the_first_hundred_are_looked_at(server: Server) -> None:
    problem = is_problem(server.predict([{}] * 5000), 422, "at least 100 problems")
    assert len(problem["errors"]) == 100


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        {},
        "",
        "abc",
        "nan",
        "inf",
        "1_000",
        "\uff11",
        "0x10",
        "1e999",
        10**400,
        "1,5",
    ],
)
def test_a_value_that_is_no_finite_number_is_422(server: Server, value: object) -> None:
    problem = is_problem(server.predict({"length": value, "width": 1}), 422)
    assert problem["errors"][0]["pointer"] == "#/length"
    assert problem["errors"][0]["detail"].startswith("expected a finite number")


@pytest.mark.parametrize("value", ["text", 3, None, True, [INSTANCE, None]])
def test_json_that_is_no_instance_is_422(server: Server, value: object) -> None:
    is_problem(server.predict(json.dumps(value)), 422, "expected an object with length, width")


@pytest.mark.parametrize("value", [[1], [[]], [1, 2, 3], [[1, 2], [3]], [[1, 2], INSTANCE]])
def test_an_array_without_a_value_for_each_column_is_422(server: Server, value: object) -> None:
    is_problem(server.predict(json.dumps(value)), 422, "expected an array of 2 values: length")


def test_values_are_taken_up_to_a_limit_of_either_sign(server: Server) -> None:
    for limit in (1e100, -1e100, 10**100):
        assert server.predict({"length": limit, "width": 1}).status == 200
    for beyond in (1.0000000000000002e100, -1e308, 10**101, "1e101"):
        problem = is_problem(server.predict({"length": beyond, "width": 1}), 422)
        assert "#/length" in problem["detail"]
    is_problem(server.predict({"length": 1, "width": 1e308}), 422, "from -1e+100 to 1e+100")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["length", "width"]) | st.text(max_size=8), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(json_values | st.dictionaries(st.sampled_from(["length", "width"]), st.floats() | st.text()))
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_json_value_is_answered_by_the_contract(server: Server, value: object) -> None:
    answer = server.predict(json.dumps(value))
    assert answer.status in {200, 400, 422}
    if answer.status == 200:
        assert set(answer.json()) <= {"prediction", "predictions"}
    else:
        is_problem(answer, answer.status)


@given(st.binary(max_size=200))
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_answered_by_the_contract(server: Server, body: bytes) -> None:
    assert server.predict(body).status in {200, 400, 422}


def test_another_method_is_405_with_allow(server: Server) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = server.request(method, "/predict")
        is_problem(answer, 405, "expected POST")
        assert "POST" in answer.headers["Allow"]
    assert is_problem(server.request("POST", "/"), 405, "expected GET")
    assert is_problem(server.request("POST", "/health/ready"), 405, "expected GET")


def test_another_path_is_404_and_names_those_there_are(server: Server) -> None:
    for path in ("/nope", "/predict//", "/predict/x", "/%00", "//health/live"):
        is_problem(server.request("GET", path), 404, "POST /predict")


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "multipart/form-data", "application/json; charset=utf-16"],
)
def test_another_content_type_is_415(server: Server, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = server.request("POST", "/predict", json.dumps(INSTANCE), headers)
    is_problem(answer, 415, "application/json", "curl")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=UTF-8", "APPLICATION/JSON", "application/json;a=b"]
)
def test_json_is_known_by_any_spelling(server: Server, content_type: str) -> None:
    answer = server.request(
        "POST", "/predict", json.dumps(INSTANCE), {"Content-Type": content_type}
    )
    assert answer.status == 200


def test_a_wrong_query_parameter_is_400(server: Server) -> None:
    is_problem(server.predict(INSTANCE, "?details=perhaps"), 400, "expected true or false")
    is_problem(server.predict(INSTANCE, "?details=true&details=false"), 400)


def test_a_body_up_to_the_limit_is_taken_and_one_byte_more_is_413(artifacts: Path) -> None:
    limit = 1000
    with serving(artifacts, "--max-body-bytes", limit) as small:
        body = json.dumps(INSTANCE)
        assert small.predict(body.ljust(limit)).status == 200
        is_problem(small.predict(body.ljust(limit + 1)), 413, f"at most {limit} bytes")
        is_problem(small.predict(body.ljust(5 * limit)), 413, f"at most {limit} bytes")
        chunked = {**JSON, "Transfer-Encoding": "chunked"}
        piece = b"%x\r\n%s\r\n"
        for size, status in ((limit, 200), (limit + 1, 413), (limit * 5, 413)):
            padded = body.ljust(size).encode()
            whole = piece % (len(padded), padded) + b"0\r\n\r\n"
            assert small.request("POST", "/predict", whole, chunked).status == status


def test_the_default_limit_takes_thousands_of_instances(server: Server) -> None:
    instances = [INSTANCE] * 20_000
    assert server.predict(instances).json() == {"predictions": ["virginica"] * 20_000}
    is_problem(server.predict(b" " * (1024 * 1024 + 1)), 413, "1048576")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 300_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_the_server_refuses_by_itself_is_problem_details_too(
    server: Server, request_bytes: bytes, status: int
) -> None:
    is_problem(raw(server, request_bytes), status)


def test_health_and_index_answer(server: Server, artifacts: Path) -> None:
    assert server.request("GET", "/health/live").json() == {"status": "live"}
    assert server.request("GET", "/health/ready").json() == {"status": "ready"}
    index = server.request("GET", "/").json()
    manifest = json.loads((artifacts / "iris/1/bundle.json").read_text())
    assert (index["model"], index["version"]) == ("iris", 1)
    assert index["digest"] == manifest["digest"]
    assert index["output"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert [f["name"] for f in index["columns"]] == ["length", "width"]
    assert server.predict(index["example"]).status == 200
    for route in index["routes"]:
        method, path = route.split()
        statuses = {200} if method == "GET" else {400, 415, 501}
        assert server.request(method, path).status in statuses


def test_head_has_no_body(server: Server) -> None:
    answer = server.request("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")


def test_many_clients_at_once_get_their_own_answers(server: Server) -> None:
    asked = [({"length": 1 + i % 6, "width": 0.1 + i % 3}, i) for i in range(200)]
    alone = [server.predict(instance).body for instance, _ in asked]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda pair: server.predict(pair[0]).body, asked))
    assert together == alone


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_with_exit_code_0(artifacts: Path, number: int) -> None:
    with serving(artifacts) as running:
        assert running.predict(INSTANCE).status == 200
        assert running.stop(number) == 0
        assert running.log()[-1]["event"] == "stop"
        assert running.errors.read_text() == ""


def test_a_port_in_use_is_told(server: Server, run: Run, artifacts: Path) -> None:
    port = server.address[1]
    for option in ([], ["--dev"]):
        result = run("serve", "--artifacts", artifacts, "--port", port, *option)
        assert result.code == 1
        assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in result.err
        assert "--port" in result.err


def test_an_address_that_is_not_ours_is_told(run: Run, artifacts: Path) -> None:
    result = run("serve", "--artifacts", artifacts, "--host", "192.0.2.1", "--port", 0)
    assert result.code == 1
    assert "cannot listen on 192.0.2.1" in result.err


@pytest.mark.parametrize(
    "options", [["--port", 65536], ["--port", -1], ["--threads", 0], ["--max-body-bytes", 0]]
)
def test_a_wrong_setting_is_a_usage_error(run: Run, artifacts: Path, options: list[object]) -> None:
    assert run("serve", "--artifacts", artifacts, *options).code == 2


@pytest.mark.parametrize(
    ("environment", "options", "which"),
    [
        (("SAGEMAKER_BIND_TO_PORT", "AIP_HTTP_PORT", "PORT"), ["--port"], "--port"),
        (("SAGEMAKER_BIND_TO_PORT", "AIP_HTTP_PORT", "PORT"), [], "SAGEMAKER_BIND_TO_PORT"),
        (("AIP_HTTP_PORT", "PORT"), [], "AIP_HTTP_PORT"),
        (("PORT",), [], "PORT"),
    ],
)
def test_the_port_is_taken_from_the_first_place_that_says_one(
    artifacts: Path, environment: tuple[str, ...], options: list[str], which: str
) -> None:
    ports = {name: free_port() for name in (*environment, *options)}
    env = {name: str(ports[name]) for name in environment}
    given = [word for name in options for word in (name, ports[name])] or ["--threads", 2]
    with serving(artifacts, *given, env=env) as running:
        assert running.address[1] == ports[which]
        assert running.predict(INSTANCE).status == 200


def test_the_default_port_is_5000(run: Run) -> None:
    assert "TCP port, 5000 if left out" in run("serve", "--help").out


def test_serving_imports_neither_scikit_learn_nor_scipy_nor_joblib(artifacts: Path) -> None:
    """As Python itself reports it, for the supervisor and its workers."""
    with serving(artifacts, env={"PYTHONPROFILEIMPORTTIME": "1"}) as running:
        assert running.predict(INSTANCE).json() == {"prediction": "virginica"}
        assert running.request("GET", "/").status == 200
        assert running.stop() == 0
        report = running.errors.read_text()
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in report.splitlines()}
    assert {"waitress", "flask", "numpy"} <= loaded
    assert not loaded & {"sklearn", "scipy", "joblib", "pandas", "matplotlib", "prometheus_client"}


def test_dev_is_flasks_own_server_and_says_so(artifacts: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [*COMMAND, "serve", "--artifacts", str(artifacts), "--dev", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        nothing = Path()
        server = Server(process, f"http://127.0.0.1:{port}", {}, nothing, nothing)  # type: ignore[arg-type]
        wait_until(lambda: not is_refused(server.connect), 60)
        assert server.predict(INSTANCE).json() == {"prediction": "virginica"}
        is_problem(server.predict("{"), 400)
        is_problem(server.request("GET", "/nope"), 404)
        page = server.request("GET", "/docs")
        assert page.headers.get_all("Content-Security-Policy") == [POLICY]
        assert server.request("GET", "/page/docs.js").status == 200
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the reloader's child too
        out, _ = process.communicate()
    assert b"not for production" in out
    assert b"Serving iris version 2" in out


def test_dev_refuses_other_than_loopback_addresses(artifacts: Path) -> None:
    result = run_process("serve", "--artifacts", artifacts, "--dev", "--host", "0.0.0.0")
    assert result.returncode == 2
    assert b"loopback only" in result.stderr
