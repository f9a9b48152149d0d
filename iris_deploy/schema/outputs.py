"""What a bundle answers: one of several classes, a number, or several of these by name."""

from typing import Literal

import msgspec

Task = Literal["classification", "regression"]

Label = str | int | bool
"""A class as clients get it: text, a whole number, or true and false."""


class ClassOutput(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="classes",
):
    """One of several classes.

    Parameters
    ----------
    name : str
        What is predicted, the target's name.
    classes : tuple of str, int or bool
        In the order of the classifier's scores.
    anomaly : str, int, bool or None
        The class of what is unlike the rest; None where that is not what is told apart.
    """

    name: str
    classes: tuple[Label, ...]
    anomaly: Label | None = None

    @property
    def task(self) -> Task:
        """What has a class as its answer."""
        return "classification"

    def __post_init__(self) -> None:
        if len(set(map(label_text, self.classes))) < max(len(self.classes), 2):
            raise ValueError("expected two classes at least, each once")
        if self.anomaly is not None and self.anomaly not in self.classes:
            raise ValueError(
                f"the class of anomalies, {self.anomaly!r:.40}, is none of the classes"
            )


class TargetSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What training saw of a target that is a number.

    Parameters
    ----------
    minimum, maximum, mean : float
        Over the training samples; in the output's unit.
    bin_edges : tuple of float
        Inner deciles of the target, ascending, without repetition.
    """

    minimum: float
    maximum: float
    mean: float
    bin_edges: tuple[float, ...]


class NumberOutput(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="number",
):
    """A number.

    Parameters
    ----------
    name : str
        What is predicted, the target's name.
    unit : str or None
    seen : TargetSeen or None
        None where nobody knows.
    """

    name: str
    unit: str | None
    seen: TargetSeen | None

    @property
    def task(self) -> Task:
        """What has a number as its answer."""
        return "regression"


OneOutput = ClassOutput | NumberOutput

MAX_OUTPUTS = 64
"""Of a bundle; the estimators are gone through once for each."""


class SeveralOutputs(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="several",
):
    """Several classes, or several numbers, each with a name.

    Parameters
    ----------
    outputs : tuple of ClassOutput or NumberOutput
        In the order in which the estimator has them; all of one task, each name once.
    """

    outputs: tuple[OneOutput, ...]

    @property
    def name(self) -> str:
        """What is predicted: the names of all."""
        return ", ".join(output.name for output in self.outputs)

    @property
    def task(self) -> Task:
        """What all have as their answers."""
        return self.outputs[0].task

    def __post_init__(self) -> None:
        names = {output.name for output in self.outputs}
        if not 2 <= len(self.outputs) == len(names) <= MAX_OUTPUTS:
            raise ValueError(f"expected 2 to {MAX_OUTPUTS} outputs, each name once")
        if len({output.task for output in self.outputs}) > 1:
            raise ValueError("expected outputs of one task")
        if any(isinstance(o, ClassOutput) and o.anomaly is not None for o in self.outputs):
            raise ValueError("an anomaly is no output among several")


Output = OneOutput | SeveralOutputs


def label_text(label: Label) -> str:
    """Write a class where only text can stand: as a key of JSON, in a metric, in a table."""
    return label if type(label) is str else msgspec.json.encode(label).decode()
