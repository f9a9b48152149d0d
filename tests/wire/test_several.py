"""Several outputs over HTTP: by their names, alone and many, in figures and descriptions."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import jsonschema_rs
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.tree import DecisionTreeRegressor

from tests import data
from tests.conftest import Server, run_process, serving
from tests.waits import wait_until

NAMES = [*"abcde"]
TABLE = pd.DataFrame(data.numbers(), columns=NAMES)
CLASSES = np.stack([data.labels(2, "text"), data.labels(3, "text")], axis=1)
NUMBERS = np.stack([data.target(), data.target() ** 2], axis=1)

MODELS: dict[str, Any] = {
    "probabilities": lambda: MultiOutputClassifier(LogisticRegression(max_iter=9999)).fit(
        TABLE, CLASSES
    ),
    "decisions": lambda: MultiOutputClassifier(RidgeClassifier()).fit(TABLE, CLASSES),
    "numbers": lambda: MultiOutputRegressor(DecisionTreeRegressor()).fit(TABLE, NUMBERS),
}


def bundle(home: Path, name: str) -> Any:
    """Fit a model and import it; return it."""
    model = MODELS[name]()
    joblib.dump(model, home / f"{name}.pkl")
    done = run_process("import", f"{name}.pkl", "--target", "kind,size", cwd=home)
    assert done.returncode == 0, done.stderr
    return model


@pytest.fixture(scope="module", params=MODELS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Any, Server]]:
    home = tmp_path_factory.mktemp("several")
    model = bundle(home, request.param)
    with serving(home / "artifacts") as server:
        yield request.param, model, server


def named(model: Any, rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{"kind": one, "size": two} for one, two in model.predict(rows).tolist()]


@pytest.mark.parametrize("n_rows", [1, 2, 40, 5000])
def test_each_output_is_answered_by_its_name(served: tuple[str, Any, Server], n_rows: int) -> None:
    _, model, server = served
    rows = pd.concat([TABLE] * 12)[:n_rows]
    instances = rows.to_dict("records")
    answered = [server.predict(instances), server.predict(rows.to_dict("list"))]
    assert [each.json() for each in answered] == [{"predictions": named(model, rows)}] * 2
    assert server.predict(instances[0]).json() == {"prediction": named(model, rows)[0]}


@pytest.mark.parametrize("n_rows", [1, 40, 3000])
def test_details_have_the_scores_of_each_output(
    served: tuple[str, Any, Server], n_rows: int
) -> None:
    name, model, server = served
    rows = pd.concat([TABLE] * 12)[:n_rows]
    instances = rows.to_dict("records")
    many = server.predict(instances, "?details=true").json()
    one = server.predict(instances[0], "?details=true").json()
    assert many["predictions"] == named(model, rows)
    assert many["warnings"] == [[]] * n_rows
    assert one["prediction"] == many["predictions"][0]
    scores = {"probabilities": "probabilities", "decisions": "decision_values"}.get(name)
    assert {*one} == {"prediction", "warnings", *([scores] if scores else [])}
    if scores:
        assert one[scores] == many[scores][0]
        by_name = {key: [*own.values()] for key, own in one[scores].items()}
        assert [*one[scores]["size"]] == sorted({*CLASSES[:, 1]})
        if name == "probabilities":
            expected = model.predict_proba(rows[:1])
            assert by_name["kind"] == pytest.approx(expected[0][0].tolist(), rel=1e-12)
            assert by_name["size"] == pytest.approx(expected[1][0].tolist(), rel=1e-12)


def test_the_document_describes_what_is_answered(served: tuple[str, Any, Server]) -> None:
    _, _, server = served
    document = server.request("GET", "/openapi.json").json()
    answer = document["paths"]["/predict"]["post"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    validator = jsonschema_rs.validator_for(schema | {"components": document["components"]})
    instances = TABLE[:3].to_dict("records")
    for value in (instances[0], instances):
        for query in ("", "?details=true"):
            validator.validate(server.predict(value, query).json())
    assert not validator.is_valid({"prediction": {"kind": 1}})
    described = server.request("GET", "/").json()["output"]["outputs"]
    assert [each["name"] for each in described] == ["kind", "size"]


def test_what_is_predicted_is_counted_by_output(served: tuple[str, Any, Server]) -> None:
    name, model, server = served
    before = server.metrics()
    rows = TABLE[:30]
    instances = rows.to_dict("records")
    assert server.predict(instances).status == server.predict(instances[0]).status == 200
    answered = [*named(model, rows), named(model, rows)[0]]

    def counted(series: str) -> float:
        return server.metrics().get(series, 0.0) - before.get(series, 0.0)

    def is_counted(series: str, count: int) -> bool:
        return counted(series) == count

    for output in ("kind", "size"):
        if name == "numbers":
            series = f'iris_deploy_predicted_number_count{{output="{output}"}}'
            wait_until(partial(is_counted, series, 31))
            total = f'iris_deploy_predicted_number_sum{{output="{output}"}}'
            assert counted(total) == pytest.approx(sum(each[output] for each in answered))
            continue
        for label in {each[output] for each in answered}:
            series = f'iris_deploy_predictions_total{{class="{label}",output="{output}"}}'
            expected = sum(each[output] == label for each in answered)
            wait_until(partial(is_counted, series, expected))


@pytest.mark.parametrize("body", [{"z": 1}, [{"a": "x"}], {"a": 1e400}])
def test_what_does_not_fit_is_refused(served: tuple[str, Any, Server], body: object) -> None:
    _, _, server = served
    assert server.request(
        "POST", "/predict", json.dumps(body), {"Content-Type": "application/json"}
    ).status in {400, 422}
