"""``python score_polars.py INPUT OUTPUT RULE``: the linear rule as expressions, streamed."""

import json
import sys
from pathlib import Path

import polars as pl

source, target, rule = sys.argv[1:]
classes = json.loads(Path(rule).read_text())
values = [
    sum((pl.col(name) * weight for name, weight in each["weights"].items()), pl.lit(each["bias"]))
    for each in classes
]
first, second, third = values
names = [pl.lit(each["name"]) for each in classes]
prediction = (
    pl.when((first >= second) & (first >= third))
    .then(names[0])
    .when(second >= third)
    .then(names[1])
    .otherwise(names[2])
)
if source.endswith(".csv"):
    pl.scan_csv(source).with_columns(prediction=prediction).sink_csv(target)
else:
    pl.scan_parquet(source).with_columns(prediction=prediction).sink_parquet(target)
