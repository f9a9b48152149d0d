# mypy: ignore-errors
"""A KServe predictor around a scikit-learn pipeline; its server for scikit-learn is not on PyPI."""

from typing import Any

import joblib
from kserve import Model, ModelServer
from kserve.utils.utils import get_predict_input, get_predict_response


class Iris(Model):
    """The pipeline behind the V1 and V2 protocols."""

    def load(self) -> bool:
        """Read the dump."""
        self.pipeline = joblib.load("model.joblib")
        self.ready = True
        return self.ready

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:  # noqa: ARG002
        """Answer the rows of a request."""
        rows = get_predict_input(payload)
        return get_predict_response(payload, self.pipeline.predict(rows), self.name)


if __name__ == "__main__":
    model = Iris("iris")
    model.load()
    ModelServer().start([model])
