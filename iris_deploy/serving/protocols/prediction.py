"""The talk's contract: one object with the features' names in, ``{"prediction": ...}`` out.

An array of objects is answered by parallel lists under the plural names. The command ``predict``
answers through the same functions as ``POST /predict``.
"""

from typing import Any

import msgspec

from iris_deploy.bundle.predictor import Predictor
from iris_deploy.serving.protocols import strict


def answer(predictor: Predictor, body: bytes, *, details: bool = False) -> bytes:
    """Predict for the JSON of one instance or of an array of them.

    Parameters
    ----------
    predictor : Predictor
    body : bytes
        An object, or an array of objects, with the features' names.
    details : bool
        Whether to add scores and warnings.

    Returns
    -------
    bytes
        ``{"prediction": label}`` or ``{"predictions": [label, ...]}``. With details also
        ``probabilities`` or ``decision_values`` by class, and ``warnings`` for values outside the
        training range: one of each, or a list with one of each per instance.

    Raises
    ------
    MalformedError
        If it is not strict JSON.
    SignatureError
        If it does not fit the signature.
    """
    value = strict.decode(body)
    reply = (
        _many(predictor, value, details) if type(value) is list else _one(predictor, value, details)
    )
    return msgspec.json.encode(reply)


def _one(predictor: Predictor, instance: object, details: bool) -> dict[str, Any]:  # noqa: FBT001
    row = predictor.signature.row(instance)
    if not details:
        return {"prediction": predictor.label(row)}
    label, scores = predictor.score(row)
    return {
        "prediction": label,
        predictor.score_name: dict(zip(predictor.signature.classes, scores, strict=True)),
        "warnings": predictor.signature.warnings(row),
    }


def _many(predictor: Predictor, instances: list[object], details: bool) -> dict[str, Any]:  # noqa: FBT001
    signature = predictor.signature
    rows = signature.rows(instances)
    if not details:
        return {"predictions": predictor.labels(rows)}
    predictions = predictor.predict(rows)
    return {
        "predictions": predictions.labels,
        predictor.score_name: [
            dict(zip(signature.classes, scores, strict=True))
            for scores in predictions.scores.tolist()
        ],
        "warnings": [signature.warnings(row) for row in rows],
    }
