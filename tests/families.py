"""The estimators of all families, as the registry lists them: what the shared tests go through."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, KBinsDiscretizer, MinMaxScaler

from iris_deploy.estimators import (
    decomposition,
    discretizing,
    encoding,
    expansion,
    imputing,
    linear,
    scaling,
    selection,
    splines,
    target_encoding,
)
from iris_deploy.estimators.family import Part, Predicting, Transformer
from iris_deploy.estimators.registry import all_families

BEFORE: dict[str, Callable[[], Any]] = {
    "BernoulliNB(binarize=None)": Binarizer,
    "CategoricalNB": partial(KBinsDiscretizer, encode="ordinal", strategy="uniform"),
    "ComplementNB": MinMaxScaler,
    "MultinomialNB": MinMaxScaler,
}
"""What makes of the tests' numbers what some classifiers take."""


def _prepared(before: Callable[[], Any], create: Callable[[], Any]) -> Any:
    return make_pipeline(before(), create())


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
                build, full = partial(create, **case), f"{name}({given})"
                before = BEFORE.get(full) or BEFORE.get(name)
                yield full, partial(_prepared, before, build) if before else build


PARTS = [part for family in all_families().values() for part in family]

SCALERS: dict[str, Callable[[], Any]] = dict(cases(scaling.FAMILY))
"""Transformers of numbers, feature by feature."""

IMPUTERS: dict[str, Callable[[], Any]] = dict(cases(imputing.FAMILY))
SELECTORS: dict[str, Callable[[], Any]] = dict(cases(selection.FAMILY))
MIXERS: dict[str, Callable[[], Any]] = dict(
    cases([*decomposition.FAMILY, *expansion.FAMILY, *splines.FAMILY])
)
"""Transformers whose features are each made of several."""

BINNERS: dict[str, Callable[[], Any]] = dict(cases(discretizing.FAMILY))

ENCODERS: dict[str, Callable[[], Any]] = dict(cases([*encoding.FAMILY, *target_encoding.FAMILY]))
CLASSIFIERS: dict[str, Callable[[], Any]] = dict(cases(PARTS, "classification"))
REGRESSORS: dict[str, Callable[[], Any]] = dict(cases(PARTS, "regression"))

COMPARING = ("SVC(", "NuSVC(", "KNeighbors", "RadiusNeighbors")
"""Those that compare each row with samples of training: a million rows would take minutes."""

LINEAR_CLASSIFIERS: dict[str, Callable[[], Any]] = dict(cases(linear.FAMILY, "classification"))
"""Those whose scores are weighted sums."""

STANDARD, LOGISTIC = "StandardScaler()", "LogisticRegression()"
PERCEPTRON = "Perceptron(max_iter=40, tol=None, eta0=0.1, random_state=0)"
SGD_LOG = "SGDClassifier(loss='log_loss', random_state=0)"
