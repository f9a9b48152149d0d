"""From a table to an image by the four commands: answered without what has fitted it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from palmerpenguins import load_penguins

from tests import data
from tests.conftest import Run, serving
from tests.containers import UNNEEDED, build, container, docker, require_engine

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Case:
    """A table, what is predicted, and how."""

    draw: Callable[[], pd.DataFrame]
    target: str
    estimators: tuple[str, ...]

    @property
    def options(self) -> list[str]:
        return [word for name in self.estimators for word in ("--estimator", name)]


CASES = {
    "titanic": Case(
        lambda: data.passengers().drop(columns="price"), "survived", ("random-forest",)
    ),
    "penguins": Case(load_penguins, "species", ()),
    "houses": Case(data.houses, "value", ("gradient-boosting", "linear-regression")),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    require_engine()
    found: Case = CASES[request.param]
    return found


@pytest.fixture
def bundle(
    run: Run,
    case: Case,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Train beside the table, as the docs say."""
    monkeypatch.chdir(tmp_path)
    file = f"{request.node.callspec.params['case']}.csv"
    case.draw().to_csv(file, index=False)
    ran = run("train", "--data", file, "--target", case.target, *case.options, "--json")
    assert ran.code == 0, ran.err
    return tmp_path / str(ran.json()["path"])


@pytest.fixture
def image(bundle: Path) -> Iterator[str]:
    tag = f"iris-deploy-tests/{bundle.parent.name}:1.0"
    build("--tag", tag, cwd=bundle.parents[2])
    yield tag
    docker("rmi", "--force", tag)


def expected_of(bundle: Path, columns: pd.DataFrame) -> list[Any]:
    """Ask scikit-learn."""
    known = columns.apply(lambda c: c.astype(float) if c.dtype == bool else c)
    known = known.replace({None: np.nan})
    found: list[Any] = joblib.load(next(bundle.glob("*.pkl"))).predict(known).tolist()
    return found


def test_a_table_becomes_answers_and_an_image_without_scikit_learn(
    run: Run, case: Case, bundle: Path, image: str
) -> None:
    evaluated = run("evaluate", "--json")
    assert evaluated.code == 0, evaluated.err
    told = json.loads((bundle / "bundle.json").read_text())["evaluation"]["metrics"]
    assert evaluated.json()["metrics"] == told

    rows = case.draw().dropna(subset=[case.target])
    columns = rows.drop(columns=case.target)
    expected, body = expected_of(bundle, columns), columns.to_json(orient="records").encode()
    with serving(bundle.parents[1]) as server:
        answer = server.request("POST", "/predict", body, {"Content-Type": "application/json"})
    listed = docker("run", "--rm", "--entrypoint", "find", image, "/opt").splitlines()
    assert not {Path(path).name for path in listed} & UNNEEDED
    hardened = ("--read-only", "--cap-drop", "ALL", "--user", "65534")
    with container(image, *hardened) as running:
        running.is_ready(5000)
        status, from_container = running.post(5000, body)
    assert (answer.status, status) == (200, 200), (answer.body, from_container)
    assert from_container == answer.body
    found = json.loads(from_container)["predictions"]
    if isinstance(expected[0], float):
        assert np.allclose(found, expected, rtol=1e-12)
    else:
        assert found == expected
