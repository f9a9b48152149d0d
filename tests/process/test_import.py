"""``iris-deploy import``: from the files that people have to answers, without running them."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans, MeanShift
from sklearn.ensemble import IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputRegressor
from sklearn.preprocessing import LabelEncoder, StandardScaler

from iris_deploy.estimators.registry import read_estimator
from tests import data
from tests.conftest import Run, serving
from tests.layouts import LAYOUTS, NAMES, PETALS, SPECIES

DUMPS = Path(__file__).parents[1] / "dumps"

WRITE: dict[str, Callable[[object, Path], Any]] = {
    "pickle": lambda value, path: path.write_bytes(pickle.dumps(value)),
    "old pickle": lambda value, path: path.write_bytes(pickle.dumps(value, 0)),
    "joblib": joblib.dump,
    "compressed": lambda value, path: joblib.dump(value, path, compress=3),
    "skops": skops.io.dump,
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def imports(run: Run, *arguments: object) -> dict[str, Any]:
    """Import files, and return the manifest."""
    ran = run("import", *arguments, "--json")
    assert ran.code == 0, ran.err
    manifest: dict[str, Any] = ran.json()
    return manifest


def answers(run: Run, instance: dict[str, Any]) -> Any:
    ran = run("predict", json.dumps(instance))
    assert ran.code == 0, ran.err
    return ran.json()["prediction"]


WRITTEN = [(name, [*WRITE][k % len(WRITE)]) for k, name in enumerate(LAYOUTS)]
WRITTEN += [(next(iter(LAYOUTS)), written) for written in WRITE if WRITTEN[0][1] != written]


@pytest.mark.parametrize(("name", "written"), WRITTEN)
def test_files_as_people_have_them_answer_as_their_application_did(
    run: Run, home: Path, name: str, written: str
) -> None:
    layout = LAYOUTS[name](lambda file, value: WRITE[written](value, home / file))
    options = layout.options
    if layout.adapter:
        (home / "adapter.toml").write_text(layout.adapter)
        options = (*options, "--adapter", "adapter.toml")
    manifest = imports(run, *layout.files, *options, "--check")
    [check] = manifest["provenance"]["checks"]
    assert check["against"].startswith(("scikit-learn ", "xgboost "))
    assert check["rows"] > 500
    for instance in layout.instances:
        assert answers(run, instance) == layout.answer(instance)


@pytest.mark.usefixtures("home")
def test_the_files_of_the_talk_are_imported_and_answer_as_in_2018(run: Run) -> None:
    old = DUMPS / "sklearn-0.19.2"
    expected = json.loads((old / "expected.json").read_text())
    files = (old / "standard_scaler.pkl", old / "perceptron.pkl")
    named = ("--columns", "length,width", "--classes", ",".join(SPECIES))
    manifest = imports(run, *files, *named)
    assert manifest["provenance"]["versions"] == {"scikit-learn": "0.19.2"}
    assert manifest["provenance"]["checks"] == []
    state = read_estimator(files[1].read_bytes()).state
    scaled = np.array(expected["standard_scaler.pkl"]["transform"])
    scores = scaled @ np.asarray(state["coef_"]).T + np.asarray(state["intercept_"])
    for row, chosen in zip(expected["rows"], scores.argmax(axis=1), strict=True):
        assert answers(run, dict(zip(NAMES, row, strict=True))) == SPECIES[chosen]
    imports(run, old / "pipeline.pkl", *named, "--model", "whole")
    for row, label in zip(expected["rows"], expected["pipeline.pkl"]["labels"], strict=True):
        instance = json.dumps(dict(zip(NAMES, row, strict=True)))
        assert run("predict", instance, "--model", "whole").json()["prediction"] == SPECIES[label]


@pytest.fixture
def forest(home: Path) -> Path:
    table = data.passengers(200)[["age", "fare", "survived"]].fillna({"age": 30.0})
    model = RandomForestClassifier(n_estimators=10, random_state=0)
    model.fit(table[["age", "fare"]], table["survived"])
    joblib.dump(model, home / "forest.pkl")
    table.to_csv(home / "sample.csv", index=False)
    answers = model.predict(table[["age", "fare"]])
    pd.DataFrame({"prediction": answers}).to_csv(home / "answers.csv", index=False)
    return home / "forest.pkl"


def test_a_sample_gives_ranges_examples_and_figures(run: Run, forest: Path) -> None:
    given = (forest, "--sample", "sample.csv", "--target", "survived")
    ran = run("import", *given)
    assert ran.code == 0, ran.err
    for words in ("forest version 1: RandomForestClassifier predicts survived", "accuracy"):
        assert words in ran.out
    manifest = imports(run, *given)
    table = pd.read_csv("sample.csv")
    age = manifest["signature"]["columns"][0]
    assert (age["name"], age["seen"]["minimum"]) == ("age", table["age"].min())
    assert manifest["evaluation"]["metrics"]["accuracy"]["value"] > 0.8
    assert manifest["provenance"]["sample"]["file"] == "sample.csv"
    warned = run("predict", json.dumps({"age": 900, "fare": 1}), "--details")
    assert "above the training range" in warned.out


def test_without_a_check_every_place_says_so(run: Run, forest: Path) -> None:
    ran = run("import", forest)
    assert "unchecked" in ran.out
    with serving(forest.parent / "artifacts") as server:
        described = server.request("GET", "/").json()
    assert described["provenance"]["checked"] == "unchecked"
    assert described["evaluation"] is None
    assert "minimum" not in described["columns"][0]


def test_recorded_answers_prove_it_or_refuse_it(run: Run, forest: Path) -> None:
    given = (forest, "--sample", "sample.csv", "--expect", "answers.csv")
    [check] = imports(run, *given)["provenance"]["checks"]
    assert (check["against"], check["rows"]) == ("answers.csv", 200)
    answers = pd.read_csv("answers.csv")
    answers.loc[7, "prediction"] = 1 - answers.loc[7, "prediction"]
    answers.to_csv("answers.csv", index=False)
    ran = run("import", *given, "--model", "other")
    assert ran.code == 1
    assert "answers.csv answers otherwise for 1 of 200 rows" in ran.err
    assert not (forest.parent / "artifacts" / "other").exists()


def test_a_threshold_decides_instead_of_the_classifier(run: Run, forest: Path) -> None:
    adapter = forest.parent / "adapter.toml"
    adapter.write_text("[output]\npositive = 1\nthreshold = 0.15\n")
    imports(run, forest, "--adapter", adapter, "--check")
    model = joblib.load(forest)
    table = pd.read_csv("sample.csv")[["age", "fare"]].head(30)
    share = model.predict_proba(table)[:, 1]
    told = [answers(run, row) for row in table.to_dict("records")]
    assert told == (share >= 0.15).astype(int).tolist()
    assert told != model.predict(table).tolist()


def test_a_field_is_served_under_each_of_its_names(run: Run, forest: Path) -> None:
    adapter = forest.parent / "adapter.toml"
    adapter.write_text("[fields.years]\ncolumn = 'age'\naliases = ['age', 'Age']\n")
    manifest = imports(run, forest, "--adapter", adapter)
    assert manifest["signature"]["aliases"] == {"age": "years", "Age": "years"}
    told = [answers(run, {name: 30, "fare": 7}) for name in ("years", "age", "Age")]
    assert told[0] == told[1] == told[2]
    with serving(forest.parent / "artifacts") as server:
        assert server.predict({"Age": 30, "fare": 7}).json() == {"prediction": told[0]}
        refused = server.predict({"Age": 30, "age": 30, "fare": 7})
        assert refused.status == 422
        assert "#/years" in refused.body.decode()
        described = server.request("GET", "/openapi.json").body.decode()
    assert '"years"' in described
    assert '"Age"' not in described


def test_no_gate_lets_pass_what_nobody_has_measured(run: Run, forest: Path) -> None:
    imports(run, forest)
    ran = run("build-image", "--tag", "forest:1", "--min", "accuracy=0.5")
    assert ran.code == 4
    assert "without figures" in ran.err
    ran = run("evaluate")
    assert ran.code == 1
    assert "--data" in ran.err
    ran = run("evaluate", "--data", "sample.csv", "--min", "accuracy=0.5")
    assert "no column class" in ran.err


class Touches:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch ran",)


def _scaler(n: int) -> StandardScaler:
    return StandardScaler().fit(np.arange(3.0 * n).reshape(3, n) ** 1.5)


def _model(n: int) -> LogisticRegression:
    return LogisticRegression().fit(np.arange(4.0 * n).reshape(4, n), [0, 1, 0, 1])


@pytest.mark.usefixtures("home")
def test_anomalies_and_clusters_are_imported_and_answered_in_their_own_words(run: Run) -> None:
    rows = data.numbers()
    named = ("--columns", ",".join(data.NAMES))
    forest = IsolationForest(random_state=0, contamination=0.1).fit(rows)
    joblib.dump(forest, "forest.pkl")
    output = imports(run, "forest.pkl", *named, "--check")["signature"]["output"]
    assert (output["name"], output["classes"], output["anomaly"]) == ("anomaly", [-1, 1], -1)
    row = dict(zip(data.NAMES, rows[0].tolist(), strict=True))
    answered = run("predict", "--details", json.dumps(row)).json()
    assert answered["prediction"] == forest.predict(rows[:1])[0]
    assert answered["anomaly"] == (answered["prediction"] == -1)
    renamed = imports(run, "forest.pkl", *named, "--classes", "odd,usual", "--check")
    assert renamed["signature"]["output"]["anomaly"] == "odd"
    clusters = KMeans(4, n_init=1, random_state=0).fit(rows)
    joblib.dump(clusters, "clusters.pkl")
    output = imports(run, "clusters.pkl", *named, "--check")["signature"]["output"]
    assert (output["name"], output["classes"], output["anomaly"]) == ("cluster", [0, 1, 2, 3], None)
    assert (
        run("predict", "--model", "clusters", json.dumps(row)).json()["prediction"]
        == (clusters.predict(rows[:1])[0])
    )


class Own(BaseEstimator):  # type: ignore[misc]
    """Somebody's own estimator."""


BAD: dict[str, tuple[dict[str, object], tuple[str, ...], list[str]]] = {
    "no model": ({"a": _scaler(2)}, (), ["expected a model that predicts", "StandardScaler"]),
    "two models": ({"a": _model(2), "b": _model(2)}, (), ["expected one model, got 2"]),
    "sizes that do not fit": (
        {"a": _scaler(3), "b": _model(2)},
        (),
        ["takes 2 features, but gets 3", "StandardScaler of a takes 3", "of b takes 2"],
    ),
    "names of another number": (
        {"a": _model(2)},
        ("--columns", "x,y,z"),
        ["--columns", "takes 2 columns, and 3 are named"],
    ),
    "the same name twice": ({"a": _model(2)}, ("--columns", "x,x"), ["names that differ"]),
    "an empty name": ({"a": _model(2)}, ("--columns", "x,,y"), ["names with commas between"]),
    "classes of another number": (
        {"a": _model(2)},
        ("--classes", "x,y,z"),
        ["tells 2 classes apart (0, 1); got 3"],
    ),
    "classes of a number": (
        {"a": LinearRegression().fit([[0.0], [1.0]], [0, 1])},
        ("--classes", "x,y"),
        ["predicts a number"],
    ),
    "labels that do not fit": (
        {
            "a": LogisticRegression().fit([[0.0], [1.0]], [5, 7]),
            "le": LabelEncoder().fit(["x", "y"]),
        },
        (),
        ["which are no positions of 2 labels"],
    ),
    "a model that is not fitted": ({"a": LogisticRegression()}, (), ["classes"]),
    "an estimator of another kind": (
        {"a": MeanShift(bandwidth=1.0).fit([[0.0], [9.0]])},
        (),
        ["MeanShift"],
    ),
    "somebody's own class": ({"a": Own()}, (), ["Own"]),
    "code": ({"a": Touches()}, (), ["system"]),
    "code within a dict": ({"a": {"model": _model(2), "x": Touches()}}, (), ["system"]),
    "numbers": ({"a": [1, 2, 3]}, (), ["expected a"]),
    "nothing but names": ({"a": ["x", "y"]}, (), ["expected a model that predicts"]),
    "deep": ({"a": [[[[[_model(2)]]]]]}, (), ["expected a model that predicts"]),
    "two fits of labels": (
        {"a": _model(2)},
        ("--classes", "x,y", "--labels", "a"),
        ["--labels says what they are, too"],
    ),
    "answers without rows": ({"a": _model(2)}, ("--expect", "a"), ["--sample"]),
    "an adapter that is not there": ({"a": _model(2)}, ("--adapter", "none.toml"), ["none.toml"]),
    "a sample that is not there": ({"a": _model(2)}, ("--sample", "none.csv"), ["none.csv"]),
}


@pytest.mark.parametrize("name", BAD)
def test_files_that_do_not_make_a_model_are_refused_saying_why(
    run: Run, home: Path, name: str
) -> None:
    files, options, words = BAD[name]
    for file, value in files.items():
        (home / file).write_bytes(pickle.dumps(value))
    ran = run("import", *files, *options)
    assert ran.code in {1, 2}, ran.out
    for word in words:
        assert word in ran.err
    assert not (home / "ran").exists()
    assert not (home / "artifacts").exists()


def frame_of_categories() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=300), "c": pd.Categorical(rng.choice([*"uvw"], 300))})
    return X, np.array(["x", "y", "z"])[np.digitize(X["a"] + (X["c"] == "u"), [-0.3, 0.6])]


@pytest.mark.parametrize("protocol", [0, 4])
def test_categories_of_other_packages_are_found(run: Run, home: Path, protocol: int) -> None:
    from tests.boosters import lightgbm

    X, y = frame_of_categories()
    model = lightgbm.LGBMClassifier(n_estimators=8, verbose=-1).fit(X, y)
    (home / "model.pkl").write_bytes(pickle.dumps(model, protocol))
    manifest = imports(run, "model.pkl", "--check")
    [check] = manifest["provenance"]["checks"]
    assert check["against"].startswith("lightgbm ")
    assert manifest["signature"]["columns"][1]["categories"] == [*"uvw"]
    assert manifest["signature"]["output"]["classes"] == ["x", "y", "z"]
    for a, c in ((-1.0, "u"), (0.2, "v"), (2.0, "w")):
        frame = pd.DataFrame({"a": [a], "c": pd.Categorical([c], [*"uvw"])})
        assert answers(run, {"a": a, "c": c}) == model.predict(frame)[0]


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_files_of_xgboost_are_imported_as_they_are(run: Run, home: Path, suffix: str) -> None:
    from tests.boosters import xgboost

    X, _ = frame_of_categories()
    model = xgboost.XGBClassifier(n_estimators=8).fit(X[["a"]], np.digitize(X["a"], [-0.3, 0.6]))
    model.save_model(home / f"model.{suffix}")
    manifest = imports(run, f"model.{suffix}", "--classes", "low,middle,high")
    assert manifest["provenance"]["versions"] == {"xgboost": xgboost.__version__}
    assert [column["name"] for column in manifest["signature"]["columns"]] == ["a"]
    for a, label in ((-1.0, "low"), (0.2, "middle"), (2.0, "high")):
        assert answers(run, {"a": a}) == label


def test_a_file_of_lightgbm_is_imported_as_it_is(run: Run, home: Path) -> None:
    from tests.boosters import lightgbm

    X, _ = frame_of_categories()
    model = lightgbm.LGBMRegressor(n_estimators=8, verbose=-1).fit(X, X["a"] * 2)
    model.booster_.save_model(home / "model.txt")
    imports(run, "model.txt")
    told = answers(run, {"a": 1.5, "c": "v"})
    assert (
        told == model.predict(pd.DataFrame({"a": [1.5], "c": pd.Categorical(["v"], [*"uvw"])}))[0]
    )


ALONE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "xgboost, of two classes": lambda package, X, y: package.XGBClassifier(n_estimators=9).fit(
        X, y == 1
    ),
    "xgboost, of three classes": lambda package, X, y: package.XGBClassifier(n_estimators=9).fit(
        X, y
    ),
    "xgboost, that says classes alone": lambda package, X, y: package.XGBClassifier(
        n_estimators=9, objective="multi:softmax"
    ).fit(X, y),
    "xgboost, that stopped early": lambda package, X, y: package.XGBRegressor(
        n_estimators=60, early_stopping_rounds=2
    ).fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False),
    "lightgbm, of two classes": lambda package, X, y: package.LGBMClassifier(
        n_estimators=9, verbose=-1
    ).fit(X, y == 1),
    "lightgbm, of three classes": lambda package, X, y: package.LGBMClassifier(
        n_estimators=9, verbose=-1
    ).fit(X, y),
    "lightgbm, a number": lambda package, X, y: package.LGBMRegressor(
        n_estimators=9, verbose=-1
    ).fit(X, X["a"] + y),
}


@pytest.mark.once
@pytest.mark.parametrize("dumped", [False, True], ids=["own file", "dump"])
@pytest.mark.parametrize("name", ALONE)
def test_boosters_without_an_estimator_are_compared_with_their_package(
    run: Run, home: Path, name: str, dumped: bool
) -> None:
    from tests import boosters

    X, _ = frame_of_categories()
    package = name.partition(",")[0]
    numbers = X.assign(c=X["c"].cat.codes)
    fitted = ALONE[name](getattr(boosters, package), numbers, np.digitize(X["a"], [-0.3, 0.6]))
    booster = fitted.get_booster() if package == "xgboost" else fitted.booster_
    file = "model.pkl" if dumped else "model.ubj" if package == "xgboost" else "model.txt"
    if dumped:
        (home / file).write_bytes(pickle.dumps(booster))
    else:
        booster.save_model(home / file)
    manifest = imports(run, file, "--check")
    [check] = manifest["provenance"]["checks"]
    assert check["against"].startswith(f"{package} ")
    assert check["difference"] < 1e-6
    assert [*manifest["provenance"]["versions"]] == [package]


def two_numbers() -> tuple[pd.DataFrame, np.ndarray]:
    X = pd.DataFrame(data.numbers(), columns=[*"abcde"])
    return X, np.stack([X["a"] * 2 + X["b"], X["c"] ** 2], axis=1)


def test_several_outputs_are_named_measured_and_compared(run: Run, home: Path) -> None:
    X, y = two_numbers()
    model = MultiOutputRegressor(RandomForestRegressor(5, random_state=0)).fit(X, y)
    joblib.dump(model, home / "model.pkl")
    X.assign(sum=y[:, 0], square=y[:, 1]).to_csv("rows.csv", index=False)
    pd.DataFrame(model.predict(X), columns=["sum", "square"]).to_csv("answers.csv", index=False)
    told = ("--target", "sum,square", "--sample", "rows.csv")
    manifest = imports(run, "model.pkl", *told, "--check", "--expect", "answers.csv")
    assert len(manifest["provenance"]["checks"]) == 2
    outputs = manifest["signature"]["output"]["outputs"]
    assert [each["name"] for each in outputs] == ["sum", "square"]
    assert outputs[1]["seen"]["minimum"] == y[:, 1].min()
    figures = manifest["evaluation"]["metrics"]
    assert [*figures] == [f"{o}.{m}" for o in ("sum", "square") for m in ("mae", "rmse", "r2")]
    assert figures["square.r2"]["value"] > 0.8
    expected = dict(zip(("sum", "square"), model.predict(X[:1])[0], strict=True))
    assert answers(run, X.iloc[0].to_dict()) == expected
    shown = run("import", "model.pkl", "--target", "sum,square").out
    assert "outputs   sum     number\n            square  number\n" in shown
    measured = run("evaluate", "--data", "rows.csv", "--json", "--min", "square.r2=0.5")
    assert measured.code == 0, measured.err
    assert measured.json()["metrics"] == figures
    assert run("evaluate", "--data", "rows.csv", "--min", "sum.r2=1.1").code == 4
    plotted = run("evaluate", "--data", "rows.csv", "--plot", "out.png")
    assert plotted.err.startswith("error: --plot: a picture is of one output")


WRONG_OUTPUTS = {
    "too few names": (("--target", "sum"), "--target: MultiOutputRegressor of model.pkl takes 5"),
    "a name twice": (("--target", "sum,sum"), "has 2 outputs; got sum,sum"),
    "no name": (("--target", ","), "has 2 outputs; got ,"),
    "classes": (("--classes", "a,b"), "--classes: MultiOutputRegressor of model.pkl takes 5"),
    "answers that lack one": (
        ("--sample", "rows.csv", "--expect", "answers.csv"),
        "answers.csv has no column y1; it has y0",
    ),
    "answers that differ": (
        ("--sample", "rows.csv", "--target", "b,a", "--expect", "rows.csv"),
        "rows.csv answers otherwise for",
    ),
}


@pytest.mark.parametrize("name", WRONG_OUTPUTS)
def test_what_is_said_wrongly_of_several_outputs_is_refused(
    run: Run, home: Path, name: str
) -> None:
    X, y = two_numbers()
    model = MultiOutputRegressor(LinearRegression()).fit(X, y)
    joblib.dump(model, home / "model.pkl")
    X.to_csv("rows.csv", index=False)
    pd.DataFrame({"y0": model.predict(X)[:, 0]}).to_csv("answers.csv", index=False)
    options, words = WRONG_OUTPUTS[name]
    ran = run("import", "model.pkl", *options)
    assert ran.code in {1, 2}
    assert words in ran.err
    assert not (home / "artifacts").exists()


def test_what_no_family_reads_of_skops_is_refused_with_a_way_that_works(
    run: Run, home: Path
) -> None:
    model = MeanShift(bandwidth=2.0).fit([[0.0], [9.0]])
    skops.io.dump(model, home / "model.skops")
    joblib.dump(model, home / "model.pkl")
    by_library = ("--runtime", "scikit-learn")
    assert "--runtime scikit-learn, dumped by joblib" in run("import", "model.skops").err
    refused = run("import", "model.skops", *by_library).err
    assert "loads pickles, and nothing else" in refused
    assert "dump the estimator with joblib" in refused
    assert run("import", "model.pkl", *by_library).code == 0


FOREIGN: dict[str, tuple[bytes, str]] = {
    "a pointer of Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
        "git lfs",
    ),
    "a web page": (b"<!DOCTYPE html><html></html>", "web page"),
    "an archive of PyTorch": (b"PK\x03\x04" + b"\0" * 26 + b"archive/data.pkl", "PyTorch"),
    "nothing": (b"", "empty file"),
    "a cut dump": (pickle.dumps(_model(2))[:-20], "damaged"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_other_kinds_are_called_what_they_are(run: Run, home: Path, name: str) -> None:
    content, word = FOREIGN[name]
    (home / "model.pkl").write_bytes(content)
    ran = run("import", "model.pkl")
    assert ran.code == 1
    assert word in ran.err


ADAPTERS: dict[str, tuple[str, str]] = {
    "no TOML": ("[fields", "is not an adapter"),
    "a word that there is not": ("[output]\nlabel = 'x'", "label"),
    "a column that there is not": ("[fields.size]\ncolumn = 'agee'", "age"),
    "a field of no column": ("[fields.size]\nunit = 'cm'", "the model has no column"),
    "a column that is fed twice": (
        "[fields.a]\ncolumn = 'age'\n[fields.b]\ncolumn = 'age'",
        "is fed by another field, too",
    ),
    "a field and a fill": ("[fields.age]\nunit = 'y'\n[fill]\nage = 1", "is fed by a field, too"),
    "a fill of no column": ("[fill]\nagee = 1", "is none of the model's"),
    "nothing left": ("[fill]\nage = 1\nfare = 1", "no field is left"),
    "a prefix of no column": ("[fields.city]\nprefix = 'city_'", "no column of the model begins"),
    "a prefix and codes": ("[fields.a]\nprefix = 'a'\ncodes = {x = 1}", "base alone"),
    "a base without a prefix": ("[fields.age]\nbase = 'x'", "base is for a prefix"),
    "a default without a code": (
        "[fields.age]\ncodes = {a = 1, b = 2}\ndefault = 'c'",
        "has no code",
    ),
    "a default that is text": ("[fields.age]\ndefault = 'c'", "expected a number"),
    "half a threshold": ("[output]\nthreshold = 0.5", "both positive and threshold"),
    "a threshold of no class": ("[output]\npositive = 'x'\nthreshold = 0.5", "two classes"),
    "an alias of two fields": (
        "[fields.age]\naliases = ['x']\n[fields.fare]\naliases = ['x']",
        "is a name of age, too",
    ),
    "an alias that is a field": ("[fields.age]\naliases = ['fare']", "is a name of fare, too"),
    "an empty alias": ("[fields.age]\naliases = ['']", "is empty"),
    "names that swap": ("[fields.fare]\ncolumn = 'age'", "another column of this name"),
}


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_that_does_not_fit_is_refused_saying_where(
    run: Run, forest: Path, name: str
) -> None:
    text, word = ADAPTERS[name]
    (forest.parent / "adapter.toml").write_text(text)
    ran = run("import", forest, "--adapter", "adapter.toml")
    assert ran.code in {1, 2}, ran.out
    assert word in ran.err
    assert not (forest.parent / "artifacts").exists()


@pytest.mark.usefixtures("home")
def test_a_check_with_files_that_scikit_learn_cannot_load_says_so(run: Run) -> None:
    old = DUMPS / "sklearn-0.19.2"
    ran = run("import", old / "perceptron.pkl", "--columns", "length,width", "--check")
    assert ran.code == 1
    assert "cannot load these files" in ran.err
    assert "--expect" in ran.err


def test_petals_are_answered_by_a_list_of_columns_in_json(run: Run, home: Path) -> None:
    layout = LAYOUTS["a model alone"](lambda _, value: WRITE["joblib"](value, home / "model.pkl"))
    (home / "columns.json").write_text(json.dumps(NAMES))
    imports(run, "columns.json", "model.pkl")
    for petal, fields in zip(PETALS, layout.instances, strict=True):
        assert answers(run, petal) == layout.answer(fields)
