"""The model that all serve, fitted for each by its own scikit-learn, and what it must answer."""

import io
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np

from benchmarks.catalogue import NAMES, OURS, PEERS, Row
from benchmarks.environments import Environment, LeftOutError
from benchmarks.servers import Known, Site
from iris_deploy.bundle.repository import Repository
from iris_deploy.training import fit
from iris_deploy.training.dataset import split_dataset
from iris_deploy.training.settings import TrainSettings
from iris_deploy.training.sources.datasets import load_dataset

if TYPE_CHECKING:
    from iris_deploy.bundle.bundle import Bundle

OF_OURS = (OURS, "fastapi-ours")
"""Those that serve the bundle; the others get dumps of their own scikit-learn."""


@dataclass(frozen=True)
class Truth:
    """What scikit-learn here says of rows.

    Parameters
    ----------
    sure : Known
        The surest samples of each class: very old versions fit slightly other coefficients.
    some, many : Known
        Any rows, a thousand and all of them.
    """

    sure: Known
    some: Known
    many: Known


class Models:
    """The models' directories.

    Parameters
    ----------
    directory : Path
        An empty one.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
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
        decision = classifier.decision_function(scaler.transform(X))
        surest = [k for c in range(len(NAMES)) for k in np.argsort(-decision[:, c])[:3]]
        any_rows = np.random.default_rng(0).uniform((1, 0.1), (7, 2.5), (rows, 2)).round(1)

        def known(X: np.ndarray) -> Known:
            indices = classifier.predict(scaler.transform(X))
            as_rows: list[Row] = [(float(a), float(b)) for a, b in X]
            return Known(as_rows, [NAMES[k] for k in indices])

        return Truth(known(X[surest]), known(any_rows[:1000]), known(any_rows))

    def prepare(self, environment: Environment) -> Site:
        """Make the directory that a peer's server is run in.

        Raises
        ------
        LeftOutError
            If its model cannot be made.
        """
        peer = environment.peer
        if peer.name in OF_OURS:
            return Site(environment, self._directory)
        directory = self._directory / peer.name
        directory.mkdir()
        for settings in peer.directory.glob("*.json"):
            shutil.copy(settings, directory)
        python, own = environment.bin / "python", peer.directory / "prepare.py"
        commands = [[python, PEERS / "fit.py", self.data, directory]]
        commands += [[python, own, self.data]] if own.exists() else []
        for command in commands:
            ran = subprocess.run(
                command, cwd=directory, capture_output=True, text=True, check=False, timeout=300
            )
            if ran.returncode:
                raise LeftOutError(f"its model cannot be made: {ran.stderr.strip()[-1000:]}")
        return Site(environment, directory)
