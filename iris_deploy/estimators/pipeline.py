"""Estimators of a bundle put together: pipelines opened up, transformers before a classifier."""

from collections.abc import Sequence

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.family import Classifier, Shape, Transformer
from iris_deploy.estimators.registry import find
from iris_deploy.kernels.links import Link
from iris_deploy.kernels.protocol import Kernel
from iris_deploy.kernels.steps import Step  # noqa: TC001 - loaded already

MAX_ESTIMATORS = 100
"""Far above any pipeline; one that holds itself has no end."""


def build_kernel(
    estimators: Sequence[Fitted], n_classes: int, n_features: int
) -> tuple[Kernel, Link | None]:
    """Translate fitted scalers and the classifier after them into a kernel.

    Parameters
    ----------
    estimators : sequence of Fitted
        In the order in which they apply; pipelines are opened up.
    n_classes : int
        How many classes the signature has.
    n_features : int
        How many features it has.

    Returns
    -------
    Kernel
        Steps and weights.
    {'logistic', 'softmax', 'modified_huber'} or None
        How decision values become probabilities; None where the classifier has none.

    Raises
    ------
    ArtifactError
        If an estimator is not fitted, is inconsistent, or is of no supported kind.
    """
    flat = _opened(estimators)
    *transformers, classifier = flat or [Fitted("nothing")]
    decides = find(classifier.name)
    if not isinstance(decides, Classifier):
        raise ArtifactError(
            f"expected a supported classifier as the last estimator, got {classifier.name}"
        )
    kernel, link = decides.read(classifier, Shape(n_classes, n_features))
    steps: list[Step] = []
    for transformer in transformers:
        changes = find(transformer.name)
        if not isinstance(changes, Transformer):
            raise ArtifactError(
                f"expected a supported scaler before the classifier, got {transformer.name}"
            )
        steps += changes.read(transformer, n_features)
    return kernel.after(steps), link


def _opened(estimators: Sequence[Fitted]) -> list[Fitted]:
    """Return the estimators with all pipelines opened up."""
    flat: list[Fitted] = []
    waiting: list[object] = list(reversed(estimators))
    for _ in range(MAX_ESTIMATORS):
        if not waiting:
            return flat
        match waiting.pop():
            case Fitted(name="sklearn.pipeline.Pipeline", state={"steps": list(steps)}):
                if len(steps) > MAX_ESTIMATORS:
                    break
                if not all(isinstance(step, tuple) and len(step) == 2 for step in steps):
                    raise ArtifactError("a Pipeline of the dump has steps that are no pairs")
                waiting += [estimator for _, estimator in reversed(steps)]
            case Fitted() as estimator:
                flat.append(estimator)
            case None | str("passthrough"):
                pass
            case other:
                kind = type(other).__name__
                raise ArtifactError(
                    f"expected estimators and 'passthrough' in the Pipeline, got a {kind}"
                )
    raise ArtifactError(f"expected at most {MAX_ESTIMATORS} estimators, pipelines opened up")
