"""The servers that are compared: how each is run, asked and understood."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.load import Request
from benchmarks.workloads import IRISES, WORKLOADS, Row, Workload

PEERS = Path(__file__).parent / "peers"
OURS = "iris-deploy"
ALL_OF_THEM = tuple(WORKLOADS)
NUMBERS_ALONE = ("forest", "boosting")

One = Callable[[Workload, Row], Request]
Many = Callable[[Workload, Sequence[Row]], Request]


@dataclass(frozen=True)
class Peer:
    """One server, in an environment of its own.

    Parameters
    ----------
    name : str
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
    workloads : sequence of str
        Those that it can serve.
    variables : dict of str to str
        For its process's environment, filled in as the command is.
    silent, logging : sequence of str
        Words after the command for a run without and with an access log.
    rival : str
        Ours, asked in the same contract.
    of : str
        The peer whose server it is, if only the requests differ.
    """

    name: str
    packages: Sequence[str]
    how: str
    command: Sequence[str]
    one: One
    many: dict[str, Many] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    silent: Sequence[str] = ()
    logging: Sequence[str] = ()
    workloads: Sequence[str] = (IRISES.name,)
    rival: str = ""
    of: str = ""

    @property
    def server(self) -> str:
        """Whose environment and directory it has."""
        return self.of or self.name

    @property
    def is_ours(self) -> bool:
        """Whether it is our server, whatever it is asked in."""
        return self.server == OURS

    @property
    def directory(self) -> Path:
        """Its requirements and, if it has any, its application."""
        return PEERS / self.server


def post(path: str, value: object) -> Request:
    """Write a request as clients in Python do that care for its size."""
    return Request(path, json.dumps(value, separators=(",", ":")).encode())


def one_object(workload: Workload, row: Row) -> Request:
    """Ask as the talk does."""
    return post("/predict", workload.named(row))


def objects(workload: Workload, rows: Sequence[Row]) -> list[object]:
    """Name the values of all rows."""
    return list(map(workload.named, rows))


def flat(rows: Sequence[Row]) -> list[object]:
    """Put one row after the other."""
    return [value for row in rows for value in row]


def version_two(workload: Workload, rows: Sequence[Row]) -> Request:
    """Ask in the Open Inference Protocol, version 2."""
    shape = [len(rows), len(workload.columns)]
    tensor = {"name": "X", "shape": shape, "datatype": "FP64", "data": flat(rows)}
    return post("/v2/models/iris/infer", {"inputs": [tensor]})


def raw_version_two(workload: Workload, rows: Sequence[Row], output: str = "prediction") -> Request:
    """Ask in the same for one output, with raw bytes behind the JSON."""
    raw = np.array(rows, "<f8").tobytes()
    shape = [len(rows), len(workload.columns)]
    tensor: dict[str, Any] = {"name": "X", "shape": shape, "datatype": "FP64"}
    tensor["parameters"] = {"binary_data_size": len(raw)}
    asked = {"inputs": [tensor], "outputs": [{"name": output}]}
    head = json.dumps(asked, separators=(",", ":")).encode()
    headers = (
        ("Content-Type", "application/octet-stream"),
        ("Inference-Header-Content-Length", str(len(head))),
    )
    return Request("/v2/models/iris/infer", head + raw, headers)


def labels_alone(workload: Workload, rows: Sequence[Row]) -> Request:
    """Ask in the second version for labels alone, as MLServer answers it anyway."""
    asked = json.loads(version_two(workload, rows).body)
    return post("/v2/models/iris/infer", asked | {"outputs": [{"name": "prediction"}]})


def table(workload: Workload, rows: Sequence[Row]) -> Request:
    """Ask in CSV with a header, as MLflow has it."""
    lines = [",".join(workload.columns), *(",".join(map(str, row)) for row in rows)]
    body = ("\n".join(lines) + "\n").encode()
    return Request("/invocations", body, (("Content-Type", "text/csv"),))


def instances(rows: Sequence[Row]) -> Request:
    """Ask in KServe's first protocol."""
    return post("/v1/models/iris:predict", {"instances": rows})


def dataframe(workload: Workload, rows: Sequence[Row]) -> Request:
    """Ask as MLflow documents for pandas."""
    table = {"columns": workload.columns, "data": rows}
    return post("/invocations", {"dataframe_split": table})


def labels(answer: bytes, workload: Workload) -> list[str]:
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
        return workload.read_labels(value)
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
KSERVE = (
    *("{bin}/python", "{app}/app.py", "--http_port", "{port}", "--workers", "{workers}"),
    *("--enable_grpc", "false", "--enable_latency_logging", "false"),
)
FASTAPI_FORMS: dict[str, Many] = {
    "flat list": lambda _, rows: post("/predict-flat", flat(rows)),
    "objects": lambda w, rows: post("/predict-many", objects(w, rows)),
}


def ours(
    contract: str, one: One, many: dict[str, Many], workloads: Sequence[str] = (IRISES.name,)
) -> Peer:
    """Describe our server, asked in one contract; in the native one without a name."""
    return Peer(
        f"{OURS}-{contract}" if contract else OURS,
        ("iris-deploy", "waitress", "numpy"),
        "`iris-deploy serve`, limits of body and connections raised",
        (
            *("{bin}/iris-deploy", "serve", "--artifacts", "artifacts"),
            *("--workers", "{workers}", "--port", "{port}"),
            *("--max-body-bytes", str(2**28), "--connections", "1100"),
        ),
        one,
        many,
        silent=("--access-log", "off"),
        workloads=workloads,
        of=OURS,
    )


ALL = (
    ours(
        "",
        one_object,
        {
            "arrays": lambda w, rows: post("/predict", w.arrays(rows)),
            "objects": lambda w, rows: post("/predict", objects(w, rows)),
        },
        ALL_OF_THEM,
    ),
    ours(
        "v2",
        lambda w, row: labels_alone(w, [row]),
        {
            "V2, flat FP64": labels_alone,
            "V2, all outputs": version_two,
            "V2, raw": raw_version_two,
        },
    ),
    ours(
        "v1",
        lambda _, row: instances([row]),
        {"V1, instances": lambda _, rows: instances(rows)},
    ),
    ours(
        "invocations",
        lambda w, row: dataframe(w, [row]),
        {"dataframe_split": dataframe, "CSV": table},
    ),
    Peer(
        "talk",
        ("flask", "gunicorn", "scikit-learn"),
        "the talk's application, today's versions, gunicorn with sync workers",
        GUNICORN,
        one_object,
        logging=GUNICORN_LOGS,
    ),
    Peer(
        "talk-2018",
        ("flask", "gunicorn", "scikit-learn"),
        "the same on its versions of 2018 and Python 3.6",
        GUNICORN,
        one_object,
        logging=GUNICORN_LOGS,
    ),
    Peer(
        "fastapi",
        ("fastapi", "uvicorn", "scikit-learn"),
        "FastAPI, pydantic, `async def` around scikit-learn, uvicorn with uvloop and httptools",
        UVICORN,
        one_object,
        FASTAPI_FORMS,
        silent=("--no-access-log",),
    ),
    Peer(
        "fastapi-ours",
        ("fastapi", "uvicorn", "numpy"),
        "the same around the predictor of iris-deploy",
        UVICORN,
        one_object,
        FASTAPI_FORMS,
        {"PYTHONPATH": "{root}"},
        silent=("--no-access-log",),
    ),
    Peer(
        "fastapi-table",
        ("fastapi", "uvicorn", "scikit-learn", "pandas"),
        "FastAPI as above around the pipeline: a DataFrame, or the estimator and an array if it "
        "has numbers alone",
        UVICORN,
        one_object,
        {"objects": FASTAPI_FORMS["objects"]},
        silent=("--no-access-log",),
        workloads=("mixed", *NUMBERS_ALONE),
    ),
    Peer(
        "fastapi-onnx",
        ("fastapi", "uvicorn", "onnxruntime"),
        "FastAPI as above around onnxruntime, the estimator converted by skl2onnx",
        UVICORN,
        one_object,
        FASTAPI_FORMS,
        silent=("--no-access-log",),
        workloads=NUMBERS_ALONE,
    ),
    Peer(
        "litserve",
        ("litserve", "scikit-learn"),
        "LitServe on the CPU, `workers_per_device`",
        ("{bin}/python", "{app}/app.py", "{port}", "{workers}"),
        one_object,
        {"flat list": lambda _, rows: post("/predict", {"values": flat(rows)})},
    ),
    Peer(
        "mlserver",
        ("mlserver", "scikit-learn"),
        "MLServer's scikit-learn runtime, `parallel_workers`, protocol V2",
        ("{bin}/mlserver", "start", "."),
        lambda w, row: version_two(w, [row]),
        {"V2, flat FP64": version_two},
        {
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{port2}",
            "MLSERVER_METRICS_PORT": "{port3}",
            "MLSERVER_PARALLEL_WORKERS": "{workers}",
            "MLSERVER_DEBUG": "false",
        },
        workloads=(IRISES.name, *NUMBERS_ALONE),
        rival="iris-deploy-v2",
    ),
    Peer(
        "kserve",
        ("kserve", "scikit-learn"),
        "a KServe predictor around a scikit-learn pipeline, gRPC and latency log off, protocol V1",
        KSERVE,
        lambda _, row: instances([row]),
        {
            "V1, instances": lambda _, rows: instances(rows),
            "V2, flat FP64": version_two,
            "V2, raw": partial(raw_version_two, output="output-0"),
        },
        rival="iris-deploy-v1",
    ),
    Peer(
        "kserve-v2",
        ("kserve", "scikit-learn"),
        "the same, protocol V2",
        KSERVE,
        lambda w, row: version_two(w, [row]),
        rival="iris-deploy-v2",
        of="kserve",
    ),
    Peer(
        "bentoml",
        ("bentoml", "scikit-learn"),
        "`bentoml serve` of a service around scikit-learn",
        ("{bin}/bentoml", "serve", "{app}", "--host", "127.0.0.1", "--port", "{port}"),
        one_object,
        {"array": lambda _, rows: post("/predict_many", {"rows": rows})},
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
        lambda w, row: dataframe(w, [row]),
        {"dataframe_split": dataframe},
        rival="iris-deploy-invocations",
    ),
)
