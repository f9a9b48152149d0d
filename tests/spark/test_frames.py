"""A program of Spark's scores its frames, as the documentation shows it and in other ways."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from palmerpenguins import load_penguins

from iris_deploy.cli import main
from tests.documents import read_blocks
from tests.spark.conftest import environment

PAGE = Path(__file__).parents[2] / "docs" / "clusters.md"
BUNDLE = "artifacts/penguins/1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a table and a bundle."""
    home = tmp_path_factory.mktemp("frames")
    load_penguins().to_csv(home / "penguins.csv", index=False)
    given = ("--data", str(home / "penguins.csv"), "--target", "species", "--number", "year")
    words = (*given, "--estimator", "random-forest", "--artifacts", str(home / "artifacts"))
    assert main(["train", *words]) == 0
    return home


def ask(packages: str, master: str, home: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program of Spark's."""
    submitted = f"--master {master} --conf spark.log.level=ERROR pyspark-shell"
    env = environment(packages, PYSPARK_SUBMIT_ARGS=submitted, PATH="/usr/bin:/bin")
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=home,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )


def expected(home: Path, *words: str) -> Any:
    """Return what the command makes of the same file."""
    artifacts = ("--artifacts", str(home / "artifacts"), "--force")
    given = (str(home / "penguins.csv"), "-o", str(home / "own.parquet"), *words, *artifacts)
    assert main(["score", *given]) == 0
    return pd.read_parquet(home / "own.parquet")


def test_the_programs_of_the_page_run_as_they_stand(packages: str, master: str, home: Path) -> None:
    programs = [block.text for block in read_blocks(PAGE) if block.kind == "python"]
    assert len(programs) == 3
    ran = ask(packages, master, home, "\n".join(programs))
    assert ran.returncode == 0, ran.stderr
    assert "probability_Adelie" in ran.stdout
    assert "|   Gentoo|  123|" in ran.stdout
    scored = pd.read_parquet(home / "scored")
    own = expected(home)
    assert [*scored.columns] == [*own.columns]
    assert scored["prediction"].tolist() == own["prediction"].tolist()


WAYS = """
from pyspark.sql import SparkSession
from iris_deploy.scoring.spark import predict_batches, predict_column
import json
spark = SparkSession.builder.getOrCreate()
frame = spark.read.csv("penguins.csv", header=True, inferSchema=True).coalesce(1)
"""


def test_scores_are_those_of_the_command_to_the_bit(packages: str, master: str, home: Path) -> None:
    program = f"""{WAYS}
predict = predict_batches({BUNDLE!r}, details=True, keep=())
scored = frame.mapInArrow(predict, predict.schema(frame))
print(json.dumps([[type(v).__name__ + str(v) for v in row] for row in scored.collect()]))
"""
    ran = ask(packages, master, home, program)
    assert ran.returncode == 0, ran.stderr
    own = expected(home, "--details", "--keep", "none")
    rows = [[type(v).__name__ + str(v) for v in row] for row in own.astype(object).values.tolist()]
    assert json.loads(ran.stdout) == rows


ODD = f"""{WAYS}
from pyspark.sql import functions as f
odd = frame.withColumn("year", f.when(frame.island == "Dream", f.lit(1e200)).otherwise(frame.year))
def say(build):
    try:
        print(build())
    except Exception as exc:
        lines = [line for line in str(exc).splitlines() if "iris_deploy.errors" in line]
        print([*lines, str(exc)][0])
"""


def test_rows_that_do_not_fit_are_named_left_out_or_not_answered(
    packages: str, master: str, home: Path
) -> None:
    program = f"""{ODD}
for way in ("skip", "null", "fail"):
    predict = predict_batches({BUNDLE!r}, on_bad=way, keep=["island"])
    scored = odd.mapInArrow(predict, predict.schema(odd))
    say(lambda: (scored.count(), scored.where("prediction is null").count()))
of = f.struct(*odd.columns[1:])
null = predict_column({BUNDLE!r}, on_bad="null")
say(lambda: odd.withColumn("guess", null(of)).where("guess is null").count())
say(lambda: odd.withColumn("guess", predict_column({BUNDLE!r})(of)).count())
say(lambda: odd.withColumn("guess", predict_column({BUNDLE!r})(of)).collect())
"""
    ran = ask(packages, master, home, program)
    assert ran.returncode == 0, ran.stderr
    skipped, null, failed, column, _, whole = ran.stdout.splitlines()
    assert (skipped, null, column) == ("(220, 0)", "(344, 124)", "124")
    for line in (failed, whole):
        assert "the data frame: at least 100 problems in the input: row " in line
        assert ", year: expected a finite number" in line


def test_what_cannot_be_is_told_before_anything_runs(
    packages: str, master: str, home: Path
) -> None:
    program = f"""{ODD}
predict = predict_batches({BUNDLE!r}, keep=["nothing"])
say(lambda: predict.schema(frame))
predict = predict_batches({BUNDLE!r})
say(lambda: predict.schema(frame.withColumn("prediction", frame.year)))
say(lambda: predict_batches({BUNDLE!r}, on_bad="leave"))
say(lambda: predict_column({BUNDLE!r}, on_bad="skip"))
say(lambda: predict_batches("nowhere"))
less = frame.withColumnRenamed("year", "years")
say(lambda: less.mapInArrow(predict, predict.schema(less)).count())
"""
    ran = ask(packages, master, home, program)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert "`keep`: expected columns of the data frame, got nothing" in lines[0]
    assert "`keep`: expected none of those that are added, got prediction" in lines[1]
    assert "`on_bad`: expected one of fail, skip, null, got leave" in lines[2]
    assert "`on_bad`: expected fail or null, got skip" in lines[3]
    assert lines[4] == "nowhere/bundle.json is missing"
    assert "the data frame: year is missing; expected a number" in lines[5]
    assert "years" in lines[5]
    assert len(lines) == 6
