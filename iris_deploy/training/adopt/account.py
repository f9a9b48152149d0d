"""What a manifest says of an imported bundle: its files, and where it comes from."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from iris_deploy.bundle.bundle import MANIFEST_FILE
from iris_deploy.bundle.manifest import Artifact, Role
from iris_deploy.bundle.provenance import Check, Estimator, Imported, Source
from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import SettingsError
from iris_deploy.estimators.booster_facts import facts_of
from iris_deploy.estimators.discovery import last_of
from iris_deploy.schema.outputs import Output
from iris_deploy.training.adopt.given import Given, Step
from iris_deploy.training.artifacts import build_artifact
from iris_deploy.training.settings import ImportSettings

_LONGEST = 100
"""Characters of a parameter that is recorded."""


def describe_artifact(step: Step, given: Given, output: Output) -> Artifact:
    """Describe the file of a step.

    Raises
    ------
    SettingsError
        If it has the manifest's name.
    """
    if step.file == MANIFEST_FILE:
        raise SettingsError(f"a file cannot be named {MANIFEST_FILE}; rename it")
    role = _role(step.record, output if step is given.steps[-1] else None)
    artifact = build_artifact(role, step.file, given.data)
    return msgspec.structs.replace(artifact, path=step.path)


def _role(record: Fitted, output: Output | None) -> Role:
    if last_of(record) is not record:
        return "pipeline"
    if output is not None:
        return "classifier" if output.task == "classification" else "regressor"
    return "scaler" if record.name.endswith("Scaler") else "transformer"


def describe_provenance(
    given: Given, settings: ImportSettings, checks: tuple[Check, ...]
) -> Imported:
    """Describe where an imported bundle comes from."""
    sample = settings.sample
    return Imported(
        files=given.sources(),
        versions=_versions(given.records),
        estimators=tuple(_describe(r) for record in given.records for r in _opened(record)),
        sample=_describe_sample(sample) if sample else None,
        checks=checks,
    )


def _describe_sample(path: Path) -> Source:
    """Describe the file of a sample, without holding it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Source(file=path.name, size=file.tell(), sha256=digest)


def _versions(records: Sequence[Fitted]) -> dict[str, str]:
    """Return which packages wrote the files, as far as they say so."""
    found: dict[str, set[str]] = {}
    for record in records:
        release, facts = record.state.get("_sklearn_version"), facts_of(last_of(record))
        if isinstance(release, str):
            found.setdefault("scikit-learn", set()).add(release[:40])
        if facts is not None:
            found.setdefault(facts.written_by[0], set()).add(facts.written_by[1])
    return {package: ", ".join(sorted(releases)) for package, releases in found.items()}


def _opened(record: Fitted) -> Iterator[Fitted]:
    """Yield the steps of a pipeline one by one, and anything else as it is."""
    steps = record.state.get("steps")
    if not isinstance(steps, list):
        yield record
        return
    for step in steps[:100]:
        if isinstance(step, tuple) and isinstance(step[-1], Fitted):
            yield step[-1]


def _describe(record: Fitted) -> Estimator:
    """Record an estimator's class and parameters: what does not end in an underscore."""
    parameters: dict[str, Any] = {
        name: value
        for name, value in record.state.items()
        if not name.startswith("_") and not name.endswith("_") and _is_plain(value)
    }
    return Estimator(name=record.name, parameters=parameters)


def _is_plain(value: object) -> bool:
    """Tell whether a value is one that a manifest holds, and short."""
    return value is None or (
        isinstance(value, (str, int, float)) and len(str(value)) < _LONGEST and value == value
    )
