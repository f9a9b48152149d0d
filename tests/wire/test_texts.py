"""Texts over HTTP: alone and many, as objects and arrays, escaped or not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tests.conftest import Server, run_process, serving
from tests.layouts import SUBJECTS, mails
from tests.waits import wait_until

TEXTS = [
    *SUBJECTS,
    'caf\u00e9 "free" \\ money\n\ttoday',
    "\u65e5\u672c\u8a9e free",
    "\U0001f600 win",
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Train a filter of mails with a text and a number, and import it."""
    home = tmp_path_factory.mktemp("mails")
    texts, kinds = mails()
    table = pd.DataFrame({"text": texts, "links": np.arange(len(texts)) % 5})
    columns = ColumnTransformer([("words", TfidfVectorizer(), "text")], remainder="passthrough")
    estimator = make_pipeline(columns, LogisticRegression()).fit(table, kinds)
    joblib.dump(estimator, home / "mails.joblib")
    table.to_csv(home / "sample.csv", index=False)
    done = run_process("import", "mails.joblib", "--sample", "sample.csv", cwd=home)
    assert done.returncode == 0, done.stderr
    return home / "artifacts", estimator


@pytest.fixture(scope="module")
def mailbox(model: tuple[Path, Any]) -> Iterator[Server]:
    with serving(model[0]) as server:
        yield server


def expected(model: tuple[Path, Any], rows: list[dict[str, Any]]) -> tuple[list[str], np.ndarray]:
    table = pd.DataFrame(rows)[["text", "links"]]
    return model[1].predict(table).tolist(), model[1].predict_proba(table)


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_text_is_answered_as_scikit_learn_does(
    mailbox: Server, model: tuple[Path, Any], ascii_only: bool
) -> None:
    for each in TEXTS:
        body = json.dumps({"text": each, "links": 2}, ensure_ascii=ascii_only)
        kind = {"Content-Type": "application/json"}
        answer = mailbox.request("POST", "/predict?details=true", body.encode(), kind)
        (label,), (scores,) = expected(model, [{"text": each, "links": 2}])
        assert answer.json()["prediction"] == label
        assert [*answer.json()["probabilities"].values()] == pytest.approx(scores, rel=1e-12)


@pytest.mark.parametrize("details", ["", "?details=true"])
@pytest.mark.parametrize("many", [3, 40])
def test_many_texts_are_answered_alike(
    mailbox: Server, model: tuple[Path, Any], many: int, details: str
) -> None:
    rows = [{"text": TEXTS[k % len(TEXTS)], "links": k % 7} for k in range(many)]
    arrays = {name: [row[name] for row in rows] for name in ("text", "links")}
    labels, _ = expected(model, rows)
    answers = [mailbox.predict(value, details).json() for value in (rows, arrays)]
    assert answers[0] == answers[1]
    assert answers[0]["predictions"] == labels
    alone = [mailbox.predict(row, details).json() for row in rows]
    assert [each["prediction"] for each in alone] == labels
    if details:
        assert [each["probabilities"] for each in alone] == answers[0]["probabilities"]


@pytest.mark.parametrize("value", [None, 3, True, {"a": 1}])
def test_what_is_no_text_is_refused(mailbox: Server, value: object) -> None:
    for body in ({"text": value, "links": 1}, [{"text": value, "links": 1}]):
        answer = mailbox.predict(body)
        assert answer.status == 422
        assert "expected a text" in answer.body.decode()


def test_a_text_without_end_is_warned_of_and_described(mailbox: Server) -> None:
    told = mailbox.predict({"text": "free " * 5000, "links": 1}, "?details=true").json()
    assert "25,000 characters; in training it had" in told["warnings"][0]
    described = mailbox.request("GET", "/").json()["columns"]
    assert {"name": "text", "missing": False, "kind": "text"} in described
    openapi = json.dumps(mailbox.request("GET", "/openapi.json").json())
    assert '"text": {"description": "a text", "anyOf": [{"type": "string"}]}' in openapi


def test_lengths_of_texts_are_what_drifts(mailbox: Server) -> None:
    rows = [{"text": "word " * 200, "links": k % 5} for k in range(300)]
    assert mailbox.predict(rows).status == 200
    metrics = mailbox.metrics()
    drift = {name: value for name, value in metrics.items() if "drift_psi" in name}
    assert [value > 1 for name, value in drift.items() if '"text"' in name] == [True]


@pytest.mark.parametrize(("length", "lane"), [(100, "loop"), (20_000, "pool")])
def test_long_texts_are_not_looked_through_in_the_loop(
    mailbox: Server, length: int, lane: str
) -> None:
    name = f"text-{length}"
    asked = {"text": "x" * length, "links": 1}
    assert mailbox.predict(asked, **{"X-Request-Id": name}).status == 200

    def lanes() -> list[str]:
        return [each["lane"] for each in mailbox.events("request") if each["id"] == name]

    wait_until(lanes)
    assert lanes() == [lane]
