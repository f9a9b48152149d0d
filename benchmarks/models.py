"""The models that all serve, and what they must answer.

The talk's is fitted for each peer by its own scikit-learn; of a table all load the same dump.
"""

import io
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.environments import Environment, LeftOutError
from benchmarks.peer import PEERS
from benchmarks.servers import Known, Site
from benchmarks.workloads import IRISES, Row, Workload
from iris_deploy.bundle.repository import Repository
from iris_deploy.training import fit
from iris_deploy.training.bundles import train_table
from iris_deploy.training.dataset import split_dataset
from iris_deploy.training.settings import Choices, TableSettings, TrainSettings
from iris_deploy.training.sources.datasets import load_dataset

if TYPE_CHECKING:
    from iris_deploy.bundle.bundle import Bundle

N_TRAINED = 6000
"""Rows of a table."""

N_SINGLE = 1000
"""Rows that are asked one by one."""


@dataclass(frozen=True)
class Truth:
    """What scikit-learn here says of rows.

    Parameters
    ----------
    sure : Known
        The surest samples of each class: very old versions fit slightly other coefficients.
    some, many : Known
        Any rows, a thousand and all of them.
    single : sequence of Row
        Any rows to be asked one by one, whose numbers have as many digits as they like.
    """

    sure: Known
    some: Known
    many: Known
    single: Sequence[Row]


class Models:
    """The models' directories.

    Parameters
    ----------
    directory : Path
        An empty one.
    """

    workload = IRISES

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bundle: Bundle = fit.train(TrainSettings(), Repository(directory / "artifacts"))
        settings = TrainSettings()
        dataset = load_dataset(settings.dataset)
        samples = split_dataset(dataset, settings.test_size, settings.random_state)
        self.samples = samples
        self.data = directory / "data.json"
        self.data.write_text(
            json.dumps({"X": samples.X_train.tolist(), "y": samples.y_train.tolist()})
        )

    def truth(self, rows: int) -> Truth:
        """Ask scikit-learn for the labels of three sure samples of each class, and of any rows."""
        scaler, classifier = (
            joblib.load(io.BytesIO((self.bundle.path / artifact.file).read_bytes()))
            for artifact in self.bundle.manifest.artifacts
        )
        X = self.samples.X_train
        names = self.workload.classes
        decision = classifier.decision_function(scaler.transform(X))
        surest = [k for c in range(len(names)) for k in np.argsort(-decision[:, c])[:3]]
        rng = np.random.default_rng(0)
        any_rows = rng.uniform((1, 0.1), (7, 2.5), (rows, 2)).round(1)
        singles = rng.uniform((1, 0.1), (7, 2.5), (N_SINGLE, 2)).tolist()
        digits = rng.integers(1, 6, (N_SINGLE, 2)).tolist()
        single: list[Row] = [
            (round(a, i), round(b, k)) for (a, b), (i, k) in zip(singles, digits, strict=True)
        ]

        def known(X: np.ndarray) -> Known:
            indices = classifier.predict(scaler.transform(X))
            as_rows: list[Row] = [(float(a), float(b)) for a, b in X]
            return Known(as_rows, [names[k] for k in indices])

        return Truth(known(X[surest]), known(any_rows[:1000]), known(any_rows), single)

    def prepare(self, environment: Environment) -> Site:
        """Make the directory that a peer's server is run in.

        Raises
        ------
        LeftOutError
            If its model cannot be made.
        """
        peer = environment.peer
        if peer.is_ours or peer.has_our_predictor:  # which serve the bundle; others get dumps
            return Site(environment, self.workload, self.directory)
        directory = self.directory / peer.name
        directory.mkdir()
        for settings in peer.directory.glob("*.json"):
            shutil.copy(settings, directory)
        if not peer.is_constant:
            self._fill(environment, directory)
        return Site(environment, self.workload, directory)

    def _fill(self, environment: Environment, directory: Path) -> None:
        own = environment.peer.directory / "prepare.py"
        python = environment.bin / "python"
        _run([python, PEERS / "fit.py", self.data, directory], directory)
        if own.exists():
            _run([python, own, self.data], directory)


class TableModels(Models):
    """The models' directories, of a table.

    Parameters
    ----------
    directory : Path
        An empty one.
    workload : Workload
    """

    def __init__(self, directory: Path, workload: Workload) -> None:
        self.directory = directory
        self.workload = workload
        path = directory / f"{workload.name}.csv"
        self._draw(N_TRAINED, 0).to_csv(path, index=False)
        settings = TableSettings(
            choices=Choices(target="kind", category=(), text=workload.texts),
            estimators=(workload.estimator,),
        )
        repository = Repository(directory / "artifacts")
        with threadpool_limits(1):  # boosting's threads wait for each other on a machine in use
            self.bundle = train_table(path, settings, repository, None, lambda *_: None).bundle
        dump = self.bundle.path / self.bundle.manifest.artifacts[0].file
        self.pipeline: Any = joblib.load(dump)

    @property
    def alone(self) -> Any:
        """The pipeline, or its estimator if it has numbers alone and does nothing before it."""
        does_more = self.workload.texts or "categories" in self.pipeline[0].named_transformers_
        return self.pipeline if does_more else self.pipeline[-1]

    def truth(self, rows: int) -> Truth:
        """Ask scikit-learn for the labels of any rows."""
        table = self.table(max(rows, 1000))
        labels = self.pipeline.predict(table).tolist()
        values = table.astype(object).where(table.notna(), None)
        drawn: list[Row] = list(values.itertuples(index=False, name=None))
        sure, some, many = (Known(drawn[:n], labels[:n]) for n in (9, 1000, len(drawn)))
        return Truth(sure, some, many, drawn[:N_SINGLE])

    def table(self, rows: int) -> pd.DataFrame:
        """Draw rows that training has not seen."""
        return self._draw(rows, 1).drop(columns="kind")

    def _draw(self, n_rows: int, seed: int) -> pd.DataFrame:
        return self.workload.draw(n_rows, seed) if self.workload.draw else pd.DataFrame()

    def _fill(self, environment: Environment, directory: Path) -> None:
        """Give it the pipeline, or the estimator alone where nothing is done before it."""
        numbers = [kind.kind == "f" for kind in self.table(1).dtypes]
        joblib.dump(self.alone, directory / "model.joblib")
        columns = dict(zip(self.workload.columns, numbers, strict=True))
        (directory / "columns.json").write_text(json.dumps(columns))
        own = environment.peer.directory / "prepare.py"
        if own.exists():
            _run([environment.bin / "python", own], directory)


def models_of(workload: Workload, directory: Path) -> Models:
    """Train what a workload is about."""
    return TableModels(directory, workload) if workload.draw else Models(directory)


def _run(command: list[Path], directory: Path) -> None:
    ran = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=False, timeout=300
    )
    if ran.returncode:
        errors = re.findall(r"^[\w.]*(?:Error|Exception)\b.*", ran.stderr, re.MULTILINE)
        told = errors[-1] if errors else ran.stderr.strip()
        raise LeftOutError(f"its model cannot be made: {told[-300:]}")
