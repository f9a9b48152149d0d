"""From a table to a bundle: compare, fit, dump, read the dump back, measure, write.

A bundle is written only after its own predictor, built from the bytes that are about to be written,
has given scikit-learn's answer for every sample of the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iris_deploy.bundle.bundle import Bundle, read_bundle
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.manifest_json import FORMAT
from iris_deploy.bundle.provenance import Split, Training
from iris_deploy.bundle.repository import Repository
from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError, TrainingError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.runtimes.library import Library
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.columns import Column
from iris_deploy.schema.outputs import ClassOutput, NumberOutput, Output, TargetSeen
from iris_deploy.training.artifacts import (
    build_artifact,
    describe_environment,
    describe_estimator,
    dump_estimator,
)
from iris_deploy.training.candidates import DEFAULT, build_candidate, check_families
from iris_deploy.training.comparison import Score, Tell, best_of, compare, fit_pipeline
from iris_deploy.training.dataset import digest_positions
from iris_deploy.training.evaluation import evaluate_rows
from iris_deploy.training.examples import record_examples
from iris_deploy.training.frames import bin_numbers, describe_columns, encode_frame
from iris_deploy.training.loaded import LoadedFiles, LoadedModel
from iris_deploy.training.preparation import build_pipeline
from iris_deploy.training.settings import TableSettings
from iris_deploy.training.tables import Table, load_table, model_name, split_table
from iris_deploy.training.target import Target
from iris_deploy.training.widest import build_widest

_TOLERANCE = 1e-9
"""Relative difference to scikit-learn's numbers that sums in another order may make."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of it.

    Parameters
    ----------
    bundle : Bundle
        Read back from the disk and verified.
    table : Table
    scores : list of Score
        Of the candidates and the baseline; none if there was nothing to compare.
    """

    bundle: Bundle
    table: Table
    scores: list[Score]


def train_table(
    path: Path, settings: TableSettings, repository: Repository, model: str | None, tell: Tell
) -> Trained:
    """Compare pipelines on a table, fit the best, and write it as the next version of a model.

    Parameters
    ----------
    path : Path
        Of the table.
    settings : TableSettings
    repository : Repository
        Where to write.
    model : str or None
        Name of the model; the file's if None.
    tell : callable
        Gets to know how far it is.

    Raises
    ------
    SettingsError, DatasetError, TrainingError, BundleError
        Before anything is written.
    """
    names = settings.estimators
    table = load_table(path, settings)
    task = table.target.task
    candidates = [
        build_candidate(name, task, settings.parameters, settings.random_state)
        for name in names or DEFAULT[task]
    ]
    if settings.runtime == "numpy":
        check_families(candidates)
    kind = "classifier" if task == "classification" else "regressor"
    pipelines = {c.name: build_pipeline(c, table.plans, table.frame, kind) for c in candidates}
    trained, held_out = split_table(table, settings)
    frame, labels = table.frame.iloc[trained], table.target.labels[trained]
    scores: list[Score] = []
    chosen = candidates[0].name
    if len(candidates) > 1:
        scores = compare(
            pipelines,
            frame,
            labels,
            task=task,
            folds=settings.cv,
            random_state=settings.random_state,
            tell=tell,
            scheduler=settings.scheduler,
        )
        chosen = best_of(scores, task).name
    tell(chosen, 0, 1)
    pipeline = fit_pipeline(pipelines[chosen], frame, labels, chosen)
    manifest, dumps = _write_down(
        table, pipeline, trained, held_out, settings, model or model_name(path)
    )
    return Trained(read_bundle(repository.write(manifest, dumps)), table, scores)


def _write_down(
    table: Table,
    pipeline: Any,
    trained: np.ndarray,
    held_out: np.ndarray,
    settings: TableSettings,
    model: str,
) -> tuple[Manifest, dict[str, bytes]]:
    """Make the manifest and the dump of a fitted pipeline, after both were tried."""
    file = f"pipeline_{model}.pkl"
    dumps = {file: dump_estimator(pipeline)}
    fields = describe_columns(table.plans, table.frame, trained)
    output, library = _output(table.target, trained), None
    if settings.runtime == "numpy":
        predictor = _build_predictor(read_estimator(dumps[file]), fields, output)
    else:
        predictor, library, code = _load_predictor(file, dumps[file], fields, output, settings)
        dumps |= code
    rows = encode_frame(predictor.signature.columns, table.frame)
    _check_same(predictor, rows, pipeline, table)
    evaluation = evaluate_rows(predictor, rows[held_out], table.target.y[held_out])
    manifest = Manifest(
        format=FORMAT,
        digest="",
        model=model,
        version=0,
        task=table.target.task,
        runtime=settings.runtime,
        library=library,
        signature=predictor.signature,
        artifacts=(build_artifact("pipeline", file, dumps),),
        environment=describe_environment(),
        provenance=Training(
            dataset=table.name,
            dataset_digest=table.digest,
            split=_describe_split(trained, held_out, settings),
            estimators=tuple(describe_estimator(step) for _, step in pipeline.steps),
        ),
        evaluation=evaluation,
        examples=record_examples(predictor, rows[held_out], table.target.y[held_out]),
    )
    return manifest, dumps


def _describe_split(trained: np.ndarray, held_out: np.ndarray, settings: TableSettings) -> Split:
    return Split(
        test_size=settings.test_size,
        random_state=settings.random_state,
        train_samples=len(trained),
        test_samples=len(held_out),
        test_digest=digest_positions(held_out),
    )


def _load_predictor(
    file: str, data: bytes, fields: Sequence[Column], output: Output, settings: TableSettings
) -> tuple[Predictor, Library, dict[str, bytes]]:
    """Build the predictor for which scikit-learn predicts; return what it takes, and code."""
    loaded = LoadedFiles(settings.code)
    estimator = loaded.estimator(file, data, ())
    library = loaded.describe([field.name for field in fields], knows_none=False)
    predictor = LoadedModel([estimator], output, None, library).build(fields)
    return predictor, library, loaded.code


def _build_predictor(record: Fitted, fields: Sequence[Column], output: Output) -> Predictor:
    """Build the predictor, which takes what training did not see if the pipeline does."""
    try:
        return build_widest(fields, output, [record])
    except ArtifactError as exc:
        raise TrainingError(
            f"the fitted pipeline cannot be served: {exc}",
            hint=exc.hint or "let scikit-learn itself serve it, with `runtime` scikit-learn",
        ) from exc


def _output(target: Target, trained: np.ndarray) -> Output:
    if target.task == "classification":
        return ClassOutput(name=target.name, classes=target.classes)
    return NumberOutput(name=target.name, unit=None, seen=see_target(target.y[trained]))


def see_target(y: Floats) -> TargetSeen:
    """Return what there is to see of a target that is a number; shape (n_samples,)."""
    edges, _ = bin_numbers(y)
    return TargetSeen(
        minimum=float(y.min()), maximum=float(y.max()), mean=float(y.mean()), bin_edges=edges
    )


def _check_same(predictor: Predictor, rows: Floats, pipeline: Any, table: Table) -> None:
    """Compare the predictor with scikit-learn before anything is written."""
    expected = pipeline.predict(table.frame)
    if table.target.task == "classification":
        classes = np.array([*table.target.classes], object)
        differing = int((classes[predictor.outcomes(rows)] != expected.astype(object)).sum())
    else:
        scale = max(float(np.abs(expected).max()), 1e-300)
        differing = int((np.abs(predictor.outcomes(rows) - expected) > _TOLERANCE * scale).sum())
    if differing:
        raise TrainingError(
            f"the predictor answers otherwise than scikit-learn for {differing} of {len(rows)} "
            "samples; expected none",
            hint="please report this with the settings; nothing was written",
        )
