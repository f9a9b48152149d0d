"""Quick reading and writing: nothing is taken that the strict reader refuses; bits are the same."""

import json
import struct
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iris_deploy.codec import strict_json as strict
from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.plain import Rows
from iris_deploy.codec.pointers import InstanceError
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.values import ValueReader
from iris_deploy.schema.batch import FEW
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contracts.labels import LabelWriter
from tests.signatures import category, classes, number

NAMES = ["length", "width", "a [b]", "\u00e4", "e", "0", "", 'quo"te', "back\\slash"]


def signature(*names: str) -> Signature:
    return Signature(columns=tuple(map(number, names)), output=classes("a", "b"))


def by_the_strict_reader(signature: Signature, body: bytes) -> list[tuple[float, ...]] | str:
    """Return the rows of a body, or the kind of error."""
    try:
        value, reader = strict.decode(body), ValueReader(signature)
        if reader.is_columns(value):
            return [*map(tuple, np.asarray(reader.columns(value)).tolist())]
        return reader.rows(value) if type(value) is list else [reader.row(value)]
    except (MalformedError, SignatureError) as exc:
        return type(exc).__name__


def bits(rows: Sequence[Sequence[float]] | np.ndarray) -> list[bytes]:
    return [struct.pack(f"{len(row)}d", *row) for row in rows]


def agree(signature: Signature, body: bytes) -> bool:
    """Say whether the quick reader took a body; if it did, the strict one takes it too."""
    read = InstanceReader(signature).read_plain(body)
    if read is None:
        return False
    value = strict.decode(body)
    many = type(value) is list or ValueReader(signature).is_columns(value)
    assert isinstance(read, Rows) == many
    expected = by_the_strict_reader(signature, body)
    assert not isinstance(expected, str), expected
    assert bits(read.values if isinstance(read, Rows) else [read]) == bits(expected)
    return True


@pytest.mark.parametrize("n_classes", [1, 2, 3, 15, 16, 17, 300])
def test_labels_are_written_as_any_encoder_of_json_writes_them(n_classes: int) -> None:
    classes = [f'class "{k}" \u00e4' for k in range(n_classes)]
    writer = LabelWriter.of_json(classes)
    for n_rows in (*range(20), 1000):
        indices = np.random.default_rng(n_rows).integers(0, n_classes, n_rows, np.int32)
        labels = [classes[k] for k in indices]
        text = json.dumps(labels, ensure_ascii=False, separators=(",", ":"))
        assert b"[%b]" % writer.write(indices) == text.encode()


numbers = (
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers().map(str)
    | st.integers(-(2**70), 2**70).map(str)
    | st.from_regex(r"-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,3})?", fullmatch=True)
)
others = st.sampled_from(
    ["NaN", "Infinity", "-", "01", "1.", ".5", "+1", "1_0", "null", "true", '"1"', "[]", "{}", ""]
)
blanks = st.sampled_from(["", "", "", " ", "\n", "\t ", "\r\n", "\x0b", "\xa0", "\ufeff"])
keys = st.sampled_from(
    [*map(json.dumps, NAMES), '"l\\u0065ngth"', '"other"', "length", '"\\ud800"']
)


@st.composite
def instances(draw: st.DrawFn, values: st.SearchStrategy[str] = numbers | others) -> str:
    """Write an object: mostly right, and now and then not."""
    usual = [json.dumps("length"), json.dumps("width")]
    fields = usual if draw(st.booleans()) else draw(st.lists(keys, max_size=4))
    members = [
        f"{draw(blanks)}{key}{draw(blanks)}:{draw(blanks)}{draw(values)}{draw(blanks)}"
        for key in fields
    ]
    return "{" + ",".join(members) + "}"


def few_or_many(rows: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Write an array of rows, so few that they stay lists, or more, which become arrays."""
    some = st.tuples(st.lists(rows, max_size=FEW), st.sampled_from([1, FEW]))
    return some.map(lambda drawn: f"[{','.join(drawn[0] * drawn[1])}]")


arrays = st.lists(numbers | st.one_of(numbers, others), max_size=3).map(
    lambda values: f"[{','.join(values)}]"
)
bodies = st.builds(
    "{}{}{}".format,
    blanks,
    instances() | instances(arrays | st.one_of(arrays, others)) | few_or_many(instances()),
    blanks,
)


@given(bodies)
@settings(max_examples=600, deadline=None)
@example('{"length": -0, "width": -0.0}')
@example('{"length": 1e101, "width": 1e400}')
@example('{"length": 1, "length": 2, "width": 3}')
@example('[{"length": 1, "length": 2, "width": 3}, {"width": 1, "length": 2}]')
@example("[]")
@example("[] []")
@example('{"length": 9007199254740993, "width": 18446744073709551617}')
@example('{"length": [1, -0], "width": [-0.0, 9007199254740993]}')
@example('{"length": [1], "width": [1, 2]}')
@example('{"length": [1], "width": 1}')
@example('{"length": [1], "width": [1], "length": [2]}')
@example('{"length": [], "width": []}')
@example('{"length": [1e101], "width": [1]}')
def test_whatever_is_written_both_readers_agree(text: str) -> None:
    agree(signature("length", "width"), text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=60), st.integers(0, 60))
@settings(max_examples=300, deadline=None)
def test_whatever_bytes_are_put_into_a_body_both_readers_agree(wild: bytes, place: int) -> None:
    body = b'[{"length": 1.5, "width": 2.5}, {"width": 3, "length": 4}]'
    agree(signature("length", "width"), body[:place] + wild + body[place + len(wild) // 2 :])
    agree(signature("length", "width"), body[:place] + wild[:1] + body[place:])


@pytest.mark.parametrize("spaces", [(", ", ": "), (",", ":"), (" ,\n", " :\t")])
@pytest.mark.parametrize("names", [NAMES[:1], NAMES[:2], NAMES[:7], NAMES], ids=len)
def test_instances_as_clients_write_them_are_taken(
    names: list[str], spaces: tuple[str, str]
) -> None:
    """But for names that have to be escaped, which the strict reader takes alone."""
    columns = signature(*names)
    rows = [{name: k + 0.25 for k, name in enumerate(names)} for _ in range(30)]
    rows.append(dict(reversed(rows[0].items())))
    arrays = {name: [k + 0.25] * 30 for k, name in enumerate(names)}
    for value in (rows[0], rows, arrays):
        body = json.dumps(value, separators=spaces).encode()
        assert agree(columns, body) == ('quo"te' not in names)


@given(few_or_many(arrays))
@settings(max_examples=600, deadline=None)
@example("[[1, 2], [-0, -0.0]]")
@example("[[1, 2], [1, 1e101]]")
@example("[[1, 2], [1]]")
@example(" [\n[1, 2]] ")
def test_whatever_arrays_are_written_both_readers_agree(text: str) -> None:
    reader = InstanceReader(signature("length", "width"))
    body = text.encode()
    read = reader.read_plain(body)
    if read is not None:
        expected = reader.read_value(strict.decode(body))
        assert isinstance(read, Rows)
        assert isinstance(expected, Rows)
        assert read.layout == expected.layout
        assert bits(read.values) == bits(expected.values)


@pytest.mark.parametrize("n_rows", [0, 1, FEW, FEW + 1])
@pytest.mark.parametrize("columns", [["length", "width"], ["width", "length"]])
def test_a_frame_has_its_columns_in_any_order(columns: list[str], n_rows: int) -> None:
    reader = InstanceReader(signature("length", "width"))
    value = {"columns": columns, "data": [[k + 0.5, -k] for k in range(n_rows)]}
    read = reader.read_plain_split(json.dumps(value).encode(), "/frame")
    assert read is not None
    expected = reader.read_frame(value, "/frame")
    assert read.layout == expected.layout
    assert bits(read.values) == bits(expected.values)


MIXED = Signature(
    columns=(
        number("length", missing=True),
        category("colour", ["red", "gr\u00fcn", 'qu"ote', ""], unknown=True, missing=True),
        category("grade", [1.0, 2.5, -0.0]),
        number("alone", boolean=True),
    ),
    output=classes("a", "b"),
)
"""Columns of every kind: with gaps and without, of text and of numbers, strict and lenient."""

values = st.sampled_from(
    [
        *('"red"', '"gr\u00fcn"', '"gr\\u00fcn"', '"violet"', '"qu\\"ote"', '""', '"2.5"', '"NaN"'),
        *("1", "1.0", "2.5", "0", "-0.0", "3", "1e101", "1e400", "null", "true", "false", "[]"),
    ]
)
mixed_keys = st.sampled_from(
    [*map(json.dumps, MIXED.names), '"l\\u0065ngth"', '"other"', '"Colour"']
)


@st.composite
def mixed_objects(draw: st.DrawFn, of: st.SearchStrategy[str] = values) -> str:
    """Write an object: mostly right, and now and then not."""
    usual = {
        "length": st.sampled_from(["null", "1.5", "7"]),
        "colour": st.sampled_from(["null", '"red"', '"violet"']),
        "grade": st.sampled_from(["1", "2.5"]),
        "alone": st.sampled_from(["true", "0.5"]),
    }
    if draw(st.booleans()) and of is values:
        members = [f'"{key}": {draw(each)}' for key, each in usual.items()]
        members = members[draw(st.integers(0, 2)) :] if draw(st.booleans()) else members
    else:
        members = [f"{draw(mixed_keys)}: {draw(of)}" for _ in range(draw(st.integers(0, 5)))]
    return "{" + ", ".join(draw(st.permutations(members))) + "}"


mixed_arrays = st.lists(values, max_size=3).map(lambda each: f"[{','.join(each)}]")
mixed_bodies = mixed_objects() | mixed_objects(mixed_arrays) | few_or_many(mixed_objects())


@given(mixed_bodies)
@settings(max_examples=1500, deadline=None)
@example('{"length": 1, "colour": "red", "grade": 1, "alone": true}')
@example('{"grade": 1, "alone": true}')
@example('{"grade": 1, "grade": 1, "alone": 0}')
@example('{"colour": "red", "colour": "red", "grade": 1, "alone": 0}')
@example('[{"grade": 1, "alone": true}, {"colour": "red", "grade": 2.5, "alone": 0.5}]')
@example('{"length": [null, 1], "colour": ["red", null], "grade": [1, 1], "alone": [true, 0]}')
@example('{"grade": [1, 1], "alone": [true, 0]}')
@example('{"grade": [], "alone": []}')
@example("{}")
def test_both_readers_agree_on_columns_of_every_kind(text: str) -> None:
    agree(MIXED, text.encode())


def test_instances_of_every_kind_as_clients_write_them_are_taken() -> None:
    row = {"length": None, "colour": "violet", "grade": 2.5, "alone": False}
    gap = {"grade": 1, "alone": 1}
    arrays = {"colour": ["red", None], "grade": [1, 2.5], "alone": [True, 0.5]}
    for value in (row, gap, [row, gap] * 10, arrays):
        assert agree(MIXED, json.dumps(value).encode())
    read = InstanceReader(MIXED).read(json.dumps(row).encode())
    assert bits([read]) == bits([(float("nan"), -1.0, 1.0, 0.0)])  # type: ignore[list-item]


ALIASED = Signature(
    columns=(number("length"), number("width")),
    output=classes("a", "b"),
    aliases={"petalLength": "length", "l": "length", "w": "width"},
)


@pytest.mark.parametrize(
    "body",
    [
        b'{"length": 1, "width": 2}',
        b'{"petalLength": 1, "width": 2}',
        b'[{"w": 2, "l": 1}, {"length": 1, "w": 2}]',
        b'{"l": [1], "w": [2]}',
        b'{"length": [1], "w": [2]}',
    ],
)
def test_a_field_is_taken_under_each_of_its_names(body: bytes) -> None:
    read = InstanceReader(ALIASED).read(body)
    rows = read.values if isinstance(read, Rows) else [read]
    assert {tuple(row) for row in np.asarray(rows).tolist()} == {(1.0, 2.0)}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"length": 1, "l": 1, "w": 2}', "#/length: sent twice, as length and l"),
        (b'{"l": 1, "petalLength": 1, "w": 2}', "#/length: sent twice, as l and petalLength"),
        (b'[{"length": 1, "w": 2}, {"w": 1, "width": 1, "l": 2}]', "#/1/width: sent twice"),
        (b'{"l": [1], "length": [1], "w": [2]}', "#/length: sent twice, as l and length"),
        (b'{"l": 1}', "#/width: missing"),
        (b'{"l": "x", "w": 2}', "#/length: expected a finite number"),
        (b'{"l": 1, "v": 2}', "expected length, width"),
    ],
)
def test_what_is_wrong_is_said_of_the_field_by_its_own_name(body: bytes, words: str) -> None:
    with pytest.raises(InstanceError) as caught:
        InstanceReader(ALIASED).read(body)
    assert words in str(caught.value)


def test_an_alias_that_is_no_other_name_is_refused() -> None:
    for aliases in ({"width": "length"}, {"l": "size"}):
        with pytest.raises(ValueError, match="no other name"):
            Signature(columns=ALIASED.columns, output=ALIASED.output, aliases=aliases)
