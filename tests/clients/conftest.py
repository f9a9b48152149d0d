"""Models that are served, and clients in processes of their own."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from iris_deploy.cli import main
from tests import data
from tests.conftest import Server, serving
from tests.layouts import mails

VARIABLE = "IRIS_DEPLOY_TEST_CLIENTS"  # where ``make test-clients`` has installed them
SCRIPTS = Path(__file__).parent / "scripts"
NAMES = ("triton", "kserve", "mlserver", "mlflow")
MANY = 40  # rows

Table = dict[str, list[Any]]


@dataclass(frozen=True)
class Served:
    """A model that is served, rows for it, and what scikit-learn says of them."""

    server: Server
    name: str
    table: pd.DataFrame
    labels: list[Any]
    datatype: str
    scored: str | None = None
    scores: np.ndarray | None = None

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def address(self) -> str:
        return "{}:{}".format(*self.server.address)

    @property
    def matrix(self) -> str | None:
        """The name of the tensor that holds all columns, if these are numbers alone."""
        return "features" if self.name == "iris" else None

    @property
    def columns(self) -> Table:
        """The rows as columns, with None for what is missing."""
        return {
            str(name): [None if pd.isna(value) else value for value in values]
            for name, values in self.table.to_dict("list").items()
        }

    def without_gaps(self, *, of_texts_alone: bool = False) -> "Served":
        """Return the same with the rows that miss nothing, or at least no text."""
        asked = self.table.select_dtypes(exclude="number") if of_texts_alone else self.table
        kept = asked.notna().all(axis=1).to_numpy()
        return replace(
            self,
            table=self.table[kept],
            labels=[label for label, keep in zip(self.labels, kept, strict=True) if keep],
            scores=None if self.scores is None else self.scores[kept],
        )

    def agrees(self, outputs: dict[str, Any]) -> bool:
        """Check what a client has read of the outputs, whatever it asked for."""
        expected: dict[str, Any] = {"prediction": self.labels}
        if self.datatype == "FP64":
            expected["prediction"] = pytest.approx(self.labels, rel=1e-12)
        if self.scored:
            expected[self.scored] = pytest.approx(self.scores, rel=1e-12, abs=1e-15)
        assert outputs
        assert outputs.keys() <= expected.keys()
        for name, values in outputs.items():
            found = values if name == "prediction" else np.array(values)
            assert found == expected[name], name
        return True


class RaisedError(Exception):
    """What a client raised.

    Parameters
    ----------
    kind : str
        The name of its class.
    text : str
        What it says.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


class Client:
    """A client in a process of its own, which the tests write lines to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ask(self, action: str, *given: Any, **named: Any) -> Any:
        """Have the client do something, and return what came of it.

        Raises
        ------
        RaisedError
            If it raised.
        """
        assert self.process.stdin
        assert self.process.stdout
        question = {"action": action, "given": given, "named": named}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or "{}")
        assert answer, "the client has ended"
        if "raised" in answer:
            raise RaisedError(answer["raised"], answer["text"])
        return answer["returned"]


@pytest.fixture(scope="session")
def clients() -> Iterator[dict[str, Client]]:
    """Start all of them at once: each takes seconds to load what it imports."""
    if VARIABLE not in os.environ:
        pytest.skip("clients of others are not tested: make test-clients installs and asks them")
    python = Path(os.environ[VARIABLE]) / "bin" / "python"
    with ExitStack() as stack:
        started = {}
        for name in NAMES:
            process = subprocess.Popen(
                [python, SCRIPTS / f"ask_{name}.py"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            started[name] = Client(stack.enter_context(process))  # its end is waited for
            stack.callback(process.kill)
        yield started


@pytest.fixture
def triton(clients: dict[str, Client]) -> Client:
    return clients["triton"]


@pytest.fixture
def kserve(clients: dict[str, Client]) -> Client:
    return clients["kserve"]


@pytest.fixture
def mlserver(clients: dict[str, Client]) -> Client:
    return clients["mlserver"]


@pytest.fixture
def mlflow(clients: dict[str, Client]) -> Client:
    return clients["mlflow"]


@pytest.fixture(scope="session")
def irises(_trained: Path) -> Iterator[Served]:
    """Serve the talk's model: numbers alone, three classes, decision values."""
    rng = np.random.default_rng(0)
    drawn = {"length": rng.uniform(1, 7, MANY), "width": rng.uniform(0, 2.5, MANY)}
    table = pd.DataFrame(drawn).round(2)
    files = ("sc_iris_petal.pkl", "ppn_iris.pkl")
    scaler, perceptron = (joblib.load(_trained / "iris" / "1" / file) for file in files)
    scaled = scaler.transform(table.to_numpy())
    labels = load_iris().target_names[perceptron.predict(scaled)].tolist()
    scores = perceptron.decision_function(scaled)
    with serving(_trained, "--version", 1) as server:
        yield Served(server, "iris", table, labels, "BYTES", "decision_values", scores)


def _learnt(home: Path, target: str, estimator: str) -> tuple[Path, pd.DataFrame, Any]:
    """Train on passengers; return the artifacts, rows to send, and what scikit-learn predicts."""
    table = data.passengers()
    path = home / f"{target}.csv"
    table.drop(columns="price" if target == "survived" else "survived").to_csv(path, index=False)
    given = ("--data", str(path), "--target", target, "--estimator", estimator)
    assert main(["train", *given, "--artifacts", str(home / "artifacts")]) == 0
    rows = table.drop(columns=["survived", "price"])[:MANY]
    read = rows.assign(alone=rows["alone"].astype(float)).replace({None: np.nan})
    pipeline = joblib.load(home / "artifacts" / target / "1" / f"pipeline_{target}.pkl")
    return home / "artifacts", rows, (pipeline, read)


@pytest.fixture(scope="session")
def passengers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a model of numbers, truth values, categories and gaps: two classes, probabilities."""
    home = tmp_path_factory.mktemp("passengers")
    artifacts, table, (pipeline, read) = _learnt(home, "survived", "random-forest")
    labels, scores = pipeline.predict(read).tolist(), pipeline.predict_proba(read)
    with serving(artifacts) as server:
        yield Served(server, "survived", table, labels, "INT64", "probabilities", scores)


@pytest.fixture(scope="session")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a model of the same columns that predicts a number."""
    home = tmp_path_factory.mktemp("prices")
    artifacts, table, (pipeline, read) = _learnt(home, "price", "ridge")
    with serving(artifacts) as server:
        yield Served(server, "price", table, pipeline.predict(read).tolist(), "FP64")


@pytest.fixture(scope="session")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a model of a text and a number: two classes, probabilities."""
    home = tmp_path_factory.mktemp("mails")
    texts, kinds = mails()
    table = pd.DataFrame({"text": texts, "links": np.arange(len(texts)) % 5})
    columns = ColumnTransformer([("words", TfidfVectorizer(), "text")], remainder="passthrough")
    estimator = make_pipeline(columns, LogisticRegression()).fit(table, kinds)
    joblib.dump(estimator, home / "mails.joblib")
    table.to_csv(home / "sample.csv", index=False)
    given = ("--sample", str(home / "sample.csv"), "--artifacts", str(home / "artifacts"))
    assert main(["import", str(home / "mails.joblib"), *given]) == 0
    rows = table[:MANY].copy()
    rows.loc[0, "text"] = 'caf\u00e9 "free" \\ money\n\ttoday, \u65e5\u672c\u8a9e \U0001f600'
    labels, scores = estimator.predict(rows).tolist(), estimator.predict_proba(rows)
    with serving(home / "artifacts") as server:
        yield Served(server, "mails", rows, labels, "BYTES", "probabilities", scores)


MODELS = ("irises", "passengers", "prices", "mailbox")


@pytest.fixture(params=MODELS)
def served(request: pytest.FixtureRequest) -> Served:
    """Serve one model after the other."""
    model: Served = request.getfixturevalue(request.param)
    return model
