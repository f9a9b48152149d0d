"""The ways in which rows can be asked about: every contract in each of its forms.

A way takes columns of values as JSON has them, and returns what is predicted, or None where it
cannot say them: CSV and raw tensors have no texts that miss.
"""

import csv
import io
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import numpy as np

from iris_deploy.serving.reply import Reply
from tests.spoken import JSON, V1, V2, VERTEX, Spoken

Table = Mapping[str, Sequence[Any]]
"""Values by column."""

Way = Callable[[Spoken, Table], list[Any] | None]

CSV, LINES, FORM = "text/csv", "application/jsonlines", "application/x-www-form-urlencoded"


def objects(table: Table) -> list[dict[str, Any]]:
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def lists(table: Table) -> list[list[Any]]:
    return [list(row) for row in zip(*table.values(), strict=True)]


def right(reply: Reply) -> bytes:
    body = reply.read()
    assert reply.status == 200, body
    return body


def in_json(path: str, write: Callable[[Table], Any], query: str = "") -> Way:
    def ask(spoken: Spoken, table: Table) -> list[Any]:
        body = json.dumps(write(table)).encode()
        told = json.loads(right(spoken.ask(path, body, query=query)))
        listed: list[Any] = told["predictions"] if "predictions" in told else [told["prediction"]]
        if path == "/predict" or path == "/score" or not isinstance(listed[0], dict):
            return listed
        return [each.get("prediction", each) for each in listed]

    return ask


def one_by_one(way: Way) -> Way:
    def ask(spoken: Spoken, table: Table) -> list[Any] | None:
        told: list[Any] = []
        for at in range(len(next(iter(table.values())))):
            row = way(spoken, {name: values[at : at + 1] for name, values in table.items()})
            if row is None:
                return None
            told += row
        return told

    return ask


def in_text(
    path: str, content_type: str, write: Callable[[Table], bytes], accept: str | None = None
) -> Way:
    def ask(spoken: Spoken, table: Table) -> list[Any]:
        reply = spoken.ask(path, write(table), content_type, accept)
        told, kind = right(reply), dict(reply.headers)["Content-Type"]
        if kind == LINES:
            return [json.loads(line)["prediction"] for line in told.splitlines()]
        if kind == CSV:
            records = list(csv.reader(io.StringIO(told.decode(), newline="")))
            return [record[-1] for record in records[1 if path == "/predict" else 0 :]]
        answer = json.loads(told)
        listed: list[Any] = answer.get("predictions", [answer.get("prediction")])
        return listed

    return ask


def write_csv(table: Table, *, header: bool) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(table)
    for row in lists(table):
        writer.writerow(["" if value is None else value for value in row])
    return text.getvalue().encode()


def write_lines(rows: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def write_form(table: Table) -> bytes:
    fields = {name: values[0] for name, values in table.items() if values[0] is not None}
    return urlencode(fields).encode()


def tensor(
    name: str, values: Sequence[Any], *, nested: bool, raw: bool
) -> tuple[dict[str, Any], bytes] | None:
    present = [value for value in values if value is not None]
    if any(type(value) is str for value in present):
        datatype = "BYTES"
    elif present and all(type(value) is bool for value in present) and len(present) == len(values):
        datatype = "BOOL"
    elif any(type(value) is bool for value in present):
        return None
    else:
        datatype = "FP64"
    described: dict[str, Any] = {"name": name, "datatype": datatype, "shape": [len(values)]}
    if nested:
        described["shape"] = [len(values), 1]
    if not raw:
        described["data"] = [[value] for value in values] if nested else [*values]
        return described, b""
    if datatype == "BYTES":
        if None in values:
            return None
        encoded = [str(value).encode() for value in values]
        data = b"".join(struct.pack("<I", len(text)) + text for text in encoded)
    elif datatype == "BOOL":
        data = bytes(values)
    else:
        data = np.array([np.nan if v is None else v for v in values], "<f8").tobytes()
    described["parameters"] = {"binary_data_size": len(data)}
    return described, data


def in_tensors(*, nested: bool = False, raw: bool = False, answer_raw: bool = False) -> Way:
    def ask(spoken: Spoken, table: Table) -> list[Any] | None:
        tensors = [tensor(n, v, nested=nested, raw=raw) for n, v in table.items()]
        if None in tensors:
            return None
        made = [each for each in tensors if each is not None]
        return infer(
            spoken, [d for d, _ in made], b"".join(data for _, data in made), answer_raw=answer_raw
        )

    return ask


def in_a_matrix(*, nested: bool = False, raw: bool = False) -> Way:
    def ask(spoken: Spoken, table: Table) -> list[Any] | None:
        values = [*chain.from_iterable(lists(table))]
        if len(table) < 2 or any(type(value) not in {int, float, type(None)} for value in values):
            return None
        n_rows = len(next(iter(table.values())))
        described: dict[str, Any] = {
            "name": "all",
            "datatype": "FP64",
            "shape": [n_rows, len(table)],
        }
        if not raw:
            return infer(spoken, [described | {"data": lists(table) if nested else values}], b"")
        data = np.array([np.nan if v is None else v for v in values], "<f8").tobytes()
        described["parameters"] = {"binary_data_size": len(data)}
        return infer(spoken, [described], data)

    return ask


def infer(
    spoken: Spoken, inputs: list[dict[str, Any]], data: bytes, *, answer_raw: bool = False
) -> list[Any]:
    """Ask for all outputs, or for the prediction alone in raw bytes, and return the prediction."""
    asked: dict[str, Any] = {"inputs": inputs}
    if answer_raw:
        asked["parameters"] = {"binary_data_output": True}
    head = json.dumps(asked).encode()
    reply = spoken.ask(V2, head + data, None, length=len(head) if data else None)
    told, headers = right(reply), dict(reply.headers)
    size = int(headers.get("Inference-Header-Content-Length", len(told)))
    outputs = json.loads(told[:size])["outputs"]
    predicted: list[Any] = read_outputs(outputs, told[size:])["prediction"]
    return predicted


def read_outputs(outputs: list[dict[str, Any]], raw: bytes) -> dict[str, Any]:
    """Return the values of outputs by their names."""
    found: dict[str, Any] = {}
    for output in outputs:
        if "data" in output:
            found[output["name"]] = output["data"]
            continue
        size = output["parameters"]["binary_data_size"]
        own, raw = raw[:size], raw[size:]
        if output["datatype"] == "BYTES":
            values: list[Any] = []
            while own:
                length = struct.unpack("<I", own[:4])[0]
                values.append(own[4 : 4 + length].decode())
                own = own[4 + length :]
        else:
            kind = {"FP64": "<f8", "INT64": "<i8", "BOOL": "?"}[output["datatype"]]
            values = np.frombuffer(own, kind).tolist()
        found[output["name"]] = values
    assert raw == b""
    return found


def split(table: Table) -> dict[str, Any]:
    return {"columns": [*table], "index": [*range(len(lists(table)))], "data": lists(table)}


def by_index(table: Table) -> dict[str, Any]:
    return {str(at): row for at, row in enumerate(objects(table))}


def by_column(table: Table) -> dict[str, Any]:
    return {name: {str(at): v for at, v in enumerate(values)} for name, values in table.items()}


def a_table(table: Table) -> dict[str, Any]:
    rows = [{"index": at, **row} for at, row in enumerate(objects(table))]
    return {"schema": {"fields": [], "primaryKey": ["index"]}, "data": rows}


def reversed_columns(table: Table) -> dict[str, Any]:
    return split({name: table[name] for name in reversed([*table])})


FORMS: dict[str, Callable[[Table], Any]] = {
    "objects": objects,
    "arrays": lists,
    "columns": dict,
    "split": split,
    "split, other order": reversed_columns,
    "index": by_index,
    "by column": by_column,
    "table": a_table,
    **{
        f"{name} of {form}": lambda table, name=name, write=write: {name: write(table)}  # type: ignore[misc]
        for name in ("instances", "inputs", "data", "records", "features", "input_data")
        for form, write in (("objects", objects), ("arrays", lists), ("columns", dict))
    },
}

WAYS: dict[str, Way] = {
    **{f"native, {name}": in_json("/predict", write) for name, write in FORMS.items()},
    "native, one object": one_by_one(in_json("/predict", lambda table: objects(table)[0])),
    "native, details": in_json("/predict", objects, "details=true"),
    "native, form": one_by_one(in_text("/predict", FORM, write_form)),
    "native, CSV": in_text("/predict", CSV, lambda table: write_csv(table, header=True)),
    "native, CSV for JSON": in_text(
        "/predict", CSV, lambda table: write_csv(table, header=True), JSON
    ),
    "native, JSON for CSV": in_text(
        "/predict", JSON, lambda table: json.dumps(objects(table)).encode(), CSV
    ),
    "invocations, CSV both ways": in_text(
        "/invocations", CSV, lambda table: write_csv(table, header=True), CSV
    ),
    "native, JSON Lines": in_text("/predict", LINES, lambda table: write_lines(objects(table))),
    "native, lines of arrays": in_text("/predict", LINES, lambda table: write_lines(lists(table))),
    "azure": in_json("/score", lambda table: {"input_data": split(table)}),
    "v1, instances": in_json(V1, lambda table: {"instances": objects(table)}),
    "v1, arrays": in_json(V1, lambda table: {"inputs": lists(table)}),
    "v1, details": in_json(
        V1, lambda table: {"instances": objects(table), "parameters": {"details": True}}
    ),
    "vertex": in_json(VERTEX, lambda table: {"instances": objects(table)}),
    "invocations, split": in_json("/invocations", lambda table: {"dataframe_split": split(table)}),
    "invocations, records": in_json(
        "/invocations", lambda table: {"dataframe_records": objects(table)}
    ),
    "invocations, instances": in_json("/invocations", lambda table: {"instances": lists(table)}),
    "invocations, inputs": in_json("/invocations", lambda table: {"inputs": dict(table)}),
    "invocations, details": in_json(
        "/invocations", lambda table: {"instances": lists(table), "params": {"details": True}}
    ),
    "invocations, CSV": in_text("/invocations", CSV, lambda table: write_csv(table, header=True)),
    "invocations, CSV without a header": in_text(
        "/invocations", f"{CSV}; header=absent", lambda table: write_csv(table, header=False)
    ),
    "invocations, JSON Lines": in_text(
        "/invocations", LINES, lambda table: write_lines(objects(table)), LINES
    ),
    "v2, a tensor for each": in_tensors(),
    "v2, nested": in_tensors(nested=True),
    "v2, raw": in_tensors(raw=True),
    "v2, raw both ways": in_tensors(raw=True, answer_raw=True),
    "v2, JSON, answered raw": in_tensors(answer_raw=True),
    "v2, one tensor": in_a_matrix(),
    "v2, one tensor, nested": in_a_matrix(nested=True),
    "v2, one tensor, raw": in_a_matrix(raw=True),
}
