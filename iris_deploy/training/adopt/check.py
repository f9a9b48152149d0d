"""Answers of an imported bundle beside those of the scikit-learn that is installed, or recorded."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iris_deploy.bundle.provenance import Check
from iris_deploy.errors import ArtifactError, DatasetError
from iris_deploy.estimators.booster_facts import facts_of
from iris_deploy.estimators.discovery import (
    find_fields,
    find_names,
    first_of,
    knows_none,
    last_of,
    takes_text,
)
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.runtimes.tables import TableBuilder
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn, TextColumn
from iris_deploy.schema.outputs import ClassOutput
from iris_deploy.training.adopt.given import Given
from iris_deploy.training.adopt.samples import as_values
from iris_deploy.training.sources.files import read_table

if TYPE_CHECKING:
    import pyarrow as pa

_TOLERANCE = 1e-6
"""Largest difference of scores and numbers, in relation to the largest of them."""

_MINUTES = 10
_SHOWN = 800  # characters of what a child says


@dataclass(frozen=True, eq=False)
class Asking:
    """What scikit-learn is asked with.

    Parameters
    ----------
    paths : mapping of str to Path
        Where the files are, by name.
    given : Given
    columns : tuple of Column
        That the first estimator takes, in its order.
    adapter : Adapter or None
        How rows feed them.
    """

    paths: Mapping[str, Path]
    given: Given
    columns: tuple[Column, ...]
    adapter: Adapter | None

    def values(self, fields: Sequence[Column], rows: Floats) -> list[list[Any]]:
        """Return the values of the columns, from those of fields; None for what is missing."""
        feeds = self.adapter.feeds if self.adapter else ()
        tables = TableBuilder(fields, feeds, frame=None, knows_none=True, takes_texts=False)
        return [[None if v != v else v for v in own.tolist()] for own in tables.columns(rows)]


def check_against_library(asking: Asking, predictor: Predictor, rows: Floats) -> Check:
    """Let scikit-learn load the files in a process of its own, and compare answers.

    Parameters
    ----------
    asking : Asking
    predictor : Predictor
    rows : ndarray of shape (n_rows, n_columns)

    Raises
    ------
    ArtifactError
        If it cannot load them, or answers otherwise.
    """
    columns, steps = asking.columns, asking.given.steps
    text = [not isinstance(c, NumberColumn) and _is_text(c) for c in columns]
    values = asking.values(predictor.signature.columns, rows)
    by_category = facts_of(last_of(steps[-1].record)) is not None  # pandas' own, of data frames
    asked = {
        "steps": [
            {"file": str(asking.paths[step.file].resolve()), "path": step.path} for step in steps
        ],
        "columns": [
            {
                "name": column.name,
                "text": is_text,
                "values": own,
                "categories": column.categories
                if by_category and isinstance(column, CategoryColumn)
                else (),
            }
            for column, is_text, own in zip(columns, text, values, strict=True)
        ],
        "none": knows_none([step.record for step in steps]),
        "listed": takes_text(first_of(steps[0].record)),
        "fields": find_fields(steps[0].record),
        "framed": any(text) or by_category or find_names(steps[0].record) is not None,
        "outputs": [_describe_output(part) for part in predictor.parts],
    }
    package = "xgboost or lightgbm" if by_category else "scikit-learn"
    answer = _ask(asked, f"the {package} that is installed")
    against = str(answer["against"])
    checks = [
        _compare(part, rows, np.array(own["outcomes"]), own["scores"], against)
        for part, own in zip(predictor.parts, answer["outputs"], strict=True)
    ]
    return _least(checks)


def _describe_output(part: Predictor) -> dict[str, Any]:
    is_likely = part.score_name == "probabilities"
    return {
        "anomalies": part.signature.anomaly is not None,
        "classes": len(part.signature.classes),
        "score": "predict_proba" if is_likely else "decision_function",
    }


def _is_text(column: CategoryColumn | TextColumn) -> bool:
    return isinstance(column, TextColumn) or column.is_text


def _ask(asked: dict[str, Any], against: str) -> dict[str, Any]:
    """Run the child, which runs what is in the files."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "iris_deploy.training.adopt.child"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_MINUTES * 60,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ArtifactError(f"{against} did not answer within {_MINUTES} minutes") from exc
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2][:_SHOWN] or f"exit code {done.returncode}"
        raise ArtifactError(
            f"{against} cannot load these files, or predict with them: {said}",
            hint="install the release that wrote them, or compare with answers that you have "
            "recorded, with `expect`",
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def check_against_recorded(predictor: Predictor, rows: Floats, path: Path) -> Check:
    """Compare answers with those that a file has for the rows of the sample.

    Parameters
    ----------
    predictor : Predictor
    rows : ndarray of shape (n_rows, n_columns)
    path : Path
        A table with a column named as the target or ``prediction``, or with one column alone.

    Raises
    ------
    ArtifactError
        If one is another.
    DatasetError
        If there are more or fewer, or a label that no class has.
    """
    table = read_table(path, least=1)
    parts = predictor.parts
    return _least([_against_column(p, rows, path, table, alone=len(parts) == 1) for p in parts])


def _least(checks: Sequence[Check]) -> Check:
    """Return the one of checks of several outputs that agrees least."""
    return max(checks, key=lambda check: check.difference)


def _against_column(
    predictor: Predictor, rows: Floats, path: Path, table: "pa.Table", *, alone: bool
) -> Check:
    """Compare one output with a column of a table."""
    names = table.column_names
    output = predictor.signature.output
    others = (output.name, "prediction") if alone else (output.name,)
    name = next((n for n in others if n in names), names[0])
    if name not in others and (len(names) > 1 or not alone):
        raise DatasetError(
            f"{path} has no column {' or '.join(others)}; it has {', '.join(names[:20])}"
        )
    answers = table.column(name).to_pylist()
    if len(answers) != len(rows):
        raise DatasetError(
            f"{path} has {len(answers):,} answers; expected one for each of the sample's "
            f"{len(rows):,} rows"
        )
    if not isinstance(output, ClassOutput):
        if not all(isinstance(a, (int, float)) for a in answers):
            raise DatasetError(f"{path}: column {name} holds more than numbers")
        return _compare(predictor, rows, np.array(answers, float), [], path.name)
    place: dict[Any, int] = {label: k for k, label in enumerate(output.classes)}
    strange = [a for a in answers if a not in place]
    if strange:
        raise DatasetError(
            f"{path} has the class {strange[0]!r:.80}; expected one of "
            f"{', '.join(map(repr, output.classes[:10]))}"
        )
    return _compare(predictor, rows, np.array([place[a] for a in answers]), [], path.name)


def _compare(
    predictor: Predictor,
    rows: Floats,
    outcomes: np.ndarray,
    scores: Sequence[Any],
    against: str,
) -> Check:
    """Compare answers; labels have to be the same, scores and numbers nearly."""
    own = predictor.predict(rows)
    if isinstance(predictor.signature.output, ClassOutput):
        differing = own.outcomes != outcomes
        figures, theirs = own.scores, np.array(scores, float)
        if theirs.ndim == 1 and len(theirs):
            theirs = np.stack([-theirs, theirs], axis=1)
        if theirs.shape != figures.shape:
            figures = theirs = np.zeros((0, 1))
    else:
        figures, theirs = own.outcomes, outcomes
        differing = np.abs(figures - theirs) > _TOLERANCE * _largest(theirs)
    difference = float(np.abs(figures - theirs).max(initial=0.0)) / _largest(theirs)
    if differing.any() or not difference <= _TOLERANCE:
        k = int(np.argmax(differing)) if differing.any() else 0
        values = [values[k] for values in as_values(predictor.signature.columns, rows)]
        row = dict(zip(predictor.signature.names, values, strict=True))
        raise ArtifactError(
            f"{against} answers otherwise for {int(differing.sum()):,} of {len(rows):,} rows, and "
            f"scores differ by {difference:.2g}; the first is {str(row)[:300]}",
            hint="are the files in the order in which they apply, and the columns in the order in "
            "which they were fitted?",
        )
    return Check(against=against, rows=len(rows), difference=difference)


def _largest(figures: np.ndarray) -> float:
    return max(float(np.abs(figures).max(initial=0.0)), 1e-300)
