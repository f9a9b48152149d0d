"""The family of linear regressors: one weighted sum, and at times a power of e."""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import read_number, read_record, read_word
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.linear import read_intercept, read_weights
from iris_deploy.estimators.separating import check_outputs, columns_of, with_state
from iris_deploy.kernels.linear import LinearKernel
from iris_deploy.kernels.steps import Power, Step
from iris_deploy.schema.outputs import Output


def _linear(regressor: Fitted, features: Features, _output: Output, _: Reading) -> Model:
    coef = read_weights(regressor, features, 1, "a number")
    intercept = read_intercept(regressor, 1)
    return Model(kernel=LinearKernel(features.transform, coef, intercept, "none"))


def _powered(regressor: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    """Read a generalised linear model whose link is the logarithm."""
    model = _linear(regressor, features, output, reading)
    return Model(kernel=model.kernel, after=(Power(less_one=False),))


def _tweedie(regressor: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    """Read a generalised linear model whose link is said, or depends on its power."""
    link = read_word(regressor, "link", "auto")
    if link not in {"auto", "identity", "log"}:
        raise ArtifactError(f"{regressor.name} has the link {link!r:.40}")
    if link == "auto":
        link = "identity" if read_number(regressor, "power", 0.0) <= 0 else "log"
    after: tuple[Step, ...] = (Power(less_one=False),) if link == "log" else ()
    return Model(kernel=_linear(regressor, features, output, reading).kernel, after=after)


def _consensus(regressor: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    """Read the regressor that RANSAC has settled on."""
    return reading.predict(read_record(regressor, "estimator_"), features, output)


_SEVERAL = frozenset(
    {"LinearRegression", "Ridge", "RidgeCV", "Lasso", "ElasticNet", "Lars", "LassoLars"}
    | {"OrthogonalMatchingPursuit"}
)
"""Those that can be fitted to several outputs."""


def _separate(regressor: Fitted) -> list[Fitted]:
    """Return a regressor for each line of weights."""
    coef, intercept = (regressor.state.get(name) for name in ("coef_", "intercept_"))
    n_lines = coef.shape[0] if isinstance(coef, np.ndarray) and coef.ndim == 2 else 1
    n_outputs = check_outputs(regressor, n_lines)
    if n_outputs == 1 or not isinstance(coef, np.ndarray):
        return []
    added: list[Any] = [intercept] * n_outputs
    if isinstance(intercept, np.ndarray) and intercept.ndim:
        added = columns_of(regressor, "intercept_", n_outputs)
    return [
        with_state(regressor, coef_=line, intercept_=own)
        for line, own in zip(coef, added, strict=True)
    ]


def _regressor(
    name: str,
    *modules: str,
    read: Any = _linear,
    cases: tuple[dict[str, Any], ...] = ({},),
    since: str = "0.19",
    ulp: int = 16,
) -> Predicting:
    return Predicting(
        name=f"sklearn.{name}",
        modules=tuple(f"sklearn.{module}" for module in modules),
        task="regression",
        read=read,
        separate=_separate if name.rpartition(".")[2] in _SEVERAL else None,
        cases=cases,
        since=since,
        ulp=ulp,
    )


_SEED: dict[str, Any] = {"random_state": 0}
_DESCENT = ("linear_model._coordinate_descent", "linear_model.coordinate_descent")
_RIDGE = ("linear_model._ridge", "linear_model.ridge")
_ANGLE = ("linear_model._least_angle", "linear_model.least_angle")
_BAYES = ("linear_model._bayes", "linear_model.bayes")
_GLM = ("linear_model._glm.glm",)
_POWERED: Any = {"since": "1.1", "ulp": 32}

FAMILY = (
    _regressor(
        "linear_model.LinearRegression",
        *("linear_model._base", "linear_model.base"),
        cases=({}, {"fit_intercept": False}),
    ),
    _regressor("linear_model.Ridge", *_RIDGE),
    _regressor("linear_model.RidgeCV", *_RIDGE),
    _regressor("linear_model.Lasso", *_DESCENT, cases=({"alpha": 0.01},)),
    _regressor("linear_model.LassoCV", *_DESCENT, cases=({"cv": 3},)),
    _regressor("linear_model.ElasticNet", *_DESCENT, cases=({"alpha": 0.01},)),
    _regressor("linear_model.ElasticNetCV", *_DESCENT, cases=({"cv": 3},)),
    _regressor("linear_model.Lars", *_ANGLE),
    _regressor("linear_model.LassoLars", *_ANGLE, cases=({"alpha": 0.01},)),
    _regressor(
        "linear_model.OrthogonalMatchingPursuit", *("linear_model._omp", "linear_model.omp")
    ),
    _regressor("linear_model.BayesianRidge", *_BAYES),
    _regressor("linear_model.ARDRegression", *_BAYES),
    _regressor(
        "linear_model.SGDRegressor",
        *("linear_model._stochastic_gradient", "linear_model.stochastic_gradient"),
        cases=(_SEED, {"average": True} | _SEED),
    ),
    _regressor(
        "linear_model.PassiveAggressiveRegressor",
        *("linear_model._passive_aggressive", "linear_model.passive_aggressive"),
        cases=(_SEED,),
    ),
    _regressor("linear_model.HuberRegressor", *("linear_model._huber", "linear_model.huber")),
    _regressor("linear_model.QuantileRegressor", "linear_model._quantile", since="1.0"),
    _regressor(
        "linear_model.TheilSenRegressor",
        *("linear_model._theil_sen", "linear_model.theil_sen"),
        cases=(_SEED,),
    ),
    _regressor(
        "linear_model.RANSACRegressor",
        *("linear_model._ransac", "linear_model.ransac"),
        read=_consensus,
        cases=(_SEED,),
    ),
    _regressor("linear_model.PoissonRegressor", *_GLM, read=_powered, **_POWERED),
    _regressor("linear_model.GammaRegressor", *_GLM, read=_powered, **_POWERED),
    _regressor(
        "linear_model.TweedieRegressor",
        *_GLM,
        read=_tweedie,
        cases=({}, {"power": 1.5}, {"power": 1.5, "link": "identity"}),
        **_POWERED,
    ),
    _regressor("svm.LinearSVR", *("svm._classes", "svm.classes"), cases=(_SEED,)),
)
