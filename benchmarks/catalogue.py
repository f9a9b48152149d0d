"""The servers that are compared: how each is run, asked and understood."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.load import Request

PEERS = Path(__file__).parent / "peers"
OURS = "iris-deploy"
NAMES = ("setosa", "versicolor", "virginica")

Row = tuple[float, float]


@dataclass(frozen=True)
class Peer:
    """One server, in an environment of its own.

    Parameters
    ----------
    name : str
        Also that of its directory below ``benchmarks/peers``.
    packages : sequence of str
        Those whose versions the report names.
    how : str
        How it is run and asked, for the report.
    command : sequence of str
        With ``{bin}``, ``{app}``, ``{port}``, ``{port2}``, ``{port3}`` and ``{workers}``; run in
        the directory of its model.
    one : callable
        The request for one row.
    many : dict of str to callable
        The requests for many rows, by the form of their body; empty if it takes one row only.
    variables : dict of str to str
        For its process's environment, filled in as the command is.
    silent, logging : sequence of str
        Words after the command for a run without and with an access log.
    """

    name: str
    packages: Sequence[str]
    how: str
    command: Sequence[str]
    one: Callable[[Row], Request]
    many: dict[str, Callable[[Sequence[Row]], Request]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    silent: Sequence[str] = ()
    logging: Sequence[str] = ()

    @property
    def directory(self) -> Path:
        """Its requirements and, if it has any, its application."""
        return PEERS / self.name


def post(path: str, value: object) -> Request:
    """Write a request as clients in Python do that care for its size."""
    return Request(path, json.dumps(value, separators=(",", ":")).encode())


def flower(row: Row) -> dict[str, float]:
    """Name the two features."""
    return {"length": row[0], "width": row[1]}


def arrays(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Put the values of each feature together."""
    return {"length": [row[0] for row in rows], "width": [row[1] for row in rows]}


def one_flower(row: Row) -> Request:
    """Ask as the talk does."""
    return post("/predict", flower(row))


def flat(rows: Sequence[Row]) -> list[float]:
    """Put one row after the other."""
    return [value for row in rows for value in row]


def version_two(rows: Sequence[Row]) -> Request:
    """Ask in the Open Inference Protocol, version 2."""
    tensor = {"name": "X", "shape": [len(rows), 2], "datatype": "FP64", "data": flat(rows)}
    return post("/v2/models/iris/infer", {"inputs": [tensor]})


def instances(rows: Sequence[Row]) -> Request:
    """Ask in KServe's first protocol."""
    return post("/v1/models/iris:predict", {"instances": rows})


def dataframe(rows: Sequence[Row]) -> Request:
    """Ask as MLflow documents for pandas."""
    table = {"columns": ["length", "width"], "data": rows}
    return post("/invocations", {"dataframe_split": table})


def labels(answer: bytes) -> list[str]:
    """Read the labels out of anybody's answer: names, or positions of them.

    Raises
    ------
    ValueError
        If there are none.
    """
    value: Any = json.loads(answer)
    try:
        if isinstance(value, dict):
            if "outputs" in value:
                value = value["outputs"][0]["data"]
            else:
                value = value["predictions"] if "predictions" in value else [value["prediction"]]
        return [label if isinstance(label, str) else NAMES[label] for label in value]
    except (KeyError, IndexError, TypeError) as exc:
        raise ValueError(f"no labels in {answer[:200]!r}") from exc


GUNICORN = (
    *("{bin}/gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "{workers}"),
    *("--pythonpath", str(PEERS / "talk"), "app:app"),
)
GUNICORN_LOGS = ("--access-logfile", "-")
UVICORN = (
    *("{bin}/uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--workers", "{workers}"),
    *("--loop", "uvloop", "--http", "httptools", "--app-dir", "{app}", "app:app"),
)
FASTAPI_FORMS: dict[str, Callable[[Sequence[Row]], Request]] = {
    "flat list": lambda rows: post("/predict-flat", flat(rows)),
    "objects": lambda rows: post("/predict-many", list(map(flower, rows))),
}

ALL = (
    Peer(
        OURS,
        ("iris-deploy", "waitress", "numpy"),
        "`iris-deploy serve`, limits of body and connections raised",
        (
            *("{bin}/iris-deploy", "serve", "--artifacts", "artifacts"),
            *("--workers", "{workers}", "--port", "{port}"),
            *("--max-body-bytes", str(2**28), "--connections", "1100"),
        ),
        one_flower,
        {
            "arrays": lambda rows: post("/predict", arrays(rows)),
            "objects": lambda rows: post("/predict", list(map(flower, rows))),
        },
        silent=("--access-log", "off"),
    ),
    Peer(
        "talk",
        ("flask", "gunicorn", "scikit-learn"),
        "the talk's application, today's versions, gunicorn with sync workers",
        GUNICORN,
        one_flower,
        logging=GUNICORN_LOGS,
    ),
    Peer(
        "talk-2018",
        ("flask", "gunicorn", "scikit-learn"),
        "the same on its versions of 2018 and Python 3.6",
        GUNICORN,
        one_flower,
        logging=GUNICORN_LOGS,
    ),
    Peer(
        "fastapi",
        ("fastapi", "uvicorn", "scikit-learn"),
        "FastAPI, pydantic, `async def` around scikit-learn, uvicorn with uvloop and httptools",
        UVICORN,
        one_flower,
        FASTAPI_FORMS,
        silent=("--no-access-log",),
    ),
    Peer(
        "fastapi-ours",
        ("fastapi", "uvicorn", "numpy"),
        "the same around the predictor of iris-deploy",
        UVICORN,
        one_flower,
        FASTAPI_FORMS,
        {"PYTHONPATH": "{root}"},
        silent=("--no-access-log",),
    ),
    Peer(
        "litserve",
        ("litserve", "scikit-learn"),
        "LitServe on the CPU, `workers_per_device`",
        ("{bin}/python", "{app}/app.py", "{port}", "{workers}"),
        one_flower,
        {"flat list": lambda rows: post("/predict", {"values": flat(rows)})},
    ),
    Peer(
        "mlserver",
        ("mlserver", "scikit-learn"),
        "MLServer's scikit-learn runtime, `parallel_workers`, protocol V2",
        ("{bin}/mlserver", "start", "."),
        lambda row: version_two([row]),
        {"V2, flat FP64": version_two},
        {
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{port2}",
            "MLSERVER_METRICS_PORT": "{port3}",
            "MLSERVER_PARALLEL_WORKERS": "{workers}",
            "MLSERVER_DEBUG": "false",
        },
    ),
    Peer(
        "kserve",
        ("kserve", "scikit-learn"),
        "a KServe predictor around a scikit-learn pipeline, gRPC and latency log off, protocol V1",
        (
            *("{bin}/python", "{app}/app.py", "--http_port", "{port}", "--workers", "{workers}"),
            *("--enable_grpc", "false", "--enable_latency_logging", "false"),
        ),
        lambda row: instances([row]),
        {"V1, instances": instances},
    ),
    Peer(
        "bentoml",
        ("bentoml", "scikit-learn"),
        "`bentoml serve` of a service around scikit-learn",
        ("{bin}/bentoml", "serve", "{app}", "--host", "127.0.0.1", "--port", "{port}"),
        one_flower,
        {"array": lambda rows: post("/predict_many", {"rows": rows})},
        {"MODEL": "{model}", "WORKERS": "{workers}", "BENTOML_HOME": "{model}/bentoml"},
    ),
    Peer(
        "mlflow",
        ("mlflow", "scikit-learn"),
        "`mlflow models serve --env-manager local`, dataframe_split",
        (
            *("{bin}/mlflow", "models", "serve", "--model-uri", "model", "--env-manager", "local"),
            *("--host", "127.0.0.1", "--port", "{port}", "--workers", "{workers}"),
        ),
        lambda row: dataframe([row]),
        {"dataframe_split": dataframe},
    ),
)
