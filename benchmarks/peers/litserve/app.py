# mypy: ignore-errors
"""``python app.py PORT WORKERS``: LitServe's API around scikit-learn."""

import sys
from typing import Any

import joblib
import litserve
import numpy as np


class Iris(litserve.LitAPI):
    """One row by its names, or many in a flat list."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Read the dumps, in each worker."""
        self.scaler, self.classifier = map(joblib.load, ("sc_iris_petal.pkl", "ppn_iris.pkl"))
        self.names = np.array(["setosa", "versicolor", "virginica"])

    def decode_request(self, request: dict[str, Any]) -> Any:
        """Turn the body into a matrix."""
        if "values" in request:
            return np.array(request["values"]).reshape(-1, 2)
        return [[request["length"], request["width"]]]

    def predict(self, X: Any) -> list[str]:
        """Return the label of each row."""
        return self.names[self.classifier.predict(self.scaler.transform(X))].tolist()

    def encode_response(self, labels: list[str]) -> dict[str, list[str]]:
        """Turn the labels into the answer."""
        return {"predictions": labels}


if __name__ == "__main__":
    server = litserve.LitServer(Iris(), accelerator="cpu", workers_per_device=int(sys.argv[2]))
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning"
    )
