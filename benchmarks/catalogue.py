"""The servers that are compared."""

from collections.abc import Sequence
from functools import partial

from benchmarks.asking import (
    dataframe,
    flat,
    instances,
    labels_alone,
    objects,
    one_object,
    post,
    raw_version_two,
    table,
    version_two,
)
from benchmarks.peer import OURS, PEERS, Many, One, Peer
from benchmarks.workloads import IRISES, WORKLOADS

NUMBERS_ALONE = ("forest", "boosting")

GUNICORN = (
    *("{bin}/gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "{workers}"),
    *("--pythonpath", str(PEERS / "talk"), "app:app"),
)
GUNICORN_LOGS = ("--access-logfile", "-")
UVICORN = (
    *("{bin}/uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--workers", "{workers}"),
    *("--loop", "uvloop", "--http", "httptools", "--app-dir", "{app}", "app:app"),
)
GRANIAN = (
    *("{bin}/granian", "--interface", "rsgi", "--host", "127.0.0.1", "--port", "{port}"),
    *("--workers", "{workers}", "--loop", "uvloop", "--http", "1", "--no-ws", "app:app"),
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
        proxied=("--trusted-proxy", "127.0.0.1") if not contract else None,
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
        tuple(WORKLOADS),
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
        proxied=(),
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
        "uvicorn-ours",
        ("uvicorn", "msgspec", "numpy"),
        "ASGI without a framework and msgspec around the same, uvicorn with uvloop and httptools",
        (*UVICORN, "--lifespan", "off"),
        one_object,
        variables={"PYTHONPATH": "{root}"},
        silent=("--no-access-log",),
    ),
    Peer(
        "granian-ours",
        ("granian", "msgspec", "numpy"),
        "Granian (Rust), its own interface RSGI, uvloop and msgspec around the same",
        GRANIAN,
        one_object,
        variables={"PYTHONPATH": "{root}{pathsep}{app}"},
        logging=("--access-log",),
    ),
    Peer(
        "nginx-constant",
        (),
        "no model: nginx answers everything with the same 23 bytes, unchecked; the upper limit",
        ("{bin}/python", "{app}/app.py", "{port}", "{workers}"),
        one_object,
        program="nginx",
        is_constant=True,
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
        workloads=("mixed", "text", *NUMBERS_ALONE),
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
