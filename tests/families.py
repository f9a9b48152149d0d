"""The estimators of all families, as the registry lists them: what the shared tests go through."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from iris_deploy.estimators.family import Classifier, Transformer
from iris_deploy.estimators.registry import FAMILIES


def _cases(kind: type[Transformer | Classifier]) -> Iterator[tuple[str, Callable[[], Any]]]:
    for family in FAMILIES:
        for part in family:
            if isinstance(part, kind):
                module, _, name = part.name.rpartition(".")
                create = getattr(import_module(module), name)
                for case in part.cases:
                    given = ", ".join(f"{k}={v!r}" for k, v in case.items())
                    yield f"{name}({given})", partial(create, **case)


TRANSFORMERS: dict[str, Callable[[], Any]] = dict(_cases(Transformer))
CLASSIFIERS: dict[str, Callable[[], Any]] = dict(_cases(Classifier))

STANDARD, LOGISTIC = "StandardScaler()", "LogisticRegression()"
PERCEPTRON = "Perceptron(max_iter=40, tol=None, eta0=0.1, random_state=0)"
SGD_LOG = "SGDClassifier(loss='log_loss', random_state=0)"
