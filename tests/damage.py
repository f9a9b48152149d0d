"""``python -m tests.damage ARTIFACTS SUFFIX FIRST LAST``: damaged files, scored one by one.

In a process of its own, which may die of a file; it works where it is started. It writes the number
of each case before it is scored, and behind it what should not have come of it.
"""

import bz2
import csv
import gzip
import io
import json
import random
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc, parquet

from iris_deploy.cli import main
from iris_deploy.codec import strict_json
from iris_deploy.codec.suffixes import COMPRESSIONS
from iris_deploy.scoring.memory import peak_bytes

SUFFIXES = (
    *(".csv", ".csv.gz", ".tsv.bz2", ".csv.lz4", ".jsonl", ".jsonl.zst", ".ndjson.gz"),
    *(".parquet", ".arrow"),
)
TARGETS = (".csv", ".tsv", ".jsonl", ".parquet", ".arrow")
MOST_MEMORY = 600 << 20
SIGNS = (b"\0", b"\xff", b'"', b"\n", b"\r", b",", b"{", b"\xff\xff\xff\x7f", b"1e999", b"\x1b[2J")


def table(chance: random.Random) -> pa.Table:
    """Return rows of irises, with columns that are carried along."""
    n_rows = chance.choice((1, 1, 60, 60, 800, 3000))
    columns = {
        "length": [round(chance.uniform(1, 7), 1) for _ in range(n_rows)],
        "width": [round(chance.uniform(0.1, 2.5), 1) for _ in range(n_rows)],
        "id": [*range(n_rows)],
        "note": [
            chance.choice(("a", "b c", "\u00e9t\u00e9", 'q "x", y', "")) for _ in range(n_rows)
        ],
    }
    made = pa.table(columns)
    kind = chance.choice((None, pa.string(), pa.float32(), pa.dictionary(pa.int32(), pa.string())))
    if kind is not None:
        made = made.set_column(0, "length", made["length"].cast(pa.string()).cast(kind))
    return made


def write(rows: pa.Table, suffix: str, chance: random.Random) -> bytes:
    """Write rows as a file without a compression of its own."""
    written = io.BytesIO()
    if suffix == ".parquet":
        kinds = ("none", "snappy", "zstd", "gzip")
        parquet.write_table(rows, written, compression=chance.choice(kinds), row_group_size=500)
    elif suffix == ".arrow":
        options = ipc.IpcWriteOptions(compression=chance.choice((None, None, "lz4", "zstd")))
        with ipc.new_stream(written, rows.schema, options=options) as stream:
            stream.write_table(rows, max_chunksize=200)
    elif suffix in {".jsonl", ".ndjson"}:
        written.writelines(json.dumps(row).encode() + b"\n" for row in rows.to_pylist())
    else:
        text = io.StringIO(newline="")
        lines = csv.writer(text, delimiter="\t" if suffix == ".tsv" else ",")
        lines.writerows([rows.column_names, *(row.values() for row in rows.to_pylist())])
        written.write(text.getvalue().encode())
    return written.getvalue()


def compress(data: bytes, kind: str | None) -> bytes:
    """Compress, as Arrow calls it; what Arrow has not does it in its own way."""
    if kind is None:
        return data
    if kind in {"gzip", "bz2"}:
        return gzip.compress(data, mtime=0) if kind == "gzip" else bz2.compress(data)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, kind) as file:
        file.write(data)
    whole: bytes = sink.getvalue().to_pybytes()
    return whole


def damage(data: bytes, chance: random.Random) -> bytes:
    """Flip some bytes of a file; or cut, insert, repeat, swap or empty pieces of it."""
    size = len(data)
    near = chance.choice((size, min(size, 1000)))  # what a file says of itself is at its ends
    places = [chance.choice((at, size - at)) for at in (chance.randrange(near) for _ in range(4))]
    first, second, third, fourth = sorted(places)
    short = first + chance.choice((1, 4, 8, 64, 1000))
    way = chance.randrange(8)
    if way < 2:
        flipped = bytearray(data + b"\0")
        for _ in range(chance.randint(1, 8)):
            flipped[chance.choice(places)] ^= chance.randrange(1, 256)
        return bytes(flipped[:size])
    if way == 2:
        return data[:first] + (data[short:] if chance.random() < 0.5 else b"")
    if way == 3:
        return data[:first] + chance.choice((*SIGNS, chance.randbytes(20))) + data[first:]
    if way == 4:
        return data[:short] + data[first:]
    if way == 5:
        return data[:first] + data[third:fourth] + data[second:third] + data[first:second]
    if way == 6:
        return data[:first] + bytes(len(data[first:short])) + data[short:]
    name = chance.choice((b"note", b"length", b"id"))
    return data.replace(name, name[:-1] + chance.choice((b"\xff", b"\0", b"\x1b")))


def options(chance: random.Random, suffix: str) -> tuple[list[str], str]:
    """Return how a file is scored, and the name of the output."""
    output = "out" + chance.choice((*TARGETS, "." + suffix.split(".")[1]))
    words = ["--output", output, "--on-bad", chance.choice(("fail", "skip", "null", "null"))]
    for more in (["--details"], ["--bad", "bad.jsonl"], ["--keep", "none"], ["--workers", "2"]):
        if chance.random() < 0.4:
            words += more
    return words, output


def read_back(name: str) -> int:
    """Read an output, and return how many rows it has."""
    data, suffix = Path(name).read_bytes(), Path(name).suffix
    if suffix in {".parquet", ".arrow"}:
        file = io.BytesIO(data)
        read = parquet.read_table if suffix == ".parquet" else ipc.open_stream
        found: Any = read(file)
        whole = found if suffix == ".parquet" else found.read_all()
        whole.validate(full=True)
        return int(whole.num_rows)
    if suffix in {".jsonl", ".ndjson"}:
        lines = data.splitlines()
        assert all(isinstance(strict_json.decode(line), dict) for line in lines)
        return len(lines)
    text = io.StringIO(data.decode(), newline="")
    records = [*csv.reader(text, delimiter="\t" if suffix == ".tsv" else ",", strict=True)]
    assert {len(record) for record in records} == {len(records[0])}
    return len(records) - 1


def score(words: list[str]) -> tuple[int, str, str]:
    """Return the exit code and what was told."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["score", "--force", "--version", "2", *words])
    out.seek(0)
    err.seek(0)
    return code, out.read(), err.read()


def complaints(words: list[str], output: str) -> Iterator[str]:
    """Score a file, and yield what should not have come of it."""
    code, out, err = score([*words, "--json"])
    if code not in {0, 1}:
        yield f"exit code {code}: {err}"
    elif code == 1:
        if not err.startswith("error: ") or "\nhint: " not in err:
            yield f"no next step: {err!r}"
        if not all(line.isprintable() for line in err.splitlines()):
            yield f"what a terminal may take as a command: {err!r}"
    else:
        told = json.loads(out)
        expected = told["rows"] - ("skip" in words) * told["bad_rows"]
        try:
            if (found := read_back(output)) != expected:
                yield f"{found} rows; expected {expected}"
        except (AssertionError, ValueError, csv.Error, pa.ArrowException) as exc:
            yield f"the output cannot be read: {exc!r}"
    if peak_bytes() > MOST_MEMORY:
        yield f"{peak_bytes():,} bytes of memory"


def tell(*words: object) -> None:
    """Write a line at once: the process may die of what comes next."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def run(artifacts: str, suffix: str, first: int, last: int) -> None:
    """Score files, each damaged in another way."""
    plain, _, packed = suffix[1:].partition(".")
    kind = COMPRESSIONS.get(f".{packed}")
    for number in range(first, last):
        tell("case", number)
        chance = random.Random(f"{suffix}{number}")
        data = write(table(chance), f".{plain}", chance)
        outer = chance.random() < 0.5  # else the damage is within what is compressed
        data = (
            damage(compress(data, kind), chance) if outer else compress(damage(data, chance), kind)
        )
        Path(f"new{suffix}").write_bytes(data or b"\n")
        words, output = options(chance, suffix)
        for complaint in complaints([f"new{suffix}", "--artifacts", artifacts, *words], output):
            tell(number, words, complaint)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
