"""Files of stores are scored: fsspec's store in memory stands for all of them."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from iris_deploy.bundle.repository import Repository
from iris_deploy.scoring.inputs import Size, Wish, find_inputs
from iris_deploy.scoring.readers import open_reader
from tests.conftest import Run

pytestmark = pytest.mark.once

ROWS = "id,length,width\n" + "".join(f"{k},{k % 70 / 10},{k % 25 / 10}\n" for k in range(3000))


@pytest.fixture
def store(
    run: Run, artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Return an empty store, and work in an empty directory."""
    del run  # which takes variables away
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("IRIS_DEPLOY_ARTIFACTS", str(artifacts))
    Path("new.csv").write_text(ROWS)
    found = fsspec.filesystem("memory")
    yield found
    found.rm("/", recursive=True)


def names(store: Any) -> set[str]:
    return {name.lstrip("/") for name in store.find("/")}


def own(run: Run, *words: object) -> bytes:
    """Return what the command writes where nothing is in a store."""
    assert run("score", "new.csv", "-o", "own.csv", "--force", "--version", 1, *words).code == 0
    return Path("own.csv").read_bytes()


def test_a_file_of_a_store_is_scored_into_a_store(run: Run, store: Any) -> None:
    store.pipe("/in/new.csv", ROWS.encode())
    ran = run("score", "memory://in/new.csv", "-o", "memory://out/scored.csv", "--version", 1)
    assert ran.code == 0, ran.err
    assert store.cat("/out/scored.csv") == own(run)
    assert names(store) == {"in/new.csv", "out/scored.csv"}


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".jsonl.gz", ".csv.zst", ".tsv"])
@pytest.mark.usefixtures("store")
def test_every_format_goes_to_a_store_and_back(run: Run, suffix: str) -> None:
    for source, target in (("new.csv", f"memory://a{suffix}"), (f"memory://a{suffix}", "b.csv")):
        keep = ("--keep", "length,width")
        assert run("score", source, "-o", target, "--version", 1, *keep).code == 0
    scored, expected = Path("b.csv").read_text().split(), own(run).decode().split()
    assert [row.split(",")[2] for row in scored] == [row.split(",")[3] for row in expected]


def test_patterns_and_folders_of_a_store_keep_their_partitions(run: Run, store: Any) -> None:
    for year in (2025, 2026):
        store.pipe(f"/in/year={year}/new.csv", ROWS.encode())
    assert run("score", "memory://in", "-o", "memory://out", "--version", 1).code == 0
    parts = {f"out/year={year}/new.csv" for year in (2025, 2026)}
    assert parts | {"out/_SUCCESS"} == {name for name in names(store) if name.startswith("out")}
    store.rm("/out/year=2025/new.csv")
    assert run("score", "memory://in", "-o", "memory://out", "--version", 1).code == 1
    ran = run("score", "memory://in", "-o", "memory://out", "--version", 1, "--resume")
    assert "3,000 rows" in ran.out
    assert run("score", "memory://in/*/*.csv", "-o", "all.parquet", "--version", 1).code == 0
    assert parquet.read_table("all.parquet").num_rows == 2 * 3000
    assert run("score", "memory://in", "-o", "years.parquet", "--version", 1).code == 0
    assert set(parquet.read_table("years.parquet")["year"].to_pylist()) == {"2025", "2026"}


def test_nothing_half_comes_to_a_store(run: Run, store: Any) -> None:
    bad = pa.table({"length": [5.1] * 200_000 + [1e200], "width": [2.4] * 200_001})
    parquet.write_table(bad, "bad.parquet")
    for target in ("memory://out.parquet", "memory://out.csv.gz", "memory://out.arrow"):
        ran = run("score", "bad.parquet", "-o", target, "--version", 1)
        assert (ran.code, ran.out) == (1, "")
        assert "bad.parquet: row 200001, length: expected a finite number" in ran.err
    assert names(store) == set()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("memory://none.csv", "-o", "out.csv"), "memory://none.csv"),
        (("memory://in/*.csv", "-o", "out.csv"), "no file is named like memory://in/*.csv"),
        (("memory://empty.csv", "-o", "out.csv"), "memory://empty.csv is empty; expected rows"),
        (("nosuch://a.csv", "-o", "out.csv"), "nosuch"),
        (("gs://bucket/a.csv", "-o", "out.csv"), "gcsfs"),
        (("memory://there.csv", "-o", "memory://there.csv", "--force"), "is an input, too"),
        (("new.csv", "-o", "memory://there.csv"), "memory://there.csv is there already"),
        (("new.csv", "-o", "memory://out.xlsx"), "expected a file ending in"),
    ],
)
def test_what_is_wrong_with_a_store_is_told(
    run: Run, store: Any, words: tuple[str, ...], told: str
) -> None:
    store.pipe("/there.csv", ROWS.encode())
    store.pipe("/empty.csv", b"")
    ran = run("score", *words, "--version", 1)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error: ")
    assert told in ran.err
    assert names(store) == {"there.csv", "empty.csv"}
    assert {path.name for path in Path().iterdir()} == {"new.csv"}


def test_a_store_that_fails_half_way_is_told(
    run: Run, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BrokenError(Exception):
        """As stores raise: no OSError."""

    def fail(*_: object, **__: object) -> None:
        raise BrokenError("the line is cut")

    with monkeypatch.context() as patched:
        patched.setattr("fsspec.implementations.memory.MemoryFile.write", fail)
        ran = run("score", "new.csv", "-o", "memory://out.csv", "--version", 1)
    assert (ran.code, ran.out) == (1, "")
    assert "memory://out.csv: the store says: the line is cut" in ran.err
    assert names(store) == set()
    store.pipe("/in.csv", ROWS.encode())
    with monkeypatch.context() as patched:
        patched.setattr("fsspec.implementations.memory.MemoryFile.read", fail)
        ran = run("score", "memory://in.csv", "-o", "out.csv", "--version", 1)
    assert (ran.code, ran.out) == (1, "")
    assert "memory://in.csv: the store says: the line is cut" in ran.err
    assert {path.name for path in Path().iterdir()} == {"new.csv"}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow"])
def test_what_goes_wrong_elsewhere_is_not_put_down_to_the_store(
    run: Run, store: Any, suffix: str
) -> None:
    name = f"memory://in{suffix}"
    assert run("score", "new.csv", "-o", name, "--version", 1, "--keep", "length,width").code == 0
    del store
    bundle = Repository(Path(os.environ["IRIS_DEPLOY_ARTIFACTS"])).read(None, 1)
    wish = Wish(bundle.manifest.signature, None, ".csv")
    (given,) = find_inputs([name], ".csv")

    def read_and_stop() -> None:
        with open_reader(given, wish) as reader:
            for _ in reader.pieces(Size(1 << 20, 100)):
                raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        read_and_stop()


@pytest.mark.usefixtures("store")
def test_a_missing_package_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "upath", None)
    ran = run("score", "s3://bucket/new.csv", "-o", "out.csv", "--version", 1)
    assert (ran.code, ran.out) == (1, "")
    assert "pip install 'iris-deploy[stores]'" in ran.err
