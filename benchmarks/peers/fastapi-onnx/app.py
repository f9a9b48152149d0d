# mypy: ignore-errors
"""FastAPI with a pydantic model of a table's columns, and onnxruntime for each call."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import create_model

app = FastAPI()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, ["CPUExecutionProvider"])
columns = json.loads(Path("columns.json").read_text())
Instance = create_model("Instance", **dict.fromkeys(columns, (float, ...)))


def labels(rows: list[float] | list[list[float]]) -> list[str]:
    """Return the labels of rows."""
    X = np.array(rows, np.float32).reshape(-1, len(columns))
    return session.run(["label"], {"X": X})[0].tolist()


def values(instance: Instance) -> list[float]:
    """Return the values of an instance."""
    return [getattr(instance, name) for name in columns]


@app.post("/predict")
async def predict(instance: Instance) -> dict[str, str]:
    """Answer one row."""
    return {"prediction": labels([values(instance)])[0]}


@app.post("/predict-many")
async def predict_many(instances: list[Instance]) -> dict[str, list[str]]:
    """Answer many rows."""
    return {"predictions": labels([values(instance) for instance in instances])}


@app.post("/predict-flat")
async def predict_flat(rows: list[float]) -> dict[str, list[str]]:
    """Answer many rows, one after the other in a flat list."""
    return {"predictions": labels(rows)}
