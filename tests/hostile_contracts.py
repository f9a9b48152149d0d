"""Bodies that are hostile to one contract or another, of any size, for a model of two numbers."""

import json
import struct
from collections.abc import Callable
from typing import NamedTuple

from tests.hostile import objects
from tests.spoken import JSON, V1, V2

CSV, LINES, FORM = "text/csv", "application/jsonlines", "application/x-www-form-urlencoded"


class Hostile(NamedTuple):
    """How to make a body, and where to send it.

    Parameters
    ----------
    path : str
        For the model ``m``.
    make : callable
        Makes a body of about so many bytes.
    content_type : str
    length : callable
        Says how many bytes of JSON it begins with, where raw ones follow.
    """

    path: str
    make: Callable[[int], bytes]
    content_type: str = JSON
    length: Callable[[int], int | None] = lambda _: None


def many(start: bytes, one: bytes, end: bytes) -> Callable[[int], bytes]:
    """Repeat something between a start and an end."""
    return lambda n: start + b",".join([one] * max(n // (len(one) + 1), 1)) + end


def repeated(one: bytes, end: bytes = b"") -> Callable[[int], bytes]:
    return lambda n: one * max(n // len(one), 1) + end


def tensor(data: Callable[[int], bytes], datatype: bytes = b"FP64") -> Callable[[int], bytes]:
    """Write a tensor with two columns and some JSON for data."""

    def make(n: int) -> bytes:
        written = data(n)
        if written.endswith(b"]") and written.count(b",") % 2 == 0:  # not two for each row
            written = written[:-1] + b"," + written.rpartition(b",")[2]
        head = b'{"inputs":[{"name":"t","shape":[%d,2],"datatype":"%b","data":'
        return head % (written.count(b",") // 2 + 1, datatype) + written + b"}]}"

    return make


RAW_HEAD = (
    '{"inputs":[{"name":"t","shape":[%d,2],"datatype":"%s","parameters":{"binary_data_size":%d}}]'
)


def raw(
    datatype: str, one: bytes, answer: str = ""
) -> tuple[Callable[[int], bytes], Callable[[int], int]]:
    """Write a raw tensor of one value again and again; and how long its JSON is."""

    def head(n: int) -> bytes:
        n_rows = n // (2 * len(one))
        return (RAW_HEAD % (n_rows, datatype, 2 * n_rows * len(one)) + answer + "}").encode()

    return lambda n: head(n) + one * (n // (2 * len(one)) * 2), lambda n: len(head(n))


_RAW_NUMBERS = raw("FP64", struct.pack("<d", 1.0))
_RAW_SMALL = raw("INT8", b"\1")
_RAW_TEXTS = raw("BYTES", struct.pack("<I", 1) + b"1")
_RAW_EMPTY = raw("BYTES", struct.pack("<I", 0))
_RAW_BOTH = raw("INT8", b"\1", ',"parameters":{"binary_data_output":true}')
_RAW_NAN = raw("FP32", struct.pack("<f", float("nan")))

_TENSOR = b'{"name":"%b","shape":[1],"datatype":"FP64","data":[1]}'

HOSTILE: dict[str, Hostile] = {
    "v2: numbers": Hostile(V2, tensor(many(b"[", b"1", b"]"))),
    "v2: numbers in rows": Hostile(V2, tensor(many(b"[", b"[1,1]", b"]"))),
    "v2: rows, one wrong": Hostile(V2, tensor(many(b"[", b"[1,1]", b",[1]]"))),
    "v2: rows, one of null": Hostile(V2, tensor(many(b"[", b"[1,1]", b",[null,1]]"))),
    "v2: nothing but null": Hostile(V2, tensor(many(b"[", b"null", b"]"))),
    "v2: NaN": Hostile(V2, tensor(many(b"[", b"NaN", b"]"))),
    "v2: infinities": Hostile(V2, tensor(many(b"[", b"-Infinity", b"]"))),
    "v2: numbers that are too large": Hostile(V2, tensor(many(b"[", b"1e200", b"]"))),
    "v2: fractions for integers": Hostile(V2, tensor(many(b"[", b"1.5", b"]"), b"INT8")),
    "v2: texts": Hostile(V2, tensor(many(b"[", b'"1"', b"]"), b"BYTES")),
    "v2: texts that are no numbers": Hostile(V2, tensor(many(b"[", b'""', b"]"), b"BYTES")),
    "v2: booleans": Hostile(V2, tensor(many(b"[", b"true", b"]"), b"BOOL")),
    "v2: nested without end": Hostile(V2, tensor(repeated(b"["))),
    "v2: arrays of nothing": Hostile(V2, tensor(many(b"[", b"[]", b"]"))),
    "v2: many tensors": Hostile(V2, many(b'{"inputs":[', _TENSOR % b"a", b"]}")),
    "v2: tensors of many names": Hostile(
        V2,
        lambda n: b'{"inputs":[%b]}' % b",".join(_TENSOR % b"%d" % k for k in range(n // 56 + 1)),
    ),
    "v2: tensors of nothing": Hostile(
        V2, many(b'{"inputs":[', b'{"name":"","shape":[],"datatype":""}', b"]}")
    ),
    "v2: many dimensions": Hostile(
        V2, many(b'{"inputs":[{"name":"t","datatype":"FP64","data":[],"shape":[', b"9", b"]}]}")
    ),
    "v2: a dimension of many digits": Hostile(
        V2,
        lambda n: (
            b'{"inputs":[{"name":"t","datatype":"FP64","data":[],"shape":[%b]}]}' % (b"9" * n)
        ),
    ),
    "v2: many outputs": Hostile(
        V2, many(b'{"inputs":[],"outputs":[', b'{"name":"prediction"}', b"]}")
    ),
    "v2: many parameters": Hostile(
        V2,
        lambda n: (
            b'{"inputs":[],"parameters":{%b}}' % b",".join(b'"%x":1' % k for k in range(n // 9 + 1))
        ),
    ),
    "v2: a member of a long name": Hostile(V2, lambda n: b'{"%b":1,"inputs":[]}' % (b"a" * n)),
    "v2: a long id": Hostile(
        V2,
        lambda n: (
            b'{"id":"%b","inputs":[{"name":"t","shape":[1,2],"datatype":"FP64","data":[1,1]}]}'
            % (b"a" * n)
        ),
    ),
    "v2: escapes": Hostile(V2, lambda n: b'{"id":"%b","inputs":[]}' % (b"\\u0031" * (n // 6))),
    "v2: quotes that are escaped, and NaN": Hostile(
        V2, lambda n: b'{"id":"%b","inputs":[NaN]}' % (b'\\"' * (n // 2))
    ),
    "v2: a string without an end, and NaN": Hostile(V2, lambda n: b'NaN "' + b"\\\\" * (n // 2)),
    "v2: raw numbers": Hostile(V2, _RAW_NUMBERS[0], JSON, _RAW_NUMBERS[1]),
    "v2: raw bytes": Hostile(V2, _RAW_SMALL[0], JSON, _RAW_SMALL[1]),
    "v2: raw bytes, answered raw": Hostile(V2, _RAW_BOTH[0], JSON, _RAW_BOTH[1]),
    "v2: raw texts": Hostile(V2, _RAW_TEXTS[0], JSON, _RAW_TEXTS[1]),
    "v2: raw texts of nothing": Hostile(V2, _RAW_EMPTY[0], JSON, _RAW_EMPTY[1]),
    "v2: raw NaN": Hostile(V2, _RAW_NAN[0], JSON, _RAW_NAN[1]),
    "v1: arrays": Hostile(V1, many(b'{"instances":[', b"[1,1]", b"]}")),
    "v1: arrays, one wrong": Hostile(V1, many(b'{"instances":[', b"[1,1]", b",[1]]}")),
    "v1: arrays, one of text": Hostile(V1, many(b'{"instances":[', b"[1,1]", b',["1",1]]}')),
    "v1: arrays of nothing": Hostile(V1, many(b'{"instances":[', b"[]", b"]}")),
    "v1: details of arrays": Hostile(
        V1, many(b'{"parameters":{"details":true},"instances":[', b"[1,1]", b"]}")
    ),
    "v1: numbers": Hostile(V1, many(b'{"inputs":[', b"1", b"]}")),
    "v1: many members": Hostile(
        V1, lambda n: b"{%b}" % b",".join(b'"%x":1' % k for k in range(n // 9 + 1))
    ),
    "v1: parameters of many names": Hostile(
        V1,
        lambda n: (
            b'{"instances":[],"parameters":{%b}}'
            % b",".join(b'"%x":1' % k for k in range(n // 9 + 1))
        ),
    ),
    "frames: split": Hostile(
        "/predict", many(b'{"columns":["width","length"],"data":[', b"[1,1]", b"]}")
    ),
    "frames: split, many columns": Hostile(
        "/predict", many(b'{"data":[[1]],"columns":[', b'"a"', b"]}")
    ),
    "frames: split, many names": Hostile(
        "/predict",
        lambda n: (
            b'{"data":[[1]],"columns":[%b]}' % b",".join(b'"%x"' % k for k in range(n // 8 + 1))
        ),
    ),
    "frames: by index": Hostile(
        "/predict", lambda n: b"{%b}" % b",".join(b'"%x":{}' % k for k in range(n // 10 + 1))
    ),
    "frames: by column": Hostile(
        "/predict",
        lambda n: (
            b'{"length":{%b},"width":{}}' % b",".join(b'"%x":1' % k for k in range(n // 10 + 1))
        ),
    ),
    "frames: by column, below a long name": Hostile(
        "/predict",
        lambda n: (
            b'{"%b":{"0":1},"length":{},"width":{},%b}'
            % (b"a" * n, b",".join(b'"%d":{}' % k for k in range(100)))
        ),
    ),
    "frames: a table": Hostile(
        "/predict",
        lambda n: b'{"schema":{"primaryKey":["index"]},"data":%b}' % objects(b'{"index":1}')(n),
    ),
    "frames: a table of many keys": Hostile(
        "/predict",
        lambda n: json.dumps(
            {"schema": {"primaryKey": [str(k) for k in range(n // 20)]}, "data": [{}] * (n // 10)}
        ).encode(),
    ),
    "envelopes": Hostile("/predict", many(b'{"data":[', b"[1,1]", b"]}")),
    "envelopes within envelopes": Hostile("/predict", repeated(b'{"data":')),
    "lists": Hostile("/predict", many(b"[", b"[1,1]", b"]")),
    "lists, one of text": Hostile("/predict", many(b"[", b"[1,1]", b',["1",1]]')),
    "CSV: numbers": Hostile("/predict", repeated(b"1,1\n"), CSV),
    "CSV: numbers, a text": Hostile("/predict", repeated(b"1,1\n", b"1,a"), CSV),
    "CSV: texts": Hostile("/predict", repeated(b"a,b\n"), CSV),
    "CSV: blank lines": Hostile("/predict", repeated(b"\n"), CSV),
    "CSV: commas": Hostile("/predict", repeated(b","), CSV),
    "CSV: lines of a comma": Hostile("/predict", repeated(b",\n"), CSV),
    "CSV: quotes": Hostile("/predict", repeated(b'""'), CSV),
    "CSV: a quote without end": Hostile("/predict", lambda n: b'"' + b"a\n" * (n // 2), CSV),
    "CSV: quoted line ends": Hostile("/predict", repeated(b'"\n","\r"\n'), CSV),
    "CSV: every end of lines": Hostile("/predict", repeated(b"1,1\r1,1\n"), CSV),
    "CSV: a header of many names": Hostile(
        "/predict", lambda n: b"length," + b",".join(b"%x" % k for k in range(n // 6)), CSV
    ),
    "CSV: a header and no rows": Hostile("/predict", lambda n: b"length,width" + b"\n" * n, CSV),
    "CSV: numbers behind a header": Hostile(
        "/invocations", lambda n: b"width,length\n" + b"1,1\n" * (n // 4), CSV
    ),
    "CSV: a long number": Hostile("/predict", lambda n: b"1," + b"1" * n, CSV),
    "CSV: beyond Latin-1": Hostile("/predict", repeated("1,\U0001f600\n".encode()), CSV),
    "lines: right": Hostile("/predict", repeated(b'{"length":1,"width":1}\n'), LINES),
    "lines: blank": Hostile("/predict", repeated(b"\n"), LINES),
    "lines: blank between": Hostile("/predict", repeated(b"1\n\n"), LINES),
    "lines: numbers": Hostile("/predict", repeated(b"1\n"), LINES),
    "lines: arrays": Hostile("/predict", repeated(b"[1,1]\n"), LINES),
    "lines: objects": Hostile("/predict", repeated(b"{}\n"), LINES),
    "lines: one object over two": Hostile(
        "/predict", repeated(b'{"length":1,\n"width":1}\n'), LINES
    ),
    "lines: features": Hostile("/invocations", repeated(b'{"features":[1,1]}\n'), LINES),
    "forms: many fields": Hostile("/predict", repeated(b"a=1&"), FORM),
    "forms: nothing": Hostile("/predict", repeated(b"&"), FORM),
    "forms: one long field": Hostile("/predict", lambda n: b"length=" + b"%31" * (n // 3), FORM),
    "forms: percent signs": Hostile("/predict", repeated(b"%"), FORM),
    "invocations: records": Hostile(
        "/invocations", many(b'{"dataframe_records":[', b'{"length":1,"width":1}', b"]}")
    ),
    "invocations: split": Hostile(
        "/invocations",
        many(b'{"dataframe_split":{"columns":["width","length"],"data":[', b"[1,1]", b"]}}"),
    ),
    "invocations: NaN": Hostile("/invocations", many(b'{"instances":[', b"[NaN,1]", b"]}")),
    "azure: split": Hostile(
        "/score", many(b'{"input_data":{"columns":["length","width"],"data":[', b"[1,1]", b"]}}")
    ),
}
