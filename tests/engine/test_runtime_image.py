"""An image for which scikit-learn predicts: it has it as a layer of its own, and says so."""

import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from tests import data
from tests.conftest import Run
from tests.containers import build, container, docker, require_engine
from tests.process.test_runtime import LEARN, build_unread, table
from tests.waits import wait_until

pytestmark = [pytest.mark.once, pytest.mark.timeout(600)]


def test_scikit_learn_is_in_the_image_that_needs_it_and_answers_as_it_does_here(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_engine()
    monkeypatch.chdir(tmp_path)
    model = build_unread()
    joblib.dump(model, tmp_path / "model.pkl")
    table().to_csv(tmp_path / "sample.csv", index=False)
    ran = run("import", "model.pkl", *LEARN, "--sample", "sample.csv")
    assert ran.code == 0, ran.err
    tag = "iris-deploy-tests/runtime:1.0"
    report = build("--tag", tag, cwd=tmp_path)
    rows = table(5)
    try:
        labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", tag))
        with container(tag, "--read-only", "--cap-drop", "ALL") as running:
            running.is_ready(5000)
            body = json.dumps(rows.to_dict("records")).encode()
            answered = json.loads(running.post(5000, body)[1])["predictions"]
            wait_until(lambda: '"event":"runtime"' in running.log())
    finally:
        docker("rmi", "--force", tag)
    layers = report["layers"]
    assert isinstance(layers, list)
    named = [layer["instruction"] for layer in layers[-4:]]
    assert named == [f"/opt/iris-deploy/{p}" for p in ("runtime", "lib", "app", "artifacts")]
    assert layers[-4]["size"] > layers[-3]["size"]
    assert labels["io.iris-deploy.runtime"].startswith("scikit-learn ")
    np.testing.assert_allclose(answered, model.predict(pd.DataFrame(rows)), rtol=1e-9)
    assert len(data.NAMES) == 5
