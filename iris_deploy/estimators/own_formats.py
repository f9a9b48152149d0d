"""Models of other packages in files of their own: what is in them, and as which estimator.

``.ubj`` and ``.json`` are XGBoost's, ``.txt`` is LightGBM's; the same is inside their pickles.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators import lightgbm, xgboost
from iris_deploy.estimators.lightgbm_trees import read_tree
from iris_deploy.estimators.xgboost_document import BOOSTER, read_learner
from iris_deploy.estimators.xgboost_trees import read_trees

_XGBOOST = re.compile(rb"\{L\0|\{\s*\"(learner|version)\"\s*:")
_LIGHTGBM = re.compile(rb"tree\r?\nversion=v")
_MANY = 100_000  # records of a dump that are looked through
_SHOWN = 20  # names of features that are told


def is_own_format(data: bytes) -> bool:
    """Tell whether a file begins as one of these packages' own; uncompressed."""
    return bool(_XGBOOST.match(data) or _LIGHTGBM.match(data))


def read_own_format(data: bytes) -> Fitted | None:
    """Return the model of a file as the estimator that would predict as it does.

    Parameters
    ----------
    data : bytes
        Uncompressed.

    Returns
    -------
    Fitted or None
        None if the file is of another kind. As the packages' own estimators load it: rounds after
        the best are left out.

    Raises
    ------
    ArtifactError
        If it is damaged.
    """
    if _XGBOOST.match(data):
        booster = Fitted(BOOSTER, {"handle": data})
        is_class = read_learner(booster).objective in xgboost.CLASSES
        kind = "Classifier" if is_class else "Regressor"
        return Fitted(f"xgboost.XGB{kind}", {"_Booster": booster})
    if _LIGHTGBM.match(data):
        try:
            booster = Fitted(lightgbm.BOOSTER, {"_handle": data.decode("utf-8")})
        except UnicodeDecodeError as exc:
            raise ArtifactError("the model of LightGBM is no text in UTF-8") from exc
        kind = "Classifier" if lightgbm.objective_of(booster) in lightgbm.CLASSES else "Regressor"
        return Fitted(f"lightgbm.LGBM{kind}", {"_Booster": booster})
    return None


def describe_boosters(parts: Iterable[Any], record: Fitted) -> None:
    """Say of each part that is a booster what its model is.

    Parameters
    ----------
    parts : iterable of inspection.Part
        All that an estimator holds, in order.
    record : Fitted
        The same estimator.

    Raises
    ------
    ArtifactError
        If nothing here serves a model.
    """
    told = (part for part in parts if part.name in BOOSTERS)
    for part, booster in zip(told, boosters_in(record), strict=False):
        part.fitted = BOOSTERS[booster.name](booster)


def _describe_xgboost(booster: Fitted) -> dict[str, str]:
    learner = read_learner(booster)
    n_trees = len(read_trees(learner).trees)
    if learner.objective not in {*xgboost.CLASSES, *xgboost.NUMBERS}:
        raise ArtifactError(f"XGBoost's objective {learner.objective!r:.60} is not supported")
    version = ".".join(map(str, learner.version))
    return _lines(
        f"XGBoost {version}", learner.objective, n_trees, learner.n_features, learner.names
    )


def _describe_lightgbm(booster: Fitted) -> dict[str, str]:
    text = lightgbm.read_text(booster)
    objective = lightgbm.objective_of(booster)
    n_trees = len([read_tree(section) for section in text.trees])
    if objective not in {*lightgbm.CLASSES, *lightgbm.NUMBERS}:
        raise ArtifactError(f"LightGBM's objective {objective!r:.60} is not supported")
    n_features = lightgbm.whole_number(text, "max_feature_idx") + 1
    names = text.head.get("feature_names", "").split(" ")
    form = f"LightGBM, format {text.head.get('version', '')[:10]}"
    return _lines(form, objective, n_trees, n_features, names)


def _lines(
    package: str, objective: str, n_trees: int, n_features: int, names: list[str]
) -> dict[str, str]:
    more = ", ..." if len(names) > _SHOWN else ""
    listed = f": {', '.join(name[:40] for name in names[:_SHOWN])}{more}" if any(names) else ""
    return {
        "written by": package,
        "objective": objective[:60],
        "trees": f"{n_trees:,}",
        "features": f"{n_features:,}{listed}",
    }


BOOSTERS: dict[str, Callable[[Fitted], dict[str, str]]] = {
    BOOSTER: _describe_xgboost,
    lightgbm.BOOSTER: _describe_lightgbm,
}


def boosters_in(record: Fitted) -> Iterator[Fitted]:
    """Yield the boosters within an estimator, each once."""
    seen: set[int] = set()
    waiting: list[Any] = [record]
    while waiting and len(seen) < _MANY:
        value = waiting.pop()
        if id(value) in seen or not isinstance(value, (Fitted, dict, list, tuple)):
            continue
        seen.add(id(value))
        if isinstance(value, Fitted) and value.name in BOOSTERS:
            yield value
            continue
        state = value.state if isinstance(value, Fitted) else value
        waiting += reversed([*state.values()] if isinstance(state, dict) else [*state])
