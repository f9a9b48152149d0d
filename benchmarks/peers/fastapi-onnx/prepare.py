# mypy: ignore-errors
"""``python prepare.py``: convert the estimator."""

import json
from pathlib import Path

import joblib
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

width = len(json.loads(Path("columns.json").read_text()))
kinds = [("X", FloatTensorType([None, width]))]
model = to_onnx(joblib.load("model.joblib"), initial_types=kinds, options={"zipmap": False})
Path("model.onnx").write_bytes(model.SerializeToString())
