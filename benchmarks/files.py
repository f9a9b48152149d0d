"""``python -m benchmarks.files``: files scored, beside pandas, polars and duckdb.

Each is a process of its own, from its start to the whole output, all in turn in every round. What
is quoted is the median of the rounds' ratios; memory is the most that the processes of one had
together. Answers are compared before anything is timed.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from benchmarks.environments import Environment
from benchmarks.machine import describe
from benchmarks.measure import Record, Sample, number, quartiles, ratios
from benchmarks.peer import PEERS, Peer
from benchmarks.processes import Tree
from benchmarks.traffic import Request
from tests.clusters import dask_cluster

CASES = ("parquet", "csv", "forest", "memory", "dask")
OURS = "iris-deploy"
CLASSES = ("setosa", "versicolor", "virginica")
EVERY = 0.1  # s between two looks at memory
MOST_UNLIKE = 1e-5  # share of rows in which sums in another order may round to another class


def unasked(*_: object) -> Request:
    """Stand where a server would have its requests."""
    raise NotImplementedError


PEER = Peer(
    name="files",
    packages=("scikit-learn", "pandas", "pyarrow", "polars", "duckdb"),
    how="programs of a few lines, as people write them",
    command=(),
    one=unasked,
)


@dataclass(frozen=True)
class Candidate:
    """One way to score a file: a name, and the command, which writes to ``target``."""

    name: str
    command: Sequence[str | Path]
    target: Path


@dataclass(frozen=True)
class Home:
    """Where everything is: models, tables and the environment of the others."""

    path: Path
    python: Path

    def ours(self, source: str, target: str, *words: str, name: str = OURS) -> Candidate:
        """Return the command, by the model that fits."""
        model = ("--model", "forest" if source.startswith("forest") else "iris", "--force")
        given: tuple[str | Path, ...] = (
            self.path / source,
            "--output",
            self.path / target,
            *model,
            *words,
        )
        program = (sys.executable, "-m", "iris_deploy", "score")
        artifacts = ("--artifacts", self.path / "artifacts")
        return Candidate(name, (*program, *given, *artifacts), self.path / target)

    def program(self, name: str, how: str, source: str, *words: str | Path) -> Candidate:
        """Return a program of the others."""
        target = self.path / f"{how}{Path(source).suffix}"
        script = PEERS / "files" / f"score_{how}.py"
        command = (self.python, script, self.path / source, target, *words)
        return Candidate(name, command, target)


def write_irises(path: Path, rows: int) -> None:
    """Write petals as numbers of two decimals, a million rows at a time."""
    schema = pa.schema([("length", pa.float64()), ("width", pa.float64())])
    random = np.random.default_rng(0)
    with ExitStack() as stack:
        kind = csv.CSVWriter if path.suffix == ".csv" else parquet.ParquetWriter
        writer = stack.enter_context(kind(str(path), schema))
        for start in range(0, rows, 10**6):
            n_rows = min(10**6, rows - start)
            drawn = random.uniform((1.0, 0.1), (7.0, 2.5), (n_rows, 2)).round(2)
            writer.write_table(pa.table([*drawn.T], schema))


def write_rule(home: Path) -> Path:
    """Write the talk's model down as sums, for those who take it by hand."""
    bundle = home / "artifacts" / "iris" / "1"
    scaler, model = (joblib.load(bundle / name) for name in ("sc_iris_petal.pkl", "ppn_iris.pkl"))
    weights = model.coef_ / scaler.scale_
    biases = model.intercept_ - weights @ scaler.mean_
    rule = [
        {"name": label, "bias": bias, "weights": dict(zip(("length", "width"), line, strict=True))}
        for label, bias, line in zip(CLASSES, biases.tolist(), weights.tolist(), strict=True)
    ]
    path = home / "rule.json"
    path.write_text(json.dumps(rule))
    return path


def train(home: Path, *words: str | Path) -> None:
    """Train a model by the command."""
    program = (sys.executable, "-m", "iris_deploy", "train", "--artifacts")
    subprocess.run([*program, home / "artifacts", *words], check=True, capture_output=True)


def write_forest(home: Path, rows: int) -> None:
    """Write a table of 20 numbers, and fit a forest of 100 trees to 20,000 rows of it."""
    from sklearn.datasets import make_classification

    values, labels = make_classification(
        rows, 20, n_informative=10, n_classes=3, random_state=0, shuffle=True
    )
    columns = [f"x{k}" for k in range(20)]
    table = pa.table([*values.T], names=columns)
    parquet.write_table(table, home / "forest.parquet")
    small = table.slice(0, 20_000).append_column("label", pa.array(labels[:20_000].astype(str)))
    parquet.write_table(small, home / "fit.parquet")
    words = ("--data", home / "fit.parquet", "--target", "label", "--model", "forest")
    train(home, *words, "--estimator", "random-forest")


def measure(candidate: Candidate, *, memory: bool) -> dict[str, float]:
    """Run it once: seconds, or the megabytes that its processes had together at most.

    To look at memory takes time of who is looked at, so it is one or the other.
    """
    candidate.target.unlink(missing_ok=True)
    start = time.perf_counter()
    process = subprocess.Popen(
        candidate.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    peak = 0
    while memory and process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(EVERY)
        peak = max(peak, Tree(process.pid).memory().pss)
    process.wait()
    seconds = time.perf_counter() - start
    if process.returncode:
        told = process.stderr.read().decode() if process.stderr else ""
        sys.exit(f"{candidate.name}: {told[-2000:]}")
    return {"peak MB": peak / 1e6} if memory else {"s": seconds}


def predictions(path: Path) -> np.ndarray:
    """Return what was predicted."""
    table = csv.read_csv(path) if path.suffix == ".csv" else parquet.read_table(path)
    return np.asarray(table.column("prediction").cast(pa.string()).to_pylist(), object)


def check(candidates: Sequence[Candidate]) -> None:
    """Refuse candidates that say something else than ours."""
    ours = predictions(candidates[0].target)
    for other in candidates[1:]:
        unlike = float(np.mean(predictions(other.target) != ours))
        if unlike > MOST_UNLIKE:
            sys.exit(f"{other.name}: {unlike:.2%} of the answers are others")


def compare(
    record: Record, case: str, setting: str, candidates: Sequence[Candidate], rounds: int
) -> None:
    """Measure candidates in turn; in a first round memory and answers, then time."""
    for turn in range(-1, rounds):
        for candidate in candidates:
            figures = measure(candidate, memory=turn < 0)
            print(f"{case}, {candidate.name}: {figures}", file=sys.stderr, flush=True)
            record.samples.append(Sample(case, setting, candidate.name, turn, figures))
        if turn < 0 and case != "memory":
            check(candidates)


def measure_all(home: Home, cases: Sequence[str], rows: int, rounds: int) -> Record:
    """Measure the cases that are wanted."""
    record = Record()
    bundle = home.path / "artifacts" / "iris" / "1"
    dumps = (bundle / "sc_iris_petal.pkl", bundle / "ppn_iris.pkl")
    train(home.path)
    rule = write_rule(home.path)
    for case in ("parquet", "csv"):
        if case in cases:
            source = f"irises.{case}"
            write_irises(home.path / source, rows)
            others = [
                home.program("pandas + scikit-learn", "pandas", source, *dumps),
                home.program("polars, the rule by hand", "polars", source, rule),
                home.program("duckdb, the rule by hand", "duckdb", source, rule),
            ]
            setting = f"{rows:,} rows of 2 numbers, linear"
            candidates = [home.ours(source, f"ours.{case}"), *others]
            compare(record, case, setting, candidates, rounds)
    n_rows = rows // 10
    if {"forest", "dask"} & {*cases}:
        write_forest(home.path, n_rows)
    setting = f"{n_rows:,} rows of 20 numbers, 100 trees"
    if "forest" in cases:
        dump = next((home.path / "artifacts" / "forest" / "1").glob("*.pkl"))
        other = home.program("pandas + scikit-learn, n_jobs=2", "pandas", "forest.parquet", dump)
        candidates = [home.ours("forest.parquet", "ours.parquet"), other]
        compare(record, "forest", setting, candidates, rounds)
    if "dask" in cases:
        with dask_cluster(home.path) as (address, _):
            one = home.ours("forest.parquet", "one.parquet", "--workers", "1", name="one process")
            two = ("forest.parquet", "two.parquet", "--scheduler", address)
            candidates = [home.ours(*two, name="Dask, two workers"), one]
            compare(record, "dask", setting, candidates, rounds)
    if "memory" in cases:
        for n_rows in (rows // 10, rows, rows * 10):
            source = f"some{n_rows}.parquet"
            write_irises(home.path / source, n_rows)
            setting = f"{n_rows:,} rows of 2 numbers, linear"
            compare(record, "memory", setting, [home.ours(source, "ours.parquet")], rounds)
            (home.path / source).unlink()
    return record


def markdown(record: Record, cases: Sequence[str]) -> Iterator[str]:
    """Write the tables."""
    for case in cases:
        for setting in record.settings(case):
            yield f"\n### {case}: {setting}\n"
            yield "| who | s | peak memory | times ours, by time | times ours, by memory |"
            yield "|---|---:|---:|---:|---:|"
            first, *_ = subjects = record.subjects(case, setting)
            for subject in subjects:

                def of(figure: str, whose: str) -> dict[int, float]:
                    return record.by_round(case, setting, whose, figure)  # noqa: B023

                cells = [_median(of("s", subject)), f"{_median(of('peak MB', subject))} MB"]
                cells.append(str(quartiles(ratios(of("s", subject), of("s", first)))))
                (more,) = ratios(of("peak MB", subject), of("peak MB", first))
                cells.append(number(more))
                yield f"| {subject} | {' | '.join(cells)} |"


def _median(figures: dict[int, float]) -> str:
    found = quartiles([*figures.values()])
    return number(found.median) if found else ""


def main() -> None:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(prog="benchmarks.files", description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES), help="default: %(default)s")
    parser.add_argument("--rows", type=int, default=10**7, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    given = parser.parse_args()
    cases = [case for case in CASES if case in given.cases.split(",")]
    environment = Environment(PEER, Path(sys.executable))
    environment.make()
    with TemporaryDirectory() as directory:
        home = Home(Path(directory), environment.bin / "python")
        record = measure_all(home, cases, given.rows, given.rounds)
    print("\n".join(markdown(record, cases)))
    if given.json:
        run = {"machine": describe(), "versions": environment.versions(), "rows": given.rows}
        given.json.write_text(json.dumps({**run, **asdict(record)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
