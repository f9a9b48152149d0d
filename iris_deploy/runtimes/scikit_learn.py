"""scikit-learn as a kernel: estimators that were loaded, asked for labels and scores.

One row and many are theirs: so are the bits, which may hang on how many rows there are.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.family import Model
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.reading import with_threshold
from iris_deploy.estimators.several import join
from iris_deploy.kernels.protocol import DecideRow
from iris_deploy.kernels.scores import Rule, decide
from iris_deploy.runtimes.facts import Facts, describe
from iris_deploy.runtimes.library import Library
from iris_deploy.runtimes.tables import TableBuilder
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import Label
from iris_deploy.schema.problems import Problem, SignatureError
from iris_deploy.schema.signature import Signature

_SIZE = 1 << 40
"""Operations for a row: more than the loop of a server ever carries out itself."""

_SHOWN = 200
"""Characters of what scikit-learn says of values."""


@dataclass(frozen=True, slots=True)
class Following:
    """Scores that follow the position of the class in what a row is decided by.

    Parameters
    ----------
    are_probabilities : bool
    """

    are_probabilities: bool

    def scores(self, decision: Sequence[Any], _: Any) -> list[Any]:
        """Return one score a class."""
        return list(decision[1:])


class LibraryKernel:
    """Ask estimators; see `kernels.protocol.Kernel`.

    Parameters
    ----------
    estimators : sequence of object
        Transformers and what predicts, loaded.
    tables : TableBuilder
        Of rows what the first takes.
    facts : Facts
        Of the last, or of one of its outputs.
    column : int or None
        Which output; None where there is one.
    """

    is_batching = True
    size = _SIZE

    def __init__(
        self,
        estimators: Sequence[Any],
        tables: TableBuilder,
        facts: Facts,
        column: int | None = None,
    ) -> None:
        *self._transformers, self._last = estimators
        self._tables = tables
        self._column = column
        self._place = {label: k for k, label in enumerate(facts.classes)}
        self._n_classes = len(facts.classes)
        self.n_scores = 1 + self._n_classes
        self.rule: Rule = "named" if self._place else "none"
        names = ("predict_proba", "decision_function") if self._place else ()
        self.score_method = next((name for name in names if hasattr(self._last, name)), None)
        self._threads = threading.local()

    def build_row(self) -> DecideRow:
        """Return the function for one row."""

        def decide_row(x: Sequence[float]) -> tuple[int, tuple[float, ...]]:
            kind: Any = np.float64 if all(type(value) is float for value in x) else object
            row = np.empty((1, len(x)), kind)
            row[0, :] = x
            decision = self.columns(row)
            return int(decide(decision, self.rule)[0]), tuple(decision[:, 0].tolist())

        return decide_row

    def columns(self, rows: Floats) -> Floats:
        """Return for each row the position of its class and the scores; or the number."""
        if not len(rows):
            return np.empty((self.n_scores, 0))
        self._limit_threads()
        try:
            X = self._tables.build(rows)
            for transformer in self._transformers:
                X = transformer.transform(X)
            said = np.asarray(self._last.predict(X))
            scores = getattr(self._last, self.score_method)(X) if self.score_method else None
            if self._column is not None:
                said, scores = said[:, self._column], self._of_column(scores, self._column)
        except MemoryError:
            raise
        except Exception as exc:  # whatever it is, it is about these rows
            raise _refusal(str(exc).strip().partition("\n")[0]) from exc
        if said.size != len(rows):
            raise _refusal("it answers several labels of a row, or several numbers")
        if not self._place:
            return np.asarray(said, np.float64).reshape(1, len(rows))
        labels = said.reshape(len(rows)).tolist()
        position = np.array([self._place[_as_label(label)] for label in labels], np.float64)
        return np.vstack((position, self._by_class(position, scores)))

    def _of_column(self, scores: Any, k: int) -> Any:
        """Return the scores of one output; a chain has those of second classes alone."""
        if isinstance(scores, list):
            return scores[k]
        if scores is None or self._n_classes != 2:
            return None
        second = np.asarray(scores, np.float64)[:, k]
        first = 1 - second if self.score_method == "predict_proba" else -second
        return np.stack((first, second), axis=1)

    def _by_class(self, position: Floats, scores: Any) -> Floats:
        """Return one score a class, shape (n_classes, n_rows): 1 for the one, if there are none."""
        if scores is not None:
            scores = np.asarray(scores, np.float64)
            if scores.size == len(position) and self._n_classes == 2:
                scores = np.stack((-scores.ravel(), scores.ravel()), axis=1)
            if scores.shape == (len(position), self._n_classes):
                return np.asarray(scores.T)
        return np.asarray(position == np.arange(self._n_classes)[:, np.newaxis], np.float64)

    def _limit_threads(self) -> None:
        """Let each thread compute by itself: there are others, and a fork has none of a pool's."""
        if not getattr(self._threads, "limited", False):
            from threadpoolctl import threadpool_limits

            threadpool_limits(1)
            self._threads.limited = True


def _refusal(said: str) -> SignatureError:
    detail = f"scikit-learn cannot predict from these values: {said:.{_SHOWN}}"
    return SignatureError([Problem(None, None, detail)])


def _as_label(label: Any) -> Label:
    """Return a label as it is listed, where a class may be a float."""
    return int(label) if type(label) is float else label


def build_library_predictor(
    signature: Signature,
    adapter: Adapter | None,
    library: Library,
    estimators: Sequence[Any],
) -> Predictor:
    """Make a predictor of estimators that were loaded.

    Parameters
    ----------
    signature : Signature
    adapter : Adapter or None
    library : Library
    estimators : sequence of object
        Transformers in their order, then what predicts.

    Raises
    ------
    ArtifactError
        If they do not predict what the signature says.
    """
    adapter = adapter or Adapter()
    facts = describe(estimators[-1])
    parts, outputs = signature.parts, facts.outputs or (facts,)
    expected = [(part.output.task, len(part.classes)) for part in parts]
    if [(each.task, len(each.classes)) for each in outputs] != expected:
        raise ArtifactError(
            f"{type(estimators[-1]).__name__} predicts "
            f"{_listed([len(each.classes) for each in outputs])}; the signature has "
            f"{_listed([n_classes for _, n_classes in expected])}"
        )
    _work_alone(estimators)
    first = _first_of(estimators[0])
    tables = TableBuilder(
        signature.columns,
        adapter.feeds,
        frame=library.frame,
        knows_none=library.knows_none,
        takes_texts=hasattr(first, "build_analyzer") and library.frame is None,
        takes_records=hasattr(first, "vocabulary_") and hasattr(first, "separator"),
    )
    models = []
    for k, (own, part) in enumerate(zip(outputs, parts, strict=True)):
        kernel = LibraryKernel(estimators, tables, own, k if len(parts) > 1 else None)
        link = Following(kernel.score_method == "predict_proba") if own.classes else None
        model = Model(kernel=kernel, link=link)
        models.append(with_threshold(model, adapter.threshold, part.output))
    return join(signature, models)


def _listed(n_classes: Sequence[int]) -> str:
    """Say what outputs are, by how many classes they have."""
    return ", ".join(f"{n} classes" if n else "a number" for n in n_classes)


def _first_of(estimator: Any) -> Any:
    """Return what gets the columns: a vectorizer takes a list, of texts or of dicts."""
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[0][1]
    return estimator


def _work_alone(estimators: Sequence[Any]) -> None:
    """Keep estimators from starting threads and processes for each request."""
    for estimator in estimators:
        if hasattr(estimator, "get_params"):
            own = estimator.get_params()
            jobs = {name: None for name in own if name.rpartition("__")[2] == "n_jobs"}
            estimator.set_params(**jobs)
