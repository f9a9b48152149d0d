# mypy: ignore-errors
"""FastAPI with a pydantic model, and scikit-learn's scaler and classifier for each call."""

import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
scaler, classifier = joblib.load("sc_iris_petal.pkl"), joblib.load("ppn_iris.pkl")
names = np.array(["setosa", "versicolor", "virginica"])


class Flower(BaseModel):
    """What is measured of one."""

    length: float
    width: float


@app.post("/predict")
async def predict(flower: Flower) -> dict[str, str]:
    """Answer one row."""
    index = classifier.predict(scaler.transform([[flower.length, flower.width]]))[0]
    return {"prediction": names[index].item()}


@app.post("/predict-many")
async def predict_many(flowers: list[Flower]) -> dict[str, list[str]]:
    """Answer many rows."""
    X = np.array([(flower.length, flower.width) for flower in flowers])
    return {"predictions": names[classifier.predict(scaler.transform(X))].tolist()}


@app.post("/predict-flat")
async def predict_flat(values: list[float]) -> dict[str, list[str]]:
    """Answer many rows, one after the other in a flat list."""
    X = np.array(values).reshape(-1, 2)
    return {"predictions": names[classifier.predict(scaler.transform(X))].tolist()}
