"""What is measured without a server: the predictor, counting, the command line, training."""

import io
import subprocess
import sys
import time
import timeit
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np
import pandas as pd
import prometheus_client
from threadpoolctl import threadpool_limits

from benchmarks.measure import Record, Sample
from benchmarks.models import TableModels, models_of
from benchmarks.peer import PEERS
from benchmarks.workloads import WORKLOADS, Workload, draw_numbers
from iris_deploy.bundle.bundle import Bundle
from iris_deploy.serving.telemetry.metrics import BUCKETS, Metrics
from iris_deploy.serving.telemetry.slots import SharedMemory
from iris_deploy.training.frames import encode_frame

LIBRARY = "library"
TRAINED = "boosting"  # with whose table training is measured


@dataclass(frozen=True)
class Candidate:
    """One way to do it: a name, and a function that returns the seconds it took once."""

    name: str
    seconds: Callable[[], float]


@dataclass(frozen=True)
class Case:
    """What is measured: ours first, then the alternatives."""

    title: str
    candidates: Sequence[Candidate]


def process(*arguments: str) -> Callable[[], float]:
    """Time a whole process, from its start to its end."""

    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        return time.perf_counter() - start

    return seconds


def call(function: Callable[[], object], number: int) -> Callable[[], float]:
    """Time one call, as the mean of a number of them."""
    return lambda: timeit.timeit(function, number=number) / number


def counting(bundle: Bundle) -> Case:
    """Count one request and its prediction: four figures, and two features for drift."""
    ours = Metrics(SharedMemory(1).slot(0))
    ours.predictions.begin(bundle.manifest, 1)
    signature = bundle.manifest.signature

    def count() -> None:
        ours.request("/predict", "native", 200, 0.0003)
        ours.predictions.observe(signature, ((5.1, 2.4),), (2,))

    registry = prometheus_client.CollectorRegistry()
    requests = prometheus_client.Counter("a", "a", ["route", "status"], registry=registry)
    seconds = prometheus_client.Histogram("b", "b", ["route"], registry=registry, buckets=BUCKETS)
    classes = prometheus_client.Counter("c", "c", ["class"], registry=registry)

    def count_without_drift() -> None:
        requests.labels("/predict", "200").inc()
        seconds.labels("/predict").observe(0.0003)
        classes.labels("virginica").inc()

    return Case(
        "counting one request and its prediction",
        [
            Candidate("shared memory, with drift", call(count, 20_000)),
            Candidate(
                "prometheus-client, one process, without drift", call(count_without_drift, 20_000)
            ),
        ],
    )


def cases(bundle: Bundle, artifacts: Path) -> list[Case]:
    """Set up every case on a freshly trained bundle."""
    predictor = bundle.predictor
    scaler, classifier = (
        joblib.load(io.BytesIO((bundle.path / a.file).read_bytes()))
        for a in bundle.manifest.artifacts
    )
    mean, scale = scaler.mean_, scaler.scale_
    coef, intercept = classifier.coef_, classifier.intercept_
    names = np.array(bundle.manifest.signature.classes)
    row, array = (5.1, 2.4), np.array([[5.1, 2.4]])
    many = np.random.default_rng(0).uniform((0, 0), (8, 3), (100_000, 2))

    def with_numpy(X: np.ndarray) -> Iterable[str]:
        labels: np.ndarray = names[np.argmax((X - mean) / scale @ coef.T + intercept, axis=1)]
        return labels

    def with_scikit_learn(X: np.ndarray) -> Iterable[str]:
        labels: np.ndarray = names[classifier.predict(scaler.transform(X))]
        return labels

    for answer in ([predictor.value(row)], with_numpy(array), with_scikit_learn(array)):
        if list(answer) != ["virginica"]:
            sys.exit(f"a candidate answers {answer}, not virginica")
    text = '{"length": 5.1, "width": 2.4}'
    return [
        Case(
            "one row to its label",
            [
                Candidate(
                    "the predictor, plain floats", call(lambda: predictor.value(row), 20_000)
                ),
                Candidate("the same in NumPy", call(lambda: with_numpy(array), 2000)),
                Candidate("scikit-learn", call(lambda: with_scikit_learn(array), 200)),
            ],
        ),
        Case(
            "100,000 rows to their labels",
            [
                Candidate("the predictor, columns", call(lambda: predictor.values(many), 1)),
                Candidate("the same in NumPy", call(lambda: with_numpy(many), 1)),
                Candidate("scikit-learn", call(lambda: with_scikit_learn(many), 1)),
            ],
        ),
        counting(bundle),
        Case(
            "iris-deploy --help",
            [
                Candidate("iris-deploy --help", process("-m", "iris_deploy", "--help")),
                Candidate("python -c 'import sklearn'", process("-c", "import sklearn")),
            ],
        ),
        Case(
            "a bundle read and one row predicted, from the start of the process",
            [
                Candidate(
                    "iris-deploy predict",
                    process("-m", "iris_deploy", "predict", "--artifacts", str(artifacts), text),
                ),
                Candidate(
                    "joblib.load and scikit-learn",
                    process(
                        "-c",
                        "import joblib, sys; s, c = map(joblib.load, sys.argv[1:]); "
                        "print(c.predict(s.transform([[5.1, 2.4]])))",
                        *(str(bundle.path / a.file) for a in bundle.manifest.artifacts),
                    ),
                ),
            ],
        ),
    ]


def training(artifacts: Path, data: Path) -> Case:
    """Train with all that belongs to a bundle, or fit and dump only."""
    dumps = artifacts.parent / "dumps"
    dumps.mkdir()
    return Case(
        "training, from the start of the process",
        [
            Candidate(
                "iris-deploy train",
                process("-m", "iris_deploy", "train", "--artifacts", str(artifacts)),
            ),
            Candidate(
                "a script with scikit-learn and joblib.dump",
                process(str(PEERS / "fit.py"), str(data), str(dumps)),
            ),
        ],
    )


def of_a_table(models: TableModels) -> list[Case]:
    """Predict with the pipeline of a table, one row and many, and compare the labels first."""
    predictor, model = models.bundle.predictor, models.alone
    frame = models.table(100_000)
    rows = encode_frame(models.bundle.manifest.signature.columns, frame)
    given: Any = rows if model is not models.pipeline else frame
    one, row, name = given[:1], rows[0].tolist(), models.workload.name
    if predictor.values(rows) != model.predict(given).tolist():
        sys.exit(f"{name}: the predictor answers otherwise than scikit-learn")
    return [
        Case(
            f"{name}: one row to its label",
            [
                Candidate("the predictor", call(lambda: predictor.value(row), 5000)),
                Candidate("scikit-learn, one thread", call(lambda: model.predict(one), 20)),
            ],
        ),
        Case(
            f"{name}: 100,000 rows to their labels",
            [
                Candidate("the predictor", call(lambda: predictor.values(rows), 1)),
                Candidate("scikit-learn, one thread", call(lambda: model.predict(given), 1)),
            ],
        ),
    ]


def training_a_table(directory: Path) -> Case:
    """Compare, fit, check, measure and bundle; or compare, fit and dump only."""
    data = directory / "large.csv"
    numbers = draw_numbers(100_000, 2).drop(columns="kind")
    pd.concat([numbers, draw_numbers(100_000, 3).add_prefix("y")], axis=1).to_csv(data, index=False)
    given = ("--data", str(data), "--target", "ykind", "--artifacts", str(directory / "artifacts"))
    return Case(
        "training on 100,000 rows of 20 columns, from the start of the process",
        [
            Candidate("iris-deploy train", process("-m", "iris_deploy", "train", *given)),
            Candidate(
                "a script with scikit-learn and joblib.dump",
                process(str(PEERS / "fit_table.py"), str(data), "ykind", str(directory)),
            ),
        ],
    )


def measure_library(record: Record, rounds: int, workloads: Sequence[str]) -> None:
    """Measure every case's candidates in rotation.

    Parameters
    ----------
    record : Record
        Where it goes.
    rounds : int
        Beside one that is not counted.
    workloads : sequence of str
    """
    # One thread of BLAS for everybody, as in a server whose workers share the cores.
    for name in workloads:
        with TemporaryDirectory(prefix="iris-deploy-bench-") as directory, threadpool_limits(1):
            for case in _cases_of(WORKLOADS[name], Path(directory)):
                _measure(record, case, rounds)


def _cases_of(workload: Workload, directory: Path) -> Iterator[Case]:
    models = models_of(workload, directory)
    if isinstance(models, TableModels):
        yield from of_a_table(models)
        if workload.name == TRAINED:
            yield training_a_table(directory)
    else:
        yield from cases(models.bundle, directory / "artifacts")
        yield training(directory / "artifacts", models.data)


def _measure(record: Record, case: Case, rounds: int) -> None:
    for number in range(-1, rounds):
        for candidate in case.candidates:
            figures = {"s": candidate.seconds()}
            if number >= 0:
                sample = Sample(LIBRARY, case.title, candidate.name, number, figures)
                record.samples.append(sample)
