"""Pipelines compared by cross-validation, beside one that always says the same."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, mean_absolute_error
from sklearn.model_selection import KFold, StratifiedKFold

from iris_deploy.clusters.dask import check_modules, connect
from iris_deploy.errors import (
    ClusterError,
    DatasetError,
    IrisDeployError,
    TrainingError,
    first_line,
)

BASELINE = "baseline"

Tell = Callable[[str, int, int], None]
"""Gets the name of what is fitted, how many fits are done, and how many there are."""


@dataclass(frozen=True, eq=False)
class Score:
    """How one candidate did.

    Parameters
    ----------
    name : str
    values : tuple of float
        Of each fold: accuracy for classes, mean absolute error for a number.
    """

    name: str
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the folds."""
        return float(np.mean(self.values))

    @property
    def spread(self) -> float:
        """Standard deviation over the folds."""
        return float(np.std(self.values))


def compare(
    pipelines: Mapping[str, Any],
    frame: Any,
    labels: np.ndarray,
    *,
    task: str,
    folds: int,
    random_state: int,
    tell: Tell,
    scheduler: str | None = None,
) -> list[Score]:
    """Fit each pipeline on folds of the training samples, and measure it on the rest.

    Parameters
    ----------
    pipelines : mapping of str to Pipeline
        Not fitted; they stay so.
    frame : DataFrame
    labels : ndarray of shape (n_samples,)
    task : {'classification', 'regression'}
    folds : int
    random_state : int
        Seed of the folds.
    tell : callable
        Gets to know how far it is.
    scheduler : str or None
        Address of a scheduler of Dask, whose workers fit; None for this machine.

    Returns
    -------
    list of Score
        In the order of the pipelines; the baseline last.

    Raises
    ------
    DatasetError
        If there are fewer samples than folds.
    TrainingError
        If a pipeline cannot be fitted.
    """
    classes = task == "classification"
    splitter = (StratifiedKFold if classes else KFold)(
        n_splits=folds, shuffle=True, random_state=random_state
    )
    rarest = int(np.unique(labels, return_counts=True)[1].min()) if classes else len(labels)
    if rarest < folds:
        what = f"a class of {rarest}" if classes else f"{rarest}"
        raise DatasetError(
            f"{what} samples to fit cannot be cut into {folds} folds",
            hint="choose fewer with `cv`, or leave the smallest classes out",
        )
    cuts = list(splitter.split(np.zeros(len(labels)), labels))
    dummy = (
        DummyClassifier(strategy="most_frequent") if classes else DummyRegressor(strategy="median")
    )
    measure = accuracy_score if classes else mean_absolute_error
    everything = {**pipelines, BASELINE: dummy}
    total, done, scores = folds * len(everything), 0, []
    with _fitting_on(scheduler, everything.values()):
        fits = Parallel(return_as="generator")(
            delayed(_measure)(pipeline, frame, labels, cut, measure, name, scheduler)
            for name, pipeline in everything.items()
            for cut in cuts
        )
        for name in everything:
            values = []
            for _ in cuts:
                tell(name, done, total)
                values.append(next(fits))
                done += 1
            scores.append(Score(name, tuple(values)))
    tell("", total, total)
    return scores


def _measure(
    pipeline: Any,
    frame: Any,
    labels: np.ndarray,
    cut: tuple[np.ndarray, np.ndarray],
    measure: Callable[..., float],
    name: str,
    scheduler: str | None,
) -> float:
    """Fit a pipeline on one part of the samples, and measure it on the other."""
    fit, test = cut
    # What a pipeline does side by side would be sent on through the cluster, and is lost at times.
    within = parallel_config("sequential") if scheduler else nullcontext()
    with within:
        fitted = fit_pipeline(clone(pipeline), frame.iloc[fit], labels[fit], name)
        return float(measure(labels[test], fitted.predict(frame.iloc[test])))


@contextmanager
def _fitting_on(scheduler: str | None, pipelines: Iterable[Any]) -> Iterator[None]:
    """Have the workers of a Dask cluster fit what joblib runs, in the block.

    Parameters
    ----------
    scheduler : str or None
        Its address; None for this machine.
    pipelines : iterable of Pipeline
        That are to be fitted.

    Raises
    ------
    ClusterError
        If it is not there, or cannot be used.
    """
    if scheduler is None:
        yield
        return
    client = connect(scheduler)
    try:
        check_modules(client, {name for each in pipelines for name in _modules(each)})
        with parallel_config("dask", client=client):
            yield
    except IrisDeployError:
        raise
    except Exception as exc:  # what Dask raises, and what is missing on a worker
        raise ClusterError(
            f"the cluster has given up: {first_line(exc, 200)}",
            hint="do its workers have what is fitted, and memory enough?",
        ) from exc
    finally:
        client.close()


def _modules(pipeline: Any) -> Iterator[str]:
    """Yield the modules of all that a pipeline is made of."""
    for each in (pipeline, *pipeline.get_params().values()):
        yield getattr(each, "__module__", None) or type(each).__module__


def best_of(scores: Sequence[Score], task: str) -> Score:
    """Return the best but for the baseline; the first of equals."""
    sign = 1.0 if task == "classification" else -1.0
    return max(
        (score for score in scores if score.name != BASELINE), key=lambda score: sign * score.mean
    )


def fit_pipeline(pipeline: Any, frame: Any, labels: np.ndarray, name: str) -> Any:
    """Fit a pipeline.

    Raises
    ------
    TrainingError
        In the words of what cannot be fitted.
    """
    with warnings.catch_warnings():
        # Stopping early is what was asked for; the figures tell how well it went.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        try:
            return pipeline.fit(frame, labels)
        except (ValueError, TypeError, FloatingPointError) as exc:
            raise TrainingError(
                f"{name} cannot be fitted: {first_line(exc, 300)}",
                hint="change the data, `set` a parameter, or choose another `estimator`",
            ) from exc
