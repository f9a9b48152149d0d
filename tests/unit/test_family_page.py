"""docs/families.md is what the registry declares and what was measured."""

import re
from dataclasses import replace

import pytest

from benchmarks.family_page import (
    PAGE,
    Figures,
    Measured,
    estimators,
    read_figures,
    render,
)
from iris_deploy.estimators import registry
from iris_deploy.estimators.family import Predicting

AGAIN = "write it anew: make families BENCH=--page"


def test_the_page_is_what_the_registry_and_the_figures_make() -> None:
    assert PAGE.read_text() == render(read_figures()), AGAIN


def test_the_page_lists_every_class_of_the_registry_once() -> None:
    listed = re.findall(r"^\| ([\w.]+) \| [\d.]+ \|", PAGE.read_text(), re.MULTILINE)
    names = [part.name for part in estimators()]
    assert len(set(names)) == len(names) == len(listed) == len(set(listed)) > 100
    assert {name.rpartition(".")[2] for name in names} == {n.rpartition(".")[2] for n in listed}


def test_every_figure_is_of_a_class_of_the_registry() -> None:
    assert set(read_figures().families) <= {part.name for part in estimators()}


def test_a_class_that_nobody_has_measured_has_dashes(monkeypatch: pytest.MonkeyPatch) -> None:
    part = next(p for p in estimators() if isinstance(p, Predicting) and p.task == "classification")
    changed = replace(part, name="sklearn.new.NewClassifier", since="9.9", ulp=3, refused="gaps")
    families = registry.all_families() | {"new": (changed,)}
    monkeypatch.setattr("benchmarks.family_page.all_families", lambda: families)
    assert "\n| NewClassifier | 9.9 | 3 ulp | - | - | - | - | gaps |\n" in render(read_figures())


def test_figures_are_medians_of_the_ratios_of_rounds() -> None:
    measured = Measured(
        date="2030-01-02",
        n_rows=10_000,
        one=[(1e-6, 50e-6), (2e-6, 60e-6), (1e-6, 90e-6)],
        few=[(1.0, 2.0)] * 3,
        many=[(2.0, 1.0)] * 3,
    )
    text = render(Figures(families={"sklearn.svm.SVR": measured}))
    assert "\n| SVR | 0.19 | 2^14 ulp | 1 | 50 | 2 | 0.500 (10,000) |" in text
    assert "Measured on 2030-01-02" in text
