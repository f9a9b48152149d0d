"""``python fit_table.py TABLE TARGET DIRECTORY``: the fits of ``train --data``, and a dump."""

import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

table = pd.read_csv(sys.argv[1])
X, y = table.drop(columns=sys.argv[2]), table[sys.argv[2]]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
candidates = [
    DummyClassifier(),
    make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    HistGradientBoostingClassifier(random_state=0),
]
folds = StratifiedKFold(5, shuffle=True, random_state=0)
scores = [cross_validate(c, X_train, y_train, cv=folds)["test_score"].mean() for c in candidates]
best = candidates[scores.index(max(scores))].fit(X_train, y_train)
print(best.score(X_test, y_test))
joblib.dump(best, Path(sys.argv[3]) / "fit_table.pkl")
