"""Bundles that are missing, foreign, newer or damaged: one clear error, exit code 1."""

import json
import shutil
from pathlib import Path

import pytest

from iris_deploy.bundle.bundle import read_bundle
from iris_deploy.bundle.manifest import MAX_ARTIFACTS
from iris_deploy.bundle.manifest_json import FORMAT
from iris_deploy.bundle.provenance import Training
from iris_deploy.dumps.unpack import MAX_DUMP_BYTES
from iris_deploy.errors import BundleDigestError, BundleError, BundleFormatError
from iris_deploy.schema.columns import NumbersSeen
from tests.bundles import DELETE, rewrite
from tests.conftest import Result, Run

INSTANCE = '{"length": 5.1, "width": 2.4}'


def fails(result: Result, *words: str) -> None:
    assert result.code == 1, result.err
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err


@pytest.mark.parametrize("command", [["evaluate"], ["serve", "--port", 0], ["predict", INSTANCE]])
class TestEveryReaderSays:
    def test_that_there_is_no_bundle(self, run: Run, tmp_path: Path, command: list[str]) -> None:
        fails(run(*command, "--artifacts", tmp_path / "none"), "no bundle in", "iris-deploy train")

    def test_which_versions_there_are(self, run: Run, artifacts: Path, command: list[str]) -> None:
        fails(run(*command, "--artifacts", artifacts, "--version", 9), "no version 9", "1, 2")

    def test_which_models_there_are(self, run: Run, artifacts: Path, command: list[str]) -> None:
        fails(run(*command, "--artifacts", artifacts, "--model", "rose"), "no model 'rose'", "iris")

    def test_that_an_artifact_was_changed(
        self, run: Run, artifacts: Path, command: list[str]
    ) -> None:
        (artifacts / "iris/2/lr_iris.pkl").write_bytes(b"something else")
        fails(run(*command, "--artifacts", artifacts), "lr_iris.pkl", "expected", "got 14 bytes")


def test_the_newest_version_is_read_unless_another_is_named(run: Run, artifacts: Path) -> None:
    assert "probabilities" in run("predict", "--artifacts", artifacts, INSTANCE, "--details").out
    older = run("predict", "--artifacts", artifacts, INSTANCE, "--details", "--version", 1)
    assert "decision_values" in older.out


def test_version_ten_is_newer_than_version_nine(run: Run, artifacts: Path) -> None:
    for number in (9, 10):
        copy = artifacts / "iris" / str(number)
        copy.mkdir()
        for path in (artifacts / "iris/1").iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        rewrite(copy / "bundle.json", {"version": number})
    result = run("evaluate", "--artifacts", artifacts, "--json")
    assert result.json()["version"] == 10


def test_two_models_have_to_be_told_apart(run: Run, artifacts: Path) -> None:
    run("train", "--artifacts", artifacts, "--model", "other")
    fails(run("predict", "--artifacts", artifacts, INSTANCE), "iris, other", "--model")
    assert run("predict", "--artifacts", artifacts, INSTANCE, "--model", "other").code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["not a manifest"]),
        (b"\x00\xff", ["not a manifest"]),
        (b"[]", ["not a manifest"]),
        (b'{"name": "somebody else\'s"}', ["not a manifest"]),
        (b'{"format": 99, "files": []}', ["newer format 99", f"reads 1 to {FORMAT}"]),
        (b'{"format": 0}', ["format 0"]),
        (b'{"format": 1, "digest": "sha256:0"}', ["not a manifest"]),
        (b"[" * 100_000, ["not a manifest"]),
    ],
)
def test_a_foreign_or_newer_manifest_is_named_as_such(
    run: Run, artifacts: Path, content: bytes, words: list[str]
) -> None:
    (artifacts / "iris/2/bundle.json").write_bytes(content)
    fails(run("predict", "--artifacts", artifacts, INSTANCE), *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": FORMAT + 1}, ["newer format"]),
        ({"surprise": 1}, ["surprise"]),
        ({"runtime": DELETE}, ["runtime"]),
        ({"runtime": "scikit-learn"}, ["scikit-learn"]),
        ({"version": 7}, ["version 7", "expected version 2"]),
        ({"signature.output.classes": ["a", "b"]}, ["2 classes"]),
        ({"signature.columns": []}, ["(2,)", "(0,)"]),
        ({"artifacts": []}, ["classifier"]),
        ({"artifacts.0.file": "../../escape.pkl"}, ["plain file name"]),
        ({"artifacts.0.file": "/etc/passwd"}, ["plain file name"]),
        ({"artifacts.0.file": "gone.pkl"}, ["gone.pkl is missing"]),
        ({"artifacts.0.size": 5}, ["expected 5 bytes"]),
        ({"artifacts.0.size": MAX_DUMP_BYTES + 1}, [f"<= {MAX_DUMP_BYTES}", "size"]),
        ({"artifacts.0.size": 10**18}, [f"<= {MAX_DUMP_BYTES}", "size"]),
        ({"examples": []}, ["examples"]),
        ({"examples.0.prediction": "virginica"}, ["does not answer as it did"]),
        ({"examples.0.scores": [0.0, 0.0, 1.0]}, ["does not answer as it did"]),
    ],
)
def test_a_manifest_that_contradicts_itself_or_the_files_is_refused(
    run: Run, artifacts: Path, change: dict[str, object], words: list[str]
) -> None:
    rewrite(artifacts / "iris/2/bundle.json", change)
    fails(run("predict", "--artifacts", artifacts, INSTANCE), *words)


def test_a_manifest_lists_no_more_artifacts_than_are_read(run: Run, artifacts: Path) -> None:
    path = artifacts / "iris/2/bundle.json"
    scaler, classifier = json.loads(path.read_text())["artifacts"]
    rewrite(path, {"artifacts": [scaler] * (MAX_ARTIFACTS - 1) + [classifier]})
    fails(run("predict", "--artifacts", artifacts, INSTANCE), "does not answer as it did")
    rewrite(path, {"artifacts": [scaler] * MAX_ARTIFACTS + [classifier]})
    fails(run("predict", "--artifacts", artifacts, INSTANCE), f"<= {MAX_ARTIFACTS}", "artifacts")


def test_a_manifest_names_each_feature_once(run: Run, artifacts: Path) -> None:
    path = artifacts / "iris/2/bundle.json"
    rewrite(path, {"signature.columns.1.name": "length"})
    fails(run("predict", "--artifacts", artifacts, INSTANCE), "a column is named twice")


def test_an_edited_manifest_is_refused(run: Run, artifacts: Path) -> None:
    path = artifacts / "iris/2/bundle.json"
    path.write_text(path.read_text().replace('"cm"', '"mm"', 1))
    fails(run("predict", "--artifacts", artifacts, INSTANCE), "changed after it was written")


@pytest.mark.parametrize("name", ["sc_iris_petal.pkl", "ppn_iris.pkl", "bundle.json"])
def test_a_missing_file_is_named(run: Run, artifacts: Path, name: str) -> None:
    (artifacts / "iris/1" / name).unlink()
    fails(run("predict", "--artifacts", artifacts, INSTANCE, "--version", 1), f"{name} is missing")


@pytest.mark.once
@pytest.mark.parametrize("name", ["sc_iris_petal.pkl", "ppn_iris.pkl", "bundle.json"])
def test_every_byte_with_a_bit_flipped_is_refused(artifacts: Path, name: str) -> None:
    path = artifacts / "iris/1" / name
    original = path.read_bytes()
    for position in range(len(original)):
        for bit in (position % 8, 5):  # any of them; and the one that makes another letter
            spoilt = bytearray(original)
            spoilt[position] ^= 1 << bit
            path.write_bytes(spoilt)
            with pytest.raises(BundleError):
                read_bundle(path.parent)
    path.write_bytes(original)
    read_bundle(path.parent)


@pytest.mark.parametrize("name", ["sc_iris_petal.pkl", "ppn_iris.pkl", "bundle.json"])
def test_every_truncation_and_extension_is_refused(artifacts: Path, name: str) -> None:
    path = artifacts / "iris/1" / name
    original = path.read_bytes()
    for length in range(len(original)):
        path.write_bytes(original[:length])
        with pytest.raises(BundleError):
            read_bundle(path.parent)
    path.write_bytes(original + b"\n")
    with pytest.raises(BundleDigestError):
        read_bundle(path.parent)


@pytest.mark.parametrize("name", ["sc_iris_petal.pkl", "ppn_iris.pkl", "bundle.json"])
@pytest.mark.parametrize("position", [0, 1, 40, 200, -1])
def test_the_command_tells_a_flipped_bit_in_one_line(
    run: Run, artifacts: Path, name: str, position: int
) -> None:
    path = artifacts / "iris/1" / name
    spoilt = bytearray(path.read_bytes())
    spoilt[position] ^= 4
    path.write_bytes(spoilt)
    result = run("predict", "--artifacts", artifacts, INSTANCE, "--version", 1)
    fails(result, "bundle.json" if name == "bundle.json" else name)
    assert len(result.err.splitlines()) <= 2


def test_a_directory_in_place_of_a_file_is_told(run: Run, artifacts: Path) -> None:
    (artifacts / "iris/2/lr_iris.pkl").unlink()
    (artifacts / "iris/2/lr_iris.pkl").mkdir()
    fails(run("predict", "--artifacts", artifacts, INSTANCE), "cannot read", "directory")


def test_what_is_no_version_is_not_taken_for_one(run: Run, artifacts: Path) -> None:
    for name in ("007", "latest", "3.5", "-4", ".unfinished"):
        (artifacts / "iris" / name).mkdir()
    (artifacts / "iris/8").write_text("a file")
    result = run("evaluate", "--artifacts", artifacts, "--json")
    assert result.json()["version"] == 2
    assert run("train", "--artifacts", artifacts, "--json").json()["version"] == 9


FORMAT_2 = Path(__file__).parents[1] / "recorded" / "format-2"
"""Bundles of tables, as the release wrote them that had format 2."""


@pytest.mark.parametrize("model", ["fruit", "prices"])
def test_a_bundle_of_format_2_is_read_and_answers_as_ever(model: str) -> None:
    bundle = read_bundle(FORMAT_2 / model / "1")
    written = json.loads((FORMAT_2 / model / "1" / "bundle.json").read_text())
    for column, old in zip(
        bundle.manifest.signature.columns, written["signature"]["columns"], strict=True
    ):
        seen = column.seen
        assert seen is not None
        assert seen.n_missing == old["n_missing"]
        assert column.name == old["name"]
        if isinstance(seen, NumbersSeen):
            assert [seen.minimum, *seen.bin_edges] == [old["minimum"], *old["bin_edges"]]
        else:
            assert [*seen.counts] == old["counts"]
    assert isinstance(bundle.manifest.provenance, Training)


@pytest.mark.parametrize(
    "change",
    [
        {"signature.columns.0.minimum": DELETE},
        {"signature.columns.0.seen": None},
        {"signature.columns.0.kind": "text"},
        {"signature.columns": 3},
        {"signature.columns": ["a"]},
        {"signature.output": None},
        {"evaluation": None},
        {"artifacts.0.path": ["model"]},
        {"provenance.kind": "imported"},
        {"surprise": 1},
        {"task": 3},
    ],
)
def test_a_manifest_of_format_2_has_nothing_of_a_later_one(
    tmp_path: Path, change: dict[str, object]
) -> None:
    copy = tmp_path / "1"
    shutil.copytree(FORMAT_2 / "fruit" / "1", copy)
    rewrite(copy / "bundle.json", change)
    with pytest.raises(BundleFormatError, match="not as format 2 has it"):
        read_bundle(copy)
