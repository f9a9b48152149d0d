# Writes mlflow-<version>/ beside this file: folders of models as MLflow logs them, and what the
# models say of some instances (expected.json). Run it in a fresh environment:
#
#     pip install mlflow-skinny==3.17.2 scikit-learn pandas cloudpickle skops xgboost-cpu
#     python tests/dumps/make_mlflow.py
#
# mypy: ignore-errors
"""Folders of MLflow; see the lines above for how it is run."""

import json
import warnings
from pathlib import Path

import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

warnings.simplefilter("ignore")
HERE = Path(__file__).parent / f"mlflow-{mlflow.__version__}"
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "petal length": np.round(RNG.uniform(1, 7, 90), 1),
        "petal width": np.round(RNG.uniform(0, 3, 90), 1),
    }
)
GUESTS = pd.DataFrame(
    {
        "age": RNG.integers(1, 90, 90).astype(float),
        "city": RNG.choice(["Bonn", "K\u00f6ln", 'the "old" town'], 90),
        "member": RNG.random(90) < 0.5,
    }
)
SPECIES = np.array(["setosa", "versicolor", "virginica"])[
    np.digitize(FRAME["petal length"], [2.5, 4.9])
]
PRICE = GUESTS["age"] + 10 * GUESTS["member"] + (GUESTS["city"] == "Bonn")


def keep(name, instances, answers):
    """Keep what is read of a folder, and the answers."""
    folder = HERE / name
    for file in folder.iterdir():
        if file.name in {"conda.yaml", "python_env.yaml", "requirements.txt"}:
            file.unlink()
    said = {"instances": instances.to_dict("records"), "answers": list(answers)}
    (HERE / f"{name}.expected.json").write_text(json.dumps(said, indent=1) + "\n")


def fit_arrays():
    """Return a pipeline that has never seen a name."""
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME.to_numpy(), SPECIES)


def main():
    """Write the folders."""
    model = fit_arrays()
    said = infer_signature(FRAME, SPECIES)
    for written in ("pickle", "cloudpickle", "skops"):
        mlflow.sklearn.save_model(
            model,
            HERE / written,
            signature=said,
            input_example=FRAME.tail(2),
            serialization_format=written,
        )
        keep(written, FRAME[:5], model.predict(FRAME.to_numpy())[:5])
    rows = FRAME.to_numpy()
    mlflow.sklearn.save_model(
        model,
        HERE / "array",
        signature=infer_signature(rows, SPECIES),
        input_example=rows[:2],
        serialization_format="pickle",
    )
    keep("array", pd.DataFrame(rows[:5], columns=["x0", "x1"]), model.predict(rows)[:5])
    guests = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(), ["city"]), (StandardScaler(), ["age"]), remainder="passthrough"
        ),
        LinearRegression(),
    ).fit(GUESTS, PRICE)
    mlflow.sklearn.save_model(
        guests,
        HERE / "frame",
        signature=infer_signature(GUESTS, PRICE),
        input_example=GUESTS.head(3),
        serialization_format="pickle",
    )
    keep("frame", GUESTS[:5], guests.predict(GUESTS)[:5])
    trees = xgboost.XGBRegressor(n_estimators=3, max_depth=2).fit(FRAME, FRAME["petal width"])
    mlflow.xgboost.save_model(trees, HERE / "xgboost", signature=infer_signature(FRAME))
    keep("xgboost", FRAME[:5], map(float, trees.predict(FRAME)[:5]))


if __name__ == "__main__":
    main()
