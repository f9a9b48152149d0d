"""The estimators of all families, as the registry lists them: what the shared tests go through."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from iris_deploy.estimators import encoding, imputing, linear, scaling
from iris_deploy.estimators.family import Part, Predicting, Transformer
from iris_deploy.estimators.registry import FAMILIES


def cases(
    parts: Iterable[Part], task: str = "", package: str = "sklearn"
) -> Iterator[tuple[str, Callable[[], Any]]]:
    for part in parts:
        if not part.name.startswith(f"{package}."):
            continue
        if isinstance(part, (Transformer, Predicting)) and getattr(part, "task", "") == task:
            module, _, name = part.name.rpartition(".")
            create = getattr(import_module(module), name)
            for case in part.cases:
                given = ", ".join(f"{k}={v!r}" for k, v in case.items())
                yield f"{name}({given})", partial(create, **case)


PARTS = [part for family in FAMILIES for part in family]

SCALERS: dict[str, Callable[[], Any]] = dict(cases(scaling.FAMILY))
"""Transformers of numbers, feature by feature."""

IMPUTERS: dict[str, Callable[[], Any]] = dict(cases(imputing.FAMILY))
ENCODERS: dict[str, Callable[[], Any]] = dict(cases(encoding.FAMILY))
CLASSIFIERS: dict[str, Callable[[], Any]] = dict(cases(PARTS, "classification"))
REGRESSORS: dict[str, Callable[[], Any]] = dict(cases(PARTS, "regression"))

LINEAR_CLASSIFIERS: dict[str, Callable[[], Any]] = dict(cases(linear.FAMILY, "classification"))
"""Those whose scores are weighted sums."""

STANDARD, LOGISTIC = "StandardScaler()", "LogisticRegression()"
PERCEPTRON = "Perceptron(max_iter=40, tol=None, eta0=0.1, random_state=0)"
SGD_LOG = "SGDClassifier(loss='log_loss', random_state=0)"
