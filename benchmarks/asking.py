"""How servers are asked in their contracts, and their answers understood."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.traffic import Request
from benchmarks.workloads import Row, Workload


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
