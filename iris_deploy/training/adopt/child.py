"""A process of its own, in which scikit-learn loads files and answers: their code runs here.

Gets what to ask as JSON on standard input, and answers on standard output.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from iris_deploy.runtimes.loading import member_of


def main() -> None:
    """Answer what is asked."""
    asked = json.load(sys.stdin)
    answer, sys.stdout = sys.stdout, sys.stderr  # what the files' code prints is no answer
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        json.dump(answer_rows(asked), answer)


def answer_rows(asked: dict[str, Any]) -> dict[str, Any]:
    """Load estimators, and return what they say of rows."""
    loaded: dict[str, Any] = {}
    estimators = []
    for step in asked["steps"]:
        value = loaded.get(step["file"])
        if value is None:
            value = loaded[step["file"]] = _load(step["file"])
        estimators.append(member_of(value, step["path"]))
    X: Any = asked["columns"][0]["values"]  # a vectorizer takes a list of texts
    if not asked["listed"]:
        missing = None if asked["none"] else np.nan
        X = _build_rows(asked["columns"], missing, framed=asked["framed"])
    *transformers, last = estimators
    against = _name(last)
    for transformer in transformers:
        X = transformer.transform(X)
    said = np.asarray(last.predict(X))
    if not asked["classes"]:
        return {"outcomes": said.astype(float).tolist(), "scores": [], "against": against}
    classes = getattr(last, "classes_", None)
    if asked["anomalies"]:
        outcomes = (said > 0).astype(int).tolist()
    elif classes is None:
        outcomes = said.astype(int).tolist()
    else:
        place = {label: k for k, label in enumerate(np.asarray(classes).tolist())}
        # Behind the others is the label of outliers, if no sample had it.
        outcomes = [place.get(label, len(place)) for label in said.tolist()]
    scores: list[Any] = []
    if hasattr(last, asked["score"]):
        scores = np.asarray(getattr(last, asked["score"])(X), float).tolist()
    return {"outcomes": outcomes, "scores": scores, "against": against}


def _load(path: str) -> Any:
    """Load a dump, or a file of skops with all that it names: as much is run as of a dump."""
    with Path(path).open("rb") as file:
        is_archive = file.read(4) == b"PK\x03\x04"
    if not is_archive:
        return joblib.load(path)
    from skops.io import get_untrusted_types, load

    return load(path, trusted=get_untrusted_types(file=path))


def _name(estimator: Any) -> str:
    """Return the package of an estimator, and its release."""
    package = type(estimator).__module__.partition(".")[0]
    release = getattr(sys.modules.get(package), "__version__", "")
    return f"{'scikit-learn' if package == 'sklearn' else package} {release}".strip()


def _build_rows(columns: list[dict[str, Any]], missing: Any, *, framed: bool) -> Any:
    if not framed:
        return np.array([column["values"] for column in columns], float).T
    import pandas as pd

    return pd.DataFrame({column["name"]: _build_column(column, missing) for column in columns})


def _build_column(column: dict[str, Any], missing: Any) -> Any:
    if column["categories"]:
        import pandas as pd

        return pd.Categorical(column["values"], column["categories"])
    if column["text"]:
        return np.array([missing if v is None else v for v in column["values"]], object)
    return np.array([np.nan if v is None else v for v in column["values"]], float)


if __name__ == "__main__":
    main()
