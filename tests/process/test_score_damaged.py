"""A file that is damaged is scored, or refused with what to do next: it is never a bug of ours."""

import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import ipc

from tests.conftest import Run
from tests.damage import SUFFIXES, TARGETS, read_back

CASES = 40
ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_is_no_bug(
    tmp_path: Path, artifacts: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "home").mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "tests.damage", str(artifacts), suffix, "0", str(CASES)],
        cwd=tmp_path / "home",
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    complaints = [line for line in ran.stdout.splitlines() if not line.startswith("case ")]
    assert complaints == []
    assert ran.returncode == 0, (ran.stdout.splitlines()[-1], ran.stderr)
    assert ran.stderr == ""


def of(number: int, kind: pa.DataType) -> pa.Array:
    """Return a value that only its bits make."""
    bits = {32: pa.int32(), 64: pa.int64()}[kind.bit_width]
    return pa.array([number] * 2, bits).view(kind)


COLUMNS: dict[str, Any] = {
    "views": pa.array(["a", "b" * 20], pa.string_view()),
    "views of bytes": pa.array([b"a", b"\xff" * 20], pa.binary_view()),
    "views in a dictionary": pa.DictionaryArray.from_arrays(
        pa.array([0, 0], pa.int8()), pa.array(["a"], pa.string_view())
    ),
    "bytes of one length": pa.array([b"ab", b"\xff\xff"], pa.binary(2)),
    "a small decimal": pa.array([Decimal("1.5")] * 2, pa.decimal32(5, 1)),
    "a day far away": of(2**31 - 1, pa.date32()),
    "a time far away": of(2**60, pa.timestamp("us")),
    "a time zone nowhere": pa.array([1, 2], pa.timestamp("us", "Europe/Nowhere")),
    "nanoseconds": pa.array([1, 2], pa.timestamp("ns")),
    "a span of nanoseconds": pa.array([timedelta(1)] * 2, pa.duration("ns")),
    "months": pa.array([pa.MonthDayNano([1, 2, 3])] * 2),
    "a name twice": pa.StructArray.from_arrays([pa.array([1, 2])] * 2, ["a", "a"]),
    "a union": pa.UnionArray.from_sparse(pa.array([0, 0], pa.int8()), [pa.array([1, 2])]),
    "an extension": pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"] * 2)),
}


@pytest.mark.parametrize("on_bad", ["null", "skip"])
@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_every_type_are_carried_along_or_refused(
    run: Run, tmp_path: Path, artifacts: Path, name: str, on_bad: str
) -> None:
    rows = pa.table({"length": [5.1, 9e120], "width": [2.4, 0.2], "more": COLUMNS[name]})
    given = tmp_path / "new.arrow"
    with pa.OSFile(str(given), "wb") as file, ipc.new_stream(file, rows.schema) as stream:
        stream.write_table(rows)
    told = []
    for target in TARGETS:
        output = tmp_path / f"out{target}"
        words = ("--artifacts", artifacts, "--version", 1, "--on-bad", on_bad)
        ran = run("score", given, "-o", output, *words)
        assert ran.code in {0, 1}, ran.err
        if ran.code == 0:
            assert read_back(str(output)) == (2 if on_bad == "null" else 1)
        else:
            assert "more" in ran.err or "cannot write" in ran.err
            assert "leave the column out with --keep" in ran.err
        told.append(ran.code)
    assert told[-1] == 0, "what came as Arrow can be written as Arrow"


@pytest.mark.parametrize("on_bad", ["fail", "null", "skip"])
def test_runs_of_values_are_refused_before_they_become_rows(
    run: Run, tmp_path: Path, artifacts: Path, on_bad: str
) -> None:
    """A few bytes of them may stand for all rows that memory has room for."""
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["x"]))
    rows = pa.record_batch(
        [pa.array([5.1, 9e120]), pa.array([2.4, 0.2]), runs], ["length", "width", "more"]
    )
    given = tmp_path / "new.arrow"
    with pa.OSFile(str(given), "wb") as file, ipc.new_stream(file, rows.schema) as stream:
        stream.write_batch(rows)
    words = ("--artifacts", artifacts, "--version", 1, "--on-bad", on_bad)
    ran = run("score", given, "-o", tmp_path / "out.jsonl", *words)
    assert ran.code == 1
    assert "more is run_end_encoded" in ran.err
    assert "leave the column out with --keep" in ran.err


@pytest.mark.parametrize("values", [pa.string_view(), pa.decimal32(5, 1), pa.float16()])
def test_features_of_new_types_are_read(
    run: Run, tmp_path: Path, artifacts: Path, values: pa.DataType
) -> None:
    lengths = pa.array(["5.1", "1.4"]).cast(values if values != pa.float16() else pa.float64())
    rows = pa.table({"length": lengths.cast(values), "width": [2.4, 0.2]})
    given = tmp_path / "new.arrow"
    with pa.OSFile(str(given), "wb") as file, ipc.new_stream(file, rows.schema) as stream:
        stream.write_table(rows)
    words = ("--artifacts", artifacts, "--version", 1, "--keep", "none")
    assert run("score", given, "-o", tmp_path / "out.csv", *words).code == 0
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.strip('"') for line in lines] == ["prediction", "virginica", "setosa"]


def test_lines_that_are_no_records_leave_empty_ones(
    run: Run, tmp_path: Path, artifacts: Path
) -> None:
    words = ("--artifacts", artifacts, "--version", 1, "--on-bad", "null")
    wrong = {
        ".csv": ("id,length,width\n1,5.1,2.4\n2,1\n3,1,2,3\n", ",,,"),
        ".jsonl": ('{"length":5.1,"width":2.4}\n[5.1,2.4]\n{"length":5\n', '{"prediction":null}'),
    }
    for suffix, (text, expected) in wrong.items():
        (tmp_path / f"new{suffix}").write_text(text)
        output = tmp_path / f"out{suffix}"
        bad = ("--bad", tmp_path / f"bad{suffix}.jsonl")
        assert run("score", tmp_path / f"new{suffix}", "-o", output, *words, *bad).code == 0
        assert output.read_text().splitlines()[-2:] == [expected] * 2
    assert '"values":{"line":"3,1,2,3"}' in (tmp_path / "bad.csv.jsonl").read_text()
