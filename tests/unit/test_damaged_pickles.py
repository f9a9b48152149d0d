"""Dumps that are damaged, or made to keep the reader busy, are refused with one clear error."""

import bz2
import gzip
import lzma
import pickletools
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.registry import read_estimator
from tests.families import PERCEPTRON, STANDARD
from tests.pickling import (
    CHILD,
    STANDARD_SCALER,
    array,
    assert_same,
    called,
    dump,
    fit,
    literal,
    named,
    program,
    text,
)

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
}

# --------------------------------------------------------------------------------------------------
# Arrays that are none


def test_an_array_that_is_described_well_is_read() -> None:
    """Else the refusals below would prove nothing."""
    values = array().removesuffix(b"\0" * 64)
    fitted = read_estimator(program(STANDARD_SCALER, b"}", text("mean_"), values, b"sb"))
    assert_same(fitted.state, {"mean_": np.zeros(2)})


SHAPES: list[object] = [
    *((-1,), (-1, -2), (2, -4), (-(2**70),), (2.0,), (True,), (None,), ("2",), ("2", "3"), ((2,),)),
    *((1, 1, 1), (1,) * 100, (10**6, 10**6), (2**31, 2**31), (2**62, 4), (2**63,), (0, 2**63)),
    *(None, 2, 2.0, "ab", {"a": 1}),
]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_an_array_with_an_impossible_shape_is_refused(shape: object) -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        read_estimator(program(array(shape=shape)))


DTYPES: list[object] = [
    *(np.dtype(code) for code in ("O", "O,O", "f8,i4", "(2,)f8", "c16", "S3", "V8", "M8[s]", "U0")),
    *(None, "<f8", 1, []),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=repr)
def test_an_array_of_anything_but_numbers_and_text_is_refused(dtype: object) -> None:
    with pytest.raises(ArtifactError, match=r"damaged|dtype|Python objects|not in the list|calls"):
        read_estimator(program(array(dtype=dtype)))


DTYPE_CODES = [
    *("O", "|O", "<O", "object", "O8", "O,O", "f8,O", "2O", "(2,)O", "f8,f8", "(2,)f8", "(,)f8"),
    *("01f8,i4", "((((f8", "a5", "S5", "c16", "M8", "M8[ns]", "m8", "V3", "V", "T", "(1)f8", "f-8"),
    *("", " ", "f9", "f0", "f8\0", "\u00e9", "U99999999999999999999", "U-1", "str", "_", ","),
    *("9" * 5000, "f" * 5000, "(" * 5000, "(" * 5000 + ")f8"),
]


@pytest.mark.parametrize("code", DTYPE_CODES, ids=lambda code: ascii(code)[:20])
def test_a_foreign_dtype_code_is_refused_without_a_warning(code: str) -> None:
    order = b"(" + literal(3) + text("<") + b"NNN" + literal(-1) + literal(-1) + literal(0) + b"t"
    dtype = called(named("numpy", "dtype"), text(code)) + order + b"b"
    with pytest.raises(ArtifactError, match=r"damaged|dtype|Python objects"):
        read_estimator(program(array(dtype=dtype)))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("order", "K"),
        ("order", None),
        ("order", []),
        ("order", ("C",)),
        ("subclass", None),
        ("subclass", named("numpy", "dtype")),
    ],
)
def test_an_array_of_another_order_or_class_is_refused(attribute: str, value: object) -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        read_estimator(program(array(**{attribute: value})))


SCALAR, DTYPE = named("numpy._core.multiarray", "scalar"), named("numpy", "dtype")


@pytest.mark.parametrize(
    "instructions",
    [
        called(SCALAR, b"N", literal(b"12345678")),
        called(SCALAR, text("f8"), literal(b"12345678")),
        called(SCALAR, literal(np.dtype("O")), literal(b"12345678")),
        called(SCALAR, literal(np.dtype("f8")), literal(b"1234")),
        called(SCALAR, literal(np.dtype("f8")), text("12345678")),
        called(SCALAR, literal(np.dtype("U1")), literal(b"\xff\xff\xff\xff")),
        called(SCALAR, literal(np.dtype("f8"))),
        called(SCALAR),
        called(DTYPE),
        called(DTYPE, b"N"),
    ],
)
def test_a_scalar_or_dtype_without_a_value_is_refused(instructions: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"damaged|Python objects|calls"):
        read_estimator(program(instructions))


# --------------------------------------------------------------------------------------------------
# Damage


def outcome(data: bytes) -> str:
    """Read bytes that may be anything; every other exception than ArtifactError is a failure."""
    try:
        return type(read_estimator(data)).__name__
    except ArtifactError:
        return "refused"


# Flips inside a number give another number: only the digest in the bundle catches those, which is
# why it is checked before a dump is decoded. The reader's part is to end in one of two ways.
@pytest.mark.parametrize("compress", [0, "zlib"], ids=["plain", "compressed"])
@pytest.mark.parametrize("name", [STANDARD, PERCEPTRON])
def test_a_dump_with_any_one_bit_flipped_is_read_or_refused(name: str, compress: Any) -> None:
    data = dump(fit(name, "3 classes"), compress=compress)
    outcomes = set()
    for index in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[index] ^= 1 << bit
            outcomes.add(outcome(bytes(damaged)))
    assert "refused" in outcomes <= {"refused", "Fitted"}


@pytest.mark.parametrize("compress", [0, *PACKED, "lzma"], ids=repr)
@pytest.mark.parametrize("name", [STANDARD, PERCEPTRON])
def test_a_dump_cut_off_anywhere_is_refused(name: str, compress: Any) -> None:
    data = dump(fit(name, "3 names"), compress=compress)
    for size in range(len(data)):
        assert outcome(data[:size]) == "refused"


@pytest.mark.parametrize("compress", [0, *PACKED, "lzma"], ids=repr)
@pytest.mark.parametrize("tail", [b"\0", b".", b"more"])
def test_bytes_after_the_end_are_refused(tail: bytes, compress: Any) -> None:
    data = dump(fit(STANDARD, "3 classes"), compress=compress)
    with pytest.raises(ArtifactError, match="damaged"):
        read_estimator(data + tail)
    with pytest.raises(ArtifactError, match="damaged"):
        read_estimator(data + data)


@pytest.mark.parametrize("pack", PACKED)
def test_bytes_after_the_end_of_the_pickle_inside_the_compression_are_refused(pack: str) -> None:
    data = dump(fit(STANDARD, "3 classes"))
    assert outcome(PACKED[pack](data)) == "Fitted"
    with pytest.raises(ArtifactError, match="1 bytes follow"):
        read_estimator(PACKED[pack](data + b"."))
    with pytest.raises(ArtifactError):
        read_estimator(PACKED[pack](PACKED[pack](data)))


@pytest.mark.parametrize(
    ("data", "writer"),
    [
        (b"\x04\x22\x4d\x18" + bytes(20), "lz4"),
        (b"ZF0x1f2               " + zlib.compress(b"x"), "older than 0.10"),
    ],
)
def test_a_compression_that_is_not_read_is_named(data: bytes, writer: str) -> None:
    with pytest.raises(ArtifactError, match=writer):
        read_estimator(data)


@pytest.mark.parametrize("pack", PACKED)
def test_a_decompression_bomb_is_cut_off_at_the_limit(pack: str) -> None:
    bomb = PACKED[pack](bytes(5_000_000))
    with pytest.raises(ArtifactError, match="more than 1000 bytes"):
        read_estimator(bomb, limit=1000)


def test_a_compressor_that_asks_for_gigabytes_is_refused() -> None:
    head = bytes([0x5D]) + (3 * 2**30).to_bytes(4, "little") + b"\xff" * 8
    dump = lzma.compress(b"x" * 100, lzma.FORMAT_ALONE)
    with pytest.raises(ArtifactError):
        read_estimator(head + dump[len(head) :])


@pytest.mark.parametrize("pack", [*PACKED, "plain"])
def test_a_dump_as_large_as_the_limit_is_read_and_one_byte_more_is_not(pack: str) -> None:
    data = dump(fit(STANDARD, "3 classes"))
    packed = data if pack == "plain" else PACKED[pack](data)
    assert isinstance(read_estimator(packed, limit=len(data)), Fitted)
    with pytest.raises(ArtifactError, match="more than"):
        read_estimator(packed, limit=len(data) - 1)


def test_a_compressed_flood_of_instructions_is_refused_early() -> None:
    flood = b"\x80\x04" + b"}" * 3_000_000 + b"."
    with pytest.raises(ArtifactError, match="more instructions than its size could need"):
        read_estimator(zlib.compress(flood))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b".", b"N", b"N.", b"0.", b"t.", b"\x80", b"\x80\x04", b"\x80\xff.", b"NN."),
        *(b"(.", b"].", b"}.", b").", b"(N.", b"a.", b"e.", b"s.", b"u.", b"b.", b"R.", b"\x81."),
        *(b"]a.", b"}Ns.", b"}(Nu.", b"N(e.", b"N(u.", b")NNs.", b"\x85.", b"\x86.", b"N\x87."),
        *(b"\x93.", b"N\x93.", b"NN\x93.", b"]]\x93.", b"}]Ns.", b"}(]Nu.", b"}}Ns."),
        *(b"h\x00.", b"g0\n.", b"gx\n.", b"j\xff\xff\xff\xff.", b"q\x00.", b"\x94.", b"p-1\n."),
        *(b"I1", b"Ix\n.", b"L1\n.", b"Fx\n.", b"Fnan\n.", b"L" + b"9" * 10_000 + b"L\n."),
        *(b"\x8b\xff\xff\xff\xff.", b"\x8b\xff\xff\xff\x7f.", b"\x8e" + b"\xff" * 8 + b"."),
        *(b"X\xff\xff\xff\xff.", b"\x8d" + b"\xff" * 8 + b".", b"\x95" + b"\xff" * 8 + b"."),
        *(b"X\x01\x00\x00\x00\xff.", b"\x8c\x01\xff.", b"cno newline", b"c\xff\n\xff\n.", b"c\n."),
        *(b"\x78", b"\x78\x9c", b"\x1f\x8b", b"BZ", b"BZh9", b"\xfd7zXZ", b"]\x00", b"]\x00\x00"),
        *(b"\x1f\x8b\x08" + bytes(20), b"\x78\xff" + bytes(20), bytes(20), b"\xff" * 20),
        *(pack(b"") for pack in PACKED.values()),
        # Escapes that do not exist, of which the standard library would warn.
        *(b"S'\\d'\n.", b"c\\d\nx\n.", b"cnumpy\n\\dtype\n."),
        *(b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"{}", b"<html>", b"version 1\n"),
    ],
    ids=lambda data: ascii(data)[2:22],
)
def test_bytes_that_are_no_dump_are_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        read_estimator(data)


def test_a_value_that_was_never_remembered_is_named() -> None:
    with pytest.raises(ArtifactError, match="recalls value 60"):
        read_estimator(b"\x80\x04h\x3c.")


@pytest.mark.parametrize(
    "instructions",
    [
        named("m" * 1_000_000, "n" * 1_000_000),
        b"c" + b"m" * 1_000_000 + b"\nname\n",
        b"F" + b"x" * 1_000_000 + b"\n",
        b"I" + b"x" * 1_000_000 + b"\n",
        called(DTYPE, text("f" * 1_000_000)),
        array(dtype=called(DTYPE, text("f" * 1_000_000))),
        array(shape=(1,) * 100_000),
    ],
    ids=["name on the stack", "name", "float", "integer", "dtype", "array", "shape"],
)
def test_a_refusal_does_not_repeat_a_whole_dump(instructions: bytes) -> None:
    with pytest.raises(ArtifactError) as caught:
        read_estimator(program(instructions))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "instructions",
    [
        b"]" * 100_000 + b"a" * 99_999,
        b"(" * 100_000 + b"t" * 100_000,
        b")" + b"\x85" * 100_000,
        b"}K\x01" * 100_000 + b"N" + b"s" * 100_000,
        b"]\x94h\x00a",
        b"}\x94K\x01h\x00s",
        b"(" * 100_000,
    ],
    ids=["lists", "tuples", "1-tuples", "dicts", "list in itself", "dict in itself", "marks"],
)
def test_deep_and_circular_values_are_read_or_refused(instructions: bytes) -> None:
    attribute = (b"}", text("copy"), instructions, b"sb")
    assert outcome(program(STANDARD_SCALER, *attribute)) in {"Fitted", "refused"}


@pytest.mark.parametrize(
    "instructions",
    [
        named("numpy", "x").replace(text("x"), b")" + b"\x85" * 3000),
        named("numpy", "x").replace(text("x"), b"]" * 3000 + b"a" * 2999),
        array(shape=b")" + b"\x85" * 3000),
        array(order=b"]" * 3000 + b"a" * 2999),
    ],
    ids=["name of tuples", "name of lists", "shape", "order"],
)
def test_values_deeper_than_the_interpreters_stack_are_refused(instructions: bytes) -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        read_estimator(program(instructions))


def test_deep_and_circular_estimators_are_read_or_refused() -> None:
    attribute = b"}" + text("copy")
    nested = (STANDARD_SCALER + attribute) * 20_000 + STANDARD_SCALER + b"sb" * 20_000
    circle = STANDARD_SCALER + b"\x94" + attribute + b"h\x00sb"
    for instructions in (nested, circle):
        assert outcome(program(instructions)) in {"Fitted", "refused"}


def doubled(depth: int, grow: bytes) -> bytes:
    """Build a value that holds its predecessor twice, and so on; 2 ** depth values to walk."""
    steps = (grow.replace(b"#", bytes([k])) + b"\x94" for k in range(depth))
    return b")\x94" + b"".join(steps)


TUPLES = doubled(60, b"h#h#\x86")
DEEP = b")" + b"\x85" * 300_000


HOSTILE: dict[str, bytes] = {
    "deep key": program(b"}", DEEP, b"Ns"),
    "deep name": program(text("numpy"), DEEP, b"\x93"),
    "deep order of an array": program(array(order=DEEP)),
    "deep byte order": program(called(named("numpy", "dtype"), text("f8")), b"(N" + DEEP + b"tb"),
    "key of many": program(TUPLES, b"}h\x3cNs"),
    "name of many": program(TUPLES, text("numpy"), b"h\x3c\x93"),
    "unhashable name of many": program(TUPLES, text("numpy"), b"h\x3c]\x86\x93"),
    "shape of many": program(TUPLES, array(shape=b"h\x3c\x85")),
    "order of many": program(TUPLES, array(order=b"h\x3c")),
    "byte order of many": program(
        TUPLES, called(named("numpy", "dtype"), text("f8")), b"(Nh\x3ctb"
    ),
    "shape of huge numbers": program(
        array(shape=b"\x8b\xc0\xc6\x2d\x00" + b"\x7f" * 3_000_000 + b"\x94h\x00\x86")
    ),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_dump_made_to_crash_or_to_keep_the_reader_busy_is_refused(hostile: str) -> None:
    """Read in a process of its own, which such a dump could bring down."""
    child = f"""{CHILD}
import sys
try:
    Predictor(signature, [read_estimator(sys.stdin.buffer.read())])
except ArtifactError:
    print("refused")
"""
    ran = subprocess.run(
        [sys.executable, "-c", child],
        input=HOSTILE[hostile],
        capture_output=True,
        timeout=10,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, b"refused\n"), ran.stderr[-2000:]


NAMES = [
    named(module, name)
    for module, name in (
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "scalar"),
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("sklearn.preprocessing._data", "StandardScaler"),
        ("sklearn.pipeline", "Pipeline"),
        ("os", "system"),
    )
]

SMALL = [
    *(text(word) for word in ("f8", "<", "O", "dtype", "shape", "order", "subclass", "C", "steps")),
    *map(literal, (0, 1, -1, 300, 2**40, 2.5, None, True, b"12345678", (2,), [])),
    *(literal(np.dtype(code)) for code in ("f8", "U2", "O")),
    *(bytes([index]) for index in (0, 1, 2)),
    *(array(), array().removesuffix(b"\0" * 64), called(NAMES[0], text("f8"))),
]

OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x80\x04", b"\x78\x9c", b"\x1f\x8b\x08"]))
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_refused(data: bytes, head: bytes) -> None:
    assert outcome(head + data) == "refused"


@given(st.lists(st.sampled_from(OPCODES) | st.sampled_from(NAMES + SMALL), max_size=60))
@settings(max_examples=400, deadline=None)
def test_random_instructions_are_read_or_refused(instructions: list[bytes]) -> None:
    assert outcome(program(*instructions)) in {"Fitted", "refused"}


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_dump_with_instructions_put_in_or_taken_out_is_read_or_refused(data: Any) -> None:
    whole = dump(fit(PERCEPTRON, "3 names"))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(whole)))
        stop = start + data.draw(st.integers(0, 30))
        put = data.draw(st.sampled_from([b"", *OPCODES, *NAMES, *SMALL]))
        whole = whole[:start] + put + whole[stop:]
    assert outcome(whole) in {"Fitted", "refused"}
