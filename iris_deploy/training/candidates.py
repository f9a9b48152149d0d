"""Estimators to choose from: by a short name, by their class, or out of your own module."""

import importlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from iris_deploy.errors import SettingsError, TrainingError, did_you_mean
from iris_deploy.schema.outputs import Task

SHORT: dict[Task, dict[str, str]] = {
    "classification": {
        "logistic-regression": "sklearn.linear_model.LogisticRegression",
        "perceptron": "sklearn.linear_model.Perceptron",
        "ridge": "sklearn.linear_model.RidgeClassifier",
        "decision-tree": "sklearn.tree.DecisionTreeClassifier",
        "random-forest": "sklearn.ensemble.RandomForestClassifier",
        "extra-trees": "sklearn.ensemble.ExtraTreesClassifier",
        "gradient-boosting": "sklearn.ensemble.GradientBoostingClassifier",
        "hist-gradient-boosting": "sklearn.ensemble.HistGradientBoostingClassifier",
    },
    "regression": {
        "linear-regression": "sklearn.linear_model.LinearRegression",
        "ridge": "sklearn.linear_model.Ridge",
        "lasso": "sklearn.linear_model.Lasso",
        "elastic-net": "sklearn.linear_model.ElasticNet",
        "decision-tree": "sklearn.tree.DecisionTreeRegressor",
        "random-forest": "sklearn.ensemble.RandomForestRegressor",
        "extra-trees": "sklearn.ensemble.ExtraTreesRegressor",
        "gradient-boosting": "sklearn.ensemble.GradientBoostingRegressor",
        "hist-gradient-boosting": "sklearn.ensemble.HistGradientBoostingRegressor",
    },
}
"""Classes by the names that are easily typed."""

DEFAULT: dict[Task, tuple[str, ...]] = {
    "classification": ("logistic-regression", "hist-gradient-boosting"),
    "regression": ("ridge", "hist-gradient-boosting"),
}
"""Those that are compared if none is named: a linear one, and trees."""

_DEFAULTS: dict[str, dict[str, Any]] = {"LogisticRegression": {"max_iter": 1000}}


@dataclass(frozen=True, eq=False)
class Candidate:
    """An estimator that may be fitted.

    Parameters
    ----------
    name : str
        As it was asked for.
    estimator : object
        Not fitted.
    is_whole : bool
        Whether it is a pipeline of the user's own, which needs no preparation of columns.
    """

    name: str
    estimator: Any
    is_whole: bool


def build_candidate(
    name: str, task: Task, settings: Mapping[str, str], random_state: int
) -> Candidate:
    """Build an estimator by its name.

    Parameters
    ----------
    name : str
        A short name, a dotted class of scikit-learn, or ``module:object``.
    task : {'classification', 'regression'}
    settings : mapping of str to str
        Parameters as they were typed.
    random_state : int
        For estimators that draw by chance.

    Raises
    ------
    SettingsError
        If there is no such estimator, it is of another task, or a parameter is none.
    """
    module, colon, attribute = name.partition(":")
    if colon:
        estimator = _import_own(name, module, attribute)
    else:
        path = SHORT[task].get(name, name)
        if "." not in path:
            raise _no_such(name, task)
        estimator = _build(path, name)
    _check_task(estimator, name, task)
    parameters = estimator.get_params()
    if "random_state" in parameters and parameters["random_state"] is None:
        estimator.set_params(random_state=random_state)
    for key, text in settings.items():
        _set(estimator, name, key, text)
    return Candidate(name, estimator, is_whole=hasattr(estimator, "steps"))


def _build(path: str, name: str) -> Any:
    module, _, attribute = path.rpartition(".")
    if not path.startswith("sklearn."):
        raise SettingsError(
            f"`estimator`: {name!r:.80} is no class of scikit-learn",
            hint="name your own as module:object",
        )
    try:
        cls = getattr(importlib.import_module(module), attribute)
        return cls(**_DEFAULTS.get(attribute, {}))
    except (ImportError, AttributeError, TypeError) as exc:
        raise SettingsError(f"`estimator`: there is no {path:.120}: {exc}") from exc


def _import_own(name: str, module: str, attribute: str) -> Any:
    """Import an estimator out of a module, or a file beside the user."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module.removesuffix(".py")), attribute)
    except (ImportError, AttributeError, ValueError) as exc:
        raise SettingsError(
            f"`estimator`: {name:.120} cannot be imported: {exc}",
            hint="module:object, where module.py is in this directory or installed",
        ) from exc
    estimator = found() if inspect.isclass(found) or inspect.isfunction(found) else found
    if not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
        kind = type(estimator).__name__
        raise SettingsError(f"`estimator`: {name:.120} is no estimator, but a {kind}")
    return estimator


def _no_such(name: str, task: Task) -> SettingsError:
    other = [kind for kind in SHORT if name in SHORT[kind]]
    why = f", which is for {other[0]}" if other else ""
    return SettingsError(
        f"`estimator`: there is no {name!r:.80} for {task}{why}; expected one of "
        f"{', '.join(SHORT[task])}, a class such as sklearn.svm.LinearSVC, or module:object"
        f"{did_you_mean(name, SHORT[task])}"
    )


def _check_task(estimator: Any, name: str, task: Task) -> None:
    from sklearn.base import is_classifier, is_regressor

    fits = is_classifier(estimator) if task == "classification" else is_regressor(estimator)
    if not fits:
        kind = "classifier" if task == "classification" else "regressor"
        raise SettingsError(
            f"`estimator`: {name:.120} is no {kind}, and the task is {task}",
            hint="say `task`, if the target was taken for something else",
        )


def _set(estimator: Any, name: str, key: str, text: str) -> None:
    parameters = estimator.get_params()
    if key not in parameters:
        raise SettingsError(
            f"`set`: {name:.80} has no parameter {key!r:.80}; it has "
            f"{', '.join(sorted(parameters)[:30])}{did_you_mean(key, parameters)}"
        )
    estimator.set_params(**{key: _read(text)})
    try:
        check = getattr(estimator, "_validate_params", None)
        if check is not None:
            check()
    except ValueError as exc:  # the estimator's own words
        raise SettingsError(f"`set`: {exc}") from exc


_WORDS: dict[str, Any] = {"none": None, "true": True, "false": False}


def _read(text: str) -> Any:
    """Return what was typed as what it looks like: a number, true, false, none, or text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def check_families(candidates: Sequence[Candidate]) -> None:
    """Refuse estimators that nothing here serves, before anything is fitted.

    Raises
    ------
    TrainingError
    """
    from iris_deploy.estimators.registry import find, public_name

    for candidate in candidates:
        parts = [step for _, step in getattr(candidate.estimator, "steps", ())]
        for part in parts or [candidate.estimator]:
            if not hasattr(part, "get_params"):
                continue  # 'passthrough'
            cls = type(part)
            public = public_name(cls.__module__, cls.__name__)
            if find(public) is None:
                raise TrainingError(
                    f"{candidate.name}: {public} is served by no family yet",
                    hint="docs/families.md lists those that are",
                )
