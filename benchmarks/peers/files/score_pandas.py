"""``python score_pandas.py INPUT OUTPUT DUMP...``: pandas and scikit-learn, as notebooks do it."""

import sys

import joblib
import numpy as np
import pandas as pd

source, target, *dumps = sys.argv[1:]
frame = pd.read_csv(source) if source.endswith(".csv") else pd.read_parquet(source)
columns = frame
for dump in dumps[:-1]:
    columns = joblib.load(dump).transform(np.asarray(columns))
model = joblib.load(dumps[-1])
for step in getattr(model, "named_steps", {}).values():
    if "n_jobs" in step.get_params():
        step.set_params(n_jobs=2)
frame["prediction"] = model.predict(columns if len(dumps) == 1 else np.asarray(columns))
if len(dumps) > 1:  # the talk's model says numbers
    names = np.array(["setosa", "versicolor", "virginica"], object)
    frame["prediction"] = names[frame["prediction"]]
if target.endswith(".csv"):
    frame.to_csv(target, index=False)
else:
    frame.to_parquet(target, index=False)
