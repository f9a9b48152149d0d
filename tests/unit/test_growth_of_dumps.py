"""What a dump may hold costs no more than its bytes: work and memory grow with them, no faster.

Each generator makes a dump of any size that is as awkward as instructions of its kind can be. One
that is missing here is one that somebody else will find.
"""

import bz2
import gzip
import io
import lzma
import pickle
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from iris_deploy.dumps.budget import MAX_INSTRUCTIONS
from iris_deploy.dumps.machine import MAX_ATTRIBUTES, MAX_KEY, MAX_KEYS
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.inspection import inspect_dump
from iris_deploy.estimators.registry import read_estimator
from tests.growth import assert_linear, peak
from tests.pickling import STANDARD_SCALER, array, called, literal, named, program, text

pytestmark = pytest.mark.no_cover  # work is measured here

MANY, LARGE = 4_000, 1 << 20  # values that are made by instructions; bytes of one value

PRIME = (1 << 61) - 1  # hashes of integers are remainders by it
ESTIMATOR = STANDARD_SCALER + b"q\x00"  # remembered, so that a dump can end with one
SCALAR = named("numpy._core.multiarray", "scalar")


def estimator(*instructions: bytes) -> bytes:
    """Make a dump of an estimator whose one attribute is what the instructions build."""
    return program(ESTIMATOR, b"}", text("a"), *instructions, b"sb")


def integer(value: int) -> bytes:
    """LONG1."""
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def large_integer(n: int) -> bytes:
    """LONG4."""
    return b"\x8b" + n.to_bytes(4, "little") + b"\x01" * n


def data(n: int) -> bytes:
    """BINBYTES, in characters of four bytes."""
    return b"B" + (n // 4 * 4).to_bytes(4, "little") + b"a\0\0\0" * (n // 4)


def keys(key: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Fill dicts with as many keys as they may have."""

    def make(n: int) -> bytes:
        items = [key(k) + b"N" for k in range(n)]
        parts = [b"".join(items[k : k + MAX_KEYS]) for k in range(0, n, MAX_KEYS)]
        return estimator(b"](", *[b"}(" + part + b"u" for part in parts], b"e")

    return make


def colliding(n: int, last: int) -> list[int]:
    """Return numbers that fill the slots of a dict in which it looks for the last of them."""

    def slots() -> Iterator[int]:
        size = 1 << (3 * n // 2).bit_length()  # a dict is filled to two thirds
        slot, rest = last % size, last
        while True:
            yield slot
            rest >>= 5
            slot = (5 * slot + rest + 1) % size

    return [*dict.fromkeys(islice(slots(), n)), last]


def put(index: int) -> bytes:
    """LONG_BINPUT."""
    return b"r" + index.to_bytes(4, "little")


def keys_that_collide(n: int, times: int) -> bytes:
    """Fill a dict, and set its last key again and again."""
    *others, last = map(integer, colliding(n, PRIME // 3))
    filled = b"}(" + b"N".join(others) + b"N" + last + b"q\x01Nu"
    return estimator(filled, (b"(" + b"h\x01N" * 100 + b"u") * (times // 100))


def recalled(value: Callable[[int], bytes], use: bytes) -> Callable[[int], bytes]:
    """Remember one large value, and use it as often as it has hundreds of bytes."""
    return lambda n: estimator(b"](", value(n * 100), b"q\x01", use * n, b"e")


def attributes(n: int) -> bytes:
    return b"}(" + b"".join(literal(k) + b"N" for k in range(n)) + b"u"


def scalar(characters: Callable[[int], int]) -> Callable[[int], bytes]:
    """Make many scalars of one text."""

    def make(n: int) -> bytes:
        length = characters(n)
        first = [SCALAR + b"q\x21", literal(np.dtype(f"<U{length}"))]
        first += [b"q\x22", data(4 * length) + b"q\x23"]
        return estimator(b"](", *first, b"h\x21h\x22h\x23\x86R" * n, b"e")

    return make


INSTRUCTIONS: dict[str, Callable[[int], bytes]] = {
    "nothing many times": lambda n: estimator(b"](", b"N" * n, b"e"),
    "small lists": lambda n: estimator(b"](", b"]" * n, b"e"),
    "small dicts": lambda n: estimator(b"](", b"}" * n, b"e"),
    "marks": lambda n: estimator(b"(" * n, b"t" * n),
    "nested lists": lambda n: estimator(b"]" * n, b"a" * (n - 1)),
    "nested tuples": lambda n: estimator(b")", b"\x85" * n),
    "nested dicts": lambda n: estimator((b"}" + literal(1)) * n, b"N", b"s" * n),
    "nested estimators": lambda n: program(
        (STANDARD_SCALER + b"}" + text("a")) * n, b"N", b"sb" * n
    ),
    "one tuple of many": lambda n: estimator(b"(", b"N" * n, b"t"),
    "tuples of three": lambda n: estimator(b"](", b"NNN\x87" * n, b"e"),
    "a list within itself": lambda n: estimator(b"]q\x01", b"h\x01a" * n),
    "a list grown one by one": lambda n: estimator(b"]", b"Na" * n),
    "a list grown by nothing": lambda n: estimator(b"](", b"N" * n, b"e", b"(e" * n),
    "a dict grown one by one": lambda n: estimator(
        b"}", *[integer(k % (MAX_KEYS - 1)) + b"Ns" for k in range(n)]
    ),
    "remembered": lambda n: estimator(b"](", b"N\x94" * n, b"e"),
    "remembered out of order": lambda n: estimator(
        b"](", *[b"Np%d\n" % (7919 * k % n) for k in range(n)], b"e"
    ),
    "remembered under numbers that collide": lambda n: estimator(
        b"](N",
        *map(put, colliding(4 * n, MAX_INSTRUCTIONS)),
        (b"j" + MAX_INSTRUCTIONS.to_bytes(4, "little")) * (4 * n),
        b"e",
    ),
    "remembered far apart": lambda n: estimator(
        b"](", *[b"N" + put(k * (MAX_INSTRUCTIONS - 1)) for k in range(1, n)], b"e"
    ),
    "remembered under one hash": lambda n: estimator(
        b"](", *[b"Np%d\n" % (PRIME * (k + 1)) for k in range(n)], b"e"
    ),
    "different keys": keys(integer),
    "equal keys": keys(lambda _: text("key")),
    "keys of one hash": keys(lambda k: integer(PRIME * (k + 1))),
    "keys of one hash in the limits": keys(lambda k: integer(-1 - k % 2)),
    "keys alike in their last bits": keys(lambda k: integer(k << 40)),
    "keys of fractions of one hash": keys(
        lambda k: literal(2.0 ** (61 * (k % 17)) * (k // 17 * 2 + 1))
    ),
    "keys that collide": lambda n: keys_that_collide(4 * n, 4 * n),
    "keys that collide, as many as there may be": lambda n: keys_that_collide(MAX_KEYS - 101, n),
    "more keys than there may be": lambda n: estimator(
        b"}", *[integer(k) + b"Ns" for k in range(n)]
    ),
    "keys of text": keys(lambda k: text(f"{k}")),
    "keys as long as they may be": keys(lambda k: text("a" * (MAX_KEY - 5) + f"{k:05}")),
    "one large integer as a key": lambda n: estimator(
        b"}", large_integer(n * 100), b"q\x01Ns(", b"h\x01N" * n, b"u"
    ),
    "one large text as a key, twice": lambda n: estimator(
        b"}", text("a" * n * 100), b"Ns", text("a" * n * 100), b"q\x01Ns(", b"h\x01N" * n, b"u"
    ),
    "one text as a key, as long as it may be, twice": lambda n: estimator(
        b"}", text("a" * MAX_KEY), b"Ns", text("a" * MAX_KEY), b"q\x01Ns", b"h\x01Ns" * n
    ),
    "attributes set again": lambda n: program(ESTIMATOR, attributes(n), b"q\x01b", b"h\x01b" * n),
    "attributes set again, as many as there may be": lambda n: program(
        ESTIMATOR, attributes(MAX_ATTRIBUTES), b"q\x01b", b"h\x01b" * n
    ),
    "attributes shared": lambda n: estimator(
        b"](",
        named("sklearn.pipeline", "Pipeline") + b"q\x01",
        attributes(MAX_ATTRIBUTES) + b"q\x02",
        b"h\x01)\x81h\x02b" * n,
        b"e",
    ),
    "a large text recalled": recalled(lambda n: text("a" * n), b"h\x01"),
    "large bytes recalled": recalled(data, b"h\x01"),
    "a large integer recalled": recalled(large_integer, b"h\x01\x85"),
    "scalars of much text": scalar(lambda n: n * 25),
    "scalars of little text": scalar(lambda _: 256),
    "scalars of numbers in much data": lambda n: estimator(
        b"](",
        SCALAR + b"q\x21",
        literal(np.dtype("<f8")) + b"q\x22",
        data(n * 100) + b"q\x23",
        b"h\x21h\x22h\x23\x86R" * n,
        b"e",
    ),
    "names": lambda n: estimator(b"](", named("numpy", "dtype") * n, b"e"),
    "names in text": lambda n: estimator(b"](", b"cnumpy\ndtype\n" * n, b"e"),
    "a large name": lambda n: program(named("a" * n * 100, "b" * n * 100)),
    "small arrays": lambda n: estimator(b"](", array(shape=(10,)) * (n // 20), b"e"),
    "arrays of nothing": lambda n: estimator(
        b"](", array(shape=(0, 1 << 30))[:-80] * (n // 20), b"e"
    ),
    "an array of many dimensions": lambda n: program(array(shape=(1,) * n)),
    "an array of large dimensions": lambda n: program(array(shape=(large_int(n), 0))),
}


REFUSED = {
    "remembered far apart",
    "remembered under one hash",
    "keys of one hash",
    "keys that collide",
    "more keys than there may be",
    "one large integer as a key",
    "one large text as a key, twice",
    "attributes set again",
    "scalars of much text",
    "scalars of numbers in much data",
    "a large name",
    "an array of many dimensions",
    "an array of large dimensions",
    "a text that is none",
    "bytes that end too early",
    "an INT in text",
    "an INT in text that is none",
    "a LONG in text",
    "a FLOAT in text that is none",
    "a STRING",
    "a number to remember by",
    "a number to recall by",
    "a line without end",
    "a dtype's code",
    "an array cut off",
    "bytes behind the end",
    "zeros",
}
"""What costs little because it ends soon; all else is read to its end."""


def large_int(n: int) -> int:
    return 1 << (n * 8)


def is_read(plain: bytes, limit: int = 1 << 28) -> bool:
    """Tell whether a dump is read; one that is refused at once says nothing about the others."""
    try:
        read_estimator(plain, limit=limit)
    except ArtifactError:
        return False
    return True


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_instructions_of_a_dump_cost_no_more_than_their_number(name: str) -> None:
    assert_linear(lambda n: partial(is_read, INSTRUCTIONS[name](n)), MANY)
    plain = INSTRUCTIONS[name](MANY)
    assert is_read(plain) == (name not in REFUSED)
    assert peak(partial(is_read, plain)) < 8 * len(plain) + 4096 * MANY


LARGE_VALUES: dict[str, Callable[[int], bytes]] = {
    "a text": lambda n: estimator(text("a" * n)),
    "a text of other characters": lambda n: estimator(text("\N{SNOWMAN}" * (n // 3))),
    "a text that is none": lambda n: estimator(b"X" + n.to_bytes(4, "little") + b"\xff" * n),
    "bytes": lambda n: estimator(data(n)),
    "bytes that end too early": lambda n: program(b"B" + (2 * n).to_bytes(4, "little") + b"a" * n),
    "a LONG4": lambda n: estimator(large_integer(n)),
    "an INT in text": lambda n: estimator(b"I" + b"1" * n + b"\n"),
    "an INT in text that is none": lambda n: estimator(b"I" + b"\0" * n + b"\n"),
    "INTs of as many digits as may be": lambda n: estimator(
        b"](", (b"I" + b"1" * 4300 + b"\n") * (n // 4302), b"e"
    ),
    "a LONG in text": lambda n: estimator(b"L" + b"1" * n + b"L\n"),
    "a FLOAT in text": lambda n: estimator(b"F" + b"1" * n + b"\n"),
    "a FLOAT in text of many places": lambda n: estimator(b"F0." + b"0" * n + b"1\n"),
    "a FLOAT in text with a large exponent": lambda n: estimator(b"F1e" + b"1" * n + b"\n"),
    "a FLOAT in text that is none": lambda n: estimator(b"F" + b"1" * n + b"x\n"),
    "a STRING": lambda n: estimator(b"S'" + b"\\x41" * (n // 4) + b"'\n"),
    "a UNICODE": lambda n: estimator(b"V" + b"\\u0041" * (n // 6) + b"\n"),
    "a number to remember by": lambda n: estimator(b"Np" + b"1" * n + b"\n"),
    "a number to recall by": lambda n: estimator(b"g" + b"1" * n + b"\n"),
    "a line without end": lambda n: program(b"c" + b"a" * n),
    "a dtype's code": lambda n: program(
        array(dtype=called(named("numpy", "dtype"), text("U" + "1" * n)))
    ),
    "an array of bytes": lambda n: estimator(
        array(shape=(n,), dtype=np.dtype("i1"))[:-80], b"\1" * n
    ),
    "an array of text": lambda n: estimator(
        array(shape=(n // 4,), dtype=np.dtype("<U1"))[:-80], b"a\0\0\0" * (n // 4)
    ),
    "an array across": lambda n: estimator(
        array(shape=(n // 8, 1), order="F")[:-80], b"\0" * (n // 8 * 8)
    ),
    "an array cut off": lambda n: program(array(shape=(1 << 60, 1 << 60))[:-80], b"\0" * n),
    "bytes behind the end": lambda n: estimator(b"N") + b"a" * n,
    "zeros": bytes,
}


@pytest.mark.parametrize("name", LARGE_VALUES)
def test_a_large_value_of_a_dump_costs_no_more_than_its_bytes(name: str) -> None:
    assert_linear(lambda n: partial(is_read, LARGE_VALUES[name](n)), LARGE)
    assert is_read(LARGE_VALUES[name](LARGE)) == (name not in REFUSED)
    assert peak(partial(is_read, LARGE_VALUES[name](LARGE))) < 8 * LARGE


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": partial(lzma.compress, format=lzma.FORMAT_ALONE),
}


@pytest.mark.parametrize("name", COMPRESSORS)
def test_a_compressed_dump_costs_no_more_than_the_limit_allows(name: str) -> None:
    def make(n: int) -> Callable[[], bool]:
        return partial(is_read, COMPRESSORS[name](bytes(2 * n)), limit=n)

    assert_linear(make, LARGE)


@pytest.mark.parametrize("name", COMPRESSORS)
def test_streams_behind_a_compressed_dump_are_not_unpacked(name: str) -> None:
    empty = COMPRESSORS[name](b"")
    assert_linear(lambda n: partial(is_read, empty * (n // len(empty))), LARGE)


def of_large_arrays(write: Callable[..., object], **how: object) -> bytes:
    """Dump an estimator whose arrays take nearly all of the file."""
    file = io.BytesIO()
    write(LinearRegression().fit(np.zeros((2, 1 << 18)), [0.0, 1.0]), file, **how)
    return file.getvalue()


@pytest.mark.parametrize("look", [read_estimator, inspect_dump])
@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("write", [joblib.dump, pickle.dump])
def test_large_arrays_are_held_once_while_they_are_read(
    write: Callable[..., object], protocol: int, look: Callable[[bytes], object]
) -> None:
    """Beside the file itself. A pickle has them as text before protocol 3, as a buffer in 5."""
    written = of_large_arrays(write, protocol=protocol)
    times = 1.1 if write is joblib.dump else (4.1, 4.1, 4.1, 1.1, 1.1, 2.1)[protocol]
    assert peak(lambda: look(written)) < times * len(written) + (1 << 19)
