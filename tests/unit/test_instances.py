"""Quick reading and writing: nothing is taken that the strict reader refuses; bits are the same."""

import json
import struct
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iris_deploy.codec import strict_json as strict
from iris_deploy.codec.instances import InstanceReader, Rows
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.codec.values import ValueReader
from iris_deploy.schema.features import Feature
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.contracts.labels import LabelWriter

NAMES = ["length", "width", "a [b]", "\u00e4", "e", "0", "", 'quo"te', "back\\slash"]


def signature(*names: str) -> Signature:
    features = [
        Feature(
            name=name,
            unit=None,
            minimum=0.0,
            maximum=1.0,
            mean=0.5,
            bin_edges=(0.5,),
            bin_counts=(1, 1),
        )
        for name in names
    ]
    return Signature(features=tuple(features), classes=("a", "b"))


def by_the_strict_reader(signature: Signature, body: bytes) -> list[tuple[float, ...]] | str:
    """Return the rows of a body, or the kind of error."""
    try:
        value, reader = strict.decode(body), ValueReader(signature)
        if reader.is_columns(value):
            return [*map(tuple, reader.columns(value).tolist())]
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
    writer = LabelWriter(classes)
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


arrays = st.lists(numbers | st.one_of(numbers, others), max_size=3).map(
    lambda values: f"[{','.join(values)}]"
)
bodies = st.builds(
    "{}{}{}".format,
    blanks,
    instances()
    | instances(arrays | st.one_of(arrays, others))
    | st.lists(instances(), max_size=4).map(lambda rows: f"[{','.join(rows)}]"),
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
