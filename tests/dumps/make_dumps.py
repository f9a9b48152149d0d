# Writes sklearn-<version>/ beside this file: dumps of small fits, and what the scikit-learn that
# made them says of a few rows (expected.json). Run it in a fresh environment of Python 3.6:
#
#     pip install pip==21.3.1
#     pip install scikit-learn==0.19.2 numpy==1.19.5 scipy==1.5.4
#     python tests/dumps/make_dumps.py
#
# sklearn-0.21.3/ is made in the same way with scikit-learn==0.21.3 joblib==1.1.1 and the same
# numpy and scipy; after 0.19 only the dumps whose probabilities were computed otherwise in another
# release are written. It runs with any later release too, but only those two are kept.
#
# mypy: ignore-errors
"""Dumps of scikit-learn's past. Python 3.6 syntax; see the lines above for how it is run."""

import json
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

warnings.simplefilter("ignore")
try:
    from sklearn.externals import joblib  # bundled up to 0.20
except ImportError:
    import joblib

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])

# Petal length and width in cm: near each class, near the borders, outside, far away.
ROWS = [
    [1.4, 0.2],
    [4.2, 1.3],
    [5.5, 2.1],
    [2.45, 0.8],
    [4.85, 1.65],
    [5.1, 2.4],
    [0.0, 0.0],
    [-3.5, 7.25],
    [12.0, -4.0],
    [-100.0, 250.0],
    [1000.0, 1000.0],
    [1e5, -1e5],
]


def options(**options):
    """Drop the parameters that this scikit-learn does not have: multi_class ended with 1.7."""
    return {k: v for k, v in options.items() if k != "multi_class" or VERSION < (1, 8)}


def estimators():
    """Return name, estimator, and whether it is fitted on the first two classes only."""
    log = "log" if VERSION < (1, 1) else "log_loss"
    lbfgs = {"solver": "lbfgs", "max_iter": 1000}
    liblinear = {"solver": "liblinear"}
    multinomial = options(multi_class="multinomial", **lbfgs)
    perceptron = {"max_iter": 40, "tol": None, "eta0": 0.1, "random_state": 0, "shuffle": True}
    sgd = {"random_state": 0, "max_iter": 40, "tol": None}
    found = [
        ("standard_scaler", StandardScaler(), False),
        ("min_max_scaler", MinMaxScaler(), False),
        ("perceptron", Perceptron(**perceptron), False),
        ("perceptron_binary", Perceptron(**perceptron), True),
        ("logistic_regression", LogisticRegression(), False),
        ("logistic_regression_binary", LogisticRegression(), True),
        ("logistic_regression_multinomial", LogisticRegression(**multinomial), False),
        ("logistic_regression_binary_multinomial", LogisticRegression(**multinomial), True),
        ("sgd_classifier", SGDClassifier(loss=log, **sgd), False),
        ("sgd_classifier_modified_huber", SGDClassifier(loss="modified_huber", **sgd), False),
        ("ridge_classifier", RidgeClassifier(), False),
        ("linear_svc", LinearSVC(random_state=0), False),
        ("linear_discriminant_analysis", LinearDiscriminantAnalysis(), False),
        ("linear_discriminant_analysis_binary", LinearDiscriminantAnalysis(), True),
        ("pipeline", make_pipeline(StandardScaler(), Perceptron(**perceptron)), False),
    ]
    if VERSION >= (0, 20):
        found = [e for e in found if e[0].startswith(("logistic_", "linear_disc"))]
    if (0, 20) <= VERSION < (1, 8):
        for suffix, binary in (("", False), ("_binary", True)):
            name = f"logistic_regression{suffix}_auto"
            found += [
                (name, LogisticRegression(multi_class="auto", **lbfgs), binary),
                (name + "_liblinear", LogisticRegression(multi_class="auto", **liblinear), binary),
            ]
    return found


def figures(estimator):
    """Return what a fitted estimator says of the rows."""
    rows = np.array(ROWS)
    if not hasattr(estimator, "predict"):
        return {"transform": estimator.transform(rows).tolist()}
    answer = {
        "classes": len(estimator.classes_),
        "labels": estimator.predict(rows).tolist(),  # the classes are their own positions
        "decision_function": estimator.decision_function(rows).tolist(),
    }
    if hasattr(estimator, "predict_proba"):
        answer["predict_proba"] = estimator.predict_proba(rows).tolist()
    return answer


def main():
    """Write the dumps and the figures of this scikit-learn."""
    folder = Path(__file__).resolve().parent / f"sklearn-{sklearn.__version__}"
    folder.mkdir(exist_ok=True)
    iris = load_iris()
    X, y = iris.data[:, [2, 3]], iris.target
    expected = {}
    for name, estimator, binary in estimators():
        kept = y < (2 if binary else 3)
        estimator.fit(X[kept], y[kept])
        files = {f"{name}.pkl": 0}
        if name == "perceptron":
            files["perceptron.pkl.z"] = ("zlib", 3)
            files["perceptron.pkl.gz"] = ("gzip", 3)
        for file, compress in files.items():
            joblib.dump(estimator, str(folder / file), compress=compress)
            expected[file] = figures(estimator)
    members = [("rows", ROWS), *sorted(expected.items())]
    lines = [f'"{k}":' + json.dumps(v, sort_keys=True, separators=(",", ":")) for k, v in members]
    (folder / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
