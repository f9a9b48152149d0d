"""The ``MLmodel`` of a folder that MLflow wrote: which file is the model, and what goes into it.

It is YAML, of which events are read, and objects never made: no aliases, which could make much of
little, no tags, and values within one another to a depth that no MLmodel has.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from iris_deploy.errors import ArtifactError

_MAX_EVENTS, _MAX_DEPTH = 20_000, 16
"""An MLmodel has a hundred values, 4 deep."""

_LIBRARIES = {"sklearn": "pickled_model", "xgboost": "data", "lightgbm": "data"}
"""Flavors that are read, and which of their members names the file."""

_ELSEWHERE = {
    "tensorflow": "TF Serving",
    "keras": "TF Serving",
    "pytorch": "TorchServe or Triton",
    "onnx": "onnxruntime or Triton",
    "catboost": "CatBoost",
    "spark": "Spark",
    "h2o": "H2O",
}
_WRITTEN = ("pickle", "cloudpickle", "skops")


@dataclass(frozen=True)
class Inputs:
    """What a signature says of the columns that go into a model.

    Parameters
    ----------
    names : tuple of str or None
        None if it has numbers of columns alone.
    kinds : tuple of str
        Of each name, in MLflow's words: ``double``, ``string``, ...
    width : int or None
        How many columns there are, if it says so.
    """

    names: tuple[str, ...] | None
    kinds: tuple[str, ...]
    width: int | None


@dataclass(frozen=True)
class ModelFile:
    """What an MLmodel says.

    Parameters
    ----------
    flavor : {'sklearn', 'xgboost', 'lightgbm'}
    file : str
        Of the model, within the folder.
    member : str
        Where it is named.
    mlflow : str or None
        The version that wrote it.
    inputs : Inputs or None
    example : str or None
        File of the example of an input, within the folder.
    """

    flavor: str
    file: str
    member: str
    mlflow: str | None
    inputs: Inputs | None
    example: str | None


def read_mlmodel(data: bytes) -> ModelFile:
    """Read an MLmodel.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    ArtifactError
        If it is damaged, or of a flavor that is not read.
    """
    try:
        content = _read_yaml(data.decode("utf-8"))
    except (yaml.YAMLError, ValueError) as exc:
        said = " ".join(str(exc).split())[:200]
        raise ArtifactError(
            f"it is no MLmodel as MLflow writes it: {said}", hint="log the model again"
        ) from exc
    flavor, members = _choose_flavor(_member(content, "flavors"))
    name = _LIBRARIES[flavor]
    file = members.get(name)
    if not isinstance(file, str):
        raise ArtifactError(f"flavors.{flavor}.{name}: expected the name of a file, got {file!r}")
    written = members.get("serialization_format")
    if written is not None and written not in _WRITTEN:
        raise ArtifactError(
            f"flavors.{flavor}.serialization_format: expected one of {', '.join(_WRITTEN)}, "
            f"got {written!r:.80}",
            hint="log the model again, with one of these",
        )
    mlflow, inputs = content.get("mlflow_version"), _member(content, "signature").get("inputs")
    example = _member(content, "saved_input_example_info").get("artifact_path")
    return ModelFile(
        flavor=flavor,
        file=file,
        member=f"flavors.{flavor}.{name}",
        mlflow=mlflow if isinstance(mlflow, str) else None,
        inputs=_read_inputs(inputs) if isinstance(inputs, str) else None,
        example=example if isinstance(example, str) else None,
    )


def _member(content: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a member that is a mapping; an empty one if it is not there."""
    found = content.get(name)
    if found is not None and not isinstance(found, dict):
        raise ArtifactError(f"{name} of MLmodel: expected a mapping, got {type(found).__name__}")
    return found or {}


def _choose_flavor(flavors: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for flavor in _LIBRARIES:
        if flavor in flavors:
            return flavor, _member(flavors, flavor)
    others = [name for name in flavors if name != "python_function"]
    if others:
        serves = _ELSEWHERE.get(others[0], "`mlflow models serve`")
        raise ArtifactError(
            f"expected a model of {', '.join(_LIBRARIES)}; its flavor is {others[0]!r:.80}",
            hint=f"{serves} serves it",
        )
    loader = _member(flavors, "python_function").get("loader_module")
    raise ArtifactError(
        f"expected a model of {', '.join(_LIBRARIES)}; its one flavor is python_function, "
        f"a program that {loader!r:.80} loads"
        if loader
        else "expected flavors in MLmodel, got none",
        hint="`mlflow models serve` serves it, or import the estimator that is in it",
    )


def _read_inputs(text: str) -> Inputs:
    """Read the inputs of a signature: JSON in a text of the YAML."""
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ArtifactError(f"signature.inputs of MLmodel is no JSON: {str(exc)[:100]}") from exc
    if not isinstance(listed, list) or not listed or not all(isinstance(e, dict) for e in listed):
        raise ArtifactError("signature.inputs of MLmodel: expected a list of columns")
    names = [each.get("name") for each in listed]
    if all(type(name) is str for name in names):
        kinds = tuple(str(each.get("type"))[:40] for each in listed)
        return Inputs(tuple(names), kinds, len(names))
    if listed[0].get("type") != "tensor":
        return Inputs(None, (), len(listed))
    spec = listed[0].get("tensor-spec")
    shape = spec.get("shape") if isinstance(spec, dict) else None
    is_matrix = isinstance(shape, list) and len(shape) == 2 and type(shape[1]) is int
    return Inputs(None, (), shape[1] if is_matrix and shape and shape[1] > 0 else None)


def _read_yaml(text: str) -> dict[str, Any]:
    """Read a mapping of text, None, lists and mappings.

    Raises
    ------
    ValueError, yaml.YAMLError
        If it is anything else.
    """
    events = _events(text)
    document = _value(next(events, None), events, 0)
    if not isinstance(document, dict) or not document:
        raise ValueError("it is no mapping with members")
    for _ in events:  # it may be damaged behind
        raise ValueError("it holds several documents")
    return document


def _events(text: str) -> Iterator[Any]:
    """Yield what there is in a document, refusing what could be more than its bytes."""
    around = (
        *(yaml.StreamStartEvent, yaml.StreamEndEvent),
        *(yaml.DocumentStartEvent, yaml.DocumentEndEvent),
    )
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if count > _MAX_EVENTS:
            raise ValueError(f"it holds more than {_MAX_EVENTS:,} values")
        tag, alias = getattr(event, "tag", None), type(event) is yaml.AliasEvent
        if alias or tag is not None:
            what = f"the alias {event.anchor!r:.40}" if alias else f"the tag {tag!r:.40}"
            raise ValueError(f"it uses {what}; write the value out")
        if not isinstance(event, around):
            yield event


def _value(event: Any, events: Iterator[Any], depth: int) -> Any:
    """Return the value that begins with an event."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"values are more than {_MAX_DEPTH} deep within one another")
    if isinstance(event, yaml.ScalarEvent):
        is_none = event.style is None and event.value in {"", "~", "null"}
        return None if is_none else event.value
    if isinstance(event, yaml.SequenceStartEvent):
        values = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            values.append(_value(event, events, depth + 1))
        return values
    members: dict[str, Any] = {}
    if isinstance(event, yaml.MappingStartEvent):
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.value in members:
                raise ValueError("a member has no name, or that of another")
            members[event.value] = _value(next(events), events, depth + 1)
    return members
