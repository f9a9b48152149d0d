"""A cluster that somebody has: the recipe applied, asked, rolled over, drained, scaled, deleted.

``make test-cluster`` with KUBECONFIG, and IRIS_DEPLOY_TEST_IMAGE for an image with a bundle of
irises that the cluster can pull. A namespace of its own is made and deleted.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools import require
from tests.waits import wait_until

MINUTES = 60  # seconds each; a cluster may pull the image first

pytestmark = [pytest.mark.once, pytest.mark.timeout(20 * MINUTES)]

NAME = "iris"
OURS = ("--selector", f"app.kubernetes.io/name={NAME}")


class Cluster:
    """A namespace of a cluster, kubectl, and the recipe's folder."""

    def __init__(self, namespace: str, folder: Path) -> None:
        self.namespace = namespace
        self.folder = folder

    def run(self, *words: object, given: str | None = None, fails: bool = False) -> str:
        """Run kubectl in the namespace, and return what it prints; it has to succeed, or fail."""
        command = [require("kubectl"), "--namespace", self.namespace, *map(str, words)]
        ran = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=5 * MINUTES, check=False
        )
        assert (ran.returncode != 0) == fails, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr * fails

    def read(self, *words: object) -> Any:
        """Return an object, or a list of them."""
        return json.loads(self.run("get", *words, "--output", "json"))

    def pods(self) -> list[str]:
        """Return the pods that are ready and not about to go."""
        return [
            pod["metadata"]["name"]
            for pod in self.read("pods", *OURS)["items"]
            if "deletionTimestamp" not in pod["metadata"]
            and any(
                (each["type"], each["status"]) == ("Ready", "True")
                for each in pod["status"].get("conditions", ())
            )
        ]

    def wait_for_rollout(self) -> None:
        """Wait until every pod is new and ready."""
        self.run("rollout", "status", f"deployment/{NAME}", f"--timeout={5 * MINUTES}s")


@pytest.fixture(scope="module")
def image() -> str:
    """Name an image that the cluster can pull; skipped plainly without a cluster."""
    if "KUBECONFIG" not in os.environ:
        pytest.skip("no cluster is tested: make test-cluster, with KUBECONFIG, tests one")
    image = os.environ.get("IRIS_DEPLOY_TEST_IMAGE")
    assert image, "IRIS_DEPLOY_TEST_IMAGE: name an image that the cluster can pull, user/iris:1.0"
    return image


@pytest.fixture(scope="module")
def cluster(
    image: str, _trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Make a namespace that enforces *restricted*, and apply the recipe in it."""
    namespace = f"iris-deploy-test-{secrets.token_hex(4)}"
    folder = tmp_path_factory.mktemp("cluster") / "recipe"
    options = ("--namespace", namespace, "--name", NAME, "--no-lookup")
    written = ("--artifacts", _trained, "--output", folder)
    command = (require("iris-deploy"), "recipe", "kubernetes", "--image", image)
    subprocess.run(list(map(str, (*command, *written, *options))), check=True)
    cluster = Cluster(namespace, folder)
    cluster.run("create", "namespace", namespace)
    try:
        enforced = "pod-security.kubernetes.io/enforce=restricted"
        cluster.run("label", "namespace", namespace, enforced)
        cluster.run("apply", "--kustomize", folder / "base")
        # The tests say how many there are.
        cluster.run("delete", "horizontalpodautoscaler", NAME)
        cluster.run("scale", f"deployment/{NAME}", "--replicas=2")
        cluster.wait_for_rollout()
        yield cluster
    finally:
        cluster.run("delete", "namespace", namespace, "--wait=true")


@pytest.fixture(scope="module")
def count(cluster: Cluster, image: str) -> Callable[[], dict[str, Any]]:
    """Run a pod that asks without a pause, and return what counts its answers."""
    script = Path(__file__).with_name("load.py").read_text()
    walls = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "load",
        "image": image,
        "command": ["python3", "-c", script, NAME],
        "securityContext": walls,
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "load"},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }
    cluster.run("apply", "--filename", "-", given=json.dumps(pod))
    cluster.run("wait", "--for=condition=Ready", "pod/load", f"--timeout={5 * MINUTES}s")

    def count() -> dict[str, Any]:
        lines = cluster.run("logs", "load", "--tail=1").splitlines()
        return dict(json.loads(lines[0])) if lines else {"right": 0, "failures": []}

    wait_until(lambda: count()["right"], MINUTES)
    return count


def asked_meanwhile(count: Callable[[], dict[str, Any]], act: Callable[[], object]) -> None:
    """Do something, and see that requests before, meanwhile and after it were answered."""
    before = count()
    act()
    goal = before["right"] + 50
    wait_until(lambda: count()["right"] >= goal, MINUTES, failed=count)
    assert count()["failures"] == []


def test_it_answers(count: Callable[[], dict[str, Any]]) -> None:
    assert count()["failures"] == []


@pytest.mark.parametrize(
    "change",
    [
        ("rollout", "restart", f"deployment/{NAME}"),
        ("set", "env", f"deployment/{NAME}", "ROLLED_OUT=yes"),
        ("scale", f"deployment/{NAME}", "--replicas=3"),
        ("scale", f"deployment/{NAME}", "--replicas=2"),
    ],
    ids=["restart", "rollout", "scale up", "scale down"],
)
def test_no_request_fails_while_pods_come_and_go(
    cluster: Cluster, count: Callable[[], dict[str, Any]], change: tuple[str, ...]
) -> None:
    before = set(cluster.pods())

    def act() -> None:
        cluster.run(*change)
        cluster.wait_for_rollout()
        wanted = cluster.read("deployment", NAME)["spec"]["replicas"]
        wait_until(lambda: cluster.read("pods", *OURS)["items"][wanted:] == [], MINUTES)

    asked_meanwhile(count, act)
    after = set(cluster.pods())
    assert after != before
    if change[0] != "scale":
        assert not after & before


def test_a_second_eviction_waits_until_the_first_pod_is_replaced(
    cluster: Cluster, count: Callable[[], dict[str, Any]]
) -> None:
    def evict(pod: str, *, fails: bool) -> str:
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": cluster.namespace},
        }
        path = f"/api/v1/namespaces/{cluster.namespace}/pods/{pod}/eviction"
        words = ("create", "--raw", path, "--filename", "-")
        return cluster.run(*words, given=json.dumps(eviction), fails=fails)

    def act() -> None:
        first, second, *_ = cluster.pods()
        evict(first, fails=False)
        assert "disruption budget" in evict(second, fails=True)
        cluster.wait_for_rollout()
        wait_until(lambda: len(cluster.pods()) == 2, MINUTES)

    asked_meanwhile(count, act)


def test_pods_run_as_nobody_in_particular_and_write_nothing(cluster: Cluster) -> None:
    pod = cluster.pods()[0]
    shown = cluster.run("exec", pod, "--", "sh", "-c", "id -u; touch /there 2>&1 || true")
    assert shown.splitlines()[0] == "1000"
    assert "Read-only file system" in shown


def test_the_recipe_is_deleted_without_a_trace(cluster: Cluster) -> None:
    """Last of all: what the other tests ask is gone then."""
    cluster.run("delete", "--ignore-not-found", "--kustomize", cluster.folder / "base")
    kinds = "deployments,services,poddisruptionbudgets,networkpolicies,horizontalpodautoscalers"
    wait_until(lambda: cluster.read(kinds)["items"] == [], MINUTES)
