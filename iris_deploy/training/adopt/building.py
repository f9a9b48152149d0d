"""Estimators of files to a predictor: as the families read them, or as scikit-learn loads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.discovery import find_names, knows_none
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.runtimes.library import Library
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.columns import Column
from iris_deploy.schema.outputs import Output
from iris_deploy.training.adopt.given import Given
from iris_deploy.training.loaded import LoadedFiles, LoadedModel
from iris_deploy.training.widest import build_widest


def load_estimators(given: Given, loaded: LoadedFiles) -> list[Any]:
    """Return the estimators as scikit-learn loads them, which runs what is in the files."""
    return [loaded.estimator(s.file, given.data[s.file], s.path) for s in given.steps]


def describe_library(given: Given, loaded: LoadedFiles, columns: Sequence[Column]) -> Library:
    """Say what it takes to load the files again; see `LoadedFiles.describe`."""
    is_framed = find_names(given.records[0]) is not None
    frame = [column.name for column in columns] if is_framed else None
    return loaded.describe(frame, knows_none=knows_none(given.records))


@dataclass(frozen=True, eq=False)
class Building:
    """Estimators, what they predict, and what is before them.

    Parameters
    ----------
    given : Given
    output : Output
    adapter : Adapter or None
    library : Library or None
        None where the families read the files.
    estimators : sequence of object
        As scikit-learn loads them, if it is to predict.
    """

    given: Given
    output: Output
    adapter: Adapter | None
    library: Library | None
    estimators: Sequence[Any]

    def build(self, fields: Sequence[Column]) -> Predictor:
        """Build the predictor of fields that clients send.

        Raises
        ------
        ArtifactError
            If the estimators do not fit together, or do not fit the fields.
        """
        if self.library is not None:
            model = LoadedModel(self.estimators, self.output, self.adapter, self.library)
            return model.build(fields)
        try:
            return build_widest(fields, self.output, self.given.records, self.adapter)
        except ArtifactError as exc:
            chain = ", then ".join(step.what for step in self.given.steps)
            raise ArtifactError(
                f"the files do not fit together, or hold what is not supported: {exc} ({chain})",
                hint=exc.hint
                or "name the files in the order in which they apply; or let "
                "scikit-learn itself predict, with `runtime` scikit-learn",
            ) from exc
