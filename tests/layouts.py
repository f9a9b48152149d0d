"""Files as people have them: small scripts that train, and dump by pickle or joblib.

Each layout is a function that fits something, hands its objects to ``dump`` by file name, and
returns what has to be said to `import`, and an application: what it answers to an instance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from tests import data

Dump = Callable[[str, object], None]
Instance = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """What comes of a script.

    Parameters
    ----------
    files : tuple of str
        As they are named to `import`, in their order.
    answer : callable
        What the application answers.
    instances : list of dict
    options : tuple of str
    adapter : str
        TOML; empty for none.
    """

    files: tuple[str, ...]
    answer: Callable[[Instance], Any]
    instances: list[Instance]
    options: tuple[str, ...] = ()
    adapter: str = ""


NAMES = ["length", "width"]
SPECIES = ["setosa", "versicolor", "virginica"]
PETALS: list[Instance] = [
    {"length": 1.4, "width": 0.2},
    {"length": 4.7, "width": 1.4},
    {"length": 5.1, "width": 2.4},
]


def _iris() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_iris(return_X_y=True)
    return X[:, 2:], y


def _row(instance: Instance) -> list[list[float]]:
    return [[instance[name] for name in NAMES]]


def model_only(dump: Dump) -> Layout:
    X, y = _iris()
    model = RandomForestClassifier(n_estimators=10, random_state=0).fit(X, np.array(SPECIES)[y])
    dump("model", model)
    fields = [{"x0": p["length"], "x1": p["width"]} for p in PETALS]
    return Layout(("model",), lambda i: model.predict([[i["x0"], i["x1"]]])[0], fields)


def scaler_and_model(dump: Dump) -> Layout:
    X, y = _iris()
    scaler = StandardScaler().fit(X)
    model = LogisticRegression().fit(scaler.transform(X), y)
    dump("scaler", scaler)
    dump("model", model)
    return Layout(
        ("scaler", "model"),
        lambda i: SPECIES[model.predict(scaler.transform(_row(i)))[0]],
        PETALS,
        ("--columns", ",".join(NAMES), "--classes", ",".join(SPECIES)),
    )


def dict_of_both(dump: Dump) -> Layout:
    X, y = _iris()
    scaler = StandardScaler().fit(X)
    model = LogisticRegression().fit(scaler.transform(X), y)
    dump("both", {"model": model, "scaler": scaler, "features": NAMES, "made": "2021-03-04"})
    return Layout(("both",), lambda i: int(model.predict(scaler.transform(_row(i)))[0]), PETALS)


def label_encoder(dump: Dump) -> Layout:
    X, y = _iris()
    encoder = LabelEncoder().fit(np.array(["iris " + name for name in SPECIES]))
    model = RandomForestClassifier(n_estimators=10, random_state=0)
    model.fit(X, encoder.transform(np.array(["iris " + name for name in SPECIES])[y]))
    dump("model", model)
    dump("encoder", encoder)
    return Layout(
        ("model",),
        lambda i: encoder.inverse_transform(model.predict(_row(i)))[0],
        PETALS,
        ("--labels", "encoder", "--columns", ",".join(NAMES)),
    )


def columns_with_dummies(dump: Dump) -> Layout:
    table = data.passengers(200)[["sex", "port", "fare", "price"]].dropna()
    X = pd.get_dummies(table.drop(columns="price"), columns=["port"], drop_first=True)
    X["sex"] = X["sex"].map({"male": 0, "female": 1})
    X["booked"] = 1.0
    X = X.astype(float)
    model = RandomForestRegressor(n_estimators=10, random_state=0)
    model.fit(X.to_numpy(), table["price"])
    dump("model", model)
    dump("columns", X.columns.tolist())
    base = (set(table["port"]) - {c.removeprefix("port_") for c in X.columns}).pop()

    def answer(instance: Instance) -> float:
        row = dict.fromkeys(X.columns, 0.0) | {"booked": 1.0, "fare": instance["fare"]}
        row["sex"] = {"male": 0.0, "female": 1.0}[instance.get("sex", "female")]
        if f"port_{instance['port']}" in row:
            row[f"port_{instance['port']}"] = 1.0
        return float(model.predict([list(row.values())])[0])

    return Layout(
        ("columns", "model"),
        answer,
        [
            {"sex": sex, "port": port, "fare": fare}
            for sex in ("male", "female")
            for port in sorted(set(table["port"]))
            for fare in (8.05, 71.5)
        ]
        + [{"port": base, "fare": 10.0}],
        adapter=f"""
            [fields.sex]
            codes = {{ male = 0, female = 1 }}
            default = "female"
            [fields.port]
            prefix = "port_"
            base = "{base}"
            [fill]
            booked = 1
        """,
    )


def pipeline_of_a_frame(dump: Dump) -> Layout:
    table = data.passengers(200)
    numbers, words = ["age", "fare"], ["sex", "port"]
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("words", OneHotEncoder(handle_unknown="ignore"), words),
        ]
    )
    model = make_pipeline(prepared, LogisticRegression(max_iter=1000))
    model.fit(table[numbers + words], table["survived"].map({0: "no", 1: "yes"}))
    dump("model", model)
    rows = table[numbers + words].head(20)
    instances = [
        {name: None if value != value or value is None else value for name, value in row.items()}
        for row in rows.to_dict("records")
    ]
    return Layout(
        ("model",),
        lambda i: model.predict(pd.DataFrame([i]).fillna({"port": np.nan, "sex": np.nan}))[0],
        [i for i in instances if i["sex"] and i["port"]],
    )


def grid_search(dump: Dump) -> Layout:
    X, y = _iris()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1.0]}, scoring="accuracy", cv=3)
    search.fit(pd.DataFrame(X, columns=NAMES), np.array(SPECIES)[y])
    dump("search", search)
    return Layout(("search",), lambda i: search.predict(pd.DataFrame([i]))[0], PETALS)


SUBJECTS = ["win a free prize, call now", "lunch tomorrow?", "the report is attached", ""]


def mails() -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(0)
    words = {
        "ham": ("lunch", "tomorrow", "report", "please", "see", "attached", "project", "is"),
        "spam": ("free", "win", "money", "call", "now", "prize", "click", "cash", "the", "a"),
    }
    kinds = rng.choice(["ham", "spam"], 200).tolist()
    return [" ".join(rng.choice(words[kind], 6)) for kind in kinds], kinds


def vectorizer_and_model(dump: Dump) -> Layout:
    texts, kinds = mails()
    vectorizer = TfidfVectorizer().fit(texts)
    model = LogisticRegression().fit(vectorizer.transform(texts), kinds)
    dump("vectorizer", vectorizer)
    dump("model", model)
    return Layout(
        ("vectorizer", "model"),
        lambda i: model.predict(vectorizer.transform([i["text"]]))[0],
        [{"text": subject} for subject in SUBJECTS],
    )


def spam_filter(dump: Dump) -> Layout:
    texts, kinds = mails()
    model = make_pipeline(
        CountVectorizer(ngram_range=(1, 2), stop_words=["the", "a"]),
        TfidfTransformer(sublinear_tf=True),
        SGDClassifier(random_state=0),
    )
    model.fit(texts, kinds)
    dump("spam", model)
    return Layout(
        ("spam",),
        lambda i: model.predict([i["subject"]])[0],
        [{"subject": subject} for subject in SUBJECTS],
        ("--columns", "subject"),
    )


def _passengers() -> tuple[list[Instance], list[str]]:
    table = data.passengers(200)[["sex", "port", "age", "fare", "survived"]]
    records = [
        {name: v for name, v in row.items() if v == v and v is not None}
        for row in table.drop(columns="survived").to_dict("records")
    ]
    return records, np.array(["no", "yes"])[table["survived"]].tolist()


def _with_strangers(records: list[Instance]) -> list[Instance]:
    return [*records[:10], {}, {"port": "Z", "fare": 9.5}, {"sex": None, "age": 40}]


def records_and_model(dump: Dump) -> Layout:
    records, survived = _passengers()
    vectorizer = DictVectorizer()
    model = LogisticRegression(max_iter=1000).fit(vectorizer.fit_transform(records), survived)
    dump("both", (vectorizer, model))

    def answer(instance: Instance) -> Any:
        record = {name: value for name, value in instance.items() if value is not None}
        return model.predict(vectorizer.transform([record]))[0]

    return Layout(("both",), answer, _with_strangers(records))


def pipeline_of_records(dump: Dump) -> Layout:
    records, survived = _passengers()
    vectorizer = DictVectorizer(sparse=False, sort=False)
    model = make_pipeline(vectorizer, RandomForestClassifier(n_estimators=10, random_state=0))
    dump("model", model.fit(records, survived))

    def answer(instance: Instance) -> Any:
        record = {name: value for name, value in instance.items() if value is not None}
        return model.predict([record])[0]

    return Layout(("model",), answer, _with_strangers(records))


def boosting_with_codes(dump: Dump) -> Layout:
    table = data.passengers(200)[["sex", "fare", "age", "survived"]].dropna(subset=["sex"])
    X = table.drop(columns="survived")
    X["sex"] = X["sex"].map({"male": 0.0, "female": 1.0})
    X = X.astype(float)
    model = xgboost.XGBClassifier(n_estimators=10, random_state=0).fit(X, table["survived"])
    dump("model", model)

    def answer(instance: Instance) -> int:
        row = {"sex": {"male": 0.0, "female": 1.0}[instance["sex"]], "fare": instance["fare"]}
        return int(model.predict(pd.DataFrame([row | {"age": instance.get("age", np.nan)}]))[0])

    return Layout(
        ("model",),
        answer,
        [
            {"sex": sex, "fare": fare, "age": age}
            for sex in ("male", "female")
            for fare in (8.05, 71.5)
            for age in (4.0, 30.0)
        ]
        + [{"sex": "male", "fare": 30.0}],
        adapter="[fields.sex]\ncodes = { male = 0, female = 1 }",
    )


def several_outputs(dump: Dump) -> Layout:
    X, y = _iris()
    targets = np.stack([np.array(SPECIES)[y], np.where(X[:, 0] * X[:, 1] > 3, "large", "small")], 1)
    model = MultiOutputClassifier(LogisticRegression()).fit(X, targets)
    dump("model", model)
    return Layout(
        ("model",),
        lambda i: dict(zip(("species", "size"), model.predict(_row(i))[0], strict=True)),
        PETALS,
        ("--columns", ",".join(NAMES), "--target", "species,size"),
    )


LAYOUTS: dict[str, Callable[[Dump], Layout]] = {
    "a model alone": model_only,
    "a scaler and a model": scaler_and_model,
    "a dict of both": dict_of_both,
    "a model and a label encoder": label_encoder,
    "columns, dummies and codes by hand": columns_with_dummies,
    "a pipeline that was fitted to a frame": pipeline_of_a_frame,
    "a search for parameters": grid_search,
    "boosting with codes by hand": boosting_with_codes,
    "a vectorizer and a model": vectorizer_and_model,
    "a spam filter": spam_filter,
    "several outputs": several_outputs,
    "a vectorizer of records and a model": records_and_model,
    "a pipeline of records": pipeline_of_records,
}
