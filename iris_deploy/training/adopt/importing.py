"""Files to a bundle: find what they hold, build the predictor, try it, write it.

A bundle is written only after its predictor has answered, and what was asked for has agreed.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from iris_deploy.bundle.bundle import Bundle, read_bundle
from iris_deploy.bundle.evaluation import Evaluation
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.manifest_json import FORMAT
from iris_deploy.bundle.provenance import Check, Imported
from iris_deploy.bundle.repository import Repository
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.discovery import find_words
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.several import build_predictor
from iris_deploy.runtimes import LEARN
from iris_deploy.runtimes.facts import describe
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.columns import Column
from iris_deploy.schema.outputs import NumberOutput, Output
from iris_deploy.training.adopt.account import describe_artifact, describe_provenance
from iris_deploy.training.adopt.adapter import NO_ADAPTER, AdapterFile, read_adapter
from iris_deploy.training.adopt.aliases import add_aliases
from iris_deploy.training.adopt.building import Building, describe_library, load_estimators
from iris_deploy.training.adopt.check import Asking, check_against_library, check_against_recorded
from iris_deploy.training.adopt.contract import choose_names, choose_output, describe_columns
from iris_deploy.training.adopt.given import Given, read_given, read_labels_of
from iris_deploy.training.adopt.measuring import measure_sample, see_outputs
from iris_deploy.training.adopt.mlflow import ModelFolder, open_folders
from iris_deploy.training.adopt.samples import (
    describe_sample,
    draw_rows,
    encode_sample,
    read_sample,
    with_texts,
)
from iris_deploy.training.artifacts import describe_environment
from iris_deploy.training.examples import record_examples
from iris_deploy.training.loaded import LoadedFiles
from iris_deploy.training.settings import ImportSettings
from iris_deploy.training.tables import model_name

if TYPE_CHECKING:
    import pyarrow as pa

_DRAWN = 1000
"""Rows drawn at random that answers are compared on."""

_COMPARED = 10_000
"""Rows of a sample that answers are compared on."""


@dataclass(frozen=True, eq=False)
class Adopted:
    """What came of it.

    Parameters
    ----------
    bundle : Bundle
        Read back from the disk and verified.
    given : Given
    provenance : Imported
    is_read : bool
        Whether the families read it, although scikit-learn is to predict.
    """

    bundle: Bundle
    given: Given
    provenance: Imported
    is_read: bool


def import_files(
    paths: Sequence[Path], settings: ImportSettings, repository: Repository, model: str | None
) -> Adopted:
    """Read estimators out of files, and write them as the next version of a model.

    Parameters
    ----------
    paths : sequence of Path
        In the order in which what they hold applies; folders of MLflow, too.
    settings : ImportSettings
    repository : Repository
        Where to write.
    model : str or None
        Name of the model; that of the last estimator's file if None.

    Raises
    ------
    ArtifactError, DatasetError, SettingsError, BundleError
        Before anything is written.
    """
    loaded = LoadedFiles(settings.code) if settings.runtime == LEARN else None
    folder, paths, given = _read(paths, settings, loaded)
    wanted = read_adapter(settings.adapter) if settings.adapter is not None else NO_ADAPTER
    output, estimators = _output(given, settings, wanted, loaded)
    columns = describe_columns(given, choose_names(given, settings.columns), output)
    if folder is not None:
        columns = folder.agree(columns)
    fields, adapter = wanted.adapt(columns)
    sample = read_sample(settings.sample, fields) if settings.sample is not None else None
    library = describe_library(given, loaded, columns) if loaded else None
    if library and sample is not None and adapter is None:
        fields = with_texts(fields, sample)
    building = Building(given, output, adapter, library, estimators)
    predictor, rows, evaluation = _try(building, fields, sample)
    own = folder.read_example(predictor, adapter) if folder is not None else rows[:0]
    rows = np.concatenate([own, rows])
    asking = Asking({path.name: path for path in paths}, given, columns, adapter)
    checks = _check(asking, predictor, rows, sample, settings)
    provenance = describe_provenance(given, settings, checks)
    examples = record_examples(predictor, rows, predictor.outcomes(rows), len(own))
    if not examples:
        raise ArtifactError("no row was found that the model answers, to be recorded")
    manifest = Manifest(
        format=FORMAT,
        digest="",
        model=model or model_name(Path(given.steps[-1].file)),
        version=0,
        task=output.task,
        runtime=settings.runtime,
        library=library,
        signature=add_aliases(predictor.signature, wanted.aliases),
        adapter=adapter,
        artifacts=tuple(describe_artifact(step, given, output) for step in given.steps),
        environment=describe_environment(),
        provenance=provenance,
        evaluation=evaluation,
        examples=examples,
    )
    return _write(manifest, given, loaded, provenance, repository)


def _read(
    paths: Sequence[Path], settings: ImportSettings, loaded: LoadedFiles | None
) -> tuple[ModelFolder | None, list[Path], Given]:
    """Read the files, the model's of a folder of MLflow, and what else is said of them."""
    folder, files = open_folders(paths, with_columns=settings.columns is None)
    given = read_given(files, loaded)
    if folder is not None:
        folder.complete(given)
    if settings.labels is not None:
        given.labels = read_labels_of(settings.labels)
    return folder, files, given


def _output(
    given: Given, settings: ImportSettings, wanted: AdapterFile, loaded: LoadedFiles | None
) -> tuple[Output, list[Any]]:
    """Return what is predicted, and the estimators if scikit-learn loads them."""
    estimators = load_estimators(given, loaded) if loaded else []
    output = choose_output(
        given,
        settings.classes or wanted.classes,
        settings.target or wanted.name,
        describe(estimators[-1]) if estimators else None,
    )
    if isinstance(output, NumberOutput):
        output = msgspec.structs.replace(output, unit=wanted.unit)
    return output, estimators


def _write(
    manifest: Manifest,
    given: Given,
    loaded: LoadedFiles | None,
    provenance: Imported,
    repository: Repository,
) -> Adopted:
    files = {artifact.file: given.data[artifact.file] for artifact in manifest.artifacts}
    files |= loaded.code if loaded else {}
    bundle = read_bundle(repository.write(manifest, files))
    is_read = loaded is not None and _is_read(given, bundle)
    return Adopted(bundle, given, provenance, is_read)


def _is_read(given: Given, bundle: Bundle) -> bool:
    """Tell whether scikit-learn is not needed."""
    with suppress(ArtifactError):
        build_predictor(bundle.manifest.signature, given.records, bundle.manifest.adapter)
        return True
    return False


def _try(
    building: Building, fields: tuple[Column, ...], sample: "pa.Table | None"
) -> tuple[Predictor, Floats, Evaluation | None]:
    """Build the predictor, and return rows that it answers, and figures if there is a target."""
    if sample is None:
        predictor = building.build(fields)
        words = find_words(building.given.records)
        return predictor, draw_rows(predictor, _DRAWN, words=words), None
    building = replace(building, output=see_outputs(building.output, sample))
    predictor = building.build(describe_sample(sample, fields))
    return predictor, *measure_sample(predictor, sample)


def _check(
    asking: Asking,
    predictor: Predictor,
    rows: Floats,
    sample: "pa.Table | None",
    settings: ImportSettings,
) -> tuple[Check, ...]:
    """Compare answers as far as it is asked for."""
    checks = []
    if settings.expect is not None and sample is not None:
        answered = encode_sample(sample, predictor.signature.columns)
        checks.append(check_against_recorded(predictor, answered, settings.expect))
    if settings.check:
        words = find_words(asking.given.records)
        drawn = draw_rows(predictor, _DRAWN, words=words, seed=1)
        compared = np.concatenate([rows[:_COMPARED], drawn])
        checks.append(
            check_against_library(asking, _without_threshold(predictor, asking), compared)
        )
    return tuple(checks)


def _without_threshold(predictor: Predictor, asking: Asking) -> Predictor:
    """Return the predictor that decides as the estimators do."""
    adapter = asking.adapter
    if adapter is None or adapter.threshold is None:
        return predictor
    plain = msgspec.structs.replace(adapter, threshold=None)
    return build_predictor(predictor.signature, asking.given.records, plain)
