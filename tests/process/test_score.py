"""Files are scored through the console command: what comes out, and what does not."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from tests.conftest import COMMAND, Run, run_process
from tests.data import passengers
from tests.load import can_unshare
from tests.waits import wait_until

ROWS = "id,length,width\n007,5.1,2.4\n2,1.4,0.2\n3,4.5,1.5\n"
LABELS = ["virginica", "setosa", "versicolor"]


@pytest.fixture(autouse=True)
def _home(run: Run, tmp_path: Path, artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory with a bundle."""
    del run  # which leaves the environment as it is from here on
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("IRIS_DEPLOY_ARTIFACTS", str(artifacts))


def read_csv(name: str) -> list[dict[str, str]]:
    with Path(name).open(newline="") as file:
        return list(csv.DictReader(file))


def left() -> set[str]:
    """Return what is in the directory, hidden files too."""
    return {path.name for path in Path().iterdir()}


def test_a_table_keeps_its_columns_and_gets_predictions(run: Run) -> None:
    Path("new.csv").write_text(ROWS)
    ran = run("score", "new.csv", "--version", 1, "--output", "out.csv")
    assert (ran.code, ran.err) == (0, "")
    lines = Path("out.csv").read_text().splitlines()
    assert lines == [
        f"{line},{label}"
        for line, label in zip(ROWS.splitlines(), ["prediction", *LABELS], strict=True)
    ]
    assert "3 rows" in ran.out
    assert "virginica 1 (33.3%)" in ran.out
    assert left() >= {"new.csv", "out.csv"}
    assert not [name for name in left() if name.endswith(".unfinished")]


def test_details_are_those_of_predict(run: Run) -> None:
    Path("new.csv").write_text(ROWS)
    assert run("score", "new.csv", "-o", "out.jsonl", "--details", "--version", 2).code == 0
    scored = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    asked = '[{"length": 5.1, "width": 2.4}, {"length": 1.4, "width": 0.2}]'
    told = json.loads(run("predict", "--details", "--version", 2, asked).out)
    for row, scores in zip(scored, told["probabilities"], strict=False):
        for label, score in scores.items():
            assert row[f"probability_{label}"] == score
    assert [row["warnings"] for row in scored] == [0, 0, 0]
    assert [row["id"] for row in scored] == ["007", "2", "3"]


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "arrow"])
def test_standard_input_is_scored_to_standard_output(form: str) -> None:
    table = pa.table({"length": [5.1, 1.4, 4.5], "width": [2.4, 0.2, 1.5]})
    rows = table.to_pylist()
    delimiter = "\t" if form == "tsv" else ","
    if form == "arrow":
        written = pa.BufferOutputStream()
        with ipc.new_stream(written, table.schema) as stream:
            stream.write_table(table)
        given = written.getvalue().to_pybytes()
    elif form == "jsonl":
        given = "".join(json.dumps(row) + "\n" for row in rows).encode()
    else:
        lines = [table.column_names, *([*map(str, row.values())] for row in rows)]
        given = "".join(delimiter.join(line) + "\n" for line in lines).encode()
    words = ("-", "--output", "-", "--format", form, "--version", 1)
    ran = run_process("score", *words, stdin=given)
    assert ran.returncode == 0, ran.stderr
    if form == "arrow":
        found = ipc.open_stream(ran.stdout).read_all().to_pylist()
    elif form == "jsonl":
        found = [json.loads(line) for line in ran.stdout.splitlines()]
    else:
        text = io.StringIO(ran.stdout.decode())
        found = list(csv.DictReader(text, delimiter=delimiter))
    assert [row["prediction"] for row in found] == LABELS
    assert b"3 rows" in ran.stderr


def test_several_files_go_into_one_in_their_order(run: Run) -> None:
    for name in ("b", "a"):
        Path(f"{name}.csv").write_text(f"name,length,width\n{name},5.1,2.4\n")
    with gzip.open("c.csv.gz", "wt") as file:
        file.write("width,name,length\n0.2,c,1.4\n")
    assert run("score", "[ab].csv", "c.csv.gz", "-o", "out.csv.gz", "--version", 1).code == 0
    with gzip.open("out.csv.gz", "rt") as scored:
        rows = list(csv.DictReader(scored))
    assert [row["name"] for row in rows] == ["a", "b", "c"]
    assert [row["prediction"] for row in rows] == ["virginica", "virginica", "setosa"]


def test_columns_to_carry_along_are_chosen(run: Run) -> None:
    Path("new.csv").write_text(ROWS)
    assert run("score", "new.csv", "-o", "a.csv", "--keep", "none", "--version", 1).code == 0
    assert read_csv("a.csv") == [{"prediction": label} for label in LABELS]
    assert run("score", "new.csv", "-o", "b.csv", "--keep", "width,id", "--version", 1).code == 0
    assert Path("b.csv").read_text().splitlines()[:2] == [
        "width,id,prediction",
        "2.4,007,virginica",
    ]


def test_what_others_wrote_is_left_as_it_is(run: Run) -> None:
    """Line ends in quotes, figures as they came, a byte order mark, CR and LF."""
    text = '\ufeffnote,length,width\r\n"a\nb, ""c""",5.10,2.4\r\n"",1.4,+.2e0\r\n'
    Path("new.csv").write_bytes(text.encode())
    assert run("score", "new.csv", "-o", "out.csv", "--version", 1).code == 0
    rows = read_csv("out.csv")
    assert [row["note"] for row in rows] == ['a\nb, "c"', ""]
    assert [row["length"] for row in rows] == ["5.10", "1.4"]
    assert [row["prediction"] for row in rows] == LABELS[:2]


BAD = (
    "id,length,width\n1,5.1,2.4\n2,long,2.4\n3,5.1\n4,,0.2\n5,nan,inf\n"
    '6,"1,4",0.2\n7,1e300,1\n8,1.4,0.2\n'
)
WRONG = {
    2: "got the string 'long'",
    3: "2 fields; expected 3: id, length, width",
    4: "got the string ''",
    5: "got the string 'nan'",
    6: "got the string '1,4'",
    7: "got the string '1e300'",
}


def test_rows_that_do_not_fit_are_named_and_nothing_is_written(run: Run) -> None:
    Path("new.csv").write_text(BAD)
    ran = run("score", "new.csv", "-o", "out.csv", "--version", 1)
    assert (ran.code, ran.out) == (1, "")
    assert "7 problems" in ran.err
    assert "new.csv: " in ran.err
    assert "row 2, length: expected a finite number; got the string 'long'" in ran.err
    assert "--on-bad" in ran.err
    assert left() == {"new.csv"}


@pytest.mark.parametrize("on_bad", ["skip", "null"])
def test_rows_that_do_not_fit_are_left_out_or_not_answered(run: Run, on_bad: str) -> None:
    Path("new.csv").write_text(BAD)
    words = ("--on-bad", on_bad, "--bad", "bad.jsonl", "--version", 1, "--json")
    ran = run("score", "new.csv", "-o", "out.csv", *words)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["rows"] == 8
    assert json.loads(ran.out)["bad_rows"] == 6
    rows = read_csv("out.csv")
    answers = [row["prediction"] for row in rows]
    if on_bad == "skip":
        assert answers == ["virginica", "setosa"]
    else:
        assert answers == ["virginica", *[""] * 6, "setosa"]
    bad = [json.loads(line) for line in Path("bad.jsonl").read_text().splitlines()]
    assert [row["row"] for row in bad] == [*WRONG]
    for row in bad:
        assert row["file"] == "new.csv"
        assert WRONG[row["row"]] in row["problems"][0]["detail"]


def test_a_row_whose_score_overflows_is_a_bad_row_too(run: Run) -> None:
    Path("new.jsonl").write_text(
        '{"length": 1e100, "width": 1e100}\n' * 3 + '{"length": 5.1, "width": 2.4}\n'
    )
    assert (
        run("score", "new.jsonl", "-o", "out.jsonl", "--version", 1, "--on-bad", "null").code == 0
    )


def write_parquet(**columns: Any) -> None:
    parquet.write_table(pa.table(columns), "new.parquet")


def cut(name: str, keep: float) -> None:
    data = Path(name).read_bytes()
    Path(name).write_bytes(data[: int(keep * len(data))])


def cut_parquet() -> None:
    write_parquet(length=[5.1] * 1000, width=[2.4] * 1000)
    cut("new.parquet", 0.7)


def cut_gzip() -> None:
    Path("new.csv.gz").write_bytes(gzip.compress(os.urandom(3_000_000).hex().encode()))
    cut("new.csv.gz", 0.5)


def cut_arrow() -> None:
    table = pa.table({"length": [5.1] * 100_000, "width": [2.4] * 100_000})
    with pa.OSFile("new.arrow", "wb") as file, ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=10_000)
    cut("new.arrow", 0.5)


def changed() -> None:
    Path("a.csv").write_text("id,length,width\n1,5.1,2.4\n")
    Path("new.csv").write_text("name,length,width,sort\n1,5.1,2.4,x\n")


def folder_for_bad() -> None:
    Path("new.csv").write_text(ROWS)
    Path("bad.jsonl").mkdir()


def two_of_one_name() -> None:
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "new.csv").write_text(ROWS)


FAULTS: dict[str, tuple[Callable[[], Any], tuple[str, ...], str]] = {
    "no file": (lambda: None, ("new.csv",), "cannot read new.csv: No such file"),
    "an empty file": (lambda: Path("new.csv").touch(), ("new.csv",), "new.csv is empty"),
    "a folder without tables": (lambda: Path("new").mkdir(), ("new",), "new holds no file ending"),
    "a folder in place of a file": (
        folder_for_bad,
        ("new.csv", "--bad", "bad.jsonl"),
        "bad.jsonl is a directory",
    ),
    "two of one name in a folder": (
        two_of_one_name,
        ("a/new.csv", "b/new.csv", "--output", "out"),
        "two inputs would both be out/new.csv",
    ),
    "no pattern": (lambda: None, ("*.csv",), "no file is named like *.csv"),
    "another suffix": (lambda: Path("new.xls").write_text("x"), ("new.xls",), "ending in .csv"),
    "Parquet cut off": (cut_parquet, ("new.parquet",), "cannot be read"),
    "Arrow cut off": (cut_arrow, ("new.arrow",), "new.arrow cannot be read to its end"),
    "gzip cut off": (cut_gzip, ("new.csv.gz",), "new.csv.gz"),
    "no Parquet": (
        lambda: Path("new.parquet").write_text("no"),
        ("new.parquet",),
        "cannot be read",
    ),
    "no stream": (lambda: Path("new.arrow").write_text("no"), ("new.arrow",), "cannot be read"),
    "UTF-16": (lambda: Path("new.csv").write_text(ROWS, "utf-16"), ("new.csv",), "UTF-16"),
    "Latin-1": (
        lambda: Path("new.csv").write_text(ROWS.replace("007", "\u00e9"), "latin-1"),
        ("new.csv",),
        "new.csv: row 1 is not UTF-8: it has the byte 0xe9",
    ),
    "semicolons": (
        lambda: Path("new.csv").write_text(ROWS.replace(",", ";")),
        ("new.csv",),
        "expected commas between values",
    ),
    "a near miss": (
        lambda: Path("new.csv").write_text(ROWS.replace("length", "lenght")),
        ("new.csv",),
        "length is missing; expected a number (cm) (did you mean 'lenght'?)",
    ),
    "all that is missing at once": (
        lambda: Path("new.csv").write_text("a,a,b\n1,2,3\n"),
        ("new.csv", "--keep", "c"),
        "4 problems in the input: 'a' stands twice in the header; length is missing",
    ),
    "a quote that is never closed": (
        lambda: Path("new.csv").write_text(ROWS + '4,"5.1,2.4\n'),
        ("new.csv",),
        "new.csv: row 4 is not CSV: a quote stands within a value, or is not closed",
    ),
    "a quote within a value": (
        lambda: Path("new.csv").write_text('id,length,width\n"a\nb",5.1,2.4\n5" b,5.1,2.4\n'),
        ("new.csv",),
        "row 2 is not CSV: a quote stands within a value",
    ),
    "a column that changes": (
        lambda: Path("new.csv").write_text(
            "id,length,width\n" + "1,5.1,2.4\n" * 200_000 + "x,5.1,2.4\n"
        ),
        ("new.csv", "--output", "out.parquet"),
        "changes id, which was int64 so far",
    ),
    "an array a line": (
        lambda: Path("new.jsonl").write_text("[5.1, 2.4]\n"),
        ("new.jsonl",),
        "expected a JSON object in every line",
    ),
    "no JSON": (lambda: Path("new.jsonl").write_text("{\n"), ("new.jsonl",), "line 1"),
    "dates for numbers": (
        lambda: write_parquet(length=[[1.0]], width=[Decimal("2.4")]),
        ("new.parquet",),
        "length is list<element: double>; expected a number (cm)",
    ),
    "bytes into text": (
        lambda: write_parquet(length=[1.0], width=[2.4], raw=[b"x"], more=[[1]]),
        ("new.parquet",),
        "2 problems in the input: raw is binary; more is list<element: int64>; text has no such",
    ),
    "another schema": (
        changed,
        ("a.csv", "new.csv"),
        "new.csv: `keep` names 'id', which is not there",
    ),
    "a column that is added": (
        lambda: Path("new.csv").write_text("prediction,length,width\n1,5.1,2.4\n"),
        ("new.csv",),
        "has a column prediction already",
    ),
    "standard input twice": (lambda: None, ("-", "-"), "can be read once"),
    "the input as the output": (
        lambda: Path("out.csv").write_text(ROWS),
        ("out.csv", "--force"),
        "out.csv is an input, too",
    ),
    "an output that is there": (
        lambda: [Path(name).write_text(ROWS) for name in ("out.csv", "new.csv")],
        ("new.csv",),
        "out.csv is there already",
    ),
    "an output nowhere": (
        lambda: Path("new.csv").write_text(ROWS),
        ("new.csv", "--output", "no/where.csv"),
        "there is no directory no",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_scored_is_one_clear_error(run: Run, name: str) -> None:
    make, words, expected = FAULTS[name]
    make()
    before = {path: path.stat().st_mtime_ns for path in Path().iterdir()}
    ran = run("score", "--output", "out.csv", "--version", 1, *words)
    assert (ran.code, ran.out) == (1, "")
    assert expected.replace("`keep`", "--keep") in ran.err
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err
    assert {path: path.stat().st_mtime_ns for path in Path().iterdir()} == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--on-bad", "drop"), "--on-bad: expected one of fail, skip, null, got drop"),
        (("--memory", "10MB"), "--memory: expected 192MiB at least"),
        (("--memory", "much"), "--memory: expected a size"),
        (("--workers", "0"), "--workers: expected a whole number from 1"),
        (("--workers", "900"), "--memory: expected"),
        (("--format", "xml"), "--format: expected one of csv, tsv, jsonl, ndjson, arrow"),
        (("--output", "-", "--json"), "standard output is for rows"),
    ],
)
def test_options_that_cannot_be_are_refused(
    run: Run, words: tuple[str, ...], expected: str
) -> None:
    Path("new.csv").write_text(ROWS)
    ran = run("score", "new.csv", "--output", "out.csv", *words)
    assert (ran.code, ran.out) == (2, "")
    assert expected in ran.err
    assert left() == {"new.csv"}


def test_drift_is_told_and_not_where_there_is_none(run: Run) -> None:
    lines = [f"{4 + k % 100 / 1000},{1.3 + k % 10 / 100}" for k in range(500)]
    Path("new.csv").write_text("length,width\n" + "\n".join(lines) + "\n")
    ran = run("score", "new.csv", "-o", "out.csv", "--version", 1)
    assert "length is not distributed as in training: stability index" in ran.out
    report = json.loads(run("score", "new.csv", "-o", "b.csv", "--version", 1, "--json").out)
    assert report["drift"]["length"]["psi"] > report["drift"]["length"]["threshold"]


def large_lines(n_rows: int) -> None:
    """Write rows that Python has to read one by one."""
    row = '{"length": 5.1, "width": 2.4, "id": "%s", "note": "%s"}\n'
    with Path("new.jsonl").open("w") as file:
        file.writelines(row % (at, "x" * 300) for at in range(n_rows))


def descendants(pid: int, depth: int) -> list[int]:
    """Return the processes that the children of a process have started, so deep."""
    found = [pid]
    for _ in range(depth):
        found = [
            int(child)
            for each in found
            for child in Path(f"/proc/{each}/task/{each}/children").read_text().split()
        ]
    return found


def start_large() -> subprocess.Popen[str]:
    words = ["score", "new.jsonl", "-o", "out.jsonl", "--version", "1", "--workers", "2"]
    return subprocess.Popen(
        [*COMMAND, *words, "--memory", "400MB"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("unmeasured")
def test_a_worker_that_is_killed_loses_no_row() -> None:
    large_lines(80_000)
    process = start_large()
    wait_until(lambda: len(descendants(process.pid, 2)) == 2)
    os.kill(descendants(process.pid, 2)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert "80,000 rows" in out
    with Path("out.jsonl").open() as scored:
        for at, line in enumerate(scored):
            assert json.loads(line)["id"] == str(at)
    assert at == 79_999
    assert left() == {"new.jsonl", "out.jsonl"}


@pytest.mark.usefixtures("unmeasured")
def test_a_piece_that_kills_its_workers_is_named() -> None:
    large_lines(80_000)
    process = start_large()
    killed: set[int] = set()

    def kill() -> bool:
        for pid in {*descendants(process.pid, 2)} - killed:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
        return process.poll() is not None

    wait_until(kill, 60)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert "a worker was killed twice at the same rows of new.jsonl" in err
    assert left() == {"new.jsonl"}


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_half(number: int, code: int) -> None:
    large_lines(80_000)
    process = start_large()
    wait_until(lambda: any(name.endswith(".unfinished") for name in left()))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (code, "", "")
    assert left() == {"new.jsonl"}


@pytest.mark.skipif(not can_unshare("-m"), reason="needs a mount namespace")
@pytest.mark.usefixtures("unmeasured")
def test_a_full_disk_is_told_and_nothing_is_left() -> None:
    Path("new.csv").write_text("length,width\n" + "5.1,2.4\n" * 200_000)
    Path("full").mkdir()
    script = 'mount -t tmpfs -o size=1m none full && "$@"; code=$?; ls -A full; exit $code'
    words = ("score", "new.csv", "-o", "full/out.csv", "--version", "1")
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *COMMAND, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "cannot write full/out.csv: No space left on device" in ran.stderr


PEAK = """
import sys
from pathlib import Path
from iris_deploy.cli import main
assert main(sys.argv[1:]) == 0
(peak,) = (line for line in Path("/proc/self/status").open() if line.startswith("VmHWM:"))
print(peak)
"""


@pytest.mark.usefixtures("unmeasured")
def test_memory_does_not_grow_with_the_file() -> None:
    peaks = []
    for n_rows in (300_000, 3_000_000):
        name = f"{n_rows}.parquet"
        schema = pa.schema([("length", pa.float64()), ("width", pa.float64())])
        with parquet.ParquetWriter(name, schema) as writer:
            for _ in range(n_rows // 100_000):
                columns = {"length": [5.1] * 100_000, "width": [2.4] * 100_000}
                writer.write_table(pa.table(columns))
        words = ("score", name, "-o", f"out{n_rows}.parquet", "--version", "1")
        ran = subprocess.run([sys.executable, "-c", PEAK, *words], capture_output=True, check=True)
        peaks.append(int(ran.stdout.split()[-2]))
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < 256 << 10


def long_texts(number: int) -> list[str]:
    return [f"{number}-{k}".ljust(8000, "x") for k in range(10_000)]


def one_long_text(_number: int) -> list[str]:
    return ["x" * 8000] * 10_000


def long_texts_behind_short_ones(number: int) -> list[str]:
    return long_texts(number) if number > 6 else [str(number)] * 10_000


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("texts", [long_texts, one_long_text, long_texts_behind_short_ones])
def test_memory_does_not_grow_with_what_a_row_holds(texts: Callable[[int], list[str]]) -> None:
    """The same text again and again is next to nothing in the file, and a gigabyte when read."""
    schema = pa.schema([("length", pa.float64()), ("width", pa.float64()), ("note", pa.string())])
    numbers = {"length": [5.1] * 10_000, "width": [2.4] * 10_000}
    with parquet.ParquetWriter("new.parquet", schema) as writer:
        for number in range(10):
            writer.write_table(pa.table({**numbers, "note": texts(number)}, schema), 10_000)
    words = ("score", "new.parquet", "-o", "out.parquet", "--version", "1")
    ran = subprocess.run([sys.executable, "-c", PEAK, *words], capture_output=True, check=True)
    assert int(ran.stdout.split()[-2]) < 256 << 10
    assert parquet.read_metadata("out.parquet").num_rows == 100_000


@pytest.mark.usefixtures("unmeasured")
def test_columns_are_scored_without_pandas() -> None:
    write_parquet(length=[5.1, 1.4], width=[2.4, 0.2])
    words = ["score", "new.parquet", "-o", "out.parquet", "--version", "1", "--details"]
    program = f"import sys, iris_deploy.cli as c; c.main({words!r}); print('pandas' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout.split()[-1] == b"False"


def test_who_reads_standard_output_may_stop(tmp_path: Path) -> None:
    Path("new.csv").write_text(ROWS + ROWS.partition("\n")[2] * 100_000)
    words = ("score", "new.csv", "-o", "-", "--version", "1")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        assert process.stdout.readline().endswith(b"prediction\n")
        process.stdout.close()
        assert process.wait(60) == 128 + signal.SIGPIPE  # as of other programs
    assert (tmp_path / "log").read_bytes() == b""


@pytest.mark.usefixtures("unmeasured")
def test_memory_that_is_given_is_for_the_model_too(run: Run, tmp_path: Path) -> None:
    random = np.random.default_rng(0)  # labels by chance make the largest trees
    columns = {f"x{k}": random.normal(size=6000) for k in range(5)}
    table = pa.table({**columns, "label": random.integers(0, 2, 6000).astype(str)})
    parquet.write_table(table, "trained.parquet")
    given = ("--data", "trained.parquet", "--target", "label", "--estimator", "random-forest")
    assert run("train", *given, "--artifacts", tmp_path / "own").code == 0
    Path("new.csv").write_text(ROWS)
    small = ("--memory", "192MiB", "--workers", "1")
    assert run_process("score", "new.csv", "-o", "a.csv", *small).returncode == 0
    words = ("score", "trained.parquet", "-o", "b.csv", "--artifacts", tmp_path / "own")
    ran = run_process(*words, *small)
    assert ran.returncode == 2
    assert b"--memory: expected" in ran.stderr
    assert b"at least for 1 worker and the model, got 192MiB" in ran.stderr
    assert run_process(*words).returncode == 0


def test_texts_that_stand_for_missing_values_are_named(run: Run, tmp_path: Path) -> None:
    passengers().to_csv("trained.csv", index=False)
    words = ("--data", "trained.csv", "--target", "survived", "--artifacts", tmp_path / "own")
    assert run("train", *words).code == 0
    table = passengers().drop(columns="survived").head(50)
    assert table["age"].isna().any()
    table.to_csv("new.csv", index=False, na_rep="NA")
    asked = ("score", "new.csv", "-o", "out.csv", "--artifacts", tmp_path / "own")
    ran = run(*asked)
    assert (ran.code, ran.out) == (1, "")
    assert "got the string 'NA'" in ran.err
    assert run(*asked, "--missing", "NA,-").code == 0
    table.to_parquet("new.parquet")
    own = ("score", "new.parquet", "-o", "b.csv", "--artifacts", tmp_path / "own")
    assert run(*own).code == 0
    of_text, of_columns = (read_csv(name) for name in ("out.csv", "b.csv"))
    assert [r["prediction"] for r in of_text] == [r["prediction"] for r in of_columns]


def partitions() -> None:
    """Write a folder as Spark and Hive do, with columns that the folders name."""
    for kind, width in (("a b", "2.4"), ("c", "0.2")):
        folder = Path("new", f"kind={kind.replace(' ', '%20')}", f"width={width}")
        folder.mkdir(parents=True)
        write_parquet(length=[5.1, 1.4])
        Path("new.parquet").rename(folder / "part-0.parquet")
    Path("new/_SUCCESS").touch()
    Path("new/.hidden.csv").write_text("no table")


def test_a_folder_is_scored_into_a_folder_and_keeps_its_partitions(run: Run) -> None:
    partitions()
    ran = run("score", "new", "-o", "out", "--version", 1, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["files"] == 2
    files = sorted(str(path.relative_to("out")) for path in Path("out").rglob("*.parquet"))
    assert files == [
        "kind=a%20b/width=2.4/part-0.parquet",
        "kind=c/width=0.2/part-0.parquet",
    ]
    assert Path("out/_SUCCESS").read_bytes() == b""
    told = [parquet.ParquetFile(Path("out", name)).read().to_pydict() for name in files]
    for columns, width in zip(told, (2.4, 0.2), strict=True):
        assert columns["length"] == [5.1, 1.4]
        asked = json.dumps([{"length": length, "width": width} for length in columns["length"]])
        answer = json.loads(run("predict", "--version", 1, asked).out)
        assert columns == {"length": [5.1, 1.4], "prediction": answer["predictions"]}


def test_a_folder_that_is_scored_into_a_file_has_its_partitions_as_columns(run: Run) -> None:
    partitions()
    assert run("score", "new", "-o", "out.csv", "--version", 1).code == 0
    rows = read_csv("out.csv")
    assert [*rows[0]] == ["length", "kind", "width", "prediction"]
    assert [row["kind"] for row in rows] == ["a b", "a b", "c", "c"]
    assert [row["width"] for row in rows] == ["2.4", "2.4", "0.2", "0.2"]


def test_a_folder_goes_on_where_it_was_left(run: Run) -> None:
    Path("new").mkdir()
    for name in "abc":
        Path(f"new/{name}.csv").write_text(ROWS)
    Path("new/b.csv").write_text(BAD)
    assert run("score", "new", "-o", "out", "--version", 1).code == 1
    assert {path.name for path in Path("out").iterdir()} == {"a.csv"}
    first = Path("out/a.csv").stat().st_mtime_ns
    Path("new/b.csv").write_text(ROWS)
    assert "--resume" in run("score", "new", "-o", "out", "--version", 1).err
    ran = run("score", "new", "-o", "out", "--version", 1, "--resume", "--json")
    assert json.loads(ran.out)["files"] == 2
    assert {path.name for path in Path("out").iterdir()} == {"a.csv", "b.csv", "c.csv", "_SUCCESS"}
    assert Path("out/a.csv").stat().st_mtime_ns == first
    assert run("score", "new", "-o", "out", "--version", 1, "--force").code == 0
    assert Path("out/a.csv").stat().st_mtime_ns != first


def test_names_and_no_rows_are_scored_too(run: Run) -> None:
    Path("new.csv").write_text("length,width\n")
    ran = run("score", "new.csv", "-o", "out.csv", "--version", 1)
    assert (ran.code, ran.err) == (0, "")
    assert Path("out.csv").read_text() == "length,width,prediction\n"
    write_parquet(length=pa.array([], pa.float64()), width=pa.array([], pa.float64()))
    assert run("score", "new.parquet", "-o", "out.parquet", "--version", 1).code == 0
    assert parquet.read_table("out.parquet").column_names == ["length", "width", "prediction"]


@pytest.mark.parametrize("label", ["a,b", 'a "b"', "a\nb"])
def test_classes_that_have_to_be_quoted_are(run: Run, tmp_path: Path, label: str) -> None:
    own = tmp_path / "own"
    table = passengers()[["age", "fare", "survived"]].dropna()
    table["survived"] = table["survived"].map({0: label, 1: "c"})
    table.to_csv("trained.csv", index=False)
    words = ("--data", "trained.csv", "--target", "survived", "--artifacts", own)
    assert run("train", *words).code == 0
    table.drop(columns="survived").to_csv("new.csv", index=False)
    assert run("score", "new.csv", "-o", "out.csv", "--artifacts", own).code == 0
    assert {row["prediction"] for row in read_csv("out.csv")} == {label, "c"}
