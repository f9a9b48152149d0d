"""``python -m benchmarks.families``: each family's predictor beside the package that fitted it.

Writes the figures to benchmarks/results/families.json, and docs/families.md anew from them and
from what the families declare. ``--classes`` measures some of them and keeps the others' figures;
``--page`` measures nothing.
"""

import argparse
import sys
import time
import timeit
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.family_models import TABLES, Model, build
from benchmarks.family_page import (
    FIGURES,
    MANY,
    PAGE,
    Figures,
    Measured,
    estimators,
    read_figures,
    render,
    times_as_quick,
)
from benchmarks.machine import describe
from iris_deploy.estimators.family import Estimator

SHORTEST = 0.02
"""Seconds that are timed at once: a call that takes less is made several times."""

N_SINGLE = 20
"""Different rows that are asked one by one."""

PACKAGES = ("sklearn", "xgboost", "lightgbm", "numpy", "scipy", "pandas")

FEW = 1000
SLOW = (
    *("SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM"),
    *("KNeighborsClassifier", "KNeighborsRegressor"),
    *("LocalOutlierFactor", "RadiusNeighborsClassifier", "RadiusNeighborsRegressor"),
)
N_SLOW = 10_000
"""Rows, instead of many, of those that compare each with samples of training, and of texts."""


def largest(name: str) -> int:
    """Return how many rows a class is asked about at most."""
    is_text = name in TABLES and TABLES[name](1, 0).columns[0] == "text"
    return N_SLOW if name in SLOW or is_text else MANY


def seconds(function: Callable[[], object]) -> float:
    """Time one call, as the mean of as many as take a while."""
    once = timeit.timeit(function, number=1)
    number = max(int(SHORTEST / max(once, 1e-7)), 1)
    return once if number == 1 else timeit.timeit(function, number=number) / number


def pairs(model: Model, n_rows: int) -> Iterator[tuple[str, Callable[[], object], Any]]:
    """Yield ours and theirs for each number of rows, after their answers were compared."""
    predictor, predict = model.predictor, model.predict
    asked = predictor.values if predictor.signature.classes else predictor.outcomes
    given, rows = model.table(FEW)
    found, expected = asked(rows), np.asarray(predict(given))
    if predictor.signature.classes:
        agree = found == expected.tolist()
    else:
        agree = np.allclose(found, expected, rtol=1e-6)
    if not agree:
        raise ValueError("the predictor answers otherwise")
    single = [tuple(row) for row in rows[:N_SINGLE].tolist()]
    alone = [given[k : k + 1] for k in range(N_SINGLE)]

    def ours() -> None:
        for row in single:
            predictor.value(row)

    def theirs() -> None:
        for each in alone:
            predict(each)

    yield "one", ours, theirs
    yield "few", lambda: asked(rows), lambda: predict(given)
    more, many = model.table(n_rows)
    yield "many", lambda: asked(many), lambda: predict(more)


def measure(part: Estimator, rounds: int) -> Measured:
    """Time the predictor and the estimator in turns, a round that does not count ahead."""
    n_rows = largest(part.name.rpartition(".")[2])
    ready = [*pairs(build(part), n_rows)]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in ready}
    for number in range(-1, rounds):
        for name, ours, theirs in ready:
            divisor = N_SINGLE if name == "one" else 1
            pair = tuple(float(f"{seconds(f) / divisor:.4g}") for f in (ours, theirs))
            if number >= 0:
                found[name].append((pair[0], pair[1]))
    return Measured(
        date=time.strftime("%Y-%m-%d"),
        n_rows=n_rows,
        one=found["one"],
        few=found["few"],
        many=found["many"],
    )


def missed(figures: Figures) -> Iterator[str]:
    """Say which class is slower than is meant."""
    for name, of in figures.families.items():
        short = name.rpartition(".")[2]
        least = 1.0 if short in SLOW else 20.0
        most = 1.2 if short in {"MLPClassifier", "PCA"} else 1.5
        one, many = times_as_quick(of.one), 1.0 / times_as_quick(of.many)
        if one < least:
            yield f"{name}: one row {one:.1f} times as quick; {least:.0f} are meant"
        if many > most:
            yield f"{name}: {of.n_rows:,} rows take {many:.2f} times as long; {most} are meant"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.families", description=__doc__)
    parser.add_argument("--classes", default="", help="names without modules; default: all")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--page", action="store_true", help="write the page anew, measure nothing")
    return parser.parse_args()


def main() -> None:
    """Measure, keep the figures, write the page, and tell what misses its goal."""
    given = arguments()
    figures = read_figures()
    if not given.page:
        figures = measure_all(figures, set(filter(None, given.classes.split(","))), given.rounds)
    PAGE.write_text(render(figures))
    for line in missed(figures):
        print(line)


def measure_all(figures: Figures, chosen: set[str], rounds: int) -> Figures:
    """Measure some classes or all, and keep their figures among those of the others."""
    warnings.simplefilter("ignore")
    versions = {name: import_module(name).__version__ for name in PACKAGES}
    parts = {part.name: part for part in estimators()}
    families = {name: of for name, of in figures.families.items() if name in parts}
    for name, part in parts.items():
        if not chosen or name.rpartition(".")[2] in chosen:
            print(name, file=sys.stderr)
            with threadpool_limits(1):
                families[name] = measure(part, rounds)
            ordered = dict(sorted(families.items()))
            figures = Figures(machine=describe(), versions=versions, families=ordered)
            FIGURES.write_text(figures.json())
    return figures


if __name__ == "__main__":
    main()
