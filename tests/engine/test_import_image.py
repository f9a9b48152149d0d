"""From somebody's files to an image that says what it is."""

import json
from pathlib import Path

import joblib
import pytest

from tests.conftest import Run
from tests.containers import UNNEEDED, build, container, docker, require_engine
from tests.layouts import LAYOUTS

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    "name", ["a spam filter", "columns, dummies and codes by hand", "several outputs"]
)
def test_files_become_an_image_that_answers_and_says_how_far_it_is_proved(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    require_engine()
    monkeypatch.chdir(tmp_path)
    layout = LAYOUTS[name](lambda file, value: joblib.dump(value, tmp_path / file))
    (tmp_path / "adapter.toml").write_text(layout.adapter)
    adapted = ("--adapter", "adapter.toml") if layout.adapter else ()
    ran = run("import", *layout.files, *layout.options, *adapted)
    assert ran.code == 0, ran.err
    tag = "iris-deploy-tests/imported:1.0"
    build("--tag", tag, cwd=tmp_path)
    try:
        labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", tag))
        listed = docker("run", "--rm", "--entrypoint", "find", tag, "/opt").splitlines()
        with container(tag, "--read-only", "--cap-drop", "ALL") as running:
            running.is_ready(5000)
            answers = [
                json.loads(running.post(5000, json.dumps(instance).encode())[1])["prediction"]
                for instance in layout.instances
            ]
    finally:
        docker("rmi", "--force", tag)
    assert labels["io.iris-deploy.provenance"] == "imported, unchecked"
    assert labels["org.opencontainers.image.description"].endswith("imported, without figures")
    assert not {Path(path).name for path in listed} & UNNEEDED
    assert answers == [layout.answer(instance) for instance in layout.instances]
