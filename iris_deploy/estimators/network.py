"""The family of neural networks: multilayer perceptrons."""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    check_classes,
    count_classes,
    fitted_array,
    fitted_floats,
    read_list,
    read_word,
)
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.separating import check_outputs, columns_of, with_state
from iris_deploy.kernels.network import Bend, Layer, NetworkKernel
from iris_deploy.kernels.scores import Rule
from iris_deploy.kernels.steps import Power, Step
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Output

MAX_LAYERS = 32
"""Far above any perceptron; a dump can name the same weights again and again."""


def _classifier(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    n_classes = count_classes(output)
    check_classes(record, n_classes)
    last = read_word(record, "out_activation_", "")
    if last != ("logistic" if n_classes == 2 else "softmax"):
        raise ArtifactError(
            f"{record.name} ends in {last!r:.40}, which is not for {n_classes} classes"
        )
    if n_classes == 2:
        return Model(kernel=_kernel(record, features, 1, "above"), link="logistic")
    return Model(kernel=_kernel(record, features, n_classes, "largest"), link="softmax")


def _regressor(record: Fitted, features: Features, _output: Output, _: Reading) -> Model:
    last = read_word(record, "out_activation_", "")
    if last not in {"identity", "exp"}:
        raise ArtifactError(f"{record.name} ends in {last!r:.40}; expected identity or exp")
    after: tuple[Step, ...] = (Power(less_one=False),) if last == "exp" else ()
    return Model(kernel=_kernel(record, features, 1, "none"), after=after)


def _separate(record: Fitted) -> list[Fitted]:
    """Return a network for each neuron of the last layer; they share the layers before it."""
    coefs, intercepts = read_list(record, "coefs_"), read_list(record, "intercepts_")
    n_outputs = check_outputs(record, record.state.get("n_outputs_"))
    if n_outputs == 1 or not coefs or not intercepts:
        return []
    _check_layers(record, coefs)
    last = Fitted(record.name, {"coefs_": coefs[-1], "intercepts_": intercepts[-1]})
    columns = zip(
        columns_of(last, "coefs_", n_outputs),
        columns_of(last, "intercepts_", n_outputs),
        strict=True,
    )
    return [
        with_state(
            record,
            n_outputs_=1,
            coefs_=[*coefs[:-1], coef[..., np.newaxis]],
            intercepts_=[*intercepts[:-1], intercept[..., np.newaxis]],
        )
        for coef, intercept in columns
    ]


def _kernel(record: Fitted, features: Features, n_scores: int, rule: Rule) -> NetworkKernel:
    features.check_numbers(record.name)
    features.check_filled(record.name)
    bend: Any = read_word(record, "activation", "relu")
    if bend not in get_args(Bend):
        raise ArtifactError(
            f"{record.name} has the activation {bend!r:.40}; "
            f"expected one of {', '.join(get_args(Bend))}"
        )
    return NetworkKernel(features.transform, _layers(record, features.width, n_scores), bend, rule)


def _layers(record: Fitted, width: int, n_scores: int) -> list[Layer]:
    """Return the layers, each as wide as the one before has neurons."""
    coefs = read_list(record, "coefs_")
    intercepts = read_list(record, "intercepts_", len(coefs))
    _check_layers(record, coefs)
    known: dict[int, Floats] = {}
    layers = []
    for k, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        n_out = n_scores if k == len(coefs) - 1 else _length(record, intercept)
        weights = _floats(record, f"coefs_[{k}]", coef, (width, n_out), known)
        added = _floats(record, f"intercepts_[{k}]", intercept, (n_out,), known) + 0.0
        layers.append(Layer(weights, added))
        width = n_out
    return layers


def _check_layers(record: Fitted, layers: Sequence[object]) -> None:
    if not 0 < len(layers) <= MAX_LAYERS:
        raise ArtifactError(f"{record.name} has {len(layers)} layers; expected 1 to {MAX_LAYERS}")


def _length(record: Fitted, intercept: object) -> int:
    return max(fitted_array(Fitted(record.name, {"intercepts_": intercept}), "intercepts_").size, 1)


def _floats(
    record: Fitted, name: str, value: object, shape: Sequence[int], known: dict[int, Floats]
) -> Floats:
    """Return an array as floats: once, however often the dump names it."""
    if id(value) not in known or known[id(value)].shape != tuple(shape):
        found = fitted_floats(Fitted(record.name, {name: value}), name, tuple(shape))
        known[id(value)] = np.ascontiguousarray(found)
    return known[id(value)]


def _part(name: str, *modules: str) -> Part:
    return Part(
        name=f"sklearn.neural_network.{name}",
        modules=tuple(f"sklearn.neural_network.{module}" for module in modules),
    )


_MODULES = (
    "sklearn.neural_network._multilayer_perceptron",
    "sklearn.neural_network.multilayer_perceptron",
)
# As many rounds as are asked for: none is so much better as ``tol`` wants it.
_SHORT: dict[str, Any] = {"random_state": 0, "max_iter": 60, "n_iter_no_change": 40, "tol": 10.0}
_CASES = (
    _SHORT,
    {"activation": "tanh", "hidden_layer_sizes": (30, 20)} | _SHORT,
    {"activation": "logistic", "hidden_layer_sizes": (4,), "solver": "lbfgs", "random_state": 0},
    {"activation": "identity", "hidden_layer_sizes": (6,), "solver": "sgd"} | _SHORT,
    {"hidden_layer_sizes": (1, 9)} | _SHORT,
)

FAMILY = (
    Predicting(
        name="sklearn.neural_network.MLPClassifier",
        modules=_MODULES,
        task="classification",
        read=_classifier,
        cases=_CASES,
        since="0.22",
        ulp=256,
    ),
    Predicting(
        name="sklearn.neural_network.MLPRegressor",
        modules=_MODULES,
        task="regression",
        read=_regressor,
        separate=_separate,
        cases=({"learning_rate_init": 0.01} | _SHORT, {"activation": "tanh"} | _SHORT),
        since="0.22",
        ulp=64,
    ),
    _part("AdamOptimizer", "_stochastic_optimizers"),
    _part("SGDOptimizer", "_stochastic_optimizers"),
)
