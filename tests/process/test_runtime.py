"""``--runtime scikit-learn``: what no family reads is served, and every place says what it is."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import FastICA
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction import DictVectorizer
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from iris_deploy.bundle.manifest_json import decode_manifest, encode_manifest
from tests import data
from tests.conftest import Run, serving
from tests.pieces import post
from tests.waits import wait_until

SOURCE = """
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Ratio(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        X = np.asarray(X, float)
        return np.column_stack([X, X[:, 0] / (1 + X[:, 1])])
"""

ENDLESS = SOURCE.replace(
    "        X = np.asarray(X, float)\n",
    "        X = np.asarray(X, float)\n        if X.max() > 1e6:\n            time.sleep(600)\n",
).replace("import numpy", "import time\n\nimport numpy")
"""A step that takes ten minutes for a large number."""

FIT = """
import joblib
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from tests import data
{imports}
X = abs(data.numbers())
model = make_pipeline({name}(), Ridge()).fit(X, data.target())
joblib.dump(model, "model.pkl")
print(model.predict(X[:1])[0])
"""

ROW = dict(zip(data.NAMES, np.abs(data.numbers())[0].tolist(), strict=True))
NAMED = ("--columns", ",".join(data.NAMES))
LEARN = ("--runtime", "scikit-learn")
JSON_TYPE = {"Content-Type": "application/json"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(n: int = 200) -> pd.DataFrame:
    frame = pd.DataFrame(np.abs(data.numbers(n)), columns=[*data.NAMES])
    frame["colour"] = np.array(["red", "green", "blue"])[np.arange(n) % 3]
    return frame


def build_unread() -> Any:
    """Fit a pipeline to a data frame, whose projection no family reads."""
    transformer = make_column_transformer(
        (FastICA(2, random_state=0), ["a", "b"]),
        (OneHotEncoder(handle_unknown="ignore"), ["colour"]),
        remainder="passthrough",
    )
    return make_pipeline(transformer, Ridge()).fit(table(), data.target()[:200])


def run_fit(home: Path, imports: str, name: str) -> float:
    """Fit a model of one's own class in a process of its own; return its first answer."""
    done = subprocess.run(
        [sys.executable, "-c", FIT.format(imports=imports, name=name)],
        cwd=home,
        env={"PYTHONPATH": f"{Path(__file__).parents[2]}:{home}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def test_what_no_family_reads_is_served_once_scikit_learn_may_and_every_place_says_so(
    run: Run, home: Path
) -> None:
    model = build_unread()
    joblib.dump(model, home / "model.pkl")
    table().to_csv(home / "sample.csv", index=False)
    refused = run("import", "model.pkl")
    assert refused.code == 1
    assert "--runtime scikit-learn" in refused.err
    ran = run("import", "model.pkl", *LEARN, "--sample", "sample.csv")
    assert ran.code == 0, ran.err
    assert "predicts: it loads the artifacts, which runs what is in them" in ran.out
    instance = table(3).iloc[2].to_dict()
    expected = float(model.predict(table(3))[2])
    with serving(home / "artifacts", "--workers", 2) as running:
        description = running.request("GET", "/").json()
        answer = running.predict(instance).json()["prediction"]
        strange = running.predict({**instance, "colour": "violet"})
        gap = running.predict({**instance, "a": None})
        many = running.predict([instance] * 50).json()["predictions"]
        [event] = running.events("runtime")
        assert event["message"] == (
            f"{description['runtime']} predicts: it loads the artifacts, which runs what is in "
            "them; serve only what you trust"
        )
        assert running.errors.read_text() == ""
    assert description["runtime"].startswith("scikit-learn ")
    assert answer == pytest.approx(expected, rel=1e-12)
    assert many == pytest.approx([expected] * 50, rel=1e-12)
    assert strange.status == 200
    assert gap.status == 422


def test_classes_and_probabilities_are_scikit_learns_and_a_threshold_decides(
    run: Run, home: Path
) -> None:
    X, y = np.abs(data.numbers()), data.labels(2, "text")
    model = GaussianProcessClassifier(random_state=0).fit(X, y)
    joblib.dump(model, home / "model.pkl")
    positive = model.classes_[1]
    (home / "adapter.toml").write_text(f'[output]\npositive = "{positive}"\nthreshold = 0.0\n')
    for options in ((), ("--adapter", "adapter.toml")):
        ran = run("import", "model.pkl", *LEARN, *NAMED, *options)
        assert ran.code == 0, ran.err
        answered = run("predict", "--details", json.dumps(ROW)).json()
        expected = dict(zip(model.classes_, model.predict_proba(X[:1])[0], strict=True))
        assert answered["probabilities"] == pytest.approx(expected)
        assert answered["prediction"] == (positive if options else model.predict(X[:1])[0])


@pytest.mark.parametrize(
    ("imports", "name"), [("from own_steps import Ratio", "Ratio"), (SOURCE, "Ratio")]
)
def test_a_class_of_ones_own_goes_with_the_bundle_wherever_it_is_served(
    run: Run, home: Path, imports: str, name: str
) -> None:
    (home / "own_steps.py").write_text(SOURCE)
    expected = run_fit(home, imports, name)
    refused = run("import", "model.pkl", *LEARN, *NAMED)
    assert refused.code == 1
    assert "Ratio" in refused.err
    assert "--code" in refused.err
    ran = run("import", "model.pkl", *LEARN, *NAMED, "--code", "own_steps.py")
    assert ran.code == 0, ran.err
    assert "own_steps.py" in ran.out
    elsewhere = home / "elsewhere"
    shutil.move(home / "artifacts", elsewhere)
    (home / "own_steps.py").unlink()
    with serving(elsewhere) as running:
        assert running.predict(ROW).json()["prediction"] == pytest.approx(expected, rel=1e-12)
        assert "own_steps.py" in running.events("runtime")[0]["message"]
    with (elsewhere / "model" / "1" / "own_steps.py").open("a") as file:
        file.write("# changed\n")
    changed = run("predict", "--artifacts", elsewhere, json.dumps(ROW))
    assert changed.code == 1
    assert "own_steps.py was changed after it was written" in changed.err


@pytest.mark.once
def test_a_computation_that_takes_too_long_does_not_hold_up_the_end(run: Run, home: Path) -> None:
    (home / "own_steps.py").write_text(ENDLESS)
    run_fit(home, "from own_steps import Ratio", "Ratio")
    assert run("import", "model.pkl", *LEARN, *NAMED, "--code", "own_steps.py").code == 0
    options = ("--workers", 1, "--grace", 1.5)
    with serving(home / "artifacts", *options) as running, running.connect(60) as connection:
        connection.sendall(post(json.dumps(ROW | {data.NAMES[0]: 1e7}).encode()))
        wait_until(lambda: running.metrics()["iris_deploy_in_flight"] >= 2)  # it, and this one
        assert running.stop() == 1
        assert [cut["requests"] for cut in running.events("cut")] == [1]
        assert "--grace" in running.errors.read_text()


def test_what_is_trained_may_be_served_by_scikit_learn_too(run: Run, home: Path) -> None:
    frame = table(120).assign(left=data.labels(2, "text")[:120])
    frame.to_csv(home / "table.csv", index=False)
    chosen = ("--estimator", "sklearn.gaussian_process.GaussianProcessClassifier")
    words = ("train", "--data", "table.csv", "--target", "left", *chosen)
    refused = run(*words)
    assert refused.code == 1
    assert "--runtime scikit-learn" in refused.err
    ran = run(*words, *LEARN)
    assert ran.code == 0, ran.err
    assert "runtime" in ran.out
    assert run("evaluate").code == 0
    answered = run("predict", json.dumps(frame.drop(columns="left").iloc[0].to_dict()))
    assert answered.json()["prediction"] in set(frame["left"])


def test_another_release_than_the_manifest_has_is_refused_with_what_to_install(
    run: Run, home: Path
) -> None:
    model = GaussianProcessClassifier().fit(np.abs(data.numbers()), data.labels(2, "text"))
    joblib.dump(model, home / "model.pkl")
    assert run("import", "model.pkl", *LEARN).code == 0
    path = home / "artifacts" / "model" / "1" / "bundle.json"
    manifest = decode_manifest(path.read_bytes())
    assert manifest.library is not None
    manifest.library.packages["scipy"] = "0.1"
    path.write_bytes(encode_manifest(manifest))
    ran = run("predict", "{}")
    assert ran.code == 1
    assert "it needs scipy 0.1; installed is" in ran.err
    assert "pip install scipy==0.1" in ran.err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((*LEARN, "--check"), 2, "--check: scikit-learn itself predicts"),
        (("--code", "own_steps.py"), 2, "--code: nothing is run where NumPy predicts"),
        ((*LEARN, "--code", "json.py"), 2, "json.py has the name of another module"),
        ((*LEARN, "--code", "numpy.py"), 2, "numpy.py has the name of another module"),
        ((*LEARN, "--code", "model.pkl"), 2, "expected a Python module"),
        ((*LEARN, "--code", "nowhere.py"), 2, "cannot read nowhere.py"),
        ((*LEARN, "--code", "broken.py"), 1, "broken.py cannot be run: NameError"),
        (("--runtime", "onnx"), 2, "onnx"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    run: Run, home: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    joblib.dump(LogisticRegression().fit(data.numbers(), data.labels(2, "text")), "model.pkl")
    (home / "own_steps.py").write_text(SOURCE)
    (home / "broken.py").write_text("nothing")
    ran = run("import", "model.pkl", *options)
    assert ran.code == code
    assert said in ran.err
    assert not (home / "artifacts").exists()


def test_anomalies_are_answered_in_their_own_words(run: Run, home: Path) -> None:
    X = np.abs(data.numbers())
    model = IsolationForest(random_state=0).fit(X)
    joblib.dump(model, home / "model.pkl")
    assert run("import", "model.pkl", *LEARN, *NAMED).code == 0
    far = dict.fromkeys(data.NAMES, 1e4)
    answered = run("predict", "--details", json.dumps(ROW)).json()
    assert (answered["prediction"], answered["anomaly"]) == (1, False)
    assert run("predict", "--details", json.dumps(far)).json()["anomaly"] is True
    rows = [*X[:30].tolist(), [1e4] * 5]
    listed = [dict(zip(data.NAMES, row, strict=True)) for row in rows]
    with serving(home / "artifacts") as running:
        many = running.request(
            "POST", "/predict?details=true", json.dumps(listed).encode(), JSON_TYPE
        ).json()
        described = running.request("GET", "/openapi.json").json()
        plain = running.predict(far).json()
    assert plain == {"prediction": -1}
    assert many["predictions"] == model.predict(rows).tolist()
    assert many["anomalies"] == (model.predict(rows) == -1).tolist()
    assert many["decision_values"][-1]["1"] == model.decision_function(rows)[-1]
    assert '"anomalies"' in json.dumps(described)


def test_clusters_are_answered_by_their_number(run: Run, home: Path) -> None:
    X = np.abs(data.numbers())
    model = KMeans(3, n_init=1, random_state=0).fit(X)
    joblib.dump(model, home / "model.pkl")
    ran = run("import", "model.pkl", *LEARN, *NAMED)
    assert ran.code == 0
    assert "KMeans predicts cluster" in ran.out
    answered = run("predict", "--details", json.dumps(ROW)).json()
    assert answered["prediction"] == model.predict(X[:1])[0]
    assert "anomaly" not in answered


def test_records_of_fields_are_given_to_scikit_learn_as_they_came(run: Run, home: Path) -> None:
    records = [{"city": city, "age": age} for age in (1.0, 2.0, 4.0) for city in ("a", "b", "c")]
    model = make_pipeline(DictVectorizer(sparse=False), GaussianProcessClassifier())
    model.fit(records, [k % 2 for k in range(9)])
    joblib.dump(model, home / "model.pkl")
    ran = run("import", "model.pkl", *LEARN)
    assert ran.code == 0, ran.err
    for instance in ({"city": "b", "age": 3.0}, {"age": 1.5}, {"city": "strange"}, {}):
        answered = run("predict", "--details", json.dumps(instance)).json()
        expected = model.predict_proba([instance])[0]
        assert [*answered["probabilities"].values()] == pytest.approx(expected)


def test_what_a_family_reads_is_told_to_need_no_scikit_learn(run: Run, home: Path) -> None:
    joblib.dump(
        LogisticRegression().fit(data.numbers(), data.labels(2, "text")), home / "model.pkl"
    )
    ran = run("import", "model.pkl", *LEARN)
    assert ran.code == 0
    assert "without --runtime it needs no scikit-learn" in ran.out
    assert run("train", *LEARN).code == 2
