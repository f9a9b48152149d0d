"""``iris-deploy evaluate``: the figures, the map, the gate and the picture."""

import json
import sys
from pathlib import Path

import pytest

from iris_deploy.training.intervals import wilson_interval
from tests.bundles import rewrite
from tests.conftest import Run


def test_figures_are_those_of_the_training(run: Run, artifacts: Path) -> None:
    result = run("evaluate", "--artifacts", artifacts, "--version", 1, "--json")
    assert result.code == 0
    figures = result.json()
    written = json.loads((artifacts / "iris/1/bundle.json").read_text())
    assert (figures["model"], figures["version"]) == ("iris", 1)
    assert figures["digest"] == written["digest"]
    for name, value in written["evaluation"].items():
        assert figures[name] == value
    assert set(figures["importance"]) == {"length", "width"}
    assert figures["confusion_matrix"] == [[16, 0, 0], [2, 15, 1], [0, 1, 10]]
    assert figures["classes"][1] == {
        "label": "versicolor",
        "precision": pytest.approx(15 / 16),
        "recall": pytest.approx(15 / 18),
        "f1": pytest.approx(30 / 34),
        "support": 18,
    }


def test_a_person_sees_accuracy_figures_by_class_and_the_map(run: Run, artifacts: Path) -> None:
    out = run("evaluate", "--artifacts", artifacts, "--version", 1).out
    assert "91.1%: 41 of 45" in out
    assert "95% interval 79.3% to 96.5%" in out
    for name in ("setosa", "versicolor", "virginica", "precision", "recall", "F1"):
        assert name in out
    drawing = [line for line in out.splitlines() if "...." in line or "----" in line]
    assert len(drawing) == 20
    assert sum(line.count("x") for line in drawing) in {3, 4}  # two wrong ones may share a place
    assert "length (cm) across, width (cm) up" in out


def test_the_output_needs_no_more_than_80_columns(run: Run, artifacts: Path) -> None:
    out = run("evaluate", "--artifacts", artifacts).out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(("gate", "code"), [(0.9, 0), (0.9111, 0), (0.92, 4), (1, 4)])
def test_the_gate_has_an_exit_code_of_its_own(
    run: Run, artifacts: Path, gate: float, code: int
) -> None:
    result = run("evaluate", "--artifacts", artifacts, "--version", 1, "--min-accuracy", gate)
    assert result.code == code
    assert "91.1%" in result.out, "the figures are told whether the gate is met or not"
    assert ("below the gate" in result.err) == (code == 4)


def test_the_gate_leaves_json_on_standard_output_whole(run: Run, artifacts: Path) -> None:
    result = run("evaluate", "--artifacts", artifacts, "--min-accuracy", 1, "--json")
    assert result.code == 4
    assert result.json()["samples"] == 45


@pytest.mark.parametrize("gate", ["1.5", "-0.1", "most"])
def test_a_gate_that_is_no_share_is_a_usage_error(run: Run, artifacts: Path, gate: str) -> None:
    assert run("evaluate", "--artifacts", artifacts, "--min-accuracy", gate).code == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"provenance.dataset_digest": "sha256:" + "0" * 64},
            "the dataset iris-uci is not the one",
        ),
        ({"provenance.dataset": "iris"}, "the dataset iris is not the one"),
        ({"provenance.split.test_digest": "sha256:" + "0" * 64}, "the split of iris-uci is not"),
        ({"provenance.split.random_state": 1}, "the split of iris-uci is not"),
        ({"provenance.dataset": "roses"}, "no dataset 'roses'"),
    ],
)
def test_data_that_are_not_the_recorded_ones_are_refused(
    run: Run, artifacts: Path, change: dict[str, object], words: str
) -> None:
    rewrite(artifacts / "iris/1/bundle.json", change)
    result = run("evaluate", "--artifacts", artifacts, "--version", 1)
    assert result.code == 1
    assert words in result.err
    assert result.out == ""


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_plot_writes_the_picture(
    run: Run, artifacts: Path, tmp_path: Path, suffix: str, magic: bytes
) -> None:
    picture = tmp_path / f"evaluation.{suffix}"
    result = run("evaluate", "--artifacts", artifacts, "--plot", picture)
    assert result.code == 0
    assert picture.read_bytes().startswith(magic)
    assert picture.stat().st_size > 5000


def test_a_picture_that_cannot_be_drawn_is_told(run: Run, artifacts: Path, tmp_path: Path) -> None:
    unknown = run("evaluate", "--artifacts", artifacts, "--plot", tmp_path / "evaluation.docx")
    assert unknown.code == 2
    assert ".png" in unknown.err
    nowhere = run("evaluate", "--artifacts", artifacts, "--plot", tmp_path / "none/evaluation.png")
    assert nowhere.code == 1
    assert "cannot write" in nowhere.err


def test_a_picture_without_matplotlib_names_the_extra(
    run: Run, artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("evaluate", "--artifacts", artifacts, "--plot", tmp_path / "evaluation.png")
    assert result.code == 2
    assert "iris-deploy[plots]" in result.err


def test_interval_is_wilsons() -> None:
    """Figures of Newcombe (1998), Statistics in Medicine 17, table I: 81/263, 15/148, 0/20."""
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson_interval(29, 29) == pytest.approx((0.8830, 1), abs=5e-5)
