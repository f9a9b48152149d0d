"""``python -m benchmarks.images``: the image beside two others on the same base, in Docker.

The same server installed with everything that `pip install` brings, scikit-learn included, and the
talk's application on gunicorn. How much each adds to the base, and how long from the start of the
container to the first right answer, in rotation.
"""

import argparse
import http.client
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peer import PEERS
from iris_deploy.bundle.repository import Repository
from iris_deploy.image.options import base_image_for
from iris_deploy.training import fit
from iris_deploy.training.settings import TrainSettings

ROOT = Path(__file__).parent.parent
BODY, RIGHT = b'{"length": 5.1, "width": 2.4}', {"prediction": "virginica"}

WITH_EVERYTHING = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ARG PIP_CERT
RUN python3 -m venv /opt/venv
COPY run.txt /build/
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps -r /build/run.txt
COPY iris_deploy /opt/iris_deploy
COPY artifacts /opt/artifacts
WORKDIR /opt
CMD ["/opt/venv/bin/python", "-m", "iris_deploy", "serve", "--host", "0.0.0.0", "--workers", "2"]
"""

TALK = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ARG PIP_CERT
RUN python3 -m venv /opt/venv
COPY talk.txt /app/
RUN /opt/venv/bin/pip install --no-cache-dir -r /app/talk.txt
COPY app.py artifacts/iris/1/sc_iris_petal.pkl artifacts/iris/1/ppn_iris.pkl /app/
WORKDIR /app
CMD ["/opt/venv/bin/gunicorn", "--bind", "0.0.0.0:5000", "--workers", "2", "app:app"]
"""


@dataclass(frozen=True)
class Candidate:
    """An image, by what it is and by its tag."""

    name: str
    tag: str


def docker(*words: str) -> str:
    """Run the docker client and return what it prints."""
    ran = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"docker {words[0]} failed:\n{ran.stderr}{ran.stdout[-2000:]}")
    return ran.stdout.strip()


def size(image: str) -> int:
    """Return the size of an image, bytes."""
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def seconds_to_answer(tag: str) -> float:
    """Start a container and return the time until it answers right."""
    begun = time.perf_counter()
    container = docker("run", "--detach", "--publish", "127.0.0.1::5000", tag)
    try:
        port = int(docker("port", container, "5000/tcp").splitlines()[0].rpartition(":")[2])
        while time.perf_counter() - begun < 60:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                line.request("POST", "/predict", BODY, {"Content-Type": "application/json"})
                if json.loads(line.getresponse().read()) == RIGHT:
                    return time.perf_counter() - begun
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.01)
            finally:
                line.close()
        sys.exit(f"{tag} does not answer right within a minute")
    finally:
        docker("rm", "--force", container)


def build_all(directory: Path, base: str, arguments: list[str]) -> list[Candidate]:
    """Build the three images."""
    artifacts = directory / "artifacts"
    fit.train(TrainSettings(), Repository(artifacts), "iris")
    ours = Candidate("`iris-deploy build-image`", "iris-deploy-bench/ours:1")
    command = ["build-image", "--artifacts", str(artifacts), "--base-image", base]
    built = subprocess.run(
        [sys.executable, "-m", "iris_deploy", *command, "--tag", ours.tag, "--builder", "docker"],
        check=False,
    )
    if built.returncode:
        sys.exit(built.returncode)
    candidates = [ours]
    (directory / "run.txt").write_text((ROOT / "requirements" / "run.txt").read_text())
    (directory / "talk.txt").write_text("flask\ngunicorn\nscikit-learn\n")
    shutil.copy(PEERS / "talk" / "app.py", directory)
    shutil.copytree(ROOT / "iris_deploy", directory / "iris_deploy", symlinks=True)
    for name, tag, text in (
        ("the same server with all of `pip install iris-deploy`", "everything:1", WITH_EVERYTHING),
        ("the talk's application on gunicorn, today's versions", "talk:1", TALK),
    ):
        (directory / "Dockerfile").write_text(text)
        candidate = Candidate(name, f"iris-deploy-bench/{tag}")
        options = ["--build-arg", f"BASE_IMAGE={base}", *arguments]
        docker("build", "--tag", candidate.tag, *options, str(directory))
        candidates.append(candidate)
    return candidates


def main() -> None:
    """Build, measure and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.images", description=__doc__)
    parser.add_argument("--base-image", help="as build-image takes it")
    parser.add_argument("--build-arg", action="append", default=[], help="for the other two")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        arguments = [word for pair in given.build_arg for word in ("--build-arg", pair)]
        scratch = Repository(Path(directory) / "scratch")
        base = given.base_image or base_image_for(fit.train(TrainSettings(), scratch).manifest)
        candidates = build_all(Path(directory), base, arguments)
    times: dict[str, list[float]] = {candidate.tag: [] for candidate in candidates}
    for candidate in candidates:
        seconds_to_answer(candidate.tag)  # not counted
    for _ in range(given.rounds):
        for candidate in candidates:
            times[candidate.tag].append(seconds_to_answer(candidate.tag))
    print(
        "\n| image | added to the base | start to first right answer | ratio, median (quartiles) |"
    )
    print("|---|---:|---:|---:|")
    for candidate in candidates:
        ratios = [
            b / a for a, b in zip(times[candidates[0].tag], times[candidate.tag], strict=True)
        ]
        low, median, high = statistics.quantiles(ratios, n=4)
        added = (size(candidate.tag) - size(base)) / 1e6
        seconds = statistics.median(times[candidate.tag])
        quartiles = f"{median:.3g} ({low:.3g} to {high:.3g})"
        print(f"| {candidate.name} | {added:.0f} MB | {seconds:.2f} s | {quartiles} |")
        docker("rmi", "--force", candidate.tag)


if __name__ == "__main__":
    main()
