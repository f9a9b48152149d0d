"""The image of a table's bundle: what scikit-learn has fitted, answered without it."""

import json
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from tests import data
from tests.conftest import Run
from tests.containers import UNNEEDED, build, container, docker, require_engine

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]

TAG = "iris-deploy-tests/passengers:1.0"


@pytest.fixture
def passengers() -> pd.DataFrame:
    """Make a table like the Titanic's, of a class to predict."""
    return data.passengers().drop(columns="price")


@pytest.fixture
def bundle(run: Run, passengers: pd.DataFrame, tmp_path: Path) -> Path:
    require_engine()
    passengers.to_csv(tmp_path / "passengers.csv", index=False)
    ran = run(
        *("train", "--data", tmp_path / "passengers.csv", "--target", "survived"),
        *("--estimator", "random-forest", "--json", "--artifacts", tmp_path / "artifacts"),
    )
    assert ran.code == 0, ran.err
    return Path(ran.json()["path"])


@pytest.fixture
def image(bundle: Path) -> Iterator[str]:
    build("--tag", TAG, "--model", "passengers", cwd=bundle.parents[2])
    yield TAG
    docker("rmi", "--force", TAG)


def test_a_pipeline_of_mixed_columns_answers_from_an_image_without_scikit_learn(
    passengers: pd.DataFrame, bundle: Path, image: str
) -> None:
    listed = docker("run", "--rm", "--entrypoint", "find", image, "/opt").splitlines()
    assert not {Path(path).name for path in listed} & UNNEEDED
    columns = passengers.drop(columns="survived")
    known = columns.assign(alone=columns["alone"].astype(float)).replace({None: np.nan})
    expected = joblib.load(bundle / "pipeline_passengers.pkl").predict(known)
    hardened = ("--read-only", "--cap-drop", "ALL", "--user", "65534")
    with container(image, *hardened) as running:
        running.is_ready(5000)
        status, body = running.post(5000, columns.to_json(orient="records").encode())
    assert status == 200, body
    assert json.loads(body)["predictions"] == expected.tolist()
