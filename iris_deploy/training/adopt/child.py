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

from iris_deploy.dumps.unpack import MAX_DUMP_BYTES
from iris_deploy.runtimes.loading import member_of
from iris_deploy.training.adopt.alone import Booster, load_booster


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
    if asked["fields"]:
        X = _build_records(asked["fields"], asked["columns"])
    elif not asked["listed"]:
        missing = None if asked["none"] else np.nan
        X = _build_rows(asked["columns"], missing, framed=asked["framed"])
    *transformers, last = estimators
    against = _name(last)
    if type(last).__name__ == "Booster":
        last = Booster(last, asked["outputs"][0]["classes"])
    for transformer in transformers:
        X = transformer.transform(X)
    said = np.asarray(last.predict(X)).reshape(-1, len(asked["outputs"]))
    answers = [
        _answer(last, X, said[:, k], k if said.shape[1] > 1 else None, output)
        for k, output in enumerate(asked["outputs"])
    ]
    return {"outputs": answers, "against": against}


def _answer(last: Any, X: Any, said: Any, k: int | None, output: dict[str, Any]) -> dict[str, Any]:
    """Return the outcomes and the scores of an output; the ``k``-th, if there are several."""
    if not output["classes"]:
        return {"outcomes": said.astype(float).tolist(), "scores": []}
    classes = getattr(last, "classes_", None)
    if k is not None and classes is not None:
        classes = classes[k]
    if output["anomalies"]:
        outcomes = (said > 0).astype(int).tolist()
    elif classes is None:
        outcomes = said.astype(int).tolist()
    else:
        place = {label: k for k, label in enumerate(np.asarray(classes).tolist())}
        # Behind the others is the label of outliers, if no sample had it.
        outcomes = [place.get(label, len(place)) for label in said.tolist()]
    scores: Any = []
    if hasattr(last, output["score"]):
        scores = getattr(last, output["score"])(X)
        if k is not None and isinstance(scores, np.ndarray):  # of a chain, those of second classes
            second = scores[:, k]
            scores = np.stack((1 - second, second), axis=1)
        elif k is not None:
            scores = scores[k]
        scores = np.asarray(scores, float).tolist()
    return {"outcomes": outcomes, "scores": scores}


def _load(path: str) -> Any:
    """Load a dump, a booster, or a file of skops with all that it names: it runs as much."""
    with Path(path).open("rb") as file:
        is_archive = file.read(4) == b"PK\x03\x04"
    if not is_archive:
        booster = load_booster(Path(path), MAX_DUMP_BYTES)
        return joblib.load(path) if booster is None else booster
    from skops.io import get_untrusted_types, load

    return load(path, trusted=get_untrusted_types(file=path))


def _name(estimator: Any) -> str:
    """Return the package of an estimator, and its release."""
    package = type(estimator).__module__.partition(".")[0]
    release = getattr(sys.modules.get(package), "__version__", "")
    return f"{'scikit-learn' if package == 'sklearn' else package} {release}".strip()


def _build_records(fields: list[str], columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a dict of each row, without what is missing."""
    rows = zip(*(column["values"] for column in columns), strict=True)
    pairs = (zip(fields, row, strict=True) for row in rows)
    return [{name: value for name, value in of if value is not None} for of in pairs]


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
