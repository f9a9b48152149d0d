# mypy: ignore-errors
"""``python prepare.py DATA``: save the pipeline as an MLflow model, with its signature."""

import json
import sys
from pathlib import Path

import joblib
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature

data = json.loads(Path(sys.argv[1]).read_text())
X = pd.DataFrame(data["X"], columns=["length", "width"])
pipeline = joblib.load("model.joblib").fit(X, data["y"])
mlflow.sklearn.save_model(pipeline, "model", signature=infer_signature(X, pipeline.predict(X)))
