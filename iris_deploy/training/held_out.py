"""A bundle measured again: on the samples that were held out, or on other data."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.evaluation import Evaluation
from iris_deploy.bundle.provenance import Imported, Training
from iris_deploy.errors import DatasetError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.columns import CategoryColumn, NumberColumn, TextColumn
from iris_deploy.schema.signature import Signature
from iris_deploy.training.dataset import digest_positions, split_dataset
from iris_deploy.training.evaluation import evaluate_rows, join_figures
from iris_deploy.training.frames import build_frame, encode_frame
from iris_deploy.training.plans import ColumnPlan, kind_of
from iris_deploy.training.settings import Choices, TableSettings
from iris_deploy.training.sources.datasets import DATASETS, load_dataset
from iris_deploy.training.sources.files import read_table
from iris_deploy.training.tables import make_table, split_table
from iris_deploy.training.target import Target, read_target

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A bundle's figures and the samples that they come from.

    Parameters
    ----------
    evaluation : Evaluation
    rows : ndarray of shape (n_samples, n_columns)
        As the predictor takes them.
    y : ndarray of shape (n_samples,)
        Positions of the true classes, or numbers; of several outputs those of the first.
    what : str
        Which samples they are.
    """

    evaluation: Evaluation
    rows: Floats
    y: np.ndarray
    what: str


def evaluate_bundle(bundle: Bundle, data: Path | None = None) -> HeldOut:
    """Measure a bundle.

    Parameters
    ----------
    bundle : Bundle
    data : Path or None
        Other data with the same columns; None for the samples that were held out in training.

    Raises
    ------
    DatasetError
        If the data are not there, or not what the bundle was trained with.
    """
    training = bundle.manifest.provenance
    if data is not None:
        rows, y, evaluation = measure_table(bundle.predictor, read_table(data))
        return HeldOut(evaluation, rows, y, f"{evaluation.samples:,} samples of {data.name}")
    if isinstance(training, Imported):
        raise DatasetError(
            "the bundle was imported, and no samples were held out",
            hint="name samples to measure it on with `data`",
        )
    of = _of_dataset if _comes_along(training.dataset) else _of_table
    rows, y = of(bundle, training)
    what = f"the held-out samples of {training.dataset}"
    return HeldOut(evaluate_rows(bundle.predictor, rows, y), rows, y, what)


def _comes_along(dataset: str) -> bool:
    return dataset in DATASETS or not Path(dataset).suffix


def _of_dataset(bundle: Bundle, training: Training) -> tuple[Floats, np.ndarray]:
    """Load and split the dataset again as the manifest has it, and check that it is the same."""
    dataset = load_dataset(training.dataset)
    samples = split_dataset(dataset, training.split.test_size, training.split.random_state)
    _check_digests(bundle, training, dataset.digest(), samples.test_digest)
    return samples.X_test, samples.y_test


def _of_table(bundle: Bundle, training: Training) -> tuple[Floats, np.ndarray]:
    """Read and split the table again as the manifest has it, and check that it is the same."""
    signature = bundle.manifest.signature
    path = Path(training.dataset)
    if not path.exists():
        raise DatasetError(
            f"the held-out samples are in {path}, which is not here",
            hint="go to where it is, or measure on other data with `data`",
        )
    raw = read_table(path)
    settings = TableSettings(
        choices=_choices(signature, raw.column_names),
        task=bundle.manifest.task,
        test_size=training.split.test_size,
        random_state=training.split.random_state,
    )
    table = make_table(raw, path, settings)
    _, held_out = split_table(table, settings)
    _check_digests(bundle, training, table.digest, digest_positions(held_out))
    frame = table.frame.iloc[held_out]
    return encode_frame(signature.columns, frame), table.target.y[held_out]


def _choices(signature: Signature, names: list[str]) -> Choices:
    """Return the columns as they were taken in training, and all others left out."""
    columns, target = signature.columns, signature.output.name
    for name in (*signature.names, target):
        if name not in names:
            raise DatasetError(f"the table has no column {name}; it has {', '.join(names[:20])}")
    numbers = [c for c in columns if isinstance(c, NumberColumn)]
    return Choices(
        target=target,
        number=tuple(c.name for c in numbers),
        category=tuple(c.name for c in columns if isinstance(c, CategoryColumn)),
        text=tuple(c.name for c in columns if isinstance(c, TextColumn)),
        drop=tuple(name for name in names if name not in {*signature.names, target}),
        units={c.name: c.unit for c in numbers if c.unit},
    )


def _check_digests(bundle: Bundle, training: Training, dataset: str, test: str) -> None:
    manifest = bundle.manifest
    for what, expected, got in (
        (f"the dataset {training.dataset}", training.dataset_digest, dataset),
        (f"the split of {training.dataset}", training.split.test_digest, test),
    ):
        if expected != got:
            message = (
                f"{what} is not the one that {manifest.model} version {manifest.version} was "
                f"trained with: expected {expected}, got {got}"
            )
            hint = (
                "train again with this installation, or install "
                f"scikit-learn {manifest.environment.packages.get('scikit-learn', 'as it was')}"
            )
            raise DatasetError(message, hint=hint)


def read_samples(predictor: Predictor, table: "pa.Table") -> tuple[Floats, np.ndarray]:
    """Read samples with a predictor's columns and its target out of a table.

    Returns
    -------
    rows : ndarray of shape (n_samples, n_columns)
        As the predictor takes them; samples without a target are left out.
    y : ndarray of shape (n_samples,)
        Positions of the true classes, or numbers.

    Raises
    ------
    DatasetError
    """
    signature = predictor.signature
    choices = _choices(signature, list(table.column_names))
    target = read_target(table, choices.target, signature.output.task)
    plans = [ColumnPlan(name=column.name, kind=kind_of(column)) for column in signature.columns]
    frame = build_frame(table, plans, target.known)
    return encode_frame(signature.columns, frame), _positions(predictor, target)


def measure_table(predictor: Predictor, table: "pa.Table") -> tuple[Floats, np.ndarray, Evaluation]:
    """Measure every output of a predictor on a table that has its target.

    Parameters
    ----------
    predictor : Predictor
    table : pyarrow.Table

    Returns
    -------
    rows, y : ndarray
        See `read_samples`; of the first output.
    evaluation : Evaluation
        Of all of them.

    Raises
    ------
    DatasetError
    """
    parts = {part.signature.output.name: part for part in predictor.parts}
    samples = {name: read_samples(part, table) for name, part in parts.items()}
    figures = {name: evaluate_rows(part, *samples[name]) for name, part in parts.items()}
    return *next(iter(samples.values())), join_figures(figures)


def _positions(predictor: Predictor, target: Target) -> np.ndarray:
    """Return the target as the signature has it."""
    classes = predictor.signature.classes
    if not classes:
        return target.y
    place: dict[Any, int] = {label: k for k, label in enumerate(classes)}
    strange = [label for label in target.classes if label not in place]
    if strange:
        raise DatasetError(
            f"the target {target.name} has the class {strange[0]!r:.80}; expected one of "
            f"{', '.join(map(repr, classes[:10]))}"
        )
    positions: np.ndarray = np.array([place[label] for label in target.classes])[target.y]
    return positions
