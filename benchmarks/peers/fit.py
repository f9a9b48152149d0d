# mypy: ignore-errors
"""Fit the talk's scaler and perceptron with the packages of this environment (Python 3.6 on).

``python fit.py DATA DIRECTORY``: DATA is JSON with X and y; the dumps go to the directory.
"""

import json
import sys
from pathlib import Path

import joblib
from sklearn.linear_model import Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = json.loads(Path(sys.argv[1]).read_text())
directory = Path(sys.argv[2])
classifier = Perceptron(max_iter=40, eta0=0.1, tol=None, random_state=0)
pipeline = make_pipeline(StandardScaler(), classifier).fit(data["X"], data["y"])
joblib.dump(pipeline.steps[0][1], str(directory / "sc_iris_petal.pkl"))
joblib.dump(pipeline.steps[1][1], str(directory / "ppn_iris.pkl"))
joblib.dump(pipeline, str(directory / "model.joblib"))
