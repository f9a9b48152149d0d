"""Drift: chance does not alarm, a shift does, in simulation and over the wire."""

import random
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from iris_deploy.bundle.repository import Repository
from iris_deploy.schema.drift import (
    ENOUGH_ROWS,
    WINDOW_ROWS,
    drift_threshold,
    stability_index,
)
from iris_deploy.serving.telemetry.metrics import Metrics
from iris_deploy.serving.telemetry.predictions import DRIFT_NOW, PREDICTIONS
from iris_deploy.serving.telemetry.slots import SharedMemory
from iris_deploy.training.dataset import split_dataset
from iris_deploy.training.sources.datasets import load_dataset
from tests.conftest import Server, serving

TRAINED = 105  # rows, as the talk trains on
FEATURES = ("length", "width")


def psi(feature: str) -> str:
    return f'iris_deploy_drift_psi{{column="{feature}"}}'


def threshold(feature: str) -> str:
    return f'iris_deploy_drift_threshold{{column="{feature}"}}'


def alarms(n_served: int, shift: float, decimals: int, trials: int = 1500) -> float:
    """Return the share of alarms for normal values, rounded as a ruler would, and shifted."""
    rng = np.random.default_rng([n_served, decimals, int(10 * shift)])
    found = 0
    for _ in range(trials):
        column = np.round(rng.normal(size=TRAINED), decimals)
        edges = np.unique(np.quantile(column, np.arange(1, 10) / 10))  # as train makes them

        def histogram(values: NDArray[np.float64], edges: NDArray[np.float64] = edges) -> list[int]:
            found = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
            counts: list[int] = found.tolist()
            return counts

        trained = histogram(column)
        served = histogram(np.round(rng.normal(shift, size=n_served), decimals))
        limit = drift_threshold(len(served), sum(trained), n_served)
        found += stability_index(trained, served) > limit
    return found / trials


@pytest.mark.parametrize("decimals", [6, 1], ids=["fine", "coarse"])
@pytest.mark.parametrize("n_served", [ENOUGH_ROWS, 500, WINDOW_ROWS])
def test_chance_alone_alarms_in_less_than_two_of_a_hundred(n_served: int, decimals: int) -> None:
    assert alarms(n_served, 0, decimals) < 0.02


@pytest.mark.parametrize("n_served", [ENOUGH_ROWS, WINDOW_ROWS])
def test_a_shift_by_one_standard_deviation_is_found_within_one_window(n_served: int) -> None:
    assert alarms(n_served, 1, 1, trials=300) > 0.99


def test_equal_shares_have_no_distance_and_the_index_is_that_of_the_definition() -> None:
    assert stability_index([10, 20, 30], [10, 20, 30]) == 0
    p, q = (np.array([10.5, 20.5]) / 31, np.array([30.5, 5.5]) / 36)
    expected = float(np.sum((p - q) * np.log(p / q)))
    assert stability_index([10, 20], [30, 5]) == pytest.approx(expected, rel=1e-12)
    assert stability_index([30, 5], [10, 20]) == pytest.approx(expected, rel=1e-12)


def test_the_threshold_is_the_quantile_that_tables_have() -> None:
    table = {1: 7.879, 4: 14.860, 9: 23.589}  # chi-squared, 0.995, by degrees of freedom
    for freedom, quantile in table.items():
        found = drift_threshold(freedom + 1, 105, 200)
        assert found == pytest.approx(quantile * (1 / 105 + 1 / 200), rel=0.03)
    assert drift_threshold(10, 10**6, 10**6) == 0.1
    assert drift_threshold(1, 105, 200) == float("inf")


class Client:
    """Posts rows in batches over new connections and knows which worker had how many."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.rows: dict[str, int] = {}

    def post(self, rows: NDArray[np.float64]) -> None:
        instances = [dict(zip(FEATURES, row, strict=True)) for row in rows.tolist()]
        answer = self.server.predict(instances)
        assert answer.status == 200
        worker = (answer.headers["X-Request-ID"] or "").partition("-")[0]
        self.rows[worker] = self.rows.get(worker, 0) + len(rows)

    def alarms(self) -> list[bool]:
        found = self.server.metrics()
        return [found[psi(name)] > found[threshold(name)] for name in FEATURES]


@pytest.mark.parametrize("workers", [1, 2])
def test_over_the_wire_the_training_data_do_not_alarm_and_shifted_ones_do(
    artifacts: Path, workers: int
) -> None:
    data = load_dataset("iris-uci")
    trained = split_dataset(data, 0.3, 0).X_train
    assert len(trained) == TRAINED
    rng = np.random.default_rng(7)
    with serving(artifacts, "--version", 1, "--workers", workers) as running:
        client = Client(running)
        for _ in range(7):
            client.post(rng.choice(trained, 25))
        client.post(rng.choice(trained, 24))
        found = running.metrics()
        assert found["iris_deploy_drift_rows"] == 199
        assert not [name for name in found if "psi" in name or "threshold" in name]
        client.post(rng.choice(trained, 1))
        assert client.alarms() == [False, False]
        assert running.metrics()["iris_deploy_drift_rows"] == 200
        for _ in range(60):
            client.post(rng.choice(trained, 25))
            assert client.alarms() == [False, False]
        assert len(client.rows) == workers
        for _ in range(workers * WINDOW_ROWS // 25):
            client.post(rng.choice(trained, 50))
        rows = running.metrics()["iris_deploy_drift_rows"]  # the windows begin anew
        assert ENOUGH_ROWS <= rows < workers * (WINDOW_ROWS + 50) + ENOUGH_ROWS
        client.rows.clear()
        while client.alarms() != [True, True]:
            assert max(client.rows.values(), default=0) < WINDOW_ROWS
            client.post(rng.choice(trained, 25) + trained.std(axis=0))
        for _ in range(workers * WINDOW_ROWS // 50):
            client.post(rng.choice(trained, 50) + trained.std(axis=0))
        assert client.alarms() == [True, True]


def test_one_row_at_a_time_and_many_are_counted_alike(artifacts: Path) -> None:
    dice = random.Random(3)
    edges = [1.4, 1.5, 4.74, 5.52, 0.2, 2.0, 1.1, 6.9, 2.5]  # on edges and between them
    rows = np.array([[dice.choice(edges), dice.uniform(0, 3)] for _ in range(250)])
    found = []
    for size in (1, 250):
        with serving(artifacts, "--version", 1, "--workers", 1) as running:
            client = Client(running)
            for start in range(0, 250, size):
                if size == 1:
                    row = dict(zip(FEATURES, rows[start].tolist(), strict=True))
                    assert running.predict(row).status == 200
                else:
                    client.post(rows)
            metrics = running.metrics()
            found.append({k: v for k, v in metrics.items() if "drift" in k or "out_of" in k})
    assert found[0] == found[1]
    assert found[0]["iris_deploy_drift_rows"] == 250


def test_a_prediction_of_the_bundle_before_counts_and_does_not_move_the_new_one(
    artifacts: Path,
) -> None:
    """In a reload requests may be under way that were read by the old bundle."""
    old, new = (Repository(artifacts).read(None, version) for version in (1, 2))
    memory = SharedMemory(1)
    metrics = Metrics(memory.slot(0))
    metrics.predictions.begin(old.manifest, 1)
    metrics.predictions.begin(new.manifest, 2)
    metrics.predictions.observe(old.predictor.signature, [(1.0, 1.0)] * 3, [0, 2, 2])
    metrics.predictions.observe(new.predictor.signature, [(1.0, 1.0)], [2])
    found = memory.read()[0]
    counted = [
        found[PREDICTIONS, (("class", str(label)),)] for label in old.manifest.signature.classes
    ]
    assert counted == [1, 0, 3]
    assert sum(value for (name, _), value in found.items() if name == DRIFT_NOW) == len(FEATURES)
