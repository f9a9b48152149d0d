# mypy: ignore-errors
"""A BentoML service around scikit-learn."""

import os
from pathlib import Path

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=int(os.environ["WORKERS"]))
class Iris:
    """One row by its names, or many as an array."""

    def __init__(self) -> None:
        model = Path(os.environ["MODEL"])
        self.scaler = joblib.load(model / "sc_iris_petal.pkl")
        self.classifier = joblib.load(model / "ppn_iris.pkl")
        self.names = np.array(["setosa", "versicolor", "virginica"])

    @bentoml.api
    def predict(self, length: float, width: float) -> dict[str, str]:
        """Answer one row."""
        index = self.classifier.predict(self.scaler.transform([[length, width]]))[0]
        return {"prediction": self.names[index].item()}

    @bentoml.api
    def predict_many(self, rows: np.ndarray) -> np.ndarray:
        """Answer many rows by their classes' positions."""
        return self.classifier.predict(self.scaler.transform(rows))
