"""Files of S3 are scored into S3."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.cli import main
from tests.conftest import free_port, run_process
from tests.waits import wait_until

VARIABLE = "IRIS_DEPLOY_TEST_STORES"  # where ``make test-stores`` has installed what is needed
N_ROWS = 400_000
ROWS = "length,width\n" + "".join(f"{k % 70 / 10},{k % 25 / 10}\n" for k in range(N_ROWS))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start a server that answers as S3 does, and return what its clients need to know."""
    if VARIABLE not in os.environ:
        pytest.skip("S3 is not tested: make test-stores installs a server and asks it")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    path = os.pathsep.join(filter(None, (os.environ[VARIABLE], os.environ.get("PYTHONPATH"))))
    env = {
        "PYTHONPATH": path,
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    log = tmp_path_factory.mktemp("s3") / "log"
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("w") as output:
        server = {**os.environ, "PYTHONPATH": path}
        process = subprocess.Popen(words, stdout=output, stderr=output, env=server)
        try:
            wait_until(lambda: "Running on" in log.read_text(), 60, failed=log.read_text)
            yield env
        finally:
            process.kill()
            process.wait()


class Bucket:
    """A bucket, as anybody sees it by HTTP."""

    def __init__(self, address: str) -> None:
        self.address = f"{address}/bucket"
        self.ask("", "PUT")

    def ask(self, path: str, method: str = "GET", data: bytes | None = None) -> bytes:
        """Ask the store itself."""
        kind = {"Content-Type": "application/octet-stream", "Authorization": "AWS key:any"}
        request = urllib.request.Request(self.address + path, data, kind, method=method)
        with urllib.request.urlopen(request) as answer:
            found: bytes = answer.read()
        return found

    def names(self) -> set[str]:
        """Return what is in it."""
        listing = self.ask("?list-type=2").decode()
        return {part.partition("</Key>")[0] for part in listing.split("<Key>")[1:]}

    def uploads(self) -> str:
        """Return what was begun to be sent."""
        return self.ask("?uploads").decode()


@pytest.fixture
def bucket(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Return an empty bucket, in a directory with a bundle."""
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--artifacts", "artifacts"]) == 0
    Path("new.csv").write_text(ROWS)
    address = environment["AWS_ENDPOINT_URL"]
    urllib.request.urlopen(f"{address}/moto-api/reset", b"").close()
    return Bucket(address)


def score(environment: dict[str, str], *words: str) -> Any:
    return run_process("score", *words, env=environment)


def test_a_file_of_s3_is_scored_into_s3(environment: dict[str, str], bucket: Bucket) -> None:
    bucket.ask("/in/new.csv", "PUT", ROWS.encode())
    ran = score(environment, "s3://bucket/in/new.csv", "-o", "s3://bucket/out/scored.csv")
    assert ran.returncode == 0, ran.stderr
    assert score(environment, "new.csv", "-o", "own.csv").returncode == 0
    assert bucket.ask("/out/scored.csv") == Path("own.csv").read_bytes()
    ran = score(environment, "s3://bucket/in/*.csv", "-o", "s3://bucket/folder/")
    assert ran.returncode == 0, ran.stderr
    wanted = {"in/new.csv", "out/scored.csv", "folder/new.csv", "folder/_SUCCESS"}
    assert bucket.names() == wanted


def test_columns_of_s3_are_read_and_written(environment: dict[str, str], bucket: Bucket) -> None:
    for source, target in (
        ("new.csv", "s3://bucket/a.parquet"),
        ("s3://bucket/a.parquet", "b.csv"),
    ):
        ran = score(environment, source, "-o", target, "--keep", "length,width")
        assert ran.returncode == 0, ran.stderr
    assert Path("b.csv").read_text().count("\n") == N_ROWS + 1
    assert bucket.names() == {"a.parquet"}


def test_nothing_half_comes_to_s3(environment: dict[str, str], bucket: Bucket) -> None:
    with Path("new.csv").open("a") as file:
        file.write("long,2.4\n")
    ran = score(environment, "new.csv", "-o", "s3://bucket/out.csv")
    assert ran.returncode == 1
    assert f"row {N_ROWS + 1}, length: expected a finite number".encode() in ran.stderr
    assert bucket.names() == set()
    assert "<UploadId>" not in bucket.uploads()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, b"the store says"),
        ({}, b"s3://nowhere/new.csv"),
    ],
)
def test_a_store_that_is_not_there_is_told(
    environment: dict[str, str], bucket: Bucket, more: dict[str, str], told: bytes
) -> None:
    del bucket
    for words in (
        ("s3://nowhere/new.csv", "-o", "out.csv"),
        ("new.csv", "-o", "s3://nowhere/new.csv"),
    ):
        ran = score({**environment, **more}, *words)
        assert (ran.returncode, ran.stdout) == (1, b"")
        assert ran.stderr.startswith(b"error: ")
        assert told in ran.stderr
        assert b"Traceback" not in ran.stderr
