"""Manifests of format 1: classifiers of numbers, by label; read, and written no more."""

from typing import Annotated, Any, Literal

import msgspec

from iris_deploy.bundle.evaluation import ClassFigures, Evaluation, Metric
from iris_deploy.bundle.manifest import MAX_ARTIFACTS, Artifact, Example, Manifest
from iris_deploy.bundle.provenance import Environment, Estimator, Split, Training
from iris_deploy.schema.columns import NumberColumn, NumbersSeen
from iris_deploy.schema.outputs import ClassOutput
from iris_deploy.schema.signature import Signature


class _Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: str
    unit: str | None
    minimum: float
    maximum: float
    mean: float
    bin_edges: tuple[float, ...]
    bin_counts: tuple[int, ...]


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    features: tuple[_Feature, ...]
    classes: tuple[str, ...]


class _Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    dataset: str
    dataset_digest: str
    split: Split
    estimators: tuple[Estimator, ...]


class _Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    precision: float
    recall: float
    f1: float
    support: int


class _Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    correct: int
    total: int
    accuracy: float
    interval: tuple[float, float]
    classes: dict[str, _Figures]
    confusion_matrix: tuple[tuple[int, ...], ...]


class _Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    instance: dict[str, float]
    label: str
    scores: tuple[float, ...]


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    format: int
    digest: str
    model: str
    version: int
    runtime: Literal["numpy"]
    signature: _Signature
    artifacts: Annotated[tuple[Artifact, ...], msgspec.Meta(max_length=MAX_ARTIFACTS)]
    environment: Environment
    training: _Training
    evaluation: _Evaluation
    examples: Annotated[tuple[_Example, ...], msgspec.Meta(min_length=1)]


def decode_format_1(data: bytes) -> Manifest:
    """Read a manifest of format 1, and return it as one of today's.

    Raises
    ------
    msgspec.MsgspecError
        If it is not as the format has it.
    """
    old = msgspec.json.decode(data, type=_Manifest)
    try:
        return _convert(old)
    except ValueError as exc:  # which msgspec makes this of, where it decodes
        raise msgspec.ValidationError(str(exc)) from exc


def _convert(old: _Manifest) -> Manifest:
    return Manifest(
        format=old.format,
        digest=old.digest,
        model=old.model,
        version=old.version,
        task="classification",
        runtime=old.runtime,
        signature=_signature(old.signature),
        artifacts=old.artifacts,
        environment=old.environment,
        provenance=Training(**_members(old.training)),
        evaluation=_evaluation(old.evaluation),
        examples=tuple(
            Example(instance=dict(each.instance), prediction=each.label, scores=each.scores)
            for each in old.examples
        ),
    )


def _signature(old: _Signature) -> Signature:
    columns = tuple(
        NumberColumn(
            name=old_column.name,
            missing=False,
            unit=old_column.unit,
            boolean=False,
            seen=NumbersSeen(
                n_missing=0,
                minimum=old_column.minimum,
                maximum=old_column.maximum,
                mean=old_column.mean,
                bin_edges=old_column.bin_edges,
                bin_counts=old_column.bin_counts,
            ),
        )
        for old_column in old.features
    )
    return Signature(columns=columns, output=ClassOutput(name="class", classes=old.classes))


def _evaluation(old: _Evaluation) -> Evaluation:
    return Evaluation(
        samples=old.total,
        metrics={"accuracy": Metric(value=old.accuracy, interval=old.interval, baseline=None)},
        classes=tuple(
            ClassFigures(label=label, **_members(figures)) for label, figures in old.classes.items()
        ),
        confusion_matrix=old.confusion_matrix,
    )


def _members(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
