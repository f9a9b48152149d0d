"""A predictor costs no more than its dumps, however often they name the same estimator or array."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import Perceptron
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import MAX_ESTIMATORS
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.schema.signature import Signature
from tests.growth import assert_linear, peak
from tests.pickling import dump, signature
from tests.signatures import numbers_to_classes

pytestmark = pytest.mark.no_cover  # work is measured here

LARGE = 1 << 22  # bytes


def wide_signature(n_features: int, n_classes: int = 3) -> Signature:
    return numbers_to_classes(n_features, n_classes)


def scaler(n_features: int) -> StandardScaler:
    made = StandardScaler()
    made.mean_ = np.zeros(n_features, np.int8)
    made.scale_ = np.ones(n_features, np.int8)
    return made


def perceptron(n_features: int, n_classes: int = 3) -> Perceptron:
    made = Perceptron()
    made.coef_ = np.ones((n_classes, n_features), np.int8)
    made.intercept_ = np.zeros(n_classes)
    made.classes_ = np.arange(n_classes)
    return made


def shared(n_features: int) -> Pipeline:
    """Take one scaler as often as there may be estimators."""
    return make_pipeline(*[scaler(n_features)] * (MAX_ESTIMATORS - 3), perceptron(n_features))


def within_itself(n: int) -> Pipeline:
    pipeline = Pipeline([("off", "passthrough")] * n)
    pipeline.steps[0] = pipeline.steps[-1] = ("again", pipeline)
    return pipeline


PREDICTORS: dict[str, tuple[int, Callable[[int], tuple[Signature, object]]]] = {
    "features that are written out": (
        1024,
        lambda n: (wide_signature(n), make_pipeline(scaler(n), perceptron(n))),
    ),
    "features that are not": (1 << 16, lambda n: (wide_signature(n), perceptron(n))),
    "classes that are written out": (
        2048,
        lambda n: (wide_signature(2, n), perceptron(2, n)),
    ),
    "classes that are not": (1 << 15, lambda n: (wide_signature(2, n), perceptron(2, n))),
    "scalers": (
        MAX_ESTIMATORS - 4,
        lambda n: (
            wide_signature(30),
            make_pipeline(*[scaler(30) for _ in range(n)], perceptron(30)),
        ),
    ),
    "one scaler many times": (1 << 14, lambda n: (wide_signature(n), shared(n))),
    "more scalers than may be": (
        2000,
        lambda n: (wide_signature(2), make_pipeline(*[scaler(2)] * n, perceptron(2))),
    ),
    "a pipeline within itself": (2000, lambda n: (wide_signature(2), within_itself(n))),
}


def build(signed: Signature, plain: bytes) -> None:
    with suppress(ArtifactError):
        Predictor(signed, [read_estimator(plain)])


@pytest.mark.parametrize("name", PREDICTORS)
def test_a_predictor_costs_no_more_than_its_dump(name: str) -> None:
    largest, make = PREDICTORS[name]

    def prepare(n: int) -> Callable[[], None]:
        signed, estimators = make(n)
        return partial(build, signed, dump(estimators))

    assert_linear(prepare, largest)


def test_a_pipeline_within_itself_is_not_opened_up_again_and_again() -> None:
    plain = dump(within_itself(5000))
    assert peak(partial(build, signature(), plain)) < peak(partial(read_estimator, plain)) + (
        1 << 14
    )


@pytest.mark.parametrize(
    "attribute", ["coef_", "intercept_", "mean_"], ids=["weights", "intercept", "mean"]
)
def test_numbers_for_another_signature_are_not_converted(attribute: str) -> None:
    """A byte each in the dump would be eight of each, for every scaler that shares them."""
    pipeline = make_pipeline(scaler(2), perceptron(2))
    for _, fitted in pipeline.steps:
        if hasattr(fitted, attribute):
            shape = (3, LARGE // 3) if attribute == "coef_" else (LARGE,)
            setattr(fitted, attribute, np.ones(shape, np.int8))
    fitted = read_estimator(dump(pipeline))
    signed = signature()

    def refuse() -> None:
        with pytest.raises(ArtifactError, match=rf"{attribute}|takes"):
            Predictor(signed, [fitted])

    assert peak(refuse) < LARGE // 2
