"""From a table to an answer: train, evaluate, predict and serve on somebody's own columns."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests import data
from tests.conftest import COMMAND, Run, run_process, serving
from tests.waits import wait_until

N = 400


@pytest.fixture(scope="module")
def passengers() -> pd.DataFrame:
    """Make a table like the Titanic's."""
    return data.passengers(N)


@pytest.fixture
def titanic(passengers: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "titanic.csv"
    passengers.drop(columns="price").to_csv(path, index=False)
    return path


@pytest.fixture
def prices(passengers: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "prices.csv"
    passengers.drop(columns="survived").to_csv(path, index=False)
    return path


def train(run: Run, path: Path, target: str, *options: str) -> dict[str, Any]:
    """Learn from a table, and return what is told to scripts."""
    given = ("--data", path, "--target", target, "--artifacts", path.parent / "artifacts")
    ran = run("train", *given, *options, "--json")
    assert ran.code == 0, ran.err
    report: dict[str, Any] = ran.json()
    return report


def test_a_person_sees_columns_comparison_and_figures(run: Run, titanic: Path) -> None:
    given = ("--data", titanic, "--target", "survived", "--artifacts", titanic.parent / "a")
    ran = run("train", *given)
    assert ran.code == 0, ran.err
    for words in (
        "titanic version 1:",
        "400 samples: 280 to fit, 120 held out (seed 0)",
        'sex    category of 2: "',
        "alone  true or false",
        "missing",
        "compared  by accuracy over 5 folds",
        "hist-gradient-boosting",
        "baseline",
        "the best, fitted",
        "balanced_accuracy",
        "pipeline_titanic.pkl",
    ):
        assert words in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100


def test_the_best_is_fitted_and_answers_as_scikit_learn_does(
    run: Run, titanic: Path, passengers: pd.DataFrame
) -> None:
    options = ("--estimator", "decision-tree", "--estimator", "random-forest")
    report = train(run, titanic, "survived", *options, "--set", "max_depth=4")
    scores = {name: score["mean"] for name, score in report["comparison"].items()}
    best = max(options[1::2], key=lambda name: scores[name])
    assert scores[best] > scores["baseline"]
    last = report["provenance"]["estimators"][-1]
    assert best.replace("-", "") in last["name"].lower()
    assert last["parameters"]["max_depth"] == 4
    pipeline = joblib.load(Path(report["path"]) / "pipeline_titanic.pkl")
    table = passengers.assign(alone=passengers["alone"].astype(float)).replace({None: np.nan})
    expected = pipeline.predict(table[[c["name"] for c in report["signature"]["columns"]]])
    lines = passengers.drop(columns=["survived", "price"]).to_json(orient="records", lines=True)
    file = titanic.parent / "rows.jsonl"
    file.write_text(lines)
    ran = run("predict", "--artifacts", titanic.parent / "artifacts", "--file", file)
    found = [json.loads(line)["prediction"] for line in ran.out.splitlines()]
    assert found == expected.tolist()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".csv.bz2"])
def test_every_kind_of_file_gives_the_same_bundle(
    run: Run, passengers: pd.DataFrame, tmp_path: Path, suffix: str
) -> None:
    table = passengers.drop(columns="price")
    path = tmp_path / f"titanic{suffix}"
    if suffix == ".parquet":
        parquet.write_table(pa.Table.from_pandas(table, preserve_index=False), path)
    elif suffix == ".jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, index=False, sep="\t" if "tsv" in suffix else ",")
    plain = tmp_path / "plain" / "titanic.csv"
    plain.parent.mkdir()
    table.to_csv(plain, index=False)
    one, other = (train(run, each, "survived", "--estimator", "ridge") for each in (path, plain))
    for member in ("signature", "evaluation", "examples", "artifacts"):
        assert one[member] == other[member]


def test_the_same_table_gives_the_same_bytes(run: Run, titanic: Path) -> None:
    first = train(run, titanic, "survived", "--estimator", "random-forest")
    second = train(run, titanic, "survived", "--estimator", "random-forest")
    assert (first["version"], second["version"]) == (1, 2)
    assert first["artifacts"] == second["artifacts"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "b", "c"], ["a", "b", "c"]),
        ([0, 1], [0, 1]),
        ([3, 1, 2], [1, 2, 3]),
        ([True, False], [False, True]),
    ],
    ids=["text", "0 and 1", "whole numbers", "true and false"],
)
def test_labels_keep_their_type(
    run: Run, tmp_path: Path, values: list[Any], expected: list[Any]
) -> None:
    path = tmp_path / "labels.csv"
    x = np.arange(120) % len(values)
    labels = [values[k] for k in x]
    table = pd.DataFrame({"x": x + np.random.default_rng(0).normal(size=120) / 3, "y": labels})
    table.to_csv(path, index=False)
    report = train(run, path, "y", "--estimator", "decision-tree")
    assert report["signature"]["output"]["classes"] == expected
    ran = run("predict", "--artifacts", tmp_path / "artifacts", '{"x": 0.0}', "--details")
    answer = json.loads(ran.out)
    assert answer["prediction"] == values[0]
    assert type(answer["prediction"]) is type(values[0])
    names = [json.dumps(label).strip('"') for label in expected]
    assert list(answer["probabilities"]) == names


def test_a_number_is_served_with_its_figures_and_warnings(run: Run, prices: Path) -> None:
    report = train(run, prices, "price", "--estimator", "random-forest", "--unit", "fare=EUR")
    assert report["task"] == "regression"
    assert list(report["evaluation"]["metrics"]) == ["mae", "rmse", "r2"]
    example = report["examples"][0]
    with serving(prices.parent / "artifacts", "--workers", 1) as running:
        assert running.predict(example["instance"]).json() == {"prediction": example["prediction"]}
        strange = example["instance"] | {"port": "X", "fare": 1e6, "sex": None}
        answer = running.predict(strange, query="?details=true").json()
        assert set(answer) == {"prediction", "warnings"}
        assert re.search("fare .* above the training range .* EUR", str(answer["warnings"]))
        assert "port is a category that training did not see" in answer["warnings"]
        assert "sex is missing, as it never was in training" in answer["warnings"]
        wrong = running.predict(example["instance"] | {"fare": "much", "port": 3, "sexx": "male"})
        assert wrong.status == 422
        errors = {error["pointer"]: error["detail"] for error in wrong.json()["errors"]}
        assert errors["#/port"] == 'expected one of "S", "C", "Q"; got 3'
        assert set(errors) == {"#/fare", "#/port", "#/sexx"}
        figures = running.metrics()
        assert figures["iris_deploy_predicted_number_count"] == 2
        assert figures['iris_deploy_out_of_range_total{column="port"}'] == 1
        assert figures['iris_deploy_out_of_range_total{column="fare"}'] >= 1


@pytest.mark.parametrize("rows", [1, 20, 3000])
def test_objects_and_arrays_with_gaps_are_answered_alike(
    run: Run, titanic: Path, passengers: pd.DataFrame, rows: int
) -> None:
    train(run, titanic, "survived", "--estimator", "hist-gradient-boosting")
    table = passengers.drop(columns=["survived", "price"]).sample(
        rows, replace=True, random_state=1
    )
    objects = json.loads(table.to_json(orient="records"))
    sparse = [{k: v for k, v in each.items() if v is not None} for each in objects]
    arrays = {name: [each[name] for each in objects] for name in table.columns}
    with serving(titanic.parent / "artifacts", "--workers", 1) as running:
        answers = [running.predict(body).json() for body in (objects, sparse, arrays)]
        assert answers[0] == answers[1] == answers[2]
        detailed = running.predict(objects, query="?details=true").json()
        assert detailed["predictions"] == answers[0]["predictions"]
        alone = running.predict(objects[0]).json()
        assert alone["prediction"] == answers[0]["predictions"][0]


def test_the_description_lists_categories_and_what_may_be_missing(run: Run, titanic: Path) -> None:
    train(run, titanic, "survived", "--estimator", "logistic-regression")
    with serving(titanic.parent / "artifacts", "--workers", 1) as running:
        schemas = running.request("GET", "/openapi.json").json()["components"]["schemas"]
        index = running.request("GET", "/").json()
    properties = schemas["Instance"]["properties"]
    assert set(properties["sex"]["examples"]) == {"male", "female"}
    assert {"type": "null"} in properties["age"]["anyOf"]
    assert {"type": "boolean"} in properties["alone"]["anyOf"]
    assert schemas["Prediction"]["enum"] == [0, 1]
    assert [column["kind"] for column in index["columns"]] == [
        *("number", "number", "category", "category", "number")
    ]


def test_evaluate_measures_the_held_out_samples_again(
    run: Run, titanic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(titanic.parent)
    report = train(run, Path("titanic.csv"), "survived", "--estimator", "logistic-regression")
    ran = run("evaluate", "--artifacts", "artifacts", "--json")
    assert ran.code == 0, ran.err
    figures = ran.json()
    for member, value in report["evaluation"].items():
        assert figures[member] == value
    assert next(iter(figures["importance"])) == "sex"
    text = run("evaluate", "--artifacts", "artifacts").out
    assert "accuracy lost when shuffled" in text
    assert "roc_auc" in text
    assert "calibration_error" in text
    titanic.write_text(titanic.read_text().replace("female", "woman"))
    changed = run("evaluate", "--artifacts", "artifacts")
    assert (changed.code, "is not the one" in changed.err) == (1, True)
    titanic.unlink()
    gone = run("evaluate", "--artifacts", "artifacts")
    assert (gone.code, "--data" in gone.err) == (1, True)


def test_evaluate_measures_on_other_data(run: Run, prices: Path) -> None:
    train(run, prices, "price", "--estimator", "ridge")
    artifacts = prices.parent / "artifacts"
    ran = run("evaluate", "--artifacts", artifacts, "--data", prices, "--json")
    assert ran.json()["samples"] == N
    other = prices.with_name("other.csv")
    pd.read_csv(prices).drop(columns="sex").to_csv(other, index=False)
    ran = run("evaluate", "--artifacts", artifacts, "--data", other)
    assert (ran.code, "no column sex" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        (("--max", "mae=1000"), 0),
        (("--max", "mae=0.001"), 4),
        (("--min", "r2=0.1", "--max", "rmse=0.001"), 4),
        (("--min", "accuracy=0.5"), 2),
        (("--max", "mea=3"), 2),
        (("--max", "mae"), 2),
        (("--max", "mae=nan"), 2),
    ],
)
def test_gates_of_any_metric(run: Run, prices: Path, gate: tuple[str, ...], code: int) -> None:
    train(run, prices, "price", "--estimator", "linear-regression")
    ran = run("evaluate", "--artifacts", prices.parent / "artifacts", "--data", prices, *gate)
    assert ran.code == code, ran.err
    if gate[1] == "mea=3":
        assert "did you mean mae?" in ran.err


@pytest.mark.parametrize("target", ["survived", "price"])
def test_the_picture_suits_the_task(
    run: Run, titanic: Path, prices: Path, tmp_path: Path, target: str
) -> None:
    path = titanic if target == "survived" else prices
    train(run, path, target, "--estimator", "decision-tree", "--set", "max_depth=3")
    picture = tmp_path / "picture.png"
    options = ("--artifacts", path.parent / "artifacts", "--data", path, "--plot", picture)
    assert run("evaluate", *options).code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


SLOW = """
import signal
from pathlib import Path
from sklearn.linear_model import LogisticRegression

def fit(self, X, y):
    Path("fitting").touch()
    signal.pause()

LogisticRegression.fit = fit
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a shell's background ignores it
"""


def test_ctrl_c_in_a_comparison_is_130_and_nothing_is_written(titanic: Path) -> None:
    (titanic.parent / "slow.py").write_text(f"{SLOW}estimator = LogisticRegression()\n")
    given = ("--data", titanic, "--target", "survived", "--estimator", "slow:estimator")
    before = {*titanic.parent.iterdir(), titanic.parent / "fitting"}
    with subprocess.Popen(
        [*COMMAND, "train", *map(str, given), "--estimator", "decision-tree"],
        cwd=titanic.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until((titanic.parent / "fitting").exists, seconds=60)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    left = {path for path in titanic.parent.iterdir() if path.name != "__pycache__"}
    assert left == before


def test_an_estimator_of_ones_own_beside_the_table(titanic: Path) -> None:
    (titanic.parent / "mine.py").write_text(
        "from sklearn.compose import ColumnTransformer\n"
        "from sklearn.impute import SimpleImputer\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import OneHotEncoder\n"
        "pipeline = make_pipeline(\n"
        "    ColumnTransformer([('n', SimpleImputer(), ['age', 'fare']),\n"
        "                       ('c', OneHotEncoder(handle_unknown='ignore'), ['sex'])]),\n"
        "    LogisticRegression(max_iter=2000))\n"
    )
    options = ("--data", "titanic.csv", "--target", "survived", "--estimator", "mine:pipeline")
    ran = run_process("train", *options, "--json", cwd=titanic.parent)
    assert ran.returncode == 0, ran.stderr.decode()
    report = json.loads(ran.stdout)
    assert report["provenance"]["estimators"][-1]["parameters"]["max_iter"] == 2000
    missing = run_process("train", *options[:-1], "mine:nothing", cwd=titanic.parent)
    assert missing.returncode == 2
    assert b"cannot be imported" in missing.stderr


def table(**columns: Any) -> pd.DataFrame:
    """Make a table of sixty rows that something can be learnt of."""
    rng = np.random.default_rng(9)
    x = rng.normal(size=60)
    y = np.where(x + rng.normal(size=60) > 0, "yes", "no")
    return pd.DataFrame({"x": x, "z": rng.normal(size=60), **columns, "y": y})


def spoilt(**columns: Any) -> bytes:
    return written(table(**columns))


def written(frame: pd.DataFrame) -> bytes:
    text: str = frame.to_csv(index=False)
    return text.encode()


GOOD = spoilt()
BAD: dict[str, tuple[bytes | None, tuple[str, ...], str]] = {
    "no file": (None, (), "cannot read"),
    "an empty file": (b"", (), "is empty"),
    "names and no rows": (b"x,y\n", (), "no rows"),
    "one column": (b"y\n1\n2\n", (), "one column"),
    "ragged lines": (GOOD.replace(b"\n", b"\n1,2,3,4,5\n", 1), (), "line 2 has 5 values"),
    "another encoding": (GOOD.replace(b"yes", "ja\xe4".encode("latin1")), (), "not UTF-8: byte"),
    "UTF-16": (GOOD.decode().encode("utf-16"), (), "UTF-16"),
    "a NUL": (GOOD.replace(b"yes", b"y\0s", 1), (), "NUL"),
    "a name twice": (GOOD.replace(b"x,z", b"x,x"), (), "two columns 'x'"),
    "no name": (GOOD.replace(b"x,z", b"x,"), (), "has no name"),
    "many columns": (b",".join([b"a"] * 5000) + b"\n", (), "5,000 columns"),
    "a target that is missing": (GOOD, ("--target", "why"), "no column 'why'"),
    "a target that is constant": (GOOD.replace(b"yes", b"no"), (), "in every row"),
    "a class of one sample": (GOOD.replace(b"yes", b"maybe", 1), (), "has one sample"),
    "infinity": (spoilt(w=[*range(59), np.inf]), (), "infinite or too large in row 60"),
    "a decimal comma": (spoilt(w=["1,5", "2,5"] * 30), (), "decimal comma"),
    "names of rows": (spoilt(w=[f"row {k}" for k in range(60)]), (), "names its rows"),
    "text": (spoilt(w=[f"words {k % 40}" for k in range(60)]), (), "is text"),
    "dates": (spoilt(w=["2024-01-01", "2024-02-01"] * 30), (), "is a date"),
    "a column of nothing": (spoilt(w=[None] * 60), (), "no value in any row"),
    "fewer samples than folds": (GOOD, ("--cv", "40"), "cannot be cut into 40 folds"),
    "one fold": (GOOD, ("--cv", "1"), "--cv: expected"),
    "an unknown estimator": (GOOD, ("--estimator", "random-forrest"), "mean random-forest?"),
    "an estimator of another task": (GOOD, ("--estimator", "lasso"), "is for regression"),
    "a class that is none": (GOOD, ("--estimator", "sklearn.svm.Nothing"), "there is no"),
    "a regressor": (GOOD, ("--estimator", "sklearn.svm.LinearSVR"), "is no classifier"),
    "a class of no family": (
        GOOD,
        ("--estimator", "sklearn.gaussian_process.GaussianProcessClassifier"),
        "served by no family yet",
    ),
    "an unknown parameter": (
        GOOD,
        ("--estimator", "decision-tree", "--set", "max_dept=3"),
        "did you mean max_depth?",
    ),
    "an impossible parameter": (
        GOOD,
        ("--estimator", "decision-tree", "--set", "max_depth=-3"),
        "max_depth",
    ),
    "a parameter without a value": (GOOD, ("--set", "max_depth"), "expected KEY=VALUE"),
    "a column that is not there": (GOOD, ("--drop", "zz"), "no column 'zz'"),
    "a contradiction": (GOOD, ("--drop", "z", "--number", "z"), "is in --drop too"),
    "the target left out": (GOOD, ("--drop", "y"), "is the target"),
    "text as numbers": (spoilt(w=["a", "b"] * 30), ("--number", "w"), "holds text"),
    "classes as numbers": (GOOD, ("--task", "regression"), "holds text"),
    "an unknown task": (GOOD, ("--task", "ranking"), "classification or regression"),
    "nothing left": (GOOD, ("--drop", "x", "--drop", "z"), "no column is left"),
    "options of the talk": (GOOD, ("--eta0", "0.1"), "belongs to a dataset that comes along"),
    "gaps that are not taken": (
        spoilt(w=[1.0, None] * 30),
        ("--estimator", "bad:pipeline"),
        "cannot be imported",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_in_one_line_and_nothing_is_written(
    run: Run, tmp_path: Path, case: str
) -> None:
    content, options, words = BAD[case]
    path = tmp_path / "data.csv"
    if content is not None:
        path.write_bytes(content)
    given = ["--data", str(path), "--target", "y", "--artifacts", str(tmp_path / "artifacts")]
    ran = run("train", *given, *options)
    assert ran.code in {1, 2}, ran.out
    assert words in ran.err
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err
    assert len(ran.err) < 1500
    assert not (tmp_path / "artifacts").exists()


ODD: dict[str, tuple[bytes, str]] = {
    "a constant": (spoilt(w=[1] * 60), "the same in every row; leave it out with --drop w"),
    "numbers that name rows": (spoilt(row_id=range(60)), "seems to name it"),
    "a column that gives the target away": (
        table()
        .assign(w=lambda t: t["y"].map({"yes": "j", "no": "n"}))
        .to_csv(index=False)
        .encode(),
        "column w alone gives the target away",
    ),
    "a number that gives the target away": (
        written(table().assign(w=lambda t: (t["y"] == "yes") * 2 + t["z"] / 9)),
        "column w alone gives the target away",
    ),
    "rows without a target": (
        written(table().assign(y=lambda t: t["y"].where(t.index > 3))),
        "4 rows have no y and are left out",
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_odd_is_said_and_used_all_the_same(run: Run, tmp_path: Path, case: str) -> None:
    content, words = ODD[case]
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    given = ("--data", path, "--target", "y", "--artifacts", tmp_path / "artifacts")
    ran = run("train", *given, "--estimator", "decision-tree")
    assert ran.code == 0, ran.err
    assert f"note: {words}" in ran.err or words in ran.err
    assert (tmp_path / "artifacts").exists()


def test_data_and_target_belong_together(run: Run, titanic: Path) -> None:
    assert "--target" in run("train", "--data", titanic).err
    assert "belongs to a table" in run("train", "--target", "y").err
