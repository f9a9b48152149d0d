"""Figures: right totals over all workers, in the formats that Prometheus reads."""

import json
import os
import random
import re
import shutil
import signal
import string
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from iris_deploy.cli import main
from tests.conftest import Server, serving
from tests.pieces import counted
from tests.waits import wait_until

SETOSA, VERSICOLOR, VIRGINICA = (
    {"length": 1.4, "width": 0.2},
    {"length": 4.5, "width": 1.3},
    {"length": 5.1, "width": 2.4},
)
FAR = {"length": 70.0, "width": 0.2}  # its length is out of range
JSON = {"Content-Type": "application/json"}
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def counts(server: Server) -> dict[str, float]:
    """Return what is counted of requests, without the scrapes that ask for it."""
    return {
        name: value
        for name, value in server.metrics().items()
        if re.match(r"iris_deploy_\w+_(total|bucket|count|sum|rows)\b", name)
        and "/metrics" not in name
    }


def worker_of(request_id: str | None) -> str:
    """Return the part of a made-up request id that is the same for all of one worker."""
    assert request_id
    return request_id.partition("-")[0]


def test_totals_over_two_workers_are_right_whichever_worker_is_scraped(artifacts: Path) -> None:
    large = [SETOSA, VERSICOLOR, FAR] * 50  # too large for the loop: answered on a thread
    asked: list[tuple[str, str, Any, int]] = [
        *[("POST", "/predict", SETOSA, 200), ("POST", "/predict", VERSICOLOR, 200)] * 40,
        *[("POST", "/predict", VIRGINICA, 200), ("POST", "/predict?details=true", FAR, 200)] * 20,
        *[("POST", "/predict", large, 200), ("POST", "/predict", {"length": 1}, 422)] * 10,
        *[("GET", "/health/live", None, 200), ("GET", "/nope", None, 404)] * 15,
        *[("GET", "/", None, 200), ("PUT", "/predict", None, 405)] * 15,
    ]
    assert len(asked) == 200
    random.Random(0).shuffle(asked)
    with serving(artifacts, "--version", 1, "--workers", 2) as running:
        labels = {}
        for instance in (SETOSA, VERSICOLOR, VIRGINICA, FAR):
            labels[json.dumps(instance)] = running.predict(instance).json()["prediction"]

        def ask(request: tuple[str, str, Any, int]) -> str:
            method, path, value, status = request
            body = None if value is None else json.dumps(value)
            answer = running.request(method, path, body, JSON)
            assert answer.status == status
            return worker_of(answer.headers["X-Request-ID"])

        with ThreadPoolExecutor(4) as pool:
            workers = set(pool.map(ask, asked))
        assert len(workers) == 2
        predictions = 4 + 40 + 40 + 20 + 20 + 10 * len(large)
        wait_until(lambda: running.metrics()[counted("/predict", 200)] == 4 + 130)
        wait_until(lambda: running.metrics()[counted("other", 404)] == 15)
        found = counts(running)
        assert found[counted("/predict", 422)] == 10
        assert found[counted("/predict", 405)] == 15
        assert found[counted("/health/live", 200)] == 15
        assert found[counted("/", 200)] == 15
        by_class = dict.fromkeys(("setosa", "versicolor", "virginica"), 0)
        for instance, times in (
            (SETOSA, 1 + 40 + 500),
            (VERSICOLOR, 1 + 40 + 500),
            (VIRGINICA, 1 + 20),
            (FAR, 1 + 20 + 500),
        ):
            by_class[labels[json.dumps(instance)]] += times
        assert sum(by_class.values()) == predictions
        for label, times in by_class.items():
            assert found[f'iris_deploy_predictions_total{{class="{label}"}}'] == times
        assert found['iris_deploy_out_of_range_total{column="length"}'] == 1 + 20 + 500
        assert found['iris_deploy_out_of_range_total{column="width"}'] == 0
        assert found["iris_deploy_drift_rows"] >= 200
        assert running.metrics()["iris_deploy_workers"] == 2
        durations = "iris_deploy_request_duration_seconds"
        for route, requests in (("/predict", 159), ("/health/live", 15), ("/", 15), ("other", 15)):
            at = f'contract="{"native" if route == "/predict" else ""}"'
            of = f'{at},route="{route}"'
            assert found[f"{durations}_count{{{of}}}"] == requests
            assert found[f'{durations}_bucket{{{at},le="+Inf",route="{route}"}}'] == requests
            assert 0 < found[f"{durations}_sum{{{of}}}"] < 60
            buckets = [
                value
                for name, value in found.items()
                if name.startswith(f"{durations}_bucket") and name.endswith(f'route="{route}"}}')
            ]
            assert buckets == sorted(buckets)
        seen = set()
        for _ in range(200):
            answer = running.request("GET", "/metrics")
            seen.add(worker_of(answer.headers["X-Request-ID"]))
            if len(seen) == 2:
                break
            assert counts(running) == found
        assert len(seen) == 2


def test_totals_survive_the_death_of_workers_and_go_on(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2) as running:
        restarts = "iris_deploy_worker_restarts_total"
        for backoff in range(3):
            for _ in range(20):
                assert running.predict([SETOSA, FAR]).status == 200
            expected = 20 * (backoff + 1)
            name = counted("/predict", 200)
            wait_until(lambda n=name, e=expected: running.metrics()[n] == e)  # type: ignore[misc]
            before = counts(running)
            assert before[restarts] == backoff
            victim = running.workers()[backoff % 2]
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda v=victim: v not in running.workers())  # type: ignore[misc]
            for _ in range(20):
                after = counts(running)
                for name, value in before.items():
                    assert after[name] >= value or "drift" in name, name
            wait_until(lambda: len(running.workers()) == 2)
            wait_until(lambda d=backoff: running.metrics()[restarts] == d + 1)  # type: ignore[misc]
        total = sum(v for k, v in running.metrics().items() if "predictions_total" in k)
        assert total == 120


def test_prometheus_parsers_read_both_formats(server: Server) -> None:
    server.predict(VIRGINICA)
    server.request("GET", "/nope")
    plain = server.request("GET", "/metrics")
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    assert "charset=utf-8" in plain.headers["Content-Type"]
    families = {family.name: family for family in parse_text(plain.body.decode())}
    opened = server.request("GET", "/metrics", headers=OPENMETRICS)
    kind = opened.headers["Content-Type"]
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert opened.body.endswith(b"# EOF\n")
    strict = {family.name: family for family in parse_openmetrics(opened.body.decode())}  # type: ignore[no-untyped-call]
    assert set(strict) == set(families)
    for name, family in families.items():
        assert (family.type, family.documentation) == (
            strict[name].type,
            strict[name].documentation,
        )
        assert family.documentation
    assert families["iris_deploy_requests"].type == "counter"
    assert families["iris_deploy_request_duration_seconds"].type == "histogram"
    assert families["iris_deploy_bundle_info"].samples[0].labels["version"] == "1"


def series(server: Server) -> set[str]:
    return {name for name in server.metrics() if name.startswith("iris_deploy_requests_total")}


def test_what_clients_make_up_makes_no_series(artifacts: Path) -> None:
    dice = random.Random(1)
    with serving(artifacts, "--workers", 1) as running:
        before = series(running) | {counted("/metrics", 200)}
        for k in range(300):
            word = "".join(dice.choices(string.ascii_letters + string.digits + "._-", k=12))
            method = "".join(dice.choices(string.ascii_uppercase, k=1 + dice.randrange(9)))
            method = method if k % 3 else dice.choice(("GET", "POST", "DELETE", "OPTIONS"))
            path = f"/{word}/{dice.randrange(10**9)}?{word}={k}" if k % 2 else f"/metrics/{word}"
            answer = running.request(
                method, path, headers={"X-Request-ID": word, "Host": f"{k}.test"}
            )
            assert answer.status == 404
        name = counted("other", 404)
        wait_until(lambda: running.metrics()[name] == 300)
        assert series(running) == before | {name}


@pytest.mark.parametrize(
    "request_bytes", [b"NONSENSE\r\n\r\n", b"\x16\x03\x01", b"get / HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_what_is_no_request_is_counted_for_no_route(artifacts: Path, request_bytes: bytes) -> None:
    with serving(artifacts, "--workers", 1) as running:
        with running.connect() as connection:
            connection.sendall(request_bytes)
            assert b" 400 Bad Request\r\n" in connection.recv(4096)
        wait_until(lambda: any('status="400"' in name for name in series(running)))
        assert {name for name in series(running) if 'status="400"' in name} == {
            counted("other", 400)
        }


def test_every_process_tells_its_memory_time_files_and_threads(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 2, "--threads", 3) as running:
        for _ in range(50):
            running.predict([VIRGINICA] * 200)
        found = running.metrics()
        pids = {"supervisor": running.process.pid}
        resident = 'process_resident_memory_bytes{process="%s"}'
        for name in ("supervisor", "worker-0", "worker-1"):
            assert 10e6 < found[resident % name] < 500e6
            assert 3 < found[f'process_open_fds{{process="{name}"}}'] < 100
            assert 0 <= found[f'process_cpu_seconds_total{{process="{name}"}}'] < 60
            threads = found[f'process_threads{{process="{name}"}}']
            assert threads == (1 if name == "supervisor" else 4)
        status = Path(f"/proc/{pids['supervisor']}/status").read_text()
        measured = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert measured
        assert found[resident % "supervisor"] == pytest.approx(int(measured[1]) * 1024, rel=0.1)
        assert found['process_cpu_seconds_total{process="supervisor"}'] > 0.05  # imports alone
        assert len([name for name in found if name.startswith("process_threads")]) == 3


def test_the_bundle_is_told_and_changes_with_sighup(artifacts: Path) -> None:
    def info(version: int) -> str:
        manifest = json.loads((artifacts / f"iris/{version}/bundle.json").read_text())
        digest = manifest["digest"]
        return f'iris_deploy_bundle_info{{digest="{digest}",model="iris",version="{version}"}}'

    def told() -> set[str]:
        return {name for name in running.metrics() if "bundle_info" in name}

    with serving(artifacts, "--workers", 2) as running:
        assert told() == {info(2)}
        for _ in range(10):
            running.predict([VIRGINICA] * 30)
        assert running.metrics()["iris_deploy_drift_rows"] == 300
        assert main(["train", "--artifacts", str(artifacts), "--random-state", "1"]) == 0
        assert told() == {info(2)}
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: all(told() == {info(3)} for _ in range(20)))
        found = running.metrics()
        assert found["iris_deploy_drift_rows"] == 0
        assert found['iris_deploy_reloads_total{result="swapped"}'] == 1
        shutil.copytree(artifacts / "iris/3", artifacts / "iris/4")  # says 3, lies in 4
        running.process.send_signal(signal.SIGHUP)
        refused = 'iris_deploy_reloads_total{result="refused"}'
        wait_until(lambda: running.metrics()[refused] == 1)
        assert told() == {info(3)}


def test_an_idle_server_has_nothing_in_flight(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 4) as running:
        for _ in range(10):
            found = running.metrics()
            assert found["iris_deploy_in_flight"] <= 1  # the scrape itself
            assert found["iris_deploy_queued"] == 0


def test_metrics_off_is_no_such_path(artifacts: Path) -> None:
    with serving(artifacts, "--workers", 1, "--metrics", "off") as running:
        assert running.request("GET", "/metrics").status == 404
        assert running.predict(VIRGINICA).status == 200
