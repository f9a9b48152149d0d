"""Prometheus itself, the real program, scrapes the server."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import free_port, serving
from tests.pieces import counted
from tests.tools import require
from tests.waits import wait_until

pytestmark = pytest.mark.once

SETOSA, FAR = {"length": 1.4, "width": 0.2}, {"length": 70.0, "width": 0.2}
TOKEN = "scrape-0123456789abcdef"


@contextmanager
def prometheus(directory: Path, jobs: str) -> Iterator[Any]:
    """Run Prometheus on jobs; yield a function that asks for the value of an expression."""
    program = require("prometheus")
    port = free_port()
    (directory / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{jobs}"
    )
    log = directory / "prometheus.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=directory,
        )

    def value(expression: str) -> float | None:
        assert process.poll() is None, log.read_text()
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", f"/api/v1/query?query={quote(expression)}")
            found = json.loads(connection.getresponse().read())
        except (OSError, ValueError):
            return None  # not up yet
        finally:
            connection.close()
        result = found.get("data", {}).get("result")
        return float(result[0]["value"][1]) if result else None

    try:
        yield value
    finally:
        process.kill()
        process.wait()


def test_a_real_prometheus_scrapes_and_tells_the_right_value(
    artifacts: Path, tmp_path: Path
) -> None:
    with serving(artifacts, "--workers", 2) as running:
        for _ in range(7):
            assert running.predict([SETOSA, FAR]).status == 200
        target = running.url.removeprefix("http://")
        job = f"- {{job_name: iris, static_configs: [{{targets: ['{target}']}}]}}\n"
        with prometheus(tmp_path, job) as value:
            wait_until(lambda: value('up{job="iris"}') == 1, 40)
            wait_until(lambda: value(counted("/predict", 200)) == 7)
            assert value("sum(iris_deploy_predictions_total)") == 14
            assert value("iris_deploy_bundle_info") == 1
            running.predict(SETOSA)
            wait_until(lambda: value(counted("/predict", 200)) == 8)
            quantile = "histogram_quantile(0.9, sum by (le) (iris_deploy_request_duration_seconds_"
            assert 0 < (value(f'{quantile}bucket{{route="/predict"}}))') or 0) < 1


def test_a_real_prometheus_shows_its_token(artifacts: Path, tmp_path: Path) -> None:
    with serving(artifacts, "--workers", 1, env={"IRIS_DEPLOY_TOKENS": TOKEN}) as running:
        target = running.url.removeprefix("http://")
        jobs = (
            f"- {{job_name: with, static_configs: [{{targets: ['{target}']}}],"
            f" authorization: {{credentials: {TOKEN}}}}}\n"
            f"- {{job_name: without, static_configs: [{{targets: ['{target}']}}]}}\n"
        )
        assert running.predict(FAR, Authorization=f"Bearer {TOKEN}").status == 200
        with prometheus(tmp_path, jobs) as value:
            wait_until(lambda: value('up{job="with"}') == 1, 40)
            wait_until(lambda: value('up{job="without"}') == 0)
            wait_until(lambda: value(counted("/predict", 200)) == 1)
