"""``iris-deploy train``: the talk's figures, the files, and what goes wrong."""

import json
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.preprocessing import StandardScaler

from tests.conftest import COMMAND, Run
from tests.waits import pause

ROWS = [
    ("iris-uci", None, 41),
    ("iris-uci", "1e-3", 42),
    ("iris", None, 36),
    ("iris", "1e-3", 40),
]


@pytest.mark.parametrize(("dataset", "tol", "correct"), ROWS)
def test_each_dataset_and_tol_has_the_measured_accuracy(
    run: Run, tmp_path: Path, dataset: str, tol: str | None, correct: int
) -> None:
    options = ["--tol", tol] if tol else []
    result = run("train", "--artifacts", tmp_path, "--dataset", dataset, *options, "--json")
    assert result.code == 0
    evaluation = result.json()["evaluation"]
    assert evaluation["samples"] == 45
    assert evaluation["metrics"]["accuracy"]["value"] == correct / 45
    matrix = evaluation["confusion_matrix"]
    assert sum(line[k] for k, line in enumerate(matrix)) == correct


def test_defaults_are_the_talk_and_are_told_to_a_person(run: Run, tmp_path: Path) -> None:
    result = run("train", "--artifacts", tmp_path)
    assert result.code == 0
    for words in (
        "iris version 1",
        "105 to fit, 45 held out",
        "91.1%: 41 of 45",
        "95% interval 79.3% to 96.5%",
        "sc_iris_petal.pkl",
        "ppn_iris.pkl",
        "bundle.json",
        "bytes",
        "iris-deploy evaluate",
    ):
        assert words in result.out


def test_the_scaler_is_the_talks_to_the_last_bit(run: Run, tmp_path: Path) -> None:
    run("train", "--artifacts", tmp_path)
    scaler = joblib.load(tmp_path / "iris/1/sc_iris_petal.pkl")
    assert scaler.mean_ == pytest.approx([3.82857143, 1.22666667], abs=5e-9)
    assert scaler.scale_ == pytest.approx([1.79595918, 0.77769705], abs=5e-9)


def test_plain_joblib_load_gives_the_fitted_estimators(artifacts: Path) -> None:
    scaler = joblib.load(artifacts / "iris/1/sc_iris_petal.pkl")
    perceptron = joblib.load(artifacts / "iris/1/ppn_iris.pkl")
    regression = joblib.load(artifacts / "iris/2/lr_iris.pkl")
    assert type(scaler) is StandardScaler
    assert type(perceptron) is Perceptron
    assert type(regression) is LogisticRegression
    assert (perceptron.max_iter, perceptron.eta0, perceptron.tol) == (40, 0.1, None)
    row = scaler.transform(np.array([[5.1, 2.4]]))
    assert perceptron.predict(row).tolist() == [2]
    assert regression.predict_proba(row).shape == (1, 3)


@pytest.mark.parametrize("classifier", ["perceptron", "logistic-regression"])
def test_training_twice_gives_identical_bytes(run: Run, tmp_path: Path, classifier: str) -> None:
    """In this process and in a fresh one; the manifests are those of version 1 both."""
    here, there = tmp_path / "here", tmp_path / "there"
    run("train", "--artifacts", here, "--classifier", classifier)
    subprocess.run(
        [*COMMAND, "train", "--artifacts", str(there), "--classifier", classifier],
        check=True,
        capture_output=True,
        timeout=60,
    )
    files = sorted(path.name for path in (here / "iris/1").iterdir())
    assert len(files) == 3
    for name in files:
        assert (here / "iris/1" / name).read_bytes() == (there / "iris/1" / name).read_bytes()


def test_every_training_gets_the_next_version(run: Run, artifacts: Path) -> None:
    assert run("train", "--artifacts", artifacts, "--json").json()["version"] == 3
    assert run("train", "--artifacts", artifacts, "--json").json()["version"] == 4


def test_options_reach_the_estimator_and_the_manifest(run: Run, tmp_path: Path) -> None:
    options = {
        "--test-size": 0.2,
        "--random-state": 7,
        "--max-iter": 11,
        "--eta0": 0.5,
        "--tol": 0.01,
        "--model": "petals",
    }
    result = run(
        "train", "--artifacts", tmp_path, *(w for o in options.items() for w in o), "--json"
    )
    manifest = result.json()
    assert (manifest["model"], manifest["version"]) == ("petals", 1)
    split = manifest["provenance"]["split"]
    assert (split["test_size"], split["random_state"]) == (0.2, 7)
    assert (split["train_samples"], split["test_samples"]) == (120, 30)
    perceptron = joblib.load(tmp_path / "petals/1/ppn_iris.pkl")
    assert (perceptron.max_iter, perceptron.eta0, perceptron.tol) == (11, 0.5, 0.01)
    assert perceptron.random_state == 7
    recorded = manifest["provenance"]["estimators"][1]
    assert recorded["name"] == "sklearn.linear_model.Perceptron"
    assert recorded["parameters"]["eta0"] == 0.5


def test_json_tells_path_and_whole_manifest(run: Run, tmp_path: Path) -> None:
    manifest = run("train", "--artifacts", tmp_path, "--json").json()
    written = json.loads((tmp_path / "iris/1/bundle.json").read_text())
    assert manifest.pop("path") == str(tmp_path / "iris/1")
    assert manifest == written


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--test-size", "1"], "between 0 and 1"),
        (["--test-size", "nan"], "expected a number"),
        (["--random-state", "-1"], "from 0"),
        (["--max-iter", "0"], "from 1 to 1000000"),
        (["--eta0", "0"], "above 0"),
        (["--tol", "-1"], "0 or more"),
        (["--classifier", "forest"], "there is: perceptron, logistic-regression"),
        (["--classifier", "logistic-regression", "--eta0", "1"], "does not belong"),
        (["--model", "../escape"], "lower-case letters"),
        (["--max-iter", "many"], "Invalid value"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_a_wrong_setting_is_a_usage_error_that_says_what_was_expected(
    run: Run, tmp_path: Path, options: list[str], expected: str
) -> None:
    result = run("train", "--artifacts", tmp_path / "a", *options)
    assert result.code == 2
    assert expected in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--dataset", "roses"], "there is: iris-uci, iris"),
        (["--test-size", "0.001"], "lacks at least one"),
        (["--test-size", "0.999"], "cannot hold out 0.999 of 150"),
    ],
)
def test_data_that_cannot_be_used_are_an_expected_failure(
    run: Run, tmp_path: Path, options: list[str], expected: str
) -> None:
    result = run("train", "--artifacts", tmp_path / "a", *options)
    assert result.code == 1
    assert expected in result.err
    assert not (tmp_path / "a").exists()


def test_a_file_in_the_way_of_the_artifacts_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("train", "--artifacts", tmp_path / "file")
    assert result.code == 1
    assert "cannot write to" in result.err
    assert "--artifacts" in result.err


_UNDER_LIMITS = """
import os, resource, sys
from iris_deploy.cli import main
what, artifacts, elsewhere = sys.argv[1:]
main(["train", "--artifacts", elsewhere])  # import everything while it may still be read
if what == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # the second file does not fit
elif os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
sys.exit(main(["train", "--artifacts", artifacts]))
"""


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(("what", "reason"), [("full", "File too large"), ("locked", "denied")])
def test_a_full_or_unwritable_folder_fails_cleanly_and_loses_nothing(
    artifacts: Path, tmp_path: Path, what: str, reason: str
) -> None:
    before = _content(artifacts)
    for directory in (artifacts.parent.parent, artifacts.parent, artifacts):
        directory.chmod(0o755)
    (artifacts / "iris").chmod(0o755 if what == "full" else 0o555)
    result = subprocess.run(
        [sys.executable, "-c", _UNDER_LIMITS, what, str(artifacts), str(tmp_path / "elsewhere")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    (artifacts / "iris").chmod(0o755)
    assert result.returncode == 1, result.stderr
    assert reason in result.stderr
    assert "nothing was changed" in result.stderr
    assert "Traceback" not in result.stderr
    assert _content(artifacts) == before


def test_two_trainings_at_once_get_two_versions(tmp_path: Path) -> None:
    command = [*COMMAND, "train", "--artifacts", str(tmp_path), "--json"]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    outputs = [process.communicate(timeout=90)[0] for process in processes]
    assert sorted(json.loads(output)["version"] for output in outputs) == [1, 2, 3]
    assert sorted(p.name for p in (tmp_path / "iris").iterdir()) == ["1", "2", "3"]


_KILL_LOOP = """
import json, os, random, signal, sys, time
from pathlib import Path
from iris_deploy.bundle.repository import Repository

repository = Repository(Path(sys.argv[1]))
first = repository.read(version=1)
files = {a.file: (first.path / a.file).read_bytes() for a in first.manifest.artifacts}
random.seed(0)
litter = reads = 0
for k in range(2000):
    if k >= 80 and litter:
        break
    child = os.fork()
    if child == 0:
        while True:
            repository.write(first.manifest, files)
    deadline = time.monotonic() + random.uniform(0, 0.03)
    while time.monotonic() < deadline:
        repository.read()  # the newest, while the writer writes
        reads += 1
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    litter += (repository.root / "iris" / ".unfinished").exists()
    repository.read()
for version in repository.versions("iris"):
    repository.read(version=version)
repository.write(first.manifest, files)
names = sorted(p.name for p in (repository.root / "iris").iterdir())
print(json.dumps({"litter": litter, "reads": reads, "names": names}))
"""


def test_a_writer_killed_at_any_moment_leaves_whole_versions_only(artifacts: Path) -> None:
    before = _content(artifacts)
    result = subprocess.run(
        [sys.executable, "-c", _KILL_LOOP, str(artifacts)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert seen["litter"] > 0, "no kill hit a writer at work; the test shows nothing"
    assert seen["reads"] > 80
    assert all(name.isdecimal() for name in seen["names"]), "litter was not swept"
    after = _content(artifacts)
    assert {path: after[path] for path in before} == before


def test_training_killed_as_a_whole_leaves_the_repository_readable(
    run: Run, artifacts: Path
) -> None:
    process = subprocess.Popen([*COMMAND, "train", "--artifacts", str(artifacts)])
    pause(0.3)
    assert process.poll() is None
    process.kill()
    process.wait()
    assert run("predict", "--artifacts", artifacts, '{"length": 5.1, "width": 2.4}').code == 0


def _content(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_a_fit_that_fails_is_told_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    result = run("train", "--artifacts", tmp_path / "a", "--eta0", "1e308")
    assert result.code == 1
    assert "Perceptron cannot be fitted" in result.err
    assert not (tmp_path / "a").exists()


def test_nothing_is_written_unless_the_predictor_agrees_with_scikit_learn(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = Perceptron.predict
    monkeypatch.setattr(Perceptron, "predict", lambda self, X: (predict(self, X) + 1) % 3)
    result = run("train", "--artifacts", tmp_path / "a")
    assert result.code == 1
    assert "another label than scikit-learn for 150 of 150 samples" in result.err
    assert not (tmp_path / "a").exists()
