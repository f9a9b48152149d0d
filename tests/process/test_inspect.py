"""``iris-deploy inspect``: somebody's files, looked at before anything of them is run."""

import gzip
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import joblib
import pytest
import skops.io
from sklearn.cluster import MeanShift
from sklearn.linear_model import Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests import data
from tests.conftest import Run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    X, y = data.numbers(), data.labels(3, "text")
    path = tmp_path / "model.pkl"
    joblib.dump(make_pipeline(StandardScaler(), Perceptron(eta0=0.1)).fit(X, y), path)
    return path


class Removes:
    """Removes a directory when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch ran",)


def test_a_person_sees_the_tree_and_that_it_is_served(run: Run, model: Path) -> None:
    ran = run("inspect", model)
    assert ran.code == 0, ran.err
    for words in (
        "model.pkl  pickle of protocol",
        "Pipeline  scikit-learn ",
        "standardscaler: StandardScaler",
        "perceptron: Perceptron",
        "eta0=0.1",
        "classes_ ['ant', 'bee', 'cat']",
        "coef_ <f8 (3, 5)",
        "served    without scikit-learn: every part has a family",
    ):
        assert words in ran.out


def test_a_script_gets_the_same(run: Run, model: Path) -> None:
    ran = run("inspect", model, "--json")
    assert ran.code == 0, ran.err
    [found] = ran.json()["files"]
    assert found["file"] == str(model)
    inspection = found["inspection"]
    assert inspection["why_not"] is None
    [pipeline] = inspection["parts"]
    assert [part["label"] for part in pipeline["parts"]] == ["standardscaler", "perceptron"]
    assert {use["standing"] for use in inspection["names"]} == {"read"}


def test_what_would_be_run_is_named_and_not_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.sav"
    path.write_bytes(gzip.compress(pickle.dumps({"model": Removes()})))
    ran = run("inspect", path)
    assert ran.code == 0, ran.err
    assert "posix.system is called by byte" in ran.out
    assert "no estimator needs it" in ran.out
    assert not (tmp_path / "ran").exists()


def test_what_no_family_reads_is_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "groups.joblib"
    joblib.dump(MeanShift().fit(data.numbers()), path)
    ran = run("inspect", path)
    assert (
        "served    not as it is: the dump refers to 'sklearn.cluster._mean_shift.MeanShift'"
        in ran.out
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
        (b"<!DOCTYPE html>", "web page"),
        (b"", "empty file"),
        (b"\x1f\x8b\x08", "the dump is damaged"),
    ],
)
def test_what_is_no_dump_is_told_with_the_next_step(
    run: Run, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    ran = run("inspect", path)
    assert (ran.code, words in ran.err, "hint:" in ran.err) == (1, True, True)


def test_a_file_of_skops_is_told_as_a_pickle_is(run: Run, tmp_path: Path) -> None:
    X, y = data.numbers(), data.labels(3, "text")
    path = tmp_path / "model.skops"
    skops.io.dump(make_pipeline(StandardScaler(), Perceptron(eta0=0.1)).fit(X, y), path)
    ran = run("inspect", path)
    for words in (
        "model.skops  skops of protocol 2",
        "perceptron: Perceptron",
        "that skops.io.load would import",
        "served    without scikit-learn",
    ):
        assert words in ran.out
    path.write_bytes(skops.io.dumps([os.system]))
    ran = run("inspect", path)
    assert "posix.system is named; no estimator needs it" in ran.out


def test_a_file_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    ran = run("inspect", tmp_path / "none.pkl")
    assert (ran.code, "cannot read" in ran.err) == (1, True)
