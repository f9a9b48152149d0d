"""What is wrong with a request is said in the words of the contract that was asked."""

import json
import struct
from functools import cache
from typing import Any

import pytest

from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.pointers import InstanceError
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contract_settings import NAMES
from iris_deploy.serving.contracts.invocations import reply_message
from iris_deploy.serving.contracts.registry import CONTRACTS
from iris_deploy.serving.reply import Refusal
from tests.signatures import NUMBER, classes, number
from tests.spoken import JSON, V1, V2, VERTEX, Spoken
from tests.unit.test_contracts_agree import model

CSV, LINES, FORM = "text/csv", "application/jsonlines", "application/x-www-form-urlencoded"
FLOATS = {"name": "x", "shape": [1, 2], "datatype": "FP64"}
RIGHT = FLOATS | {"data": [1, 2]}


@cache
def numbers() -> Spoken:
    return Spoken(model(("number", "gaps"), "texts"), {})


@cache
def mixed() -> Spoken:
    return Spoken(model(("number", "words", "text"), "texts"), {})


def told(spoken: Spoken, path: str, body: Any, kind: str = JSON, **options: Any) -> tuple[int, str]:
    """Return the status of an answer, and what it says is wrong."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = spoken.ask(path, data, kind, **options)
    members = json.loads(reply.read())
    keys = {V1: "error", V2: "error", VERTEX: "error", "/invocations": "message"}
    key = keys.get(path, "detail")
    assert key in members, members
    return reply.status, members[key]


TENSORS: dict[str, tuple[Any, str]] = {
    "no tensor": ({"inputs": []}, "expected a tensor, got none"),
    "no inputs": ({}, "missing required field `inputs`"),
    "a shape that is no array": ({"inputs": [RIGHT | {"shape": 2}]}, "Expected `array`"),
    "three columns": (
        {"inputs": [FLOATS | {"shape": [1, 3], "data": [1, 2, 3]}]},
        "expected [rows, 2]",
    ),
    "three dimensions": (
        {"inputs": [RIGHT | {"shape": [1, 1, 2]}]},
        "expected [rows] or [rows, columns]",
    ),
    "less than no rows": ({"inputs": [RIGHT | {"shape": [-1, -2]}]}, "the shape is [-1, -2]"),
    "more data than the shape": ({"inputs": [RIGHT | {"data": [1, 2, 3]}]}, "data has 3 elements"),
    "rows of another length": (
        {"inputs": [RIGHT | {"data": [[1], [2]]}]},
        "data[0] is no array of 2",
    ),
    "an unknown datatype": ({"inputs": [RIGHT | {"datatype": "FP8"}]}, "unknown datatype 'FP8'"),
    "a text among numbers": ({"inputs": [RIGHT | {"data": [1, "2"]}]}, "data[1] is no FP64"),
    "a fraction among integers": (
        {"inputs": [RIGHT | {"datatype": "INT32", "data": [1, 2.5]}]},
        "data[1] is no INT32",
    ),
    "an integer that is too large": (
        {"inputs": [RIGHT | {"datatype": "UINT8", "data": [1, 256]}]},
        "data[1] is no UINT8",
    ),
    "null where nothing may miss": (
        {"inputs": [RIGHT | {"data": [None, 2]}]},
        "#/inputs/0/data/0: size: expected a finite number",
    ),
    "a number that is too large": (
        {"inputs": [RIGHT | {"data": [1, 1e300]}]},
        "#/inputs/0/data/1: weight: expected a finite number from -1e+100 to 1e+100; got 1e+300",
    ),
    "one column twice": (
        {"inputs": [{"name": "size", "shape": [1], "datatype": "FP64", "data": [1]}] * 2},
        "each tensor once",
    ),
    "columns of two lengths": (
        {
            "inputs": [
                {"name": "size", "shape": [1], "datatype": "FP64", "data": [1]},
                {"name": "weight", "shape": [2], "datatype": "FP64", "data": [1, 2]},
            ]
        },
        "the shape is [2]; expected [1] or [1, 1]",
    ),
    "a column is missing": (
        {"inputs": [{"name": "weight", "shape": [1], "datatype": "FP64", "data": [1]}]},
        "missing; expected an array of 1 numbers",
    ),
    "an unknown output": (
        {"inputs": [RIGHT], "outputs": [{"name": "label"}]},
        "there is no 'label'; expected prediction, probabilities",
    ),
    "an output twice": (
        {"inputs": [RIGHT], "outputs": [{"name": "prediction"}] * 2},
        "'prediction' is there twice",
    ),
    "an extension that is not spoken": (
        {
            "inputs": [RIGHT],
            "outputs": [{"name": "prediction", "parameters": {"classification": 2}}],
        },
        "the extension classification is not spoken here",
    ),
    "a flag that is none": (
        {"inputs": [RIGHT], "parameters": {"binary_data_output": "yes"}},
        "binary_data_output: expected true or false",
    ),
    "an unknown member": ({"inputs": [RIGHT], "input": []}, "unknown field `input`"),
    "infinity": (
        b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","data":[1,-Infinity]}]}',
        "data[1] is no FP64",
    ),
    "a member twice": (b'{"inputs":[],"inputs":[]}', "appears twice"),
    "no object": ([1], "Expected `object`, got `array`"),
    "no JSON": (b"{", "the body is not JSON"),
    "no UTF-8": (b'{"\xff":1}', "not UTF-8"),
}


@pytest.mark.parametrize("name", TENSORS)
def test_what_is_wrong_with_tensors_is_said(name: str) -> None:
    body, words = TENSORS[name]
    status, detail = told(numbers(), V2, body)
    assert (status, words in detail) == (400, True), detail


def raw(head: dict[str, Any], data: bytes) -> tuple[bytes, int]:
    text = json.dumps({"inputs": [head]}).encode()
    return text + data, len(text)


def sized(size: Any, **changes: Any) -> dict[str, Any]:
    return FLOATS | {"parameters": {"binary_data_size": size}} | changes


TWO = struct.pack("<2d", 1, 2)
RAW: dict[str, tuple[dict[str, Any], bytes, str]] = {
    "more than there is": (sized(17), TWO, "16 bytes are left"),
    "less than nothing": (sized(-1), TWO, "binary_data_size is -1"),
    "a size that is none": (sized("16"), TWO, "binary_data_size is '16'"),
    "another size than the shape": (sized(8), TWO, "8 bytes; 2 elements of FP64 have 16"),
    "bytes behind it": (sized(16), TWO + b"x", "1 bytes follow the last tensor"),
    "data in both": (sized(16, data=[1, 2]), TWO, "expected data or binary_data_size, got both"),
    "not a number": (sized(16), struct.pack("<2d", float("nan"), 1), "#/inputs/0/data/0: size"),
    "infinity": (sized(16), struct.pack("<2d", 1, float("inf")), "#/inputs/0/data/1: weight"),
    "a flag of two": (sized(2, datatype="BOOL"), b"\1\2", "expected bytes of 0 and 1"),
    "no element of text": (sized(4, datatype="BYTES"), b"\5\0\0\0", "not 2 elements of BYTES"),
    "a text without an end": (sized(7, datatype="BYTES"), b"\1\0\0\0a\1\0", "not 2 elements"),
    "no UTF-8": (sized(10, datatype="BYTES"), b"\1\0\0\0\xff\1\0\0\0a", "element 0 is no UTF-8"),
}


@pytest.mark.parametrize("name", RAW)
def test_what_is_wrong_with_raw_tensors_is_said(name: str) -> None:
    head, data, words = RAW[name]
    body, length = raw(head, data)
    status, detail = told(numbers(), V2, body, length=length)
    assert (status, words in detail) == (400, True), detail


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "\u0665", "", "4096"])
def test_a_length_of_json_that_is_none_is_refused(length: str) -> None:
    body, _ = raw(sized(16), TWO)
    status, detail = told(numbers(), V2, body, length=length)
    assert (status, "Inference-Header-Content-Length" in detail) == (400, True)


OTHERS: dict[str, tuple[str, Any, str, int, str]] = {
    "v1: both": (V1, {"instances": [], "inputs": []}, JSON, 400, "just one of instances, inputs"),
    "v1: neither": (V1, {"rows": []}, JSON, 400, "got 'rows'"),
    "v1: no array": (V1, {"instances": {}}, JSON, 400, "an array of instances in 'instances'"),
    "v1: another kind": (V1, {"instances": []}, "text/plain", 415, "application/json"),
    "v1: a field": (
        V1,
        {"instances": [{"size": 1, "weightt": 2}]},
        JSON,
        400,
        "did you mean 'weight'?",
    ),
    "v1: an array": (V1, {"instances": [[1]]}, JSON, 400, "an array of 2 values: size, weight"),
    "v1: a parameter": (
        V1,
        {"instances": [], "parameters": {"detail": 1}},
        JSON,
        400,
        'expected {"details": true} or false',
    ),
    "vertex: inputs": (VERTEX, {"inputs": []}, JSON, 400, "just one of instances"),
    "vertex: a list": (VERTEX, [[1, 2]], JSON, 400, "expected an object with instances"),
    "invocations: two": (
        "/invocations",
        {"instances": [], "dataframe_records": []},
        JSON,
        400,
        "got dataframe_records and instances",
    ),
    "invocations: no frame": (
        "/invocations",
        {"dataframe_split": {"data": []}},
        JSON,
        400,
        "expected columns and data in 'dataframe_split'",
    ),
    "invocations: a column of a frame": (
        "/invocations",
        {"dataframe_split": {"columns": ["size", "weightt"], "data": [[1, 2]]}},
        JSON,
        400,
        "weightt: unknown field",
    ),
    "invocations: no columns of a frame": (
        "/invocations",
        {"dataframe_split": {"columns": ["a"], "data": [[1]]}},
        JSON,
        400,
        "unknown field",
    ),
    "invocations: a column twice": (
        "/invocations",
        {"dataframe_split": {"columns": ["size", "size"], "data": []}},
        JSON,
        400,
        "each column once",
    ),
    "invocations: another kind": ("/invocations", b"x", "application/x-npy", 415, "text/csv"),
    "CSV: a column too few": (
        "/predict",
        b"size,weight\n1\n",
        CSV,
        400,
        "row 1 of the CSV has 1 fields",
    ),
    "CSV: a column too many": ("/predict", b"1,2,3\n", CSV, 400, "has 3 fields; expected 2"),
    "CSV: an unknown column": (
        "/predict",
        b"size,weight,id\n1,2,3\n",
        CSV,
        422,
        "id: unknown field",
    ),
    "CSV: a column is missing": ("/predict", b"weight\n1\n", CSV, 422, "size: missing"),
    "CSV: a column twice": ("/predict", b"size,size\n1,2\n", CSV, 400, "names a column twice"),
    "CSV: a quote without end": ("/predict", b'size,weight\n"1,2\n', CSV, 400, "not CSV"),
    "CSV: a quote within": ("/predict", b'size,weight\n"1"2,3\n', CSV, 400, "not CSV"),
    "CSV: every end of lines": (
        "/predict",
        b"size,weight\r\n1,2\n3,4\r\n",
        CSV,
        400,
        r"end with \n and \r\n",
    ),
    "CSV: a header that was not promised": (
        "/predict",
        b"size,weight\n1,2\n",
        f"{CSV}; header=absent",
        422,
        "record 1, size: expected a finite number; got the string 'size'",
    ),
    "CSV: no header that was promised": (
        "/predict",
        b"1,2\n3,4\n",
        f"{CSV}; header=present",
        422,
        "unknown field",
    ),
    "CSV: a word": ("/predict", b"size,weight\n1,2\nx,2\n", CSV, 422, "#cell=3,1: record 3, size"),
    "CSV: empty": ("/predict", b"", CSV, 400, "the body is empty"),
    "CSV: no UTF-8": ("/predict", b"size,weight\n1,\xff\n", CSV, 400, "not UTF-8"),
    "lines: one wrong": (
        "/predict",
        b'{"size":1}\n{"size":\n',
        LINES,
        400,
        "line 2: the body is not JSON",
    ),
    "lines: a field": ("/predict", b'{"size":1}\n\n{"sizee":1}', LINES, 422, "line 3: "),
    "lines: empty": ("/predict", b"\n\n", LINES, 400, "an instance in every line"),
    "forms: a field twice": ("/predict", b"size=1&size=2", FORM, 400, "'size' appears twice"),
    "forms: a word": ("/predict", b"size=x", FORM, 422, "#/size: expected a finite number"),
    "forms: many fields": ("/predict", b"a=1&" * 50, FORM, 400, "more than 12 fields"),
    "forms: no UTF-8": ("/predict", b"size=%ff", FORM, 400, "not UTF-8"),
    "envelopes: two": (
        "/predict",
        {"instances": [], "data": []},
        JSON,
        400,
        "'instances' reads as instances, and 'data' as instances, too",
    ),
    "envelopes: a field": (
        "/predict",
        {"data": [], "size": 1},
        JSON,
        400,
        "'data' reads as instances, and 'size' as a field of one",
    ),
    "envelopes: something else": ("/predict", {"data": [], "x": 1}, JSON, 422, "unknown field"),
    "azure: a field": ("/score", {"data": [{"sizee": 1}]}, JSON, 422, "did you mean 'size'?"),
    "frames: rows that differ": (
        "/predict",
        {"size": {"0": 1}, "weight": {"1": 1}},
        JSON,
        422,
        "the same as size has",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_wrong_is_said_in_the_words_of_the_contract(name: str) -> None:
    path, body, kind, status, words = OTHERS[name]
    found, detail = told(numbers(), path, body, kind)
    assert (found, words in detail) == (status, True), detail


def test_texts_and_categories_are_refused_by_name_and_place() -> None:
    tensors = [
        {"name": "size", "shape": [2], "datatype": "FP64", "data": [1, 2]},
        {"name": "colour", "shape": [2], "datatype": "BYTES", "data": ["red", "red"]},
        {"name": "note", "shape": [2], "datatype": "FP64", "data": [1, 2]},
    ]
    status, detail = told(mixed(), V2, {"inputs": tensors})
    assert (status, "#/inputs/2/data/0: note: expected a text; got 1.0" in detail) == (400, True)
    matrix = {"name": "all", "shape": [1, 3], "datatype": "BYTES", "data": ["x", "red", "a"]}
    status, detail = told(mixed(), V2, {"inputs": [matrix]})
    assert (status, "#/inputs/0/data/0: size" in detail) == (400, True)


def test_an_envelope_that_a_column_has_the_name_of_is_that_column() -> None:
    """Built by hand: no data of anybody decides which."""
    columns = (number("data"), number("inputs"))
    reader = InstanceReader(Signature(columns=columns, output=classes("a", "b")))
    assert reader.read(b'{"data": 1, "inputs": 2}') == (1.0, 2.0)
    rows: Any = reader.read(b'{"data": [1, 3], "inputs": [2, 4]}')
    assert rows.values.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert reader.read(b'{"features": [1, 2]}') == (1.0, 2.0)


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (400, 400, "BAD_REQUEST"),
        (401, 401, "UNAUTHENTICATED"),
        (404, 404, "ENDPOINT_NOT_FOUND"),
        (413, 413, "BAD_REQUEST"),
        (422, 400, "BAD_REQUEST"),
        (500, 500, "INTERNAL_ERROR"),
        (503, 503, "TEMPORARILY_UNAVAILABLE"),
    ],
)
def test_invocations_have_the_codes_of_mlflow(status: int, told: int, code: str) -> None:
    reply = reply_message(Refusal(status, "words"))
    assert reply.status == told
    assert json.loads(reply.read()) == {"error_code": code, "message": "words"}


@pytest.mark.parametrize("body", [b'{"columns": [], "data": [[], []]}', b"[[], []]"])
def test_rows_of_nothing_are_refused_even_where_all_may_miss(body: bytes) -> None:
    reader = InstanceReader(
        Signature(columns=(number("a", missing=True), number("b", missing=True)), output=NUMBER)
    )
    with pytest.raises(InstanceError, match="expected an array"):
        reader.read(body)


def test_every_contract_has_a_name_that_can_be_chosen() -> None:
    assert tuple(contract.name for contract in CONTRACTS) == NAMES
