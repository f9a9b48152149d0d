"""What there is to know of a bundle: the content of bundle.json.

Members are all required, all typed, and no others are taken. How they are written is said in
manifest_json.py.
"""

from collections.abc import Sequence
from math import isclose
from typing import Annotated, Literal

import msgspec

from iris_deploy.bundle.evaluation import Evaluation
from iris_deploy.bundle.provenance import Environment, Imported, Training
from iris_deploy.dumps.unpack import MAX_DUMP_BYTES
from iris_deploy.errors import BundleFormatError
from iris_deploy.runtimes import Runtime
from iris_deploy.runtimes.library import Library
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.outputs import Label, Task
from iris_deploy.schema.signature import Signature

MAX_ARTIFACTS = 8
"""Of a bundle. Each is read and hashed, one file as often as it is listed."""

Role = Literal["scaler", "transformer", "classifier", "regressor", "pipeline"]
"""What a file is for."""


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file of the bundle, listed in the order in which the estimators apply.

    Parameters
    ----------
    role : {'scaler', 'transformer', 'classifier', 'regressor', 'pipeline'}
    file : str
        Name inside the bundle's directory.
    path : tuple of str or int
        Keys and positions that lead to the estimator, in a file that holds several.
    size : int
        Bytes, as many as a dump may have.
    sha256 : str
        Of the file's bytes, hexadecimal.
    """

    role: Role
    file: str
    path: tuple[str | int, ...] = ()
    size: Annotated[int, msgspec.Meta(le=MAX_DUMP_BYTES)]
    sha256: str


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A recorded instance and its answer, replayed whenever the bundle is read.

    Parameters
    ----------
    instance : dict of str to float, str, bool or None
        A value for each column; None for one that is missing.
    prediction : str, int, bool, float or dict
        The class, or the number; of several outputs one by the name of each.
    scores : tuple of float
        In the order of the classes; none for a number. Of several outputs one after the other.
    """

    instance: dict[str, str | float | bool | None]
    prediction: Label | float | dict[str, Label | float]
    scores: tuple[float, ...]

    def agrees(self, prediction: object, scores: Sequence[float], *, exactly: bool) -> bool:
        """Tell whether an answer is the recorded one.

        Parameters
        ----------
        prediction : object
        scores : sequence of float
        exactly : bool
            To the last bit; else numbers may differ by what another processor makes of sums.
        """
        if exactly:
            return prediction == self.prediction and tuple(scores) == self.scores
        return (
            _is_same(prediction, self.prediction)
            and len(scores) == len(self.scores)
            and all(map(_is_close, scores, self.scores))
        )


def _is_same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return _is_close(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return [*a] == [*b] and all(map(_is_same, a.values(), b.values()))
    return a == b


def _is_close(a: float, b: float) -> bool:
    return isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of bundle.json.

    Parameters
    ----------
    format : int
        See the module's docstring.
    digest : str
        ``sha256:`` and 64 hexadecimal digits; empty before the manifest is written.
    model : str
    version : int
        The names of the two directories that hold the bundle.
    task : {'classification', 'regression'}
    runtime : {'numpy', 'scikit-learn'}
        What predicts: the numbers in the artifacts are enough, or scikit-learn loads them.
    library : Library or None
        What is asked of scikit-learn, if it predicts.
    signature : Signature
    adapter : Adapter or None
        Between the signature and the estimators.
    artifacts : tuple of Artifact
        `MAX_ARTIFACTS` at most.
    environment : Environment
    provenance : Training or Imported
    evaluation : Evaluation or None
        None where nobody has measured it.
    examples : tuple of Example
    """

    format: int
    digest: str
    model: str
    version: int
    task: Task
    runtime: Runtime
    library: Library | None = None
    signature: Signature
    adapter: Adapter | None = None
    artifacts: Annotated[tuple[Artifact, ...], msgspec.Meta(max_length=MAX_ARTIFACTS)]
    environment: Environment
    provenance: Training | Imported
    evaluation: Evaluation | None
    examples: Annotated[tuple[Example, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        if self.task != self.signature.output.task:
            raise ValueError(f"the task is {self.task}, but the output is not")
        if isinstance(self.provenance, Training) and self.evaluation is None:
            raise ValueError("it was trained, but not measured")
        if (self.runtime == "numpy") != (self.library is None):
            raise ValueError(f"the runtime is {self.runtime}, and the library is not as it needs")

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files beside the manifest."""
        own = self.library.code if self.library else ()
        return (*(each.file for each in self.artifacts), *(code.file for code in own))

    @property
    def predicted_by(self) -> str:
        """What predicts: NumPy, or a release of scikit-learn."""
        return self.library.release if self.library else self.runtime

    @property
    def figures(self) -> dict[str, float]:
        """Values of the metrics by name; none where nobody has measured it."""
        metrics = self.evaluation.metrics if self.evaluation else {}
        return {name: metric.value for name, metric in metrics.items()}

    @property
    def training(self) -> tuple[Training, Evaluation]:
        """How a bundle was trained here, and its figures.

        Raises
        ------
        BundleFormatError
            If it was imported.
        """
        if isinstance(self.provenance, Training) and self.evaluation is not None:
            return self.provenance, self.evaluation
        raise BundleFormatError(f"{self.model} version {self.version} was not trained here")
