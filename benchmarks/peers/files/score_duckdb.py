"""``python score_duckdb.py INPUT OUTPUT RULE``: the linear rule as SQL."""

import json
import sys
from pathlib import Path

import duckdb

source, target, rule = sys.argv[1:]
first, second, third = (
    " + ".join([repr(each["bias"]), *(f"{name} * {w!r}" for name, w in each["weights"].items())])
    for each in json.loads(Path(rule).read_text())
)
names = [each["name"] for each in json.loads(Path(rule).read_text())]
prediction = (
    f"CASE WHEN {first} >= {second} AND {first} >= {third} THEN '{names[0]}' "
    f"WHEN {second} >= {third} THEN '{names[1]}' ELSE '{names[2]}' END"
)
form = "(FORMAT csv, HEADER)" if target.endswith(".csv") else "(FORMAT parquet)"
select = f"SELECT *, {prediction} AS prediction FROM '{source}'"  # noqa: S608
duckdb.sql(f"COPY ({select}) TO '{target}' {form}")
