"""What recipes write, checked by what platforms check it with, or by their own models.

``.ci/validators`` fetches the programs. Each check has to find a mistake, too.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Run
from tests.package import ROOT
from tests.recipes import DIGEST, NAMES, documents, full, values_of, write
from tests.tools import require, validators

pytestmark = pytest.mark.once

VERSIONS = ("1.30.0", "1.34.0", "1.37.0")
OVERLAYS = ("canary", "httproute", "in-flight", "ingress", "monitoring", "tokens")
CLOUD_CONFIG = (
    "cloud-init/usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json"
)
MOST_EXPOSED = 15  # tenths, as `systemd-analyze security` counts


@pytest.fixture
def tools() -> Path:
    """The folder that ``.ci/validators`` has made."""
    return validators()


Files = Callable[..., Path]


@pytest.fixture
def files(run: Run, artifacts: Path, tmp_path: Path) -> Files:
    """Write a recipe with all that it can, and return its folder."""

    def files(kind: str, *options: str) -> Path:
        folder = tmp_path / kind
        write(run, artifacts, folder, kind, *(options or full(kind)))
        return folder

    return files


def check(*command: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
        env={**os.environ, "KUBECONFIG": os.devnull},
    )


def passes(*command: object, cwd: Path | None = None) -> str:
    ran = check(*command, cwd=cwd)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def fails(*command: object, cwd: Path | None = None) -> None:
    ran = check(*command, cwd=cwd)
    assert ran.returncode != 0, ran.stdout + ran.stderr


def misspell(path: Path, word: str) -> None:
    """Change one word of a file by one letter."""
    text = path.read_text()
    assert word in text
    path.write_text(text.replace(word, word[:-1] + ("x" if word[-1] != "x" else "y"), 1))


# ---- Kubernetes


def kustomize(tools: Path, folder: Path) -> list[Any]:
    """Build what a cluster would be given."""
    if (folder / "kustomization.yaml").read_text().count("files: [tokens]"):
        (folder / "tokens").write_text("a-token-of-the-tests\n")
    return documents(passes(tools / "bin/kubectl", "kustomize", folder))


def wrong_objects(tools: Path, objects: list[Any], folder: Path) -> str:
    """Return what is wrong with objects, by their schemas and by their models."""
    path = folder / "objects"
    known = [
        o
        for o in objects
        if "k8s.io" not in o["apiVersion"].partition("/")[0]
        or o["apiVersion"].startswith("networking.k8s.io")
    ]
    known = [o for o in known if not o["apiVersion"].startswith("monitoring.")]
    wrong = ""
    if known:
        path.with_suffix(".yaml").write_text(yaml.safe_dump_all(known))
        for version in VERSIONS:
            ran = check(
                *(tools / "bin/kubernetes-validate", "--strict", "-k", version),
                path.with_suffix(".yaml"),
            )
            said = ran.stdout + ran.stderr
            wrong += said if ran.returncode or "WARN" in said else ""
    path.with_suffix(".json").write_text(json.dumps(objects))
    ran = check("node", tools / "strict-models.mjs", path.with_suffix(".json"), cwd=tools)
    return wrong + (ran.stdout + ran.stderr if ran.returncode else "")


@pytest.mark.parametrize("overlay", ["base", *(f"overlays/{name}" for name in OVERLAYS)])
def test_every_overlay_builds_and_is_what_kubernetes_takes(
    tools: Path, files: Files, tmp_path: Path, overlay: str
) -> None:
    folder = files("kubernetes")
    assert {path.name for path in (folder / "overlays").iterdir()} == set(OVERLAYS)
    objects = kustomize(tools, folder / overlay)
    assert wrong_objects(tools, objects, tmp_path) == ""
    assert {o["metadata"].get("namespace") for o in objects} == {"models"}


def test_a_canary_has_pods_of_its_own_and_a_tenth_of_the_requests(
    tools: Path, files: Files
) -> None:
    objects = kustomize(tools, files("kubernetes") / "overlays/canary")
    pods = {
        o["metadata"]["name"]: (
            o["spec"]["selector"]["matchLabels"],
            o["spec"]["template"]["metadata"]["labels"],
        )
        for o in objects
        if o["kind"] == "Deployment"
    }
    (ours, _), (theirs, _) = pods["iris"], pods["iris-canary"]
    assert ours != theirs
    assert all(set(selector.items()) <= set(labels.items()) for selector, labels in pods.values())
    (route,) = (o for o in objects if o["kind"] == "HTTPRoute")
    weights = {ref["name"]: ref["weight"] for ref in route["spec"]["rules"][0]["backendRefs"]}
    assert weights == {"iris": 90, "iris-canary": 10}
    assert [o["metadata"]["name"] for o in objects if o["kind"].startswith("Horiz")] == ["iris"]


SPECS = {
    "Deployment": "terminationGracePeriodSeconds",
    "Service": "targetPort",
    "ServiceAccount": "automountServiceAccountToken",
    "HorizontalPodAutoscaler": "averageUtilization",
    "PodDisruptionBudget": "maxUnavailable",
    "NetworkPolicy": "policyTypes",
    "Ingress": "pathType",
    "HTTPRoute": "backendRefs",
    "ServiceMonitor": "interval",
    "PrometheusRule": "expr",
    "Secret": "data",
    "ConfigMap": "data",
}


def renamed(data: Any, key: str) -> Any:
    """Return data with a key misspelt, wherever it stands."""
    if isinstance(data, Mapping):
        return {
            name + "x" if name == key else name: renamed(value, key) for name, value in data.items()
        }
    return [renamed(value, key) for value in data] if isinstance(data, list) else data


def test_a_misspelt_key_of_every_kind_of_object_is_found(
    tools: Path, files: Files, tmp_path: Path
) -> None:
    folder = files("kubernetes")
    objects = {
        o["kind"]: o for name in OVERLAYS for o in kustomize(tools, folder / "overlays" / name)
    }
    assert objects.keys() == SPECS.keys()
    for kind, key in SPECS.items():
        assert wrong_objects(tools, [objects[kind]], tmp_path) == ""
        assert wrong_objects(tools, [renamed(objects[kind], key)], tmp_path), kind


def test_a_misspelt_key_of_a_kustomization_is_found(tools: Path, files: Files) -> None:
    folder = files("kubernetes") / "base"
    misspell(folder / "kustomization.yaml", "resources")
    fails(tools / "bin/kubectl", "kustomize", folder)


def test_every_object_fits_a_namespace_that_enforces_restricted(tools: Path, files: Files) -> None:
    """Pod Security Standards, restricted, and what goes further than they do."""
    objects = kustomize(tools, files("kubernetes") / "overlays/tokens")
    (pod,) = (o["spec"]["template"]["spec"] for o in objects if o["kind"] == "Deployment")
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {kind for volume in pod["volumes"] for kind in volume} == {"name", "secret"}


# ---- Helm


@pytest.fixture
def chart(files: Files) -> Path:
    return files("helm")


def rendered(tools: Path, chart: Path, *options: str) -> list[Any]:
    text = passes(tools / "bin/helm", "template", "iris", chart, "--namespace", "models", *options)
    return [document for document in documents(text) if document]


def test_the_chart_lints_and_is_what_kubernetes_takes(
    tools: Path, chart: Path, tmp_path: Path
) -> None:
    passes(tools / "bin/helm", "lint", "--strict", chart)
    for options in ([], ["--set", "tokensSecret="], ["--set", "autoscaling.enabled=false"]):
        assert wrong_objects(tools, rendered(tools, chart, *options), tmp_path) == ""


def test_the_chart_and_the_base_say_the_same(tools: Path, chart: Path, files: Files) -> None:
    """But for labels, by which each finds its own."""
    labels = re.compile("labels|matchLabels|selector|namespace|labelSelector")

    def bare(data: Any) -> Any:
        if isinstance(data, Mapping):
            return {k: bare(v) for k, v in data.items() if not labels.fullmatch(k)}
        return [bare(value) for value in data] if isinstance(data, list) else data

    folder = files("kubernetes")
    base = {o["kind"]: bare(o) for o in kustomize(tools, folder / "base")}
    for overlay in ("ingress", "monitoring"):
        for o in kustomize(tools, folder / "overlays" / overlay):
            base.setdefault(o["kind"], bare(o))
    ours = {o["kind"]: bare(o) for o in rendered(tools, chart)}
    for kind, o in ours.items():
        assert o == base[kind], kind
    assert base.keys() - ours.keys() == {"ConfigMap", "PrometheusRule"}


def test_a_value_that_the_chart_does_not_know_is_refused(tools: Path, chart: Path) -> None:
    for value in ("replicass=3", "ingress.hosts=a", "replicas=0", "workers=many"):
        fails(tools / "bin/helm", "template", "iris", chart, "--set", value)


# ---- Compose, and what stands in front


@pytest.mark.parametrize("proxy", ["nginx", "caddy", None])
def test_compose_takes_its_file(tools: Path, files: Files, proxy: str | None) -> None:
    options = ["--monitoring", "--tokens"]
    if proxy:
        options += ["--proxy", proxy, "--domain", "iris.example.com"]
    folder = files("compose", *options)
    (folder / "tokens").write_text("a-token-of-the-tests\n")
    path = folder / "compose.yaml"
    commands = (
        (tools / "bin/docker-compose", "--file", path, "config", "--quiet"),
        (tools / "bin/check-jsonschema", "--builtin-schema", "vendor.compose-spec", path),
    )
    (services,) = documents(path.read_text())
    for source in values_of(services, "volumes"):
        for volume in source if isinstance(source, list) else ():
            if str(volume).startswith("./") and "certificates" not in volume:
                name = volume.split(":")[0]
                assert (folder / name).exists() or "prometheus-token" in name, volume
    for command in commands:
        passes(*command)
    misspell(path, "read_only")
    for command in commands:
        fails(*command)


def test_nginx_takes_its_configuration(files: Files, tmp_path: Path) -> None:
    nginx, openssl = require("nginx"), require("openssl")
    folder = files("compose", "--proxy", "nginx", "--domain", "iris.example.com")
    key, certificate = tmp_path / "iris.example.com.key", tmp_path / "iris.example.com.pem"
    passes(
        *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
        *("-subj", "/CN=iris.example.com", "-keyout", key, "-out", certificate),
    )
    path = folder / "nginx.conf"
    text = path.read_text()
    # Here there is no network in which the server has its name, and an nginx before 1.25.1.
    text = text.replace("server server:", "server 127.0.0.1:").replace("        http2 on;\n", "")
    path.write_text(text.replace("/etc/nginx/certificates", str(tmp_path)))
    command = (nginx, "-t", "-c", path, "-g", f"error_log {tmp_path}/errors;")
    passes(*command)
    misspell(path, "proxy_pass")
    fails(*command)


def test_caddy_takes_its_configuration(tools: Path, files: Files) -> None:
    folder = files("compose", "--proxy", "caddy", "--domain", "iris.example.com")
    command = (
        *(tools / "bin/caddy", "validate", "--adapter", "caddyfile"),
        *("--config", folder / "Caddyfile"),
    )
    passes(*command)
    misspell(folder / "Caddyfile", "reverse_proxy")
    fails(*command)


def test_prometheus_takes_its_configuration_and_alerts(files: Files) -> None:
    promtool = require("promtool")
    folder = files("compose", "--monitoring", "--tokens", "--domain", "iris.example.com")
    for kind, name, word in (
        ("rules", "alerts.yml", "expr"),
        ("config", "prometheus.yml", "targets"),
    ):
        options = ["--syntax-only"] if kind == "config" else []
        command = (promtool, "check", kind, *options, folder / name)
        passes(*command)
        misspell(folder / name, word)
        fails(*command)


ALERT_TEST = """
rule_files: [alerts.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: iris_deploy_requests_total{job="iris", route="ROUTE", status="200"}
        values: 0+100x30
      - series: iris_deploy_requests_total{job="iris", route="ROUTE", status="503"}
        values: 0+FAILx30
      - series: iris_deploy_requests_total{job="iris", route="/v2/health/ready", status="200"}
        values: 0+9999x30
      - series: iris_deploy_drift_psi{column="length"}
        values: 0.05x10 0.9x20
      - series: iris_deploy_drift_threshold{column="length"}
        values: 0.1x30
    alert_rule_test:
      - eval_time: 20m
        alertname: PredictionsFail
        exp_alerts: EXPECTED
      - eval_time: 15m
        alertname: InputDrifts
      - eval_time: 25m
        alertname: InputDrifts
        exp_alerts:
          - exp_labels: {severity: warning, column: length}
            exp_annotations:
              summary: A column is not distributed any more as in training
"""
ALERT = (
    "[{exp_labels: {severity: critical, job: iris}, "
    "exp_annotations: {summary: More than 1% of predictions fail}}]"
)


@pytest.mark.parametrize("route", ["/predict", "/v2/models/iris/infer", "/v1/models/iris:predict"])
@pytest.mark.parametrize(("failures", "expected"), [("5", ALERT), ("0", "[]")])
def test_alerts_fire_when_predictions_fail_or_inputs_drift_and_else_not(
    files: Files, failures: str, expected: str, route: str
) -> None:
    promtool = require("promtool")
    folder = files("compose", "--monitoring")
    text = ALERT_TEST.replace("FAIL", failures).replace("EXPECTED", expected)
    text = text.replace("ROUTE", route)
    (folder / "test.yml").write_text(text)
    passes(promtool, "test", "rules", "test.yml", cwd=folder)


def test_the_dashboard_asks_what_the_server_has(tools: Path, files: Files) -> None:
    dashboard = json.loads(
        (files("compose", "--monitoring") / "grafana/dashboard.json").read_text()
    )
    expressions = [
        target["expr"].replace("$__rate_interval", "5m")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    script = "import promql_parser, sys; [promql_parser.parse(line) for line in sys.stdin]"
    subprocess.run(
        [tools / "venv/bin/python", "-c", script],
        input="\n".join(expressions).encode(),
        check=True,
    )
    documented = (ROOT / "docs/monitoring.md").read_text()
    for panel in dashboard["panels"]:
        assert f"| {panel['title']} |" in documented
        assert panel["description"]
    for expression in expressions:
        for metric in re.findall(r"(?:iris_deploy|process)_[a-z_]+", expression):
            name = re.sub("_bucket$", "", metric)
            assert name in documented, name


def test_every_alert_is_documented_with_what_to_do(files: Files) -> None:
    documented = (ROOT / "docs/monitoring.md").read_text()
    (rules,) = documents((files("compose", "--monitoring") / "alerts.yml").read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    assert re.findall(r"^\| `([A-Z]\w+)` \|", documented, re.MULTILINE) == alerts


# ---- Machines


def test_cloud_init_takes_the_user_data_and_nothing_beside_its_keys(
    tools: Path, files: Files
) -> None:
    path = files("cloud-init") / "user-data"
    assert path.read_text().startswith("#cloud-config\n")
    command = (
        *(tools / "bin/check-jsonschema", "--default-filetype", "yaml"),
        *("--schemafile", tools / CLOUD_CONFIG, path),
    )
    passes(*command)
    for word in ("runcmd", "permissions"):
        before = path.read_text()
        misspell(path, word)
        fails(*command)
        path.write_text(before)


def written_files(folder: Path) -> Mapping[str, str]:
    (config,) = documents((folder / "user-data").read_text())
    return {entry["path"]: entry["content"] for entry in config["write_files"]}


def test_the_unit_of_a_machine_is_the_one_of_systemd_s_recipe(files: Files) -> None:
    unit = (files("systemd") / "iris.service").read_text()
    assert written_files(files("cloud-init"))["/etc/systemd/system/iris.service"] == unit


@pytest.mark.parametrize("kind", ["systemd", "systemd-venv"])
def test_systemd_takes_the_units_and_finds_them_hardened(
    files: Files, tmp_path: Path, kind: str
) -> None:
    analyze = require("systemd-analyze")
    folder = files(kind)
    root = tmp_path / "root"
    units = root / "etc/systemd/system"
    for program in ("usr/bin/docker", "opt/iris/venv/bin/iris-deploy", "bin/kill"):
        (root / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", root / program)
    units.mkdir(parents=True)
    targets = ("sysinit.target", "basic.target", "shutdown.target", "sockets.target")
    for name in (*targets, "network-online.target", "network.target", "docker.service"):
        text = "[Service]\nExecStart=/usr/bin/docker\n" if name.endswith("service") else "[Unit]\n"
        (units / name).write_text(text)
    names = [path.name for path in folder.iterdir() if path.suffix in {".service", ".socket"}]
    for name in names:
        shutil.copy(folder / name, units / name)
    command = (analyze, "verify", f"--root={root}", "--man=no", "--recursive-errors=no", *names)
    passes(*command)
    threshold = f"--threshold={MOST_EXPOSED}"
    passes(analyze, "security", "--offline=true", threshold, folder / "iris.service")
    misspell(units / "iris.service", "NoNewPrivileges")
    fails(*command)


@pytest.mark.parametrize("kind", NAMES)
def test_every_script_is_sound(tools: Path, files: Files, tmp_path: Path, kind: str) -> None:
    folder = files(kind)
    scripts = list(folder.rglob("*.sh"))
    if (folder / "user-data").exists():
        for number, text in enumerate(written_files(folder).values()):
            if text.startswith("#!"):
                scripts.append(tmp_path / f"{number}.sh")
                scripts[-1].write_text(text)
        (config,) = documents((folder / "user-data").read_text())
        scripts.append(tmp_path / "commands.sh")
        scripts[-1].write_text("#!/bin/sh\nset -e\n" + "\n".join(config["runcmd"]) + "\n")
    for script in scripts:
        passes(tools / "bin/shellcheck", script)
    if scripts:
        scripts[0].write_text(scripts[0].read_text() + "rm $unquoted/*\n")
        fails(tools / "bin/shellcheck", scripts[0])


# ---- Platforms whose SDK has a model of the file

MODELS = {
    "ecs/task.json": ("ecs:RegisterTaskDefinition", "readonlyRootFilesystem", "healthCheck"),
    "ecs/service.json": ("ecs:CreateService", "desiredCount", "awsvpcConfiguration"),
    "sagemaker/model.json": ("sagemaker:CreateModel", "PrimaryContainer", "Image"),
    "sagemaker/endpoint-config.json": (
        *("sagemaker:CreateEndpointConfig", "InitialInstanceCount"),
        "ContainerStartupHealthCheckTimeoutInSeconds",
    ),
    "sagemaker/endpoint-config-serverless.json": (
        *("sagemaker:CreateEndpointConfig", "ServerlessConfig", "MaxConcurrency"),
    ),
    "sagemaker/transform-job.json": (
        *("sagemaker:CreateTransformJob", "BatchStrategy", "SplitType", "Accept"),
        *("AssembleWith", "InvocationsMaxRetries"),
    ),
    "azure-ml/endpoint.yml": ("azure-ml:load_online_endpoint", "auth_mode"),
    "azure-ml/deployment.yml": (
        *("azure-ml:load_online_deployment", "inference_config", "scoring_route", "instance_type"),
        *("max_concurrent_requests_per_instance", "failure_threshold"),
    ),
    "kserve/standard.yaml": (
        *("kserve", "minReplicas", "deploymentStrategy", "maxSurge", "runAsUser"),
        *("containerPort", "allowPrivilegeEscalation", "preStop", "secretKeyRef"),
    ),
    "kserve/knative.yaml": ("kserve", "scaleTarget", "readinessProbe", "httpGet", "limits"),
    "knative/service.yaml": ("knative", "containerPort", "timeoutSeconds", "readinessProbe"),
    "cloud-run/service.yaml": ("cloud-run", "containerConcurrency", "startupProbe", "limits"),
    "azure-container-apps/containerapp.yaml": (
        *("container-app", "targetPort", "failureThreshold"),
        *("terminationGracePeriodSeconds", "maxReplicas", "secretRef"),
    ),
}
"""By file: the model, and keys that are misspelt."""


@pytest.mark.parametrize("name", MODELS)
def test_a_platform_s_sdk_knows_every_key_of_its_file(
    tools: Path, files: Files, tmp_path: Path, name: str
) -> None:
    model, *keys = MODELS[name]
    kind, _, file = name.partition("/")
    (data,) = documents((files(kind) / file).read_text())
    paths = {key: tmp_path / f"{key}.json" for key in ("right", *keys)}
    for key, path in paths.items():
        path.write_text(json.dumps(renamed(data, key)))
        assert key == "right" or path.read_text() != paths["right"].read_text(), key
    ran = check(tools / "venv/bin/python", tools / "strict_models.py", model, *paths.values())
    refused = {key for key, path in paths.items() if f"{path}: " in ran.stderr}
    assert (ran.returncode, refused) == (1, set(keys)), ran.stderr


SAGEMAKER = [name for name in MODELS if name.startswith("sagemaker/")]
BEYOND = {
    "ModelName": "iris_v1",
    "TransformJobName": "j" * 64,
    "BatchStrategy": "AllRecords",
    "MaxConcurrency": 201,
}


@pytest.mark.parametrize("key", BEYOND)
def test_a_value_is_refused_that_aws_would_refuse(
    tools: Path, files: Files, tmp_path: Path, key: str
) -> None:
    (name,) = [n for n in SAGEMAKER if f'"{key}"' in (files("sagemaker") / n[10:]).read_text()][-1:]
    data = changed(json.loads((files("sagemaker") / name[10:]).read_text()), key, BEYOND[key])
    (tmp_path / "data.json").write_text(json.dumps(data))
    fails(
        *(tools / "venv/bin/python", tools / "strict_models.py"),
        *(MODELS[name][0], tmp_path / "data.json"),
    )


def changed(data: Any, key: str, value: object) -> Any:
    """Return data with another value under a key, wherever it stands."""
    if isinstance(data, Mapping):
        return {k: value if k == key else changed(inner, key, value) for k, inner in data.items()}
    return [changed(inner, key, value) for inner in data] if isinstance(data, list) else data


@pytest.mark.parametrize(
    ("key", "value"), [("minReplicas", "2"), ("containerPort", "http"), ("args", [1])]
)
def test_a_value_of_another_type_is_refused_of_kserve_s(
    tools: Path, files: Files, tmp_path: Path, key: str, value: object
) -> None:
    (data,) = documents((files("kserve") / "standard.yaml").read_text())
    path = tmp_path / "data.json"
    path.write_text(json.dumps(changed(data, key, value)))
    ran = check(tools / "venv/bin/python", tools / "strict_models.py", "kserve", path)
    assert (ran.returncode, ": expected " in ran.stderr) == (1, True)


@pytest.mark.parametrize("file", ["standard.yaml", "knative.yaml"])
def test_kserve_finds_the_model_by_the_name_of_its_service_and_fits_restricted(
    files: Files, file: str
) -> None:
    (service,) = documents((files("kserve", "--name", "flowers") / file).read_text())
    (container,) = service["spec"]["predictor"]["containers"]
    assert service["metadata"]["name"] == "flowers"
    assert container["name"] == "kserve-container"
    assert container["args"][-2:] == ["--served-model-name", "flowers"]
    assert container["securityContext"] == {
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert len(container["ports"]) == 1  # all that Knative takes


# ---- Commands and scripts of platforms, of which nothing is sent

RECORDER = """#!/bin/sh
{ printf '%s\\0' "${0##*/}" "$@"; printf '\\n'; } >>"$COMMANDS"
case "$*" in
    *describe-transform-job*|*" show "*--query*) ;;
    *describe-*|*" show "*) exit $((1 - THERE)) ;;
    *"endpoints list"*) [ "$THERE" = 0 ] || echo endpoints/1 ;;
    *"models upload"*) echo models/1 ;;
    *"endpoints create"*) echo endpoints/2 ;;
    *"deployment list"*) [ "$THERE" = 0 ] || printf 'blue=0\\ngreen=0\\n' ;;
esac
"""
"""Takes the place of a platform's command line, notes what it is asked, and has it or not."""


def recorded(script: Path, *words: str, there: bool, **env: str) -> list[list[str]]:
    """Run a script, and return the commands that it gives to a platform."""
    folder = script.parent / "recorder"
    folder.mkdir(exist_ok=True)
    for program in ("aws", "az", "gcloud"):
        (folder / program).write_text(RECORDER)
        (folder / program).chmod(0o755)
    commands = folder / "commands"
    commands.write_text("")
    path = f"{folder}:{os.environ['PATH']}"
    own = {"PATH": path, "COMMANDS": str(commands), "THERE": str(int(there))}
    subprocess.run(["sh", script, *words], env={**env, **own}, check=True, capture_output=True)
    return [line.split("\0")[:-1] for line in commands.read_text().splitlines()]


def strict(tools: Path, kind: str, path: Path, *words: str, cwd: Path) -> tuple[str, list[str]]:
    """Say what is wrong with commands or a script, and what a script asks for."""
    command = (tools / "venv/bin/python", tools / "strict_commands.py", kind, path)
    ran = check(*command, *words, cwd=cwd)
    assert "Traceback" not in ran.stderr, ran.stderr
    assert ran.returncode == bool(ran.stderr), ran.stderr
    return ran.stderr, ran.stdout.splitlines()


def misspelt(commands: list[list[str]], words: list[str]) -> list[list[str]]:
    """Return for each of some words a command that has it, with a letter too many."""
    found = []
    for word in words:
        wrong = re.compile(rf"^{re.escape(word)}(?=$|=)")
        command = next(c for c in commands if any(wrong.search(part) for part in c))
        found.append([wrong.sub(f"{word}s", part) for part in command])
    return found


ROLE = "arn:aws:iam::123456789012:role/sagemaker"
NEW = ["DescribeModel", "CreateModel", "DescribeEndpointConfig", "CreateEndpointConfig"]
ANSWERS = ["CreateEndpoint", "DescribeEndpoint", "InvokeEndpoint"]


def operations(commands: list[list[str]]) -> list[str]:
    """Return what is asked of AWS, as its API calls it."""
    words = [
        {"endpoint-in-service": "describe-endpoint"}.get(command[3], "describe-transform-job")
        if command[2] == "wait"
        else command[2]
        for command in commands
    ]
    return ["".join(part.capitalize() for part in word.split("-")) for word in words]


@pytest.mark.parametrize("what", ["instances", "serverless", "transform"])
def test_the_commands_of_sagemaker_and_its_script_are_right_and_ask_for_the_same(
    tools: Path, files: Files, tmp_path: Path, what: str
) -> None:
    folder = files("sagemaker")
    if what == "transform":
        commands = recorded(folder / "transform.sh", there=False, STRATEGY="SingleRecord")
        expected = ["CreateTransformJob", "DescribeTransformJob"]
        assert operations(commands)[:2] == expected
        assert commands[0][-2:] == ["--batch-strategy", "SingleRecord"]
        expected = [*NEW[:2], *expected]
    else:
        commands = recorded(folder / "create.sh", what, there=False, ROLE=ROLE)
        expected = [*NEW, "DescribeEndpoint", *ANSWERS]
        assert operations(commands) == expected
        again = operations(recorded(folder / "create.sh", what, there=True, ROLE=ROLE))
        assert again == [
            *("DescribeModel", "DescribeEndpointConfig", "DescribeEndpoint"),
            *("UpdateEndpoint", "DescribeEndpoint", "InvokeEndpoint"),
        ]
    words = {"transform": ["--transform-job-name"]}.get(what, ["create-endpoint", "--content-type"])
    path = tmp_path / "commands.json"
    path.write_text(json.dumps([*commands, *misspelt(commands, words)]))
    said, _ = strict(tools, "aws", path, cwd=folder)
    assert [line.split()[-2] for line in said.splitlines()] == [f"{word}s:" for word in words]
    assert strict(tools, "boto3", folder / "deploy.py", ROLE, what, cwd=folder) == ("", expected)
    misspell(folder / "model.json", "PrimaryContainer")
    said, _ = strict(tools, "boto3", folder / "deploy.py", ROLE, what, cwd=folder)
    assert "PrimaryContainex" in said


def test_names_at_sagemaker_leave_room_for_the_number_of_a_version(files: Files) -> None:
    folder = files("sagemaker", "--name", "a" * 36)
    config = json.loads((folder / "endpoint-config-serverless.json").read_text())
    pattern = rf"a{{36}}-v\d-{DIGEST[7:15]}-serverless"
    assert re.fullmatch(pattern, config["EndpointConfigName"])
    assert len(config["EndpointConfigName"]) + len("1234") == 63


@pytest.mark.parametrize("there", [False, True])
def test_the_commands_of_vertex_set_what_its_api_has(
    tools: Path, files: Files, tmp_path: Path, there: bool
) -> None:
    folder = files("vertex")
    commands = recorded(folder / "create.sh", there=there, REGION="europe-west4")
    created = [] if there else ["endpoints create"]
    assert [" ".join(command[2:4]) for command in commands] == [
        *("models upload", "endpoints list", *created),
        *("endpoints deploy-model", "endpoints predict"),
    ]
    deployed = commands[-2]
    assert deployed[4] == ("endpoints/1" if there else "endpoints/2")
    assert "--model=models/1" in deployed
    words = ["--container-ports", "--min-replica-count", "--traffic-split", "--json-request"]
    path = tmp_path / "commands.json"
    path.write_text(json.dumps([*commands, *misspelt(commands, words)]))
    said, _ = strict(tools, "gcloud", path, cwd=folder)
    assert [line.split()[-2] for line in said.splitlines()] == [f"{word}s:" for word in words]


@pytest.mark.parametrize(
    "word", ["upload", "serving_container_ports", "machine_type", "location", "filter"]
)
def test_the_script_of_vertex_calls_what_its_sdk_has(tools: Path, files: Files, word: str) -> None:
    folder = files("vertex")
    assert strict(tools, "vertex", folder / "deploy.py", cwd=folder) == ("", [])
    misspell(folder / "deploy.py", word)
    assert "unknown" in strict(tools, "vertex", folder / "deploy.py", cwd=folder)[0]


@pytest.mark.parametrize("there", [False, True])
def test_a_deployment_of_azure_ml_gets_requests_once_it_has_answered_one(
    files: Files, there: bool
) -> None:
    folder = files("azure-ml")
    given = {"GROUP": "models", "WORKSPACE": "w", "ENDPOINT": "flowers"}
    commands = recorded(folder / "create.sh", there=there, **given)
    created = [] if there else ["online-endpoint create"]
    assert [" ".join(command[2:4]) for command in commands[1:]] == [
        *("online-endpoint show", *created, "online-deployment create", "online-endpoint invoke"),
        *("online-deployment list", "online-endpoint update", "online-endpoint show"),
    ]
    (deployment,) = documents((folder / "deployment.yml").read_text())
    (invoked,) = [command for command in commands if command[3] == "invoke"]
    (updated,) = [command for command in commands if command[3] == "update"]
    assert deployment["name"] in invoked
    others = ["blue=0", "green=0"] if there else []
    assert updated[-1].split() == [*others, f"{deployment['name']}=100"]
    assert all("flowers" in command and "models" in command for command in commands[1:])
