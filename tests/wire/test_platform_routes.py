"""The routes of platforms: names and paths that they choose, readiness, access, figures."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.facts import PREDICTION_ROUTES
from tests.conftest import Answer, Run, Server, serving
from tests.pieces import INSTANCE, JSON, is_problem
from tests.waits import wait_until

TOKEN = "a-token-of-the-platforms"
INSTANCES = json.dumps({"instances": [INSTANCE]})
TENSOR = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [5.1, 2.4]}
TENSORS = json.dumps({"inputs": [TENSOR]})
VERTEX = "/v1/endpoints/1/deployedModels/2"
HEALTH = ("/v2/health/ready", "/v2/models/other/ready", "/v1/models/other", "/ping", "/health")
"""Where platforms ask whether requests are taken, of a model that is served as another."""

NAMED = {
    "IRIS_DEPLOY_SERVED_MODEL_NAME": "other",
    "IRIS_DEPLOY_SERVED_MODEL_VERSION": "2026-11",
    "AIP_HEALTH_ROUTE": VERTEX,
    "AIP_PREDICT_ROUTE": f"{VERTEX}:predict",
}


@pytest.fixture(scope="module")
def named(_trained: Path) -> Iterator[Server]:
    """A server of a model whose name, version and paths platforms have chosen."""
    with serving(_trained, "--workers", 1, env=NAMED) as running:
        yield running


def post(server: Server, path: str, body: str, **headers: str) -> Answer:
    return server.request("POST", path, body, JSON | headers)


def told(answer: Answer, status: int, member: str = "error") -> str:
    """Return what an error says, in one member."""
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json")
    text: str = answer.json()[member]
    return text


def test_a_model_is_served_under_another_name_and_version(named: Server) -> None:
    assert post(named, "/v1/models/other:predict", INSTANCES).json() == {
        "predictions": ["virginica"]
    }
    for path in ("/v2/models/other/infer", "/v2/models/other/versions/2026-11/infer"):
        answer = post(named, path, TENSORS).json()
        assert (answer["model_name"], answer["model_version"]) == ("other", "2026-11")
    assert named.request("GET", "/v2/models/other").json()["versions"] == ["2026-11"]
    index = named.request("GET", "/").json()
    assert (index["model"], index["status"]) == ("iris", "alive")  # the bundle's own


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v2/models/iris/infer", "there is no model 'iris'; there is 'other'"),
        ("/v2/models/other/versions/3/infer", "there is no such version of 'other'"),
        ("/v2/models/other/unload", "there is no '/v2/models/other/unload'"),
        ("/v2/repository/index", "this server has the model 'other'"),
        ("/v1/models/iris:predict", "this server has the model 'other'"),
    ],
)
def test_another_model_version_or_path_is_404_in_the_contracts_words(
    named: Server, path: str, words: str
) -> None:
    for method in ("POST", "GET", "DELETE"):
        body = INSTANCES if method == "POST" else None
        assert words in told(named.request(method, path, body, JSON), 404)


def test_another_method_is_405_in_the_contracts_words(named: Server) -> None:
    for path in ("/v2/models/other/infer", "/v1/models/other:predict", f"{VERTEX}:predict"):
        answer = named.request("GET", path)
        assert "expected POST" in told(answer, 405)
        assert "POST" in answer.headers["Allow"]
    assert "expected POST" in told(named.request("GET", "/invocations"), 405, "message")


def test_vertex_ai_is_answered_where_it_asks(named: Server) -> None:
    assert named.request("GET", VERTEX).status == 200
    answer = named.request("POST", f"{VERTEX}:predict", INSTANCES)  # and no Content-Type
    assert answer.json() == {"predictions": ["virginica"]}
    asked = json.dumps({"instances": [[5.1, 2.4]], "parameters": {"details": True}})
    [row] = named.request("POST", f"{VERTEX}:predict", asked).json()["predictions"]
    assert row["prediction"] == "virginica"


@pytest.mark.parametrize(
    ("health", "predict"),
    [("/health/ready", "/predict"), ("/ping", "/invocations"), ("/", "/score")],
)
def test_vertex_ai_may_ask_at_the_paths_of_others(
    artifacts: Path, health: str, predict: str
) -> None:
    env = {"AIP_HEALTH_ROUTE": health, "AIP_PREDICT_ROUTE": predict}
    with serving(artifacts, "--workers", 1, env=env) as running:
        assert running.request("GET", health).status == 200
        answer = running.request("POST", predict, INSTANCES)
        assert answer.json() == {"predictions": ["virginica"]}
        answer = post(running, predict, json.dumps(INSTANCE))
        assert "expected just one of instances" in told(answer, 400)
        assert running.request("GET", "/openapi.json").status == 200


def test_contracts_that_are_not_chosen_are_not_there(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, "--contracts", "native,v2") as running:
        assert running.predict(INSTANCE).status == 200
        assert running.request("GET", "/v2").status == 200
        for path in ("/v1/models", "/ping", "/invocations", "/score", "/robots933456.txt"):
            is_problem(running.request("GET", path), 404, "there is no such path")
        assert running.request("GET", "/").json()["contracts"] == {
            "native": "/predict",
            "v2": "/v2/models/iris/infer",
        }
    with serving(artifacts, "--workers", 1, env={"IRIS_DEPLOY_CONTRACTS": "v1"}) as running:
        is_problem(running.predict(INSTANCE), 404)
        assert post(running, "/v1/models/iris:predict", INSTANCES).status == 200


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--contracts", "v3"), "native, v2, v1, vertex, invocations, azure"),
        (("--contracts", ""), "native, v2"),
        (("--served-model-name", "a/b"), "letters, digits"),
        (("--served-model-name", "ä"), "letters, digits"),
        (("--served-model-version", ""), "letters, digits"),
    ],
)
def test_names_that_cannot_be_are_refused(
    run: Run, artifacts: Path, options: tuple[str, str], words: str
) -> None:
    ran = run("serve", "--artifacts", artifacts, *options)
    assert (ran.code, words in ran.err) == (2, True), ran.err


@pytest.mark.parametrize("path", ["predict", "/a b", "/../x?", "//"])
def test_paths_that_cannot_be_are_refused(
    run: Run, artifacts: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("AIP_PREDICT_ROUTE", path)
    ran = run("serve", "--artifacts", artifacts)
    assert (ran.code, "predict_route" in ran.err) == (2, True), ran.err


def test_platforms_see_a_drain(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, "--drain-delay", 3, env=NAMED) as running:
        for path in (*HEALTH, VERTEX):
            assert running.request("GET", path).status == 200
        running.process.send_signal(signal.SIGTERM)
        wait_until(lambda: running.events("drain"))
        for path in (*HEALTH, VERTEX):
            assert running.request("GET", path).status == 503, path
        assert running.request("GET", "/v2/health/live").status == 200


def test_every_contract_wants_the_token_but_for_its_probes(artifacts: Path) -> None:
    env = NAMED | {"IRIS_DEPLOY_TOKENS": TOKEN}
    with serving(artifacts, "--workers", 1, env=env) as running:
        routes = list(_routes(running))
        assert len(routes) > 20
        for method, path in routes:
            body = TENSORS if method == "POST" else None
            answer = running.request(method, path, body, JSON)
            if path in {"/v2/health/live", "/health/live", "/docs", "/robots933456.txt", VERTEX}:
                assert answer.status == 200, path
            elif path not in {*HEALTH, "/health/ready"} - {
                "/v2/models/other/ready",
                "/v1/models/other",
            }:
                assert answer.status == 401, path
                assert "Bearer" in answer.headers["WWW-Authenticate"]
        assert "Authorization" in told(post(running, "/v2/models/nobody/infer", TENSORS), 401)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert post(running, "/v2/models/other/infer", TENSORS, **headers).status == 200


def _routes(server: Server) -> Iterator[tuple[str, str]]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for route in server.request("GET", "/", headers=headers).json()["routes"]:
        method, path = route.split()
        yield method, path


def test_every_contract_is_counted_by_its_name(artifacts: Path) -> None:
    asked: dict[str, tuple[str, str]] = {
        "native": ("/predict", json.dumps(INSTANCE)),
        "v2": ("/v2/models/iris/infer", TENSORS),
        "v1": ("/v1/models/iris:predict", INSTANCES),
        "invocations": ("/invocations", INSTANCES),
        "azure": ("/score", json.dumps(INSTANCE)),
    }
    with serving(artifacts, "--workers", 1) as running:
        for path, body in asked.values():
            assert post(running, path, body).status == 200
        post(running, "/v2/models/none/infer", TENSORS)
        figures = running.metrics()
        for contract, (path, _) in asked.items():
            labels = f'contract="{contract}",route="{path}",status="200"'
            assert figures[f"iris_deploy_requests_total{{{labels}}}"] == 1
        refused = 'contract="v2",route="/v2/",status="404"'  # whatever clients make up
        assert figures[f"iris_deploy_requests_total{{{refused}}}"] == 1
        assert figures['iris_deploy_predictions_total{class="virginica"}'] == len(asked)


def test_what_is_watched_are_the_predictions_of_every_contract(server: Server) -> None:
    routes = json.loads(server.request("GET", "/").body)["routes"]
    predicts = {name for name, what in routes.items() if what.startswith("predict ")}
    assert len(predicts) >= 5
    assert {name for name in routes if re.search(f" ({PREDICTION_ROUTES})$", name)} == predicts


def test_ids_of_azure_come_back(named: Server) -> None:
    ids = {"x-ms-request-id": "8f7a-1", "x-ms-client-request-id": "c:2"}
    answer = post(named, "/score", json.dumps(INSTANCE), **ids)
    assert {name: answer.headers[name] for name in ids} == ids
    odd: Any = post(named, "/score", json.dumps(INSTANCE), **{"x-ms-request-id": "a b\t<c>"})
    assert "x-ms-request-id" not in odd.headers


def test_a_prefix_is_in_front_of_every_contract(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, "--url-prefix", "/iris") as running:
        for path in ("/iris/v2/models/iris/infer", "/v2/models/iris/infer"):
            assert post(running, path, TENSORS).status == 200
        assert "no model 'x'" in told(post(running, "/iris/v2/models/x/infer", TENSORS), 404)
