# mypy: ignore-errors
"""FastAPI with a pydantic model, and the predictor of iris-deploy."""

from pathlib import Path

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from iris_deploy.bundle.repository import Repository

app = FastAPI()
predictor = Repository(Path("artifacts")).read().predictor


class Flower(BaseModel):
    """What is measured of one."""

    length: float
    width: float


@app.post("/predict")
async def predict(flower: Flower) -> dict[str, str]:
    """Answer one row."""
    return {"prediction": predictor.value((flower.length, flower.width))}


@app.post("/predict-many")
async def predict_many(flowers: list[Flower]) -> dict[str, list[str]]:
    """Answer many rows."""
    rows = [(flower.length, flower.width) for flower in flowers]
    return {"predictions": predictor.values(rows)}


@app.post("/predict-flat")
async def predict_flat(values: list[float]) -> dict[str, list[str]]:
    """Answer many rows, one after the other in a flat list."""
    return {"predictions": predictor.values(np.array(values).reshape(-1, 2))}
