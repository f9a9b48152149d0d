"""What every recipe writes, whatever it is asked for; and what it refuses."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.main import get_group

from iris_deploy import facts
from iris_deploy.cli import build_app
from iris_deploy.recipes.registry import RECIPES, find_recipe
from iris_deploy.serving.settings import ServeSettings
from tests.conftest import COMMAND, Run
from tests.package import ROOT
from tests.recipes import (
    DIGEST,
    IMAGE,
    NAMES,
    OPTIONS,
    documents,
    full,
    parse,
    read,
    values_of,
    variants,
    write,
)

pytestmark = pytest.mark.once


@pytest.mark.parametrize("kind", NAMES)
def test_files_are_whole_and_can_be_read_with_any_options(
    run: Run, artifacts: Path, tmp_path: Path, kind: str
) -> None:
    for number, options in enumerate(variants(kind)):
        files = write(run, artifacts, tmp_path / str(number), kind, *options)
        assert files
        for name, text in files.items():
            assert not re.search(r"\{[$%#]|[$%]\}|NAME\.", name + text), name
            assert text.endswith("\n"), name
            assert not re.search(r"[ \t]$", text, re.MULTILINE), name
            assert not text.startswith("\n"), name
            assert "\n" * (4 if name.endswith(".py") else 3) not in text, name
            parse(name, text)
            if text.startswith("#!"):
                path = tmp_path / str(number) / name
                assert os.access(path, os.X_OK), name
                subprocess.run(["sh", "-n", str(path)], check=True)


@pytest.mark.parametrize("kind", [recipe.name for recipe in RECIPES if recipe.image])
def test_the_image_is_named_by_its_digest_wherever_it_is_named(
    run: Run, artifacts: Path, tmp_path: Path, kind: str
) -> None:
    text = "".join(write(run, artifacts, tmp_path / "it", kind, *full(kind)).values())
    assert IMAGE in text
    assert text.count("registry.example.com/user/iris") == text.count(IMAGE) + text.count(
        "name: registry.example.com/user/iris\n"
    ) + text.count("newName: registry.example.com/user/iris\n")
    assert DIGEST in text


@pytest.mark.parametrize("kind", NAMES)
def test_no_recipe_has_a_secret_in_it(run: Run, artifacts: Path, tmp_path: Path, kind: str) -> None:
    """Tokens are made where they are used, or asked for; what is written could go into git."""
    options = ["--tokens"] if "tokens" in find_recipe(kind).takes else []
    text = "".join(write(run, artifacts, tmp_path / "it", kind, *options).values())
    assert not re.search(r"\b[0-9a-f]{32,63}\b", text)
    assert "TOKENS" in text or "tokens" in text


@pytest.mark.parametrize("kind", NAMES)
def test_what_a_recipe_has_no_use_for_is_refused(
    run: Run, artifacts: Path, tmp_path: Path, kind: str
) -> None:
    recipe = find_recipe(kind)
    image = ["--image", IMAGE, "--no-lookup"] if recipe.image else []
    for field in OPTIONS.keys() - recipe.takes:
        folder = tmp_path / field
        ran = run(
            *("recipe", kind, *image, "--artifacts", artifacts, "--output", folder),
            *OPTIONS[field],
        )
        assert (ran.code, folder.exists()) == (2, False)
        assert f"--{field.replace('_', '-')}: {kind} has no use for it" in ran.err


BAD = {
    "a name with a capital": ["--name", "Iris"],
    "a name with a dot": ["--name", "a.b"],
    "a name that begins with a digit": ["--name", "1iris"],
    "a name that ends with a dash": ["--name", "iris-"],
    "a name that is too long": ["--name", "a" * 64],
    "a name with a quote": ["--name", "a'b"],
    "a name with a line": ["--name", "a\nb"],
    "no name": ["--name", ""],
    "a namespace with an underscore": ["--namespace", "a_b"],
    "a namespace that is too long": ["--namespace", "n" * 64],
    "a domain without a dot": ["--domain", "localhost"],
    "a domain that is an address": ["--domain", "10.0.0.1"],
    "a domain with a star": ["--domain", "*.example.com"],
    "a domain that is a URL": ["--domain", "https://example.com"],
    "a domain that is too long": ["--domain", ".".join(["a" * 60] * 5)],
    "a path without its slash": ["--url-prefix", "iris"],
    "a path with a slash behind": ["--url-prefix", "/iris/"],
    "a path with a line": ["--url-prefix", "/iris\n{"],
    "no replicas": ["--replicas", "0"],
    "too many replicas": ["--replicas", "1001"],
    "no workers": ["--workers", "0"],
    "memory that does not suffice": ["--memory", "100MiB"],
    "memory that is none": ["--memory", "much"],
    "memory that does not suffice for all workers": ["--memory", "512MiB", "--workers", "16"],
    "an image with a capital": ["--image", "User/iris:1.0"],
    "an image with a space": ["--image", "user/iris 1.0"],
    "an image with a line": ["--image", "user/iris:1\n  evil: yes"],
    "a digest that is none": ["--image", "user/iris@sha256:123"],
    "an image that is too long": ["--image", "a" * 300 + ":1"],
    "a bundle that there is not": ["--model", "nobody"],
    "artifacts that there are not": ["--artifacts", "/nowhere"],
}


@pytest.mark.parametrize("case", BAD)
def test_what_no_platform_would_take_is_refused_before_anything_is_written(
    run: Run, artifacts: Path, tmp_path: Path, case: str
) -> None:
    folder = tmp_path / "it"
    given = ["--image", IMAGE, "--no-lookup", "--artifacts", str(artifacts)]
    ran = run("recipe", "kubernetes", *given, "--output", folder, *BAD[case])
    assert ran.code in {1, 2}
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err
    assert len(ran.err) < 800
    assert not folder.exists()
    assert list(tmp_path.glob(".*")) == []


def test_an_image_is_wanted_where_one_runs_and_refused_where_none_does(
    run: Run, artifacts: Path
) -> None:
    ran = run("recipe", "docker", "--artifacts", artifacts)
    assert (ran.code, "--image: docker runs an image" in ran.err) == (2, True)
    ran = run("recipe", "systemd-venv", "--artifacts", artifacts, "--image", IMAGE)
    assert (ran.code, "--image: systemd-venv runs no image" in ran.err) == (2, True)


def test_a_proxy_wants_a_domain(run: Run, artifacts: Path) -> None:
    given = ["--image", IMAGE, "--no-lookup", "--artifacts", artifacts, "--proxy"]
    ran = run("recipe", "compose", *given, "nginx")
    assert (ran.code, "--domain" in ran.err) == (2, True)
    ran = run("recipe", "compose", *given, "apache", "--domain", "a.example.com")
    assert (ran.code, "nginx or caddy" in ran.err) == (2, True)


LENGTHS = {"kserve": (1, 47), "sagemaker": (1, 36), "azure-ml": (3, 32), "kubernetes": (1, 63)}


@pytest.mark.parametrize("kind", LENGTHS)
def test_a_name_is_refused_that_is_too_short_or_too_long_for_what_is_made_of_it(
    run: Run, artifacts: Path, tmp_path: Path, kind: str
) -> None:
    least, most = LENGTHS[kind]
    given = ("--image", IMAGE, "--no-lookup", "--artifacts", artifacts, "--output")
    for length in (least, most):
        folder = tmp_path / str(length)
        assert run("recipe", kind, *given, folder, "--name", "a" * length).code == 0
    for length in {least - 1, most + 1} - {0}:
        ran = run("recipe", kind, *given, tmp_path / "no", "--name", "a" * length)
        assert (ran.code, (tmp_path / "no").exists()) == (2, False)
        if most < 63:  # else no platform takes it
            assert f"--name: {kind} takes {least} to {most} characters, got {length}" in ran.err


def test_an_unknown_kind_is_told_the_nearest_one(run: Run) -> None:
    ran = run("recipe", "kubernetess")
    assert ran.code == 2
    assert "did you mean kubernetes?" in ran.err
    assert len(run("recipe", "x" * 10_000).err) < 800


def test_without_a_kind_it_lists_them_all(run: Run) -> None:
    ran = run("recipe")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == NAMES
    assert max(map(len, ran.out.splitlines())) <= 100
    assert list(run("recipe", "--json").json()) == NAMES


def test_files_that_are_there_stay_unless_they_are_to_be_replaced(
    run: Run, artifacts: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "it"
    given = ("--image", IMAGE, "--no-lookup", "--artifacts", artifacts, "--output", folder)
    assert run("recipe", "kubernetes", *given).code == 0
    mine = folder / "base/service.yaml"
    mine.write_text("mine\n")
    (folder / "base/deployment.yaml").unlink()
    before = read(folder)
    ran = run("recipe", "kubernetes", *given)
    assert ran.code == 1
    assert "nothing was written" in ran.err
    assert read(folder) == before
    assert run("recipe", "kubernetes", *given, "--force").code == 0
    assert "mine" not in mine.read_text()
    assert list(tmp_path.glob(".*")) == []


def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_left(
    run: Run, artifacts: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    given = ("--image", IMAGE, "--no-lookup", "--artifacts", artifacts, "--output")
    for folder in (tmp_path / "file/it", Path("/proc/nowhere/it"), tmp_path / ("a" * 300)):
        ran = run("recipe", "kubernetes", *given, folder)
        assert (ran.code, "cannot be written" in ran.err) == (1, True), ran.err
    assert [path.name for path in tmp_path.iterdir() if path.name != "artifacts"] == ["file"]


@pytest.mark.parametrize("there", [False, True])
def test_a_disk_that_is_full_leaves_nothing_half_written(
    artifacts: Path, tmp_path: Path, there: bool
) -> None:
    folder = tmp_path / "it"
    if there:
        (folder / "base").mkdir(parents=True)
        (folder / "base/service.yaml").write_text("mine\n")
    command = [
        *(*COMMAND, "recipe", "kubernetes", "--image", IMAGE, "--no-lookup", "--force"),
        *("--artifacts", str(artifacts), "--output", str(folder)),
    ]
    ran = subprocess.run(
        ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *command],  # no file above a kilobyte
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "cannot be written: File too large" in ran.stderr
    assert list(tmp_path.glob(".*")) == []
    assert (read(folder) if there else folder.exists()) == (
        {"base/service.yaml": "mine\n"} if there else False
    )


def test_a_report_for_scripts_has_what_one_for_people_has(
    run: Run, artifacts: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "it"
    given = ("--no-lookup", "--artifacts", artifacts, "--output", folder)
    said = run("recipe", "docker", "--image", "user/iris:1.0", *given, "--json").json()
    assert said["files"] == ["run.sh"]
    assert said["folder"] == str(folder)
    assert said["image"] == "user/iris:1.0"
    assert said["next"] == [f"sh {folder}/run.sh"]
    assert "a tag, which may lead to another image" in said["warnings"][0]


PLATFORMS_OWN = {
    *("azure-ml", "azure-web-app", "heroku", "hugging-face", "render", "sagemaker", "vertex")
}
"""They start the image as they like."""


def serve_words(text: str) -> Iterable[list[str]]:
    """Yield the words behind serve, wherever a file starts the server."""
    for listed in re.findall(r'\["serve"[^]]*\]', text):
        yield json.loads(listed)[1:]
    for line in re.findall(r"\bserve( --[^\"\n]*)", text):
        yield shlex.split(line)
    for block in re.findall(r"- serve\n((?: +(?:- |\{\{).*\n)+)", text):  # a chart's, with values
        told = re.findall(r"^ +- (.*)$", block, re.MULTILINE)
        yield ["1" if "{{" in word else word for word in told if word != "{{ . | quote }}"]
    for arguments in re.findall(r"^arguments: (.*)$", text, re.MULTILINE):
        yield json.loads(arguments)


@pytest.mark.parametrize("kind", NAMES)
def test_what_a_recipe_tells_the_server_is_what_the_command_takes(
    run: Run, artifacts: Path, tmp_path: Path, kind: str
) -> None:
    serve = get_group(build_app()).commands["serve"]
    found = []
    for number, options in enumerate(([], full(kind))):
        files = write(run, artifacts, tmp_path / str(number), kind, *options)
        found += [words for text in files.values() for words in serve_words(text)]
    for words in found:
        serve.make_context("serve", [*words])  # raises what the command would print
        with pytest.raises(Exception, match="No such option: --workerss"):
            serve.make_context("serve", [*words, "--workerss", "1"])
    assert (not found) == (kind in PLATFORMS_OWN)
    assert all("--workers" in words for words in found) or kind == "helm"


def test_the_numbers_of_the_server_and_of_the_image_are_those_of_the_table() -> None:
    settings = ServeSettings()
    assert settings.ports == (facts.PORT,)
    assert settings.grace == facts.GRACE
    assert settings.idle_timeout == facts.IDLE_TIMEOUT
    assert settings.max_body_bytes == facts.MAX_BODY_BYTES
    assert settings.max_memory_bytes == facts.MAX_MEMORY_BYTES
    dockerfile = (ROOT / "Dockerfile").read_text()
    for line in (
        f'IRIS_DEPLOY_PORTS="{facts.PORT} {facts.PLATFORM_PORT}"',
        f"EXPOSE {facts.PORT} {facts.PLATFORM_PORT}",
        f"USER {facts.USER}:{facts.GROUP}",
        f"--interval={facts.HEALTHCHECK_INTERVAL}s --timeout={facts.HEALTHCHECK_TIMEOUT}s",
        f"--start-period={facts.HEALTHCHECK_START}s --retries={facts.HEALTHCHECK_RETRIES}",
        f'CMD ["{facts.HEALTHCHECK}"]',
    ):
        assert line in dockerfile
    assert facts.GRACE < facts.KILL_AFTER


def test_a_pod_is_given_the_time_that_its_server_may_take(
    run: Run, artifacts: Path, tmp_path: Path
) -> None:
    files = write(run, artifacts, tmp_path / "it", "kubernetes")
    (deployment,) = documents(files["base/deployment.yaml"])
    (grace,) = values_of(deployment, "terminationGracePeriodSeconds")
    (pre_stop,) = values_of(deployment, "sleep")
    assert grace > pre_stop["seconds"] + facts.GRACE


def test_more_memory_goes_to_large_requests_up_to_what_the_server_takes_by_itself(
    run: Run, artifacts: Path, tmp_path: Path
) -> None:
    def limit(memory: str) -> int | None:
        text = write(run, artifacts, tmp_path / memory, "docker", "--memory", memory)["run.sh"]
        found = re.search(r"--max-memory-bytes (\d+)", text)
        return int(found[1]) if found else None

    assert limit("1GiB") is None
    least, more = limit("192MiB"), limit("256MiB")
    assert least is not None
    assert more is not None
    assert facts.LEAST_MEMORY_BYTES <= least < more < facts.MAX_MEMORY_BYTES
    assert more - least == 64 << 20
