"""A row in a file gets the answer of the server, to the last bit, whatever its columns are."""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import ipc, parquet

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.columns import CategoryColumn, NumberColumn
from iris_deploy.scoring.files import score_files
from iris_deploy.scoring.inputs import find_inputs
from iris_deploy.scoring.outputs import Output
from iris_deploy.scoring.settings import ScoreSettings
from tests.unit.test_contracts_agree import COLUMNS, LABELS, SCHEMAS, model, spoken_about, values
from tests.ways import objects, right

Table = Mapping[str, Sequence[Any]]


def write_csv(path: Path, table: Table, delimiter: str = ",") -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(table)
    for row in zip(*table.values(), strict=True):
        writer.writerow(["" if v is None else v if type(v) is str else json.dumps(v) for v in row])
    path.write_bytes(text.getvalue().encode())


def write_lines(path: Path, table: Table) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in objects(table)))


def as_arrow(table: Table) -> pa.Table:
    kinds = {True: pa.float64(), False: pa.string()}
    arrays = {}
    for name, given_ in table.items():
        column = next((c for c in COLUMNS.values() if c.name == name), None)
        if isinstance(column, NumberColumn) and column.boolean:
            arrays[name] = pa.array(given_, pa.bool_())
            continue
        numeric = isinstance(column, NumberColumn) or (
            isinstance(column, CategoryColumn) and not column.is_text
        )
        arrays[name] = pa.array(given_, kinds[numeric])
    return pa.table(arrays)


def write_arrow(path: Path, table: Table) -> None:
    written = as_arrow(table)
    with ipc.new_stream(path, written.schema) as stream:
        stream.write_table(written)


WRITERS: dict[str, Callable[[Path, Table], None]] = {
    ".csv": write_csv,
    ".tsv": lambda path, table: write_csv(path, table, "\t"),
    ".jsonl": write_lines,
    ".parquet": lambda path, table: parquet.write_table(as_arrow(table), path),
    ".arrow": write_arrow,
}


def read_csv(path: Path, delimiter: str = ",") -> list[dict[str, Any]]:
    text = io.StringIO(path.read_bytes().decode(), newline="")
    return list(csv.DictReader(text, delimiter=delimiter))


READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    ".csv": read_csv,
    ".tsv": lambda path: read_csv(path, "\t"),
    ".jsonl": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
    ".parquet": lambda path: parquet.read_table(path).to_pylist(),
    ".arrow": lambda path: ipc.open_stream(path.read_bytes()).read_all().to_pylist(),
}


def scored(predictor: Predictor, table: Table, source: str, target: str) -> list[dict[str, Any]]:
    """Score a table by way of two files."""
    manifest = SimpleNamespace(signature=predictor.signature, digest="")
    bundle: Any = SimpleNamespace(manifest=manifest, predictor=predictor, path=Path())
    with tempfile.TemporaryDirectory() as home:
        given_, to = Path(home, f"in{source}"), Path(home, f"out{target}")
        WRITERS[source](given_, table)
        report = score_files(
            bundle,
            find_inputs([str(given_)], ".csv"),
            Output(to, ".csv"),
            ScoreSettings(details=True, workers=1),
            lambda _rows, _share: None,
        )
        read = READERS[target](to)
    assert report.rows == len(read)
    return read


def expected(predictor: Predictor, table: Table) -> list[dict[str, Any]]:
    """Return what the server says of a table, in the words of files."""
    reply = spoken_about(predictor).ask(
        "/predict", json.dumps(objects(table)).encode(), query="details=true"
    )
    told = json.loads(right(reply))
    rows = []
    for at, prediction in enumerate(told["predictions"]):
        row = {"prediction": prediction}
        for name, singular in (
            ("probabilities", "probability"),
            ("decision_values", "decision_value"),
        ):
            for label, score in (told[name][at] if name in told else {}).items():
                row[f"{singular}_{label}"] = score
        rows.append(row)
    return rows


def same(found: Any, value: Any, *, as_text: bool) -> bool:
    if as_text and isinstance(value, float):
        return bool(float(found) == value)
    if as_text:
        return bool(found == (value if isinstance(value, str) else json.dumps(value)))
    return bool(found == value and type(found) is type(value))


@pytest.mark.parametrize("output", LABELS)
@pytest.mark.parametrize("schema", SCHEMAS, ids=" ".join)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(chance=st.data())
def test_a_row_in_a_file_gets_the_answer_of_the_server(
    schema: tuple[str, ...], output: str, chance: st.DataObject
) -> None:
    predictor = model(schema, output)
    columns = [COLUMNS[name] for name in schema]
    n_rows = chance.draw(st.integers(1, 8))
    table = {
        column.name: chance.draw(st.lists(values(column), min_size=n_rows, max_size=n_rows))
        for column in columns
    }
    table |= {"id": [f"{k:03}" for k in range(n_rows)]}
    source, target = (
        chance.draw(st.sampled_from([*WRITERS])),
        chance.draw(st.sampled_from([*READERS])),
    )
    if source in {".parquet", ".arrow"}:  # a column has one kind of value
        table = {name: [_plain(value) for value in given_] for name, given_ in table.items()}
    answers = expected(predictor, {name: table[name] for name in table if name != "id"})
    found = scored(predictor, table, source, target)
    assert [row["id"] for row in found] == table["id"]
    for row, answer in zip(found, answers, strict=True):
        for name, value in answer.items():
            assert same(row[name], value, as_text=target in {".csv", ".tsv"}), (name, row, answer)


def _plain(value: Any) -> Any:
    return float(value) if type(value) is int else value


def test_what_is_predicted_does_not_depend_on_how_they_are_cut(
    tmp_path: Path,
) -> None:
    predictor = model(("number", "gaps"), "number")
    rng = np.random.default_rng(0)
    table = pa.table({"size": rng.normal(size=300_000), "weight": rng.normal(size=300_000)})
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=70_001)
    manifest = SimpleNamespace(signature=predictor.signature, digest="")
    bundle: Any = SimpleNamespace(manifest=manifest, predictor=predictor, path=Path())
    score_files(
        bundle,
        find_inputs([str(tmp_path / "in.parquet")], ".csv"),
        Output(tmp_path / "out.parquet", ".csv"),
        ScoreSettings(workers=2),
        lambda _rows, _share: None,
    )
    read = parquet.read_table(tmp_path / "out.parquet")
    assert read.drop_columns("prediction").equals(table)
    rows = np.column_stack([table["size"].to_numpy(), table["weight"].to_numpy()])
    assert (read["prediction"].to_numpy() == predictor.outcomes(rows)).all()
