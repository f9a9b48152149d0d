"""Folders that MLflow wrote: imported and looked at, as they are and as somebody forged them."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.training.adopt.mlmodel import read_mlmodel
from tests.conftest import Run
from tests.waits import within

LOGGED = Path(__file__).parents[1] / "dumps" / "mlflow-3.17.2"
FOLDERS = sorted(path.name for path in LOGGED.iterdir() if path.is_dir())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def copy(name: str, home: Path) -> Path:
    """Copy a folder, to change it."""
    return Path(shutil.copytree(LOGGED / name, home / "logged"))


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "MLmodel"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_answers_as_the_model_did_that_was_logged(run: Run, name: str) -> None:
    compared = ["--check"] if name == "xgboost" else []  # no pickle, which releases do not share
    ran = run("import", LOGGED / name, *compared, "--json")
    assert ran.code == 0, ran.err
    manifest = ran.json()
    said = json.loads((LOGGED / f"{name}.expected.json").read_text())
    assert [c["name"] for c in manifest["signature"]["columns"]] == [*said["instances"][0]]
    assert "MLmodel" in [file["file"] for file in manifest["provenance"]["files"]]
    for instance, answer in zip(said["instances"], said["answers"], strict=True):
        told = run("predict", json.dumps(instance)).json()["prediction"]
        assert told == (answer if isinstance(answer, str) else pytest.approx(answer))


@pytest.mark.usefixtures("home")
def test_the_logged_example_is_recorded_and_what_is_true_or_false_taken_so(run: Run) -> None:
    manifest = run("import", LOGGED / "frame", "--json").json()
    example = json.loads((LOGGED / "frame/input_example.json").read_text())
    first = [list(each["instance"].values()) for each in manifest["examples"]]
    assert first[: len(example["data"])] == example["data"]
    assert manifest["signature"]["columns"][2]["boolean"]
    assert run("predict", '{"age": 30, "city": "Bonn", "member": true}').code == 0


@pytest.mark.usefixtures("home")
def test_a_check_asks_the_model_that_was_logged(run: Run) -> None:
    manifest = run("import", LOGGED / "frame", "--check", "--json").json()
    assert manifest["provenance"]["checks"][0]["against"].startswith("scikit-learn ")


@pytest.mark.usefixtures("home")
def test_an_adapter_and_names_of_ones_own_go_before_what_was_logged(run: Run, home: Path) -> None:
    manifest = run("import", LOGGED / "pickle", "--columns", "a,b", "--json").json()
    assert [c["name"] for c in manifest["signature"]["columns"]] == ["a", "b"]
    (home / "adapter.toml").write_text('[fields.long]\ncolumn = "petal length"')
    ran = run("import", LOGGED / "pickle", "--adapter", "adapter.toml", "--json")
    assert ran.code == 0, ran.err
    assert [c["name"] for c in ran.json()["signature"]["columns"]] == ["long", "petal width"]


def test_inspecting_tells_flavor_and_signature(run: Run) -> None:
    ran = run("inspect", LOGGED / "frame")
    assert ran.code == 0, ran.err
    for words in (
        "MLflow    flavor sklearn, written by MLflow 3.17.2",
        "columns   age=double, city=string, member=boolean",
        "served    without scikit-learn",
    ):
        assert words in ran.out
    [found] = run("inspect", LOGGED / "frame", "--json").json()["files"]
    assert found["mlflow"]["inputs"]["kinds"] == ["double", "string", "boolean"]
    assert found["inspection"]["why_not"] is None


CHANGES: dict[str, tuple[str, str, str, list[str]]] = {
    "names that the model does not have": (
        "frame",
        '"name": "age"',
        '"name": "years"',
        ["signature in MLmodel names years, city", "was fitted to age, city", "--columns"],
    ),
    "a column less": (
        "frame",
        '{"type": "double", "name": "age", "required": true}, ',
        "",
        ["signature in MLmodel has 2 columns", "takes 3 columns"],
    ),
    "an array of another width": ("array", "[-1, 2]", "[-1, 3]", ["has 3 columns", "takes 2"]),
    "a text where a number goes in": (
        "pickle",
        '"double", "name": "petal width"',
        '"string", "name": "petal width"',
        ["has string for petal width", "the model takes a number"],
    ),
    "a number where a text goes in": (
        "frame",
        '{"type": "string",',
        '{"type": "long",',
        ["has long for city", 'one of "Bonn"'],
    ),
    "commands to a terminal": (
        "frame",
        '"name": "age"',
        '"name": "\\u001b[2J"',
        ["names \ufffd[2J, city"],
    ),
    "another flavor": ("frame", "  sklearn:", "  pytorch:", ["'pytorch'", "TorchServe"]),
    "a flavor that nobody knows": ("frame", "  sklearn:", "  new:", ["'new'", "mlflow models"]),
    "a program": (
        "frame",
        (
            "  sklearn:\n    code: null\n    pickled_model: model.pkl\n"
            "    serialization_format: pickle\n    sklearn_version: 1.9.1\n"
            "    skops_trusted_types: null\n"
        ),
        "",
        ["python_function", "a program that 'mlflow.sklearn' loads"],
    ),
    "flavors that are none": (
        "frame",
        "  sklearn:\n",
        "  sklearn: 1\n  x:\n",
        ["expected a mapping"],
    ),
    "a file out of the folder": (
        "frame",
        "pickled_model: model.pkl",
        "pickled_model: ../model.pkl",
        ["flavors.sklearn.pickled_model", "'../model.pkl'", "within the folder"],
    ),
    "an absolute file": (
        "frame",
        "pickled_model: model.pkl",
        "pickled_model: /etc/passwd",
        ["'/etc/passwd'", "within the folder"],
    ),
    "a file that is not there": (
        "frame",
        "pickled_model: model.pkl",
        "pickled_model: other.pkl",
        ["'other.pkl'"],
    ),
    "a name that no file can have": (
        "frame",
        "pickled_model: model.pkl",
        'pickled_model: "a\\0b"',
        ["within the folder"],
    ),
    "no file": ("frame", "pickled_model: model.pkl", "pickled_model:", ["expected the name of a"]),
    "another kind of file": (
        "frame",
        "serialization_format: pickle",
        "serialization_format: dill",
        ["serialization_format", "'dill'"],
    ),
    "an example out of the folder": (
        "frame",
        "artifact_path: input_example.json",
        "artifact_path: ../../input_example.json",
        ["saved_input_example_info.artifact_path", "within the folder"],
    ),
    "a signature that is no JSON": ("frame", "'[{", "'[{{", ["no JSON"]),
    "an alias": (
        "frame",
        "mlflow_version: 3.17.2",
        "a: &a [1]\nb: *a\nmlflow_version: 3.17.2",
        ["the alias 'a'"],
    ),
    "a tag": ("frame", "code: null", "code: !!python/name:os.system x", ["the tag"]),
    "a member twice": ("frame", "code: null", "code: null\n    code: null", ["of another"]),
    "two documents": ("frame", "prompts: null", "prompts: null\n---\na: 1", ["several documents"]),
    "a mapping that is damaged": ("frame", "flavors:", "flavors: [", ["no MLmodel as MLflow"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_does_not_agree_or_leads_elsewhere_is_one_clear_error(
    run: Run, home: Path, name: str
) -> None:
    folder, old, new, words = CHANGES[name]
    changed = copy(folder, home)
    change(changed, old, new)
    shutil.copyfile(changed / "model.pkl", home / "model.pkl")
    ran = run("import", changed)
    assert ran.code in {1, 2}, ran.out
    for word in words:
        assert word in ran.err
    assert not (home / "artifacts").exists()


def _link_model(folder: Path) -> None:
    (folder / "model.pkl").rename(folder.parent / "model.pkl")
    (folder / "model.pkl").symlink_to(folder.parent / "model.pkl")


def _link_mlmodel(folder: Path) -> None:
    (folder / "MLmodel").rename(folder.parent / "MLmodel")
    (folder / "MLmodel").symlink_to(folder.parent / "MLmodel")


def _circle(folder: Path) -> None:
    (folder / "model.pkl").unlink()
    (folder / "model.pkl").symlink_to("model.pkl")


def _pipe(folder: Path) -> None:
    (folder / "model.pkl").unlink()
    os.mkfifo(folder / "model.pkl")


def _write(content: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / "MLmodel").write_bytes(content)


FORGED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a link to a model elsewhere": (_link_model, "within the folder"),
    "a link to an MLmodel elsewhere": (_link_mlmodel, "within the folder"),
    "links in a circle": (_circle, "within the folder"),
    "a pipe": (_pipe, "within the folder"),
    "no MLmodel": (lambda folder: (folder / "MLmodel").unlink(), "directory without MLmodel"),
    "an MLmodel without end": (_write(b"a: b\n" * 300_000), "more than 1,048,576 bytes"),
    "not UTF-8": (_write(b"flavors: \xff"), "no MLmodel as MLflow writes it"),
    "nothing": (_write(b""), "it is no mapping"),
    "a list": (_write(b"- flavors"), "it is no mapping"),
    "deep lists": (_write(b"a: " + b"[" * 100_000), "deep within one another"),
    "deep mappings": (
        _write(b"".join(b" " * n + b"a:\n" for n in range(1000))),
        "deep within one another",
    ),
    "many members": (_write(b"".join(b"k%d:\n" % n for n in range(90_000))), "values"),
    "a long text": (_write(b"a: '" + b"x y " * 250_000 + b"'"), "got none"),
    "a text that does not end": (_write(b"a: '" + b"x y " * 250_000), "no MLmodel"),
    "many comments": (_write(b"#\n" * 500_000), "it is no mapping"),
    "an example that the model does not take": (
        lambda folder: (folder / "input_example.json").write_text('{"data": [[1, "Rome", true]]}'),
        "does not take this example",
    ),
    "an example that is no JSON": (
        lambda folder: (folder / "input_example.json").write_text("[" * 100_000),
        "no JSON",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_hostile_folder_gets_one_clear_error_in_bounded_time(
    run: Run, home: Path, name: str
) -> None:
    forge, word = FORGED[name]
    folder = copy("frame", home)
    forge(folder)
    with within(10):
        ran = run("import", folder)
    assert (ran.code, ran.out) == (1, "")
    assert word in ran.err
    assert "Traceback" not in ran.err


def test_signatures_of_every_kind_are_read() -> None:
    head = b"flavors:\n  sklearn:\n    pickled_model: m\nsignature:\n  inputs: '"
    for inputs, names, width in (
        (b'[{"type": "double"}, {"type": "double"}]', None, 2),
        (b'[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]', None, None),
        (b'[{"type": "tensor"}]', None, None),
        (b'[{"type": "double", "name": "a"}]', ("a",), 1),
    ):
        said = read_mlmodel(head + inputs + b"'\n").inputs
        assert said is not None
        assert (said.names, said.width) == (names, width)
