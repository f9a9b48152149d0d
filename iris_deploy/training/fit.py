"""From a dataset to a bundle: fit, dump, read the dumps back, measure, write.

A bundle is written only after its own predictor, built from the bytes that are about to be written,
has given scikit-learn's label for every sample of the dataset.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from iris_deploy.bundle.bundle import Bundle, read_bundle
from iris_deploy.bundle.manifest import Example, Manifest
from iris_deploy.bundle.manifest_json import FORMAT
from iris_deploy.bundle.provenance import Split, Training
from iris_deploy.bundle.repository import Repository
from iris_deploy.errors import TrainingError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.schema.columns import NumberColumn
from iris_deploy.schema.outputs import ClassOutput
from iris_deploy.schema.signature import Signature
from iris_deploy.training.artifacts import (
    build_artifact,
    describe_environment,
    describe_estimator,
    dump_estimator,
)
from iris_deploy.training.classifiers import choose_classifier, choose_parameters
from iris_deploy.training.dataset import Dataset, Samples, split_dataset
from iris_deploy.training.evaluation import evaluate_classes
from iris_deploy.training.frames import see_numbers
from iris_deploy.training.settings import TrainSettings
from iris_deploy.training.sources.datasets import load_dataset


def train(settings: TrainSettings, repository: Repository, model: str | None = None) -> Bundle:
    """Fit a scaler and a classifier, and write them as the next version of a model.

    Parameters
    ----------
    settings : TrainSettings
    repository : Repository
        Where to write.
    model : str, optional
        Name of the model; the dataset's own if left out.

    Returns
    -------
    Bundle
        Read back from the disk and verified.

    Raises
    ------
    SettingsError
        If a setting does not belong to the classifier.
    DatasetError, TrainingError
        If the data cannot be split or fitted.
    BundleError
        If the bundle cannot be written.
    """
    choice = choose_classifier(settings.classifier)
    classifier = choice.build(
        random_state=settings.random_state, **choose_parameters(settings, choice)
    )
    dataset = load_dataset(settings.dataset)
    samples = split_dataset(dataset, settings.test_size, settings.random_state)
    scaler = StandardScaler().fit(samples.X_train)
    _fit(classifier, scaler.transform(samples.X_train), samples.y_train)
    scaler_file = f"sc_{dataset.model}_{dataset.subset}.pkl"
    classifier_file = f"{choice.prefix}_{dataset.model}.pkl"
    dumps = {scaler_file: dump_estimator(scaler), classifier_file: dump_estimator(classifier)}
    signature = Signature(
        columns=_columns(dataset, samples),
        output=ClassOutput(name=dataset.target, classes=dataset.classes),
    )
    predictor = Predictor(signature, [read_estimator(data) for data in dumps.values()])
    _check_same(predictor, lambda X: classifier.predict(scaler.transform(X)), dataset.X)
    manifest = Manifest(
        format=FORMAT,
        digest="",
        model=model or dataset.model,
        version=0,
        task="classification",
        runtime="numpy",
        signature=signature,
        artifacts=(
            build_artifact("scaler", scaler_file, dumps),
            build_artifact("classifier", classifier_file, dumps),
        ),
        environment=describe_environment(),
        provenance=_training(dataset, samples, settings, scaler, classifier),
        evaluation=evaluate_classes(predictor, samples.X_test, samples.y_test),
        examples=_examples(predictor, samples),
    )
    return read_bundle(repository.write(manifest, dumps))


def _training(
    dataset: Dataset, samples: Samples, settings: TrainSettings, *estimators: Any
) -> Training:
    """Record where the estimators come from."""
    return Training(
        dataset=dataset.name,
        dataset_digest=dataset.digest(),
        split=Split(
            test_size=settings.test_size,
            random_state=settings.random_state,
            train_samples=len(samples.y_train),
            test_samples=len(samples.y_test),
            test_digest=samples.test_digest,
        ),
        estimators=tuple(map(describe_estimator, estimators)),
    )


def _fit(classifier: Any, X: np.ndarray, y: np.ndarray) -> None:
    with warnings.catch_warnings():
        # Stopping after max_iter passes is what was asked for; the figures tell how well it went.
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            classifier.fit(X, y)
        except (ValueError, FloatingPointError) as exc:
            raise TrainingError(
                f"{type(classifier).__name__} cannot be fitted: {exc}",
                hint="change the data or the settings",
            ) from exc


def _columns(dataset: Dataset, samples: Samples) -> tuple[NumberColumn, ...]:
    """Describe the training samples of each column."""
    return tuple(
        NumberColumn(name=name, missing=False, unit=unit, boolean=False, seen=see_numbers(column))
        for (name, unit), column in zip(dataset.columns, samples.X_train.T, strict=True)
    )


def _examples(predictor: Predictor, samples: Samples) -> tuple[Example, ...]:
    """Record the answer for the first held-out sample of each class."""
    examples = []
    for k in range(len(predictor.signature.classes)):
        row = samples.X_test[int(np.argmax(samples.y_test == k))].tolist()
        prediction, scores = predictor.score(row)
        instance = dict(zip(predictor.signature.names, row, strict=True))
        examples.append(Example(instance=instance, prediction=prediction, scores=scores))
    return tuple(examples)


def _check_same(
    predictor: Predictor, predict: Callable[[np.ndarray], np.ndarray], X: np.ndarray
) -> None:
    """Compare the predictor with scikit-learn before anything is written."""
    differing = int((predictor.predict(X).outcomes != predict(X)).sum())
    if differing:
        raise TrainingError(
            f"the predictor gives another label than scikit-learn for {differing} of {len(X)} "
            "samples; expected none",
            hint="please report this with the settings; nothing was written",
        )
