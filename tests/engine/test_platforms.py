"""The image as each platform starts it, asked as that platform asks.

What recipes tell a platform is taken out of their files: arguments, probes, routes, requests.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.cli import main
from tests.conftest import Answer
from tests.containers import Container, container, docker
from tests.pieces import JSON
from tests.recipes import IMAGE, documents

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]

NAME = "my-isvc"
CSV = {"Content-Type": "text/csv", "Accept": "text/csv"}
LINES = {"Content-Type": "application/jsonlines", "Accept": "application/jsonlines"}
VIRGINICA = {"prediction": "virginica"}

Written = Callable[[str], Path]


@pytest.fixture(scope="module")
def written(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Write a recipe, and return its folder."""

    def written(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        options = ["--image", IMAGE, "--no-lookup", "--name", NAME, "--output", str(folder)]
        assert main(["recipe", kind, "--artifacts", str(_trained), *options]) == 0
        return folder

    return written


def environment(**variables: str) -> list[str]:
    """Return the options that set variables."""
    return [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]


def answered(answer: Answer) -> Any:
    """Return what an answer says in JSON; it has to be one."""
    assert (answer.status, answer.headers["Content-Type"]) == (200, JSON["Content-Type"])
    return answer.json()


# ---- SageMaker


@pytest.fixture(scope="module")
def sagemaker(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Start it as SageMaker says: as root, by the word serve, beside a model of its own."""
    model = tmp_path_factory.mktemp("model")
    (model / "weights").write_bytes(b"not ours")
    options = ("--user", "0", "--read-only", "--volume", f"{model}:/opt/ml/model:ro")
    with container(image, *options, command=["serve"]) as running:
        running.is_ready(8080, "/ping")
        yield running


def test_sagemaker_is_told_within_two_seconds_and_without_a_body_that_it_is_ready(
    sagemaker: Container,
) -> None:
    ping = sagemaker.ask(8080, "GET", "/ping", timeout=2)
    assert (ping.status, ping.body) == (200, b"")


def test_sagemaker_chooses_another_port_as_the_label_allows(image: str) -> None:
    label = "com.amazonaws.sagemaker.capabilities.accept-bind-to-port"
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image))
    assert labels[label] == "true"
    options = environment(SAGEMAKER_BIND_TO_PORT="15000", SAGEMAKER_SAFE_PORT_RANGE="15000-16000")
    with container(image, "--user", "0", *options, command=["serve"]) as running:
        running.is_ready(15000, "/ping")
        assert running.ask(15000, "GET", "/ping").status == 200
        assert running.refuses(8080)


def test_sagemaker_invokes_with_what_its_recipe_sends(
    sagemaker: Container, written: Written
) -> None:
    body = (written("sagemaker") / "request.json").read_bytes()
    headers = {**JSON, "Accept": "*/*", "X-Amzn-SageMaker-Custom-Attributes": "trace=1"}
    answer = answered(sagemaker.ask(8080, "POST", "/invocations", body, headers))
    assert len(answer["predictions"]) == 1


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_a_batch_transform_gets_a_line_for_each_line(sagemaker: Container, strategy: str) -> None:
    records = [b"5.1,2.4", b"1.4,0.2", b"5.1,2.4"]
    payloads = [b"\n".join(records)] if strategy == "MultiRecord" else records
    lines: list[bytes] = []
    for payload in payloads:
        answer = sagemaker.ask(8080, "POST", "/invocations", payload, CSV)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv")
        lines += answer.body.splitlines()
    assert lines == [b"virginica", b"setosa", b"virginica"]


def test_json_lines_of_a_batch_transform_are_answered_by_json_lines(sagemaker: Container) -> None:
    body = b'{"length": 5.1, "width": 2.4}\n{"length": 1.4, "width": 0.2}\n'
    answer = sagemaker.ask(8080, "POST", "/invocations", body, LINES)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/jsonlines")
    told = [json.loads(line) for line in answer.body.splitlines()]
    assert told == [VIRGINICA, {"prediction": "setosa"}]


def test_a_batch_transform_may_send_as_much_at_a_time_as_it_is_told(
    sagemaker: Container, written: Written
) -> None:
    told = answered(sagemaker.ask(8080, "GET", "/execution-parameters"))
    job = json.loads((written("sagemaker") / "transform-job.json").read_text())
    assert told.pop("BatchStrategy") == "MULTI_RECORD"
    assert job["BatchStrategy"] == "MultiRecord"
    assert told == {name: job[name] for name in ("MaxPayloadInMB", "MaxConcurrentTransforms")}
    line = b"5.1,2.4\n"
    n_lines, at_once = (told["MaxPayloadInMB"] << 20) // len(line), told["MaxConcurrentTransforms"]

    def transform(_: int) -> Answer:
        return sagemaker.ask(8080, "POST", "/invocations", line * n_lines, CSV)

    with ThreadPoolExecutor(at_once) as pool:
        answers = list(pool.map(transform, range(at_once)))
    assert [answer.status for answer in answers] == [200] * at_once
    assert all(answer.body.split() == [b"virginica"] * n_lines for answer in answers)


# ---- Vertex AI

HEALTH_ROUTE = "/v1/endpoints/123/deployedModels/456"
PREDICT_ROUTE = f"{HEALTH_ROUTE}:predict"


@pytest.fixture(scope="module")
def vertex(image: str) -> Iterator[Container]:
    """Start it as Vertex AI does where no routes are named."""
    options = environment(
        AIP_HTTP_PORT="8080",
        AIP_HEALTH_ROUTE=HEALTH_ROUTE,
        AIP_PREDICT_ROUTE=PREDICT_ROUTE,
        AIP_STORAGE_URI="gs://a-bucket/artifacts",
        AIP_MODE="PREDICTION",
    )
    with container(image, *options) as running:
        running.is_ready(8080, HEALTH_ROUTE)
        yield running


def test_vertex_is_answered_at_the_routes_and_on_the_port_that_it_names(
    vertex: Container, written: Written
) -> None:
    assert vertex.ask(8080, "GET", HEALTH_ROUTE, timeout=10).status == 200
    assert vertex.refuses(5000)
    body = (written("vertex") / "request.json").read_bytes()
    answer = answered(vertex.ask(8080, "POST", PREDICT_ROUTE, body, JSON))
    assert len(answer["predictions"]) == 1


def test_vertex_sends_parameters_beside_the_instances_and_no_content_type(
    vertex: Container,
) -> None:
    def predictions(parameters: dict[str, bool] | None) -> Any:
        asked = {"instances": [[5.1, 2.4], [1.4, 0.2]], "parameters": parameters}
        answer = vertex.ask(8080, "POST", PREDICT_ROUTE, json.dumps(asked).encode())
        return answered(answer)["predictions"]

    assert predictions(None) == predictions({}) == ["virginica", "setosa"]
    detailed = predictions({"details": True})
    assert [each["prediction"] for each in detailed] == ["virginica", "setosa"]
    assert all(len(each["decision_values"]) == 3 for each in detailed)


# ---- Cloud Run


def test_cloud_run_reaches_it_on_its_port_of_all_addresses(image: str) -> None:
    options = environment(PORT="9090", K_SERVICE=NAME, K_REVISION=f"{NAME}-00001", HOME="/home")
    with container(image, *options) as running:
        running.is_ready(9090)
        answer = running.ask(9090, "POST", "/predict", b'{"length": 5.1, "width": 2.4}', JSON)
        assert answered(answer) == VIRGINICA
        start = running.start()
        assert set(start["urls"]) <= {"http://[::]:9090", "http://0.0.0.0:9090"}
        assert all(running.refuses(port) for port in (5000, 8080))


# ---- Azure


def test_azure_web_apps_find_it_warm_on_8080_below_an_empty_home(image: str) -> None:
    with container(image, "--volume", "/home", *environment(WEBSITE_SITE_NAME=NAME)) as running:
        running.is_ready(8080, "/robots933456.txt")
        assert running.ask(8080, "GET", "/robots933456.txt").status == 200
        assert running.predicts(8080)


@pytest.fixture(scope="module")
def azure_ml(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Start it as an online endpoint does, with a model where Azure mounts one."""
    folder = "/var/azureml-app/azureml-models"
    model = f"{tmp_path_factory.mktemp('model')}:{folder}:ro"
    options = environment(AZUREML_MODEL_DIR=f"{folder}/iris/1", AML_APP_ROOT="/var/azureml-app")
    with container(image, "--volume", model, *options) as running:
        running.is_ready(8080)
        yield running


@pytest.mark.parametrize("port", [8080, 5000])
def test_azure_ml_scores_at_the_routes_of_its_recipe_and_gets_its_ids_back(
    azure_ml: Container, written: Written, port: int
) -> None:
    folder = written("azure-ml")
    (deployment,) = documents((folder / "deployment.yml").read_text())
    routes = deployment["environment"]["inference_config"]
    assert {route["port"] for route in routes.values()} == {8080}
    for probe in ("liveness_route", "readiness_route"):
        assert azure_ml.ask(port, "GET", routes[probe]["path"], timeout=2).status == 200
    ids = {"x-ms-request-id": "a-request", "x-ms-client-request-id": "a-client"}
    body = (folder / "request.json").read_bytes()
    path = routes["scoring_route"]["path"]
    answer = azure_ml.ask(port, "POST", path, body, {**JSON, **ids})
    assert len(answered(answer)["predictions"]) == 1
    assert {name: answer.headers[name] for name in ids} == ids


# ---- KServe


@pytest.fixture(scope="module", params=["standard", "knative"])
def predictor(request: pytest.FixtureRequest, written: Written) -> Any:
    """Return the container of an InferenceService, as its recipe writes it for both modes."""
    (service,) = documents((written("kserve") / f"{request.param}.yaml").read_text())
    assert service["metadata"]["name"] == NAME
    (spec,) = service["spec"]["predictor"]["containers"]
    return spec


@pytest.fixture(scope="module")
def kserve(image: str, predictor: Any) -> Iterator[Container]:
    """Start it as a kubelet does, by its arguments, variables, limits and security context."""
    context = predictor["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    options = ["--read-only", "--security-opt", "no-new-privileges", "--user", "1000"]
    options += [word for name in context["capabilities"]["drop"] for word in ("--cap-drop", name)]
    options += ["--memory", predictor["resources"]["limits"]["memory"].removesuffix("i")]
    (port,) = predictor["ports"]
    variables = {each["name"]: each["value"] for each in predictor["env"]}
    variables |= {"PORT": str(port["containerPort"]), "STORAGE_URI": "gs://a-bucket/model"}
    with container(
        image, *options, *environment(**variables), command=predictor["args"]
    ) as running:
        running.is_ready(8080, "/v2/health/ready")
        yield running


def test_kserve_finds_the_model_by_the_name_of_the_inference_service(
    kserve: Container, predictor: Any
) -> None:
    for probe in ("livenessProbe", "readinessProbe"):
        asked = predictor[probe]["httpGet"]
        assert kserve.ask(asked["port"], "GET", asked["path"]).status == 200
    for path, told in (
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"live": True, "ready": True}),
        (f"/v2/models/{NAME}/ready", {"name": NAME, "ready": True}),
        (f"/v1/models/{NAME}", {"name": NAME, "ready": True}),
    ):
        assert answered(kserve.ask(8080, "GET", path)) == told


def test_kserve_predicts_by_both_of_its_protocols(kserve: Container) -> None:
    tensor = {"name": "input", "shape": [2, 2], "datatype": "FP64", "data": [5.1, 2.4, 1.4, 0.2]}
    body = json.dumps({"id": "a", "inputs": [tensor], "outputs": [{"name": "prediction"}]}).encode()
    answer = answered(kserve.ask(8080, "POST", f"/v2/models/{NAME}/infer", body, JSON))
    assert (answer["model_name"], answer["id"]) == (NAME, "a")
    (output,) = answer["outputs"]
    assert (output["shape"], output["data"]) == ([2], ["virginica", "setosa"])
    body = b'{"instances": [[5.1, 2.4], [1.4, 0.2]]}'
    answer = answered(kserve.ask(8080, "POST", f"/v1/models/{NAME}:predict", body, JSON))
    assert answer == {"predictions": ["virginica", "setosa"]}


def test_kserve_does_not_find_it_by_the_models_own_name(kserve: Container) -> None:
    told = {"error": f"there is no model 'iris'; there is '{NAME}'"}
    for method, path in (("GET", "/v2/models/iris/ready"), ("POST", "/v2/models/iris/infer")):
        answer = kserve.ask(8080, method, path, b"{}" if method == "POST" else None, JSON)
        assert (answer.status, answer.json()) == (404, told)
