"""The family of what holds other estimators: one after the other, side by side."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from iris_deploy.dumps.records import ClassName, Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import read_list, read_width
from iris_deploy.estimators.family import Composite, Model, Part, Reading, Transformer
from iris_deploy.estimators.features import Features, joined
from iris_deploy.kernels.curves import FUNCTIONS, Curve
from iris_deploy.kernels.steps import Arithmetic
from iris_deploy.schema.outputs import Output

MAX_STEPS = 100
"""Of one pipeline."""

MAX_BRANCHES = 1000
"""Of what puts features side by side. Those that do nothing count, too: each takes its time."""

_CHECK = ClassName("sklearn.utils.validation.check_array")


def _steps(pipeline: Fitted) -> list[Fitted]:
    """Return the estimators of a pipeline, without those that do nothing."""
    steps = read_list(pipeline, "steps")
    if not 0 < len(steps) <= MAX_STEPS:
        raise ArtifactError(f"expected 1 to {MAX_STEPS} steps in the Pipeline, got {len(steps)}")
    if not all(isinstance(step, tuple) and len(step) == 2 for step in steps):
        raise ArtifactError("a Pipeline of the dump has steps that are no pairs")
    records = []
    for _, step in steps:
        if isinstance(step, Fitted):
            records.append(step)
        elif step is not None and not (isinstance(step, str) and step == "passthrough"):
            kind = type(step).__name__
            raise ArtifactError(
                f"expected estimators and 'passthrough' in the Pipeline, got a {kind}"
            )
    return records


def _pipeline_transforms(pipeline: Fitted, features: Features, reading: Reading) -> Features:
    for step in _steps(pipeline):
        features = reading.transform(step, features)
    return features


def _pipeline_predicts(
    pipeline: Fitted, features: Features, output: Output, reading: Reading
) -> Model:
    *transformers, last = _steps(pipeline) or [Fitted("nothing")]
    for step in transformers:
        features = reading.transform(step, features)
    return reading.predict(last, features, output)


def _column_transformer(record: Fitted, features: Features, reading: Reading) -> Features:
    """Put what the transformers make of their columns side by side."""
    features.check_width(read_width(record, "_n_features"), record.name)
    names = record.state.get("feature_names_in_")
    listed: list[Any] = names.tolist() if isinstance(names, np.ndarray) else []
    places = {name: k for k, name in reversed([*enumerate(listed)]) if isinstance(name, str)}

    def parts() -> Iterator[Features]:
        for name, transformer, columns in _branches(record, "transformers_", 3):
            indices = list(_indices(record, name, columns, features.width, places))
            if indices:
                part = _branch(transformer, features.pick(indices), reading)
                yield _weighted(record, name, part)

    return joined(parts())


def _branches(
    record: Fitted, attribute: str, size: int
) -> Iterator[tuple[str, Fitted | None, object]]:
    """Yield a name, a transformer, None if it does nothing, and the last of ``size`` members.

    Those that are dropped are left out.
    """
    branches = read_list(record, attribute)
    if len(branches) > MAX_BRANCHES:
        raise ArtifactError(
            f"{record.name} has {len(branches)} transformers; expected at most {MAX_BRANCHES}"
        )
    for branch in branches:
        fits = isinstance(branch, tuple) and len(branch) == size and isinstance(branch[0], str)
        transformer = branch[1] if fits else None
        is_word = isinstance(transformer, str) and transformer in {"drop", "passthrough"}
        if not is_word and not isinstance(transformer, Fitted):
            raise ArtifactError(f"{record.name} has {attribute} of something else")
        if isinstance(transformer, Fitted):
            yield branch[0], transformer, branch[-1]
        elif transformer == "passthrough":
            yield branch[0], None, branch[-1]


def _branch(transformer: Fitted | None, features: Features, reading: Reading) -> Features:
    return features if transformer is None else reading.transform(transformer, features)


def _indices(
    record: Fitted, name: str, columns: object, width: int, places: Mapping[str, int]
) -> Iterator[int]:
    """Yield the positions of the columns that a transformer gets."""
    found = record.state.get("_transformer_to_input_indices")
    if isinstance(found, dict) and isinstance(found.get(name), list):
        columns = found[name]
    elif isinstance(columns, Fitted) and columns.name == "builtins.slice":
        bounds = columns.arguments
        if len(bounds) != 3 or not all(b is None or type(b) is int for b in bounds):
            raise ArtifactError(f"{record.name} slices its columns by more than numbers")
        columns = list(range(*slice(*bounds).indices(width)))
    elif isinstance(columns, np.ndarray) and columns.dtype.kind == "b" and columns.ndim == 1:
        columns = np.flatnonzero(columns).tolist()
    elif isinstance(columns, np.ndarray):
        columns = columns.tolist()
    for column in columns if isinstance(columns, list) else [columns]:
        at = places.get(column, column) if isinstance(column, str) else column
        if type(at) is not int or not -width <= at < width:
            raise ArtifactError(f"{record.name} takes the column {column!r:.80}, which is none")
        yield at % width


def _weighted(record: Fitted, name: str, features: Features) -> Features:
    """Multiply features by the weight of their transformer, if it has one."""
    weights = record.state.get("transformer_weights")
    weight = weights.get(name) if isinstance(weights, dict) else None
    if weight is None:
        return features
    if not isinstance(weight, (float, int)) or not abs(weight) < 1e300:
        raise ArtifactError(f"{record.name} has a weight that is no number")
    return features.then(Arithmetic("*", np.full(features.width, float(weight))))


def _feature_union(record: Fitted, features: Features, reading: Reading) -> Features:
    """Put what all transformers make of the same features side by side."""
    return joined(
        _weighted(record, name, _branch(transformer, features, reading))
        for name, transformer, _ in _branches(record, "transformer_list", 2)
    )


def _function_transformer(record: Fitted, features: Features, _: Reading) -> Features:
    """Do nothing, or what one of NumPy's functions does: others are code."""
    function = record.state.get("func")
    if isinstance(function, Fitted):  # what HistGradientBoosting checks numbers with
        function = None if function.arguments[:1] == (_CHECK,) else function
    if function is None:
        return features
    name = function.name.removeprefix("numpy.") if isinstance(function, ClassName) else ""
    given = record.state.get("kw_args")
    if name not in FUNCTIONS or not (given is None or (isinstance(given, dict) and not given)):
        raise ArtifactError(
            "a FunctionTransformer with a function of its own is not supported",
            hint=f"known are those of NumPy: {', '.join(FUNCTIONS)}",
        )
    features.check_numbers(record.name)
    return features.then(Curve(name))


FAMILY = (
    Composite(
        name="sklearn.pipeline.Pipeline",
        modules=("sklearn.pipeline",),
        transform=_pipeline_transforms,
        predict=_pipeline_predicts,
    ),
    Transformer(
        name="sklearn.compose.ColumnTransformer",
        modules=("sklearn.compose._column_transformer",),
        read=_column_transformer,
        since="1.0",
        ulp=None,
        cases=(),
    ),
    Transformer(
        name="sklearn.pipeline.FeatureUnion",
        modules=("sklearn.pipeline",),
        read=_feature_union,
        ulp=None,
        cases=(),
    ),
    Transformer(
        name="sklearn.preprocessing.FunctionTransformer",
        modules=("sklearn.preprocessing._function_transformer",),
        read=_function_transformer,
        refused=f"functions other than NumPy's {', '.join(FUNCTIONS)}",
    ),
    Part(
        name="sklearn.compose.make_column_selector",
        modules=("sklearn.compose._column_transformer",),
    ),
    Part(name="builtins.slice", modules=("builtins", "__builtin__")),
    Part(name="numpy.float64", modules=("numpy",)),
)
