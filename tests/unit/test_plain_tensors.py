"""Tensors that are read quickly: nothing that the reader of all refuses, and the same bits."""

import json
import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iris_deploy.codec.pointers import InstanceError
from iris_deploy.codec.readers import Readers
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.tensors import read_request
from iris_deploy.schema.batch import FEW
from iris_deploy.schema.columns import Column
from iris_deploy.schema.signature import Signature
from tests.signatures import category, classes, number

SIGNATURES = {
    "two": ("length", "width"),
    "one": ("length",),
    "escaped": ('quo"te', "\u00e4"),
}


def readers_of(*columns: Column) -> Readers:
    return Readers(Signature(columns=columns, output=classes("a", "b")))


READERS = {key: readers_of(*map(number, names)) for key, names in SIGNATURES.items()}
READERS["gaps"] = readers_of(number("length", missing=True), number("width", boolean=True))
READERS["categories"] = readers_of(number("length"), category("width", [1.0, 2.0]))


def agree(readers: Readers, body: bytes) -> bool:
    """Say whether the quick reader took a body; if it did, the other reads the same."""
    found = readers.plain_tensors.read(body)
    if found is None:
        return False
    rows, given = found
    request, tensors = read_request(body, None)
    expected = readers.tensors.read(tensors)
    assert given.inputs == [] or given.inputs[0].name == request.inputs[0].name
    members = ("id", "outputs", "parameters", "model_name", "model_version")
    assert [getattr(given, m) for m in members] == [getattr(request, m) for m in members]
    assert rows.layout == expected.layout
    assert [struct.pack(f"{len(row)}d", *row) for row in rows.values] == [
        struct.pack(f"{len(row)}d", *row) for row in expected.values
    ]
    assert all(isinstance(value, float) for row in rows.values for value in row)
    return True


figures = st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.just(-0.0)
oddities: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, "1", [], [1.0], {}, float("nan"), float("inf"), 1e101, 2**70]
)
names = st.sampled_from(["length", "width", "X", "", 'quo"te', "\u00e4", "Length", "width "])


@st.composite
def inputs(draw: st.DrawFn) -> dict[str, Any]:
    """Make up a tensor: mostly right, and now and then not."""
    n_rows, n_columns = draw(st.integers(0, FEW + 1)), draw(st.integers(1, 2))
    odd = draw(st.integers(0, 9)) == 0
    n_values = n_rows * n_columns + (draw(st.integers(-1, 1)) if odd else 0)
    value = figures | oddities if odd else figures
    shape = [n_rows, n_columns] if n_columns > 1 or draw(st.booleans()) else [n_rows]
    if odd:
        shape = draw(st.sampled_from([shape, [], [*shape, 1], [-1, -n_columns], shape[::-1]]))
    made: dict[str, Any] = {
        "name": draw(names),
        "shape": shape,
        "datatype": draw(st.sampled_from(["FP64", "FP32", "FP64", "INT64", "UINT8", "BOOL", "x"])),
        "data": draw(st.lists(value, min_size=max(n_values, 0), max_size=max(n_values, 0))),
    }
    if draw(st.integers(0, 4)) == 0:
        made["parameters"] = draw(st.dictionaries(st.text(max_size=2), oddities, max_size=2))
    if odd and draw(st.booleans()):
        made[draw(st.sampled_from(["parameters", "name", "other"]))] = draw(oddities)
    return made


@st.composite
def requests(draw: st.DrawFn) -> str:
    """Write a request; here and there a member comes twice."""
    made: dict[str, Any] = {"inputs": draw(st.lists(inputs(), max_size=3))}
    asked = st.fixed_dictionaries(
        {"name": st.sampled_from(["prediction", "x"])}, optional={"parameters": st.just({"a": "b"})}
    )
    others = {
        "id": st.text(max_size=3),
        "outputs": oddities | st.lists(asked, max_size=2),
        "parameters": oddities | st.just({"binary_data_output": False}),
        "model_name": st.text(max_size=3),
        "x": oddities,
    }
    for member, value in others.items():
        if draw(st.integers(0, 5)) == 0:
            made[member] = draw(value)
    text = json.dumps(made, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 9)) == 0:
        member = draw(st.sampled_from(['"id": "1"', '"inputs": []', '"name": "X"', '"data": [1]']))
        at = text.index("{", draw(st.integers(0, 1))) if text.count("{") > 1 else 0
        text = f"{text[: at + 1]}{member}, {text[at + 1 :]}"
    return text


@pytest.mark.parametrize("kind", READERS)
def test_whatever_is_asked_both_readers_agree(kind: str) -> None:
    @given(requests())
    @settings(max_examples=400, deadline=None, derandomize=True)
    def check(text: str) -> None:
        agree(READERS[kind], text.encode("utf-8", "surrogatepass"))

    check()


ONE = b'{"inputs":[{"name":"X","shape":[1,2],"datatype":"FP64","data":[5.1,2.4]}],"id":"a"}'


@given(st.binary(max_size=20), st.integers(0, len(ONE)))
@settings(max_examples=600, deadline=None)
@example(b'"id":"b",', 1)
@example(b'"name":"Y",', 12)
@example(b'"', len(ONE) - 3)
def test_whatever_bytes_are_put_into_a_request_both_readers_agree(wild: bytes, at: int) -> None:
    agree(READERS["two"], ONE[:at] + wild + ONE[at + len(wild) // 2 :])
    agree(READERS["two"], ONE[:at] + wild + ONE[at:])


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"id": ""},
        {"id": "of \u00e4 client", "outputs": [{"name": "prediction"}]},
        {"parameters": {"binary_data_output": False}, "model_name": "iris"},
    ],
)
@pytest.mark.parametrize("datatype", ["FP64", "FP32", "FP16"])
@pytest.mark.parametrize("n_rows", [*range(FEW + 2), 1000])
def test_numbers_as_clients_send_them_are_taken(
    n_rows: int, datatype: str, others: dict[str, Any]
) -> None:
    both: dict[str, Any] = {
        "name": "X",
        "shape": [n_rows, 2],
        "datatype": datatype,
        "data": [5.1, 2] * n_rows,
    }
    each = [
        {"name": name, "shape": shape, "datatype": datatype, "data": [1.5] * n_rows}
        for name, shape in (("width", [n_rows, 1]), ("length", [n_rows]))
    ]
    for tensors in ([both], each):
        body = json.dumps({"inputs": tensors, **others}, ensure_ascii=False).encode()
        assert agree(READERS["two"], body)
        assert agree(READERS["gaps"], body)
        assert not agree(READERS["categories"], body)


@pytest.mark.parametrize("data", [[1e101, 1], ["1", 1], [None, 1], [True, 1], [[1, 1]], [1]])
def test_numbers_that_do_not_fit_are_left_to_the_reader_that_says_why(data: list[Any]) -> None:
    tensor = {"name": "X", "shape": [1, 2], "datatype": "FP64", "data": data}
    body = json.dumps({"inputs": [tensor]}).encode()
    assert not agree(READERS["two"], body)
    if data != [[1, 1]]:
        with pytest.raises((MalformedError, InstanceError)):
            READERS["two"].tensors.read(read_request(body, None)[1])
