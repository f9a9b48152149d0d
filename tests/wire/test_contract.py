"""The API keeps to its own description, as a program reads it that knows nothing else."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from tests.conftest import Server, serving
from tests.pieces import post
from tests.raw_http import get, raw
from tests.tools import require

pytestmark = pytest.mark.once

INSTANCE = {"length": 5.1, "width": 2.4}
TOKEN, WRONG = "contract-0123456789abcdef", "wrong-0123456789abcdef"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PROBLEM = "application/problem+json"


TOLD_IN_WORDS = """\
import schemathesis

@schemathesis.serializer("application/jsonlines")
def write_lines(context, value):
    return str(value).encode()

@schemathesis.hook
def filter_case(context, case):
    if not case.operation.body:
        return True
    described = getattr(case.meta and case.meta.generation, "mode", None)
    positive = described is not None and described.value == "positive"
    if case.media_type not in (None, "application/json"):
        return not positive
    if positive and (case.path.endswith("/infer") or not isinstance(case.body, (dict, list))):
        return False
    return not positive or fits(case.body)

def fits(body):
    if isinstance(body, list):
        return all(isinstance(each, dict) for each in body)
    if "dataframe_split" in body:
        return False
    inner = [value for value in body.values() if isinstance(value, (dict, list))]
    rows = [row for value in inner if isinstance(value, list) for row in value]
    if any(isinstance(row, list) for row in rows):
        return False
    members = [value.values() for value in (body, *inner) if isinstance(value, dict)]
    arrays = [each for values in members for each in values]
    return len({len(array) for array in arrays if isinstance(array, list)}) < 2
"""
"""What the words say but a schema cannot: that arrays for the columns are of one length, those of a
row as long as there are columns, and tensors as long as their shapes; what CSV is. Of these only
requests that fit no schema are made up, and the examples."""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def keeps_its_promises(
    directory: Path, server: Server, *options: str, headers: dict[str, str] | None = None
) -> None:
    """Let schemathesis make up requests from the description and check every answer.

    The description is read from a file: from its address, its own route would be left out.
    """
    document = server.request("GET", "/openapi.json", headers=bearer(TOKEN)).body
    (directory / "openapi.json").write_bytes(document)
    (directory / "hooks.py").write_text(TOLD_IN_WORDS)
    shown = [word for name, value in (headers or {}).items() for word in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        [
            *(require("schemathesis"), "run", "openapi.json", "--url", server.url, "--no-color"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "30", "--workers", "1"),
            *("--seed", "1", "--generation-database", "none", "--continue-on-failure"),
            *("--exclude-path", "/v1/models/iris:explain"),  # 501: there is no explainer
            *(*shown, *options),
        ],
        cwd=directory,  # it leaves reports
        env={
            **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            "NO_PROXY": "*",
            "SCHEMATHESIS_HOOKS": "hooks",
            "PYTHONPATH": str(directory),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: " in done.stdout


@pytest.mark.parametrize(
    ("version", "tokens"), [(1, ""), (2, TOKEN)], ids=["decision values", "probabilities, token"]
)
def test_what_the_description_promises_holds(
    artifacts: Path, tmp_path: Path, version: int, tokens: str
) -> None:
    env = {"IRIS_DEPLOY_TOKENS": tokens}
    with serving(artifacts, "--version", version, "--workers", 2, env=env) as running:
        keeps_its_promises(tmp_path, running, headers=bearer(tokens) if tokens else None)
        lines = running.events("request")
        predictions = [line["status"] for line in lines if line["path"] == "/predict"]
        assert predictions.count(200) > 20
        assert predictions.count(422) > 20
        assert [line for line in lines if line["status"] >= 500] == []


def test_what_the_description_promises_holds_without_a_token(
    artifacts: Path, tmp_path: Path
) -> None:
    with serving(artifacts, "--workers", 1, env={"IRIS_DEPLOY_TOKENS": TOKEN}) as running:
        # Who may not ask is not told which methods there are either: 401 comes before 405.
        options = ("--exclude-checks", "unsupported_method")
        keeps_its_promises(tmp_path, running, *options, headers=bearer(WRONG))
        statuses = {line["status"] for line in running.events("request") if line["path"] == "/"}
        assert statuses <= {400, 401, 200}  # 200 is OPTIONS


def test_what_the_description_promises_holds_for_openmetrics(
    artifacts: Path, tmp_path: Path
) -> None:
    with serving(artifacts, "--workers", 1) as running:
        options = ("--include-path", "/metrics")
        keeps_its_promises(tmp_path, running, *options, headers={"Accept": OPENMETRICS})


def within(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the description such that its references can be followed."""
    return {**schema, "components": document["components"]}


def test_the_description_is_openapi(server: Server) -> None:
    document = server.request("GET", "/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(within(document, schema))
    index = server.request("GET", "/").json()
    described = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert described == set(index["routes"])


@pytest.mark.parametrize("version", [1, 2])
def test_examples_are_as_described_and_so_are_their_answers(artifacts: Path, version: int) -> None:
    with serving(artifacts, "--workers", 1, "--version", version) as running:
        document = running.request("GET", "/openapi.json").json()
        operation = document["paths"]["/predict"]["post"]
        described = operation["requestBody"]["content"]["application/json"]
        asked = jsonschema_rs.validator_for(within(document, described["schema"]))
        answered = jsonschema_rs.validator_for(
            within(document, operation["responses"]["200"]["content"]["application/json"]["schema"])
        )
        arrays = {name: [value] * 3 for name, value in INSTANCE.items()}
        for value in (described["example"], [described["example"]] * 3, [], INSTANCE, arrays):
            asked.validate(value)
            for query in ("", "?details=true", "?details=false"):
                answer = running.predict(value, query)
                assert answer.status == 200
                answered.validate(answer.json())
        details = running.predict(INSTANCE, "?details=true").json()
        assert ("probabilities" in details) == (version == 2)


@pytest.mark.parametrize("value", [{}, {"length": 1}, 7, None, "x", [{}], {"a": 1}, [[]]])
def test_what_does_not_fit_the_description_is_a_described_problem(
    server: Server, value: object
) -> None:
    document = server.request("GET", "/openapi.json").json()
    operation = document["paths"]["/predict"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert not jsonschema_rs.is_valid(within(document, schema), value)
    answer = server.predict(json.dumps(value))
    problem = operation["responses"][str(answer.status)]["content"][PROBLEM]["schema"]
    jsonschema_rs.validate(within(document, problem), answer.json())


def test_the_description_tells_of_tokens_where_there_are_any(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, env={"IRIS_DEPLOY_TOKENS": TOKEN}) as running:
        document = running.request("GET", "/openapi.json", headers=bearer(TOKEN)).json()
        schemes = document["components"].get("securitySchemes", {})
        assert {(s["type"], s["scheme"].lower()) for s in schemes.values()} == {("http", "bearer")}


@pytest.mark.parametrize("host", [b"a..b", b"a" * 64 + b".example", b"a_b", b"[::1]:80", b"a:"])
def test_a_host_is_judged_alike_in_both_lanes(server: Server, host: bytes) -> None:
    def status(request: bytes) -> int:
        return raw(server, request.replace(b"Host: x", b"Host: " + host)).status

    body = json.dumps(INSTANCE).encode()
    quick, slow = post(body), post(b"[" + b",".join([body] * 300) + b"]")
    assert status(get(b"/health/live")) == status(get(b"/")) == status(quick) == status(slow)


@pytest.mark.parametrize("path", [b"/health//live", b"/a//b", b"/predict//", b"/health///ready"])
def test_another_spelling_of_a_path_is_404_and_no_redirect(server: Server, path: bytes) -> None:
    answer = raw(server, get(path))
    assert (answer.status, answer.headers["Content-Type"]) == (404, PROBLEM)
