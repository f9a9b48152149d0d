"""The gate: an accuracy below which a bundle goes no further."""

from iris_deploy.bundle.manifest import Evaluation
from iris_deploy.errors import GateError


def check_gate(evaluation: Evaluation, min_accuracy: float | None, *, what_then: str = "") -> None:
    """Refuse an accuracy below the one that was asked for.

    Parameters
    ----------
    evaluation : Evaluation
    min_accuracy : float or None
        None to let everything pass.
    what_then : str
        What did not happen because of it.

    Raises
    ------
    GateError
    """
    if min_accuracy is not None and evaluation.accuracy < min_accuracy:
        raise GateError(
            f"accuracy {evaluation.accuracy:.4f} ({evaluation.correct} of {evaluation.total}) "
            f"is below the gate of {min_accuracy:.4f}{what_then}",
            hint="train with other settings, or lower `min_accuracy`",
        )
