# mypy: ignore-errors
"""The talk's application, with the dumps in the working directory."""

import joblib
from flask import Flask, Response, jsonify, request

app = Flask(__name__)
scaler, classifier = joblib.load("sc_iris_petal.pkl"), joblib.load("ppn_iris.pkl")
names = ["setosa", "versicolor", "virginica"]


@app.route("/predict", methods=["POST"])
def predict() -> Response:
    """Answer one row."""
    values = request.get_json()
    row = [[float(values["length"]), float(values["width"])]]
    return jsonify(prediction=names[int(classifier.predict(scaler.transform(row))[0])])
