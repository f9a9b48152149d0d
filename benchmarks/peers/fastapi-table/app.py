# mypy: ignore-errors
"""FastAPI with a pydantic model of a table's columns, and scikit-learn for each call."""

import json
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from fastapi import FastAPI
from pydantic import create_model

warnings.filterwarnings("ignore", "X has feature names|Found unknown categories")
app = FastAPI()
model = joblib.load("model.joblib")
columns = json.loads(Path("columns.json").read_text())
Instance = create_model(
    "Instance", **{n: (float | None if number else str, ...) for n, number in columns.items()}
)
numbers_alone = all(columns.values())


def table(instances: list[Instance]) -> np.ndarray | pd.DataFrame:
    """Return what the model takes: the estimator an array, the pipeline a frame."""
    rows = [tuple(getattr(instance, name) for name in columns) for instance in instances]
    return np.array(rows) if numbers_alone else pd.DataFrame(rows, columns=list(columns))


@app.post("/predict")
async def predict(instance: Instance) -> dict[str, str]:
    """Answer one row."""
    return {"prediction": model.predict(table([instance]))[0]}


@app.post("/predict-many")
async def predict_many(instances: list[Instance]) -> dict[str, list[str]]:
    """Answer many rows."""
    return {"predictions": model.predict(table(instances)).tolist()}
