"""The family of regressors whose target was transformed: they turn it back after predicting."""

from collections.abc import Iterator
from dataclasses import replace

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import (
    fitted_divisor,
    fitted_floats,
    read_flag,
    read_record,
)
from iris_deploy.estimators.family import Model, Part, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.scaling import CENTERED
from iris_deploy.kernels.curves import FUNCTIONS
from iris_deploy.kernels.steps import Arithmetic, Power, Step
from iris_deploy.schema.outputs import Output


def _transformed_target(
    record: Fitted, features: Features, output: Output, reading: Reading
) -> Model:
    """Turn the target back after the regressor has predicted it."""
    model = reading.predict(read_record(record, "regressor_"), features, output)
    transformer = record.state.get("transformer_")
    if transformer is None:
        return model
    if not isinstance(transformer, Fitted):
        raise ArtifactError(f"{record.name} has a transformer_ that is none")
    return replace(model, after=(*model.after, *_inverse(transformer)))


def _inverse(transformer: Fitted) -> Iterator[Step]:
    """Yield the steps that undo what a transformer does to a target."""
    shape = (1,)
    match transformer.name.rpartition(".")[2]:
        case ("StandardScaler" | "RobustScaler") as name:
            centre = CENTERED[name]
            if read_flag(transformer, centre.scales, default=True):
                yield Arithmetic("*", fitted_floats(transformer, "scale_", shape))
            if read_flag(transformer, centre.centers, default=True):
                yield Arithmetic("+", fitted_floats(transformer, centre.center, shape))
        case "MinMaxScaler":
            yield Arithmetic("-", fitted_floats(transformer, "min_", shape))
            yield Arithmetic("/", fitted_divisor(transformer, "scale_", shape))
        case "MaxAbsScaler":
            yield Arithmetic("*", fitted_floats(transformer, "scale_", shape))
        case "FunctionTransformer":
            yield from _inverse_function(transformer.state.get("inverse_func"))
        case other:
            raise ArtifactError(f"a target that is transformed by {other} is not supported")


def _inverse_function(function: object) -> Iterator[Step]:
    match function:
        case None:
            return
        case ClassName("numpy.expm1"):
            yield Power(less_one=True)
        case ClassName("numpy.exp"):
            yield Power(less_one=False)
        case _:
            raise ArtifactError(
                "a target is turned back by a function that is not supported; expected numpy.exp "
                "or numpy.expm1"
            )


_UFUNCS = ("numpy", "numpy._core._multiarray_umath", "numpy.core._multiarray_umath")

FAMILY = (
    Predicting(
        name="sklearn.compose.TransformedTargetRegressor",
        modules=("sklearn.compose._target",),
        task="regression",
        read=_transformed_target,
        since="0.20",
        ulp=None,
        refused="inverse functions other than NumPy's exp and expm1, transformers but scalers",
        cases=(),
    ),
    *(Part(name=f"numpy.{name}", modules=_UFUNCS) for name in FUNCTIONS),
)
