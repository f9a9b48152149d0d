"""Estimators of a bundle put together: transformers in their order, then what predicts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.adapting import adapt
from iris_deploy.estimators.family import Composite, Model, Predicting, Transformer
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.registry import find
from iris_deploy.kernels.thresholds import Cut
from iris_deploy.schema.adapter import Adapter, Threshold
from iris_deploy.schema.outputs import ClassOutput, Output
from iris_deploy.schema.signature import Signature

MAX_ESTIMATORS = 100
"""Far above any pipeline; one that holds itself has no end."""

MAX_MODELS = 2000
"""Estimators that predict, those in ensembles among them."""

MAX_BLOCKS_READ = 1 << 18
"""Blocks of features that all estimators together go through."""

MAX_FEATURES_READ = 1 << 22
"""That transformers make, all together: a vocabulary of a million words four times."""

MAX_DEPTH = 20
"""Estimators within one another."""


def build_model(
    estimators: Sequence[Fitted], signature: Signature, adapter: Adapter | None = None
) -> Model:
    """Translate fitted estimators into arithmetic on rows.

    Parameters
    ----------
    estimators : sequence of Fitted
        In the order in which they apply; pipelines are opened up.
    signature : Signature
    adapter : Adapter or None
        Between the signature and the estimators.

    Returns
    -------
    Model

    Raises
    ------
    ArtifactError
        If an estimator is not fitted, is inconsistent, or is of no supported kind.
    """
    reading = Reader()
    adapter = adapter or Adapter()
    features = adapt(signature.columns, adapter.feeds)
    *transformers, last = estimators or [Fitted("nothing")]
    for transformer in transformers:
        features = reading.transform(transformer, features)
    model = reading.predict(last, features, signature.output)
    return with_threshold(model, adapter.threshold, signature.output)


def with_threshold(model: Model, threshold: Threshold | None, output: Output) -> Model:
    """Return a model that predicts a class of two from some score on, if there is a threshold.

    Raises
    ------
    ArtifactError
        If there are not two classes, or it is about another.
    """
    if threshold is None:
        return model
    classes = output.classes if isinstance(output, ClassOutput) else ()
    if len(classes) != 2 or threshold.positive not in classes:
        raise ArtifactError(
            f"a threshold of {threshold.positive!r:.80} needs two classes, one of which it is; got "
            f"{', '.join(map(str, classes[:10])) or 'a number'}"
        )
    return replace(model, cut=Cut(classes.index(threshold.positive), threshold.value, model.link))


class Reader:
    """Carries estimators out on features, so many at most; see `family.Reading`."""

    def __init__(self) -> None:
        self._left = MAX_ESTIMATORS
        self._models_left = MAX_MODELS
        self._blocks_left = MAX_BLOCKS_READ
        self._features_left = MAX_FEATURES_READ
        self._depth = 0

    def transform(self, record: Fitted, features: Features) -> Features:
        """Carry a transformer out."""
        part = find(record.name)
        transform = part.read if isinstance(part, Transformer) else None
        if isinstance(part, (Composite, Predicting)):
            transform = part.transform
        if transform is None:
            raise ArtifactError(
                f"expected a supported transformer before the last estimator, got {record.name}"
            )
        with self._within(features):
            made = transform(record, features, self)
        if isinstance(part, Transformer):
            self._features_left -= made.width
        if self._features_left < 0:
            raise ArtifactError("the transformers of the dump make too many features, all together")
        return made

    def predict(self, record: Fitted, features: Features, output: Output) -> Model:
        """Return what a classifier or a regressor does."""
        part = find(record.name)
        if isinstance(part, Composite):
            with self._within(features):
                return part.predict(record, features, output, self)
        if not isinstance(part, Predicting) or part.task not in {None, output.task}:
            kind = "classifier" if output.task == "classification" else "regressor"
            raise ArtifactError(
                f"expected a supported {kind} as the last estimator, got {record.name}"
            )
        if not features.width:  # as one-hot encoding leaves it of categories that are dropped
            raise ArtifactError(f"{record.name} gets no features")
        with self._within(features, predicts=True):
            return part.read(record, features, output, self)

    @contextmanager
    def _within(self, features: Features, *, predicts: bool = False) -> Iterator[None]:
        """Count an estimator, what it goes through, and how deep it is within others."""
        self._blocks_left -= len(features.transform.blocks)
        if self._blocks_left < 0:
            raise ArtifactError("the estimators of the dump have too many features to go through")
        self._left -= not predicts
        self._models_left -= predicts
        self._depth += 1
        if min(self._left, self._models_left) < 0 or self._depth > MAX_DEPTH:
            raise ArtifactError(
                f"expected at most {MAX_ESTIMATORS} estimators, pipelines opened up, "
                f"{MAX_MODELS} that predict, and {MAX_DEPTH} within one another"
            )
        yield
        self._depth -= 1
