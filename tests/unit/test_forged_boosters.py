"""Models of XGBoost and LightGBM that somebody forged: refused or answered, in linear time."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_deploy.dumps.lightgbm_text import read_lightgbm_text
from iris_deploy.dumps.ubjson import MAX_DEPTH, read_document
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.own_formats import read_own_format
from iris_deploy.estimators.own_inspection import inspect_record
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.problems import SignatureError
from iris_deploy.schema.signature import Signature
from tests import data
from tests.boosters import lightgbm, xgboost
from tests.growth import assert_linear, peak
from tests.signatures import NUMBER, category, classes, number
from tests.unit.test_boosters import STOPPED
from tests.unit.test_families import signature
from tests.unit.test_forged_records import assert_refused_or_answered, forgeries

LETTERS = "pqrst"


def table() -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300)})
    X["c"] = pd.Categorical(rng.choice(list(LETTERS), 300))
    X.loc[::7, "a"] = np.nan
    return X, ((X["a"].fillna(0) > 0) ^ X["c"].isin(["q", "s"])).to_numpy() * 1


def signed(*, unknown: bool) -> Signature:
    columns = (
        number("a", missing=True),
        number("b", missing=True),
        category("c", [*LETTERS], missing=True, unknown=unknown),
    )
    return Signature(columns=columns, output=classes(0, 1))


def models() -> dict[str, tuple[bytes, Signature]]:
    X, y = table()
    boosted = xgboost.XGBClassifier(n_estimators=2, max_depth=3, enable_categorical=True).fit(X, y)
    sets = xgboost.XGBClassifier(
        n_estimators=4, max_depth=3, enable_categorical=True, max_cat_to_onehot=1, booster="dart"
    ).fit(X, y)
    words = lightgbm.LGBMClassifier(
        n_estimators=2, num_leaves=5, min_data_per_group=3, cat_smooth=1.0, verbose=-1
    ).fit(X, y)
    found = {
        f"{name} in {form}": (bytes(of.get_booster().save_raw(form)), signed(unknown=False))
        for name, of in (("XGBoost", boosted), ("dart", sets))
        for form in ("ubj", "json")
    }
    text = words.booster_.model_to_string().partition("parameters:")[0]
    text += '\npandas_categorical:[["p", "q", "r", "s", "t"]]\n'
    return {**found, "LightGBM": (text.encode(), signed(unknown=True))}


MODELS = models()
ROWS = np.array([[0, 0, 0], [np.nan, 1, 2], [-3, np.nan, np.nan], [1e30, -1e30, 4], [0.5, 0.5, -1]])
WILD = [
    *(b"0", b"-1", b"1", b"99999999999", b"1e400", b"nan", b"inf", b"null", b"[]", b"{}", b'""'),
    *(b"1.5", b"4294967295", b"1" * 5000, b"true", b"16777216", b" ", b"\n", b"\xff" * 8),
    *(b"\0" * 8, b"\x7f" + b"\xff" * 7, b"\0\0\0\0\x7f\xff\xff\xff", b"\x7f\x80\0\0"),
]


def assert_refused_or_same(model: bytes, signature: Signature) -> None:
    """Check that one class of error comes, or the same answer alone and among others."""
    try:
        record = read_own_format(model)
        if record is None:
            return
        inspect_record(record)
        predictor = Predictor(signature, [record])
        found = predictor.predict(ROWS)
        alone = [predictor.score(row) for row in ROWS.tolist()]
    except (ArtifactError, SignatureError):
        return
    together = zip(found.values, found.scores.tolist(), strict=True)
    assert alone == [(value, tuple(scores)) for value, scores in together]


@given(
    name=st.sampled_from(sorted(MODELS)),
    place=st.integers(0, 1 << 24),
    length=st.integers(0, 12),
    wild=st.one_of(st.binary(max_size=8), st.sampled_from(WILD)),
)
@settings(max_examples=2500, deadline=None)
def test_whatever_bytes_of_a_model_change_it_is_refused_or_predicts(
    name: str, place: int, length: int, wild: bytes
) -> None:
    model, signature = MODELS[name]
    at = place % len(model)
    assert_refused_or_same(model[:at] + wild + model[at + length :], signature)


@given(
    name=st.sampled_from([name for name in sorted(MODELS) if "ubj" not in name]),
    place=st.integers(0, 1 << 24),
    wild=st.sampled_from(WILD),
)
@settings(max_examples=2500, deadline=None)
def test_whatever_number_of_a_model_changes_it_is_refused_or_predicts(
    name: str, place: int, wild: bytes
) -> None:
    model, signature = MODELS[name]
    numbers = [*re.finditer(rb"-?[0-9][0-9.eE+-]*", model)]
    found = numbers[place % len(numbers)]
    assert_refused_or_same(model[: found.start()] + wild + model[found.end() :], signature)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("name", STOPPED)
def test_a_forged_attribute_is_refused_or_answered(name: str) -> None:
    record = data.read(STOPPED[name](data.numbers(), data.labels(3, "number")))
    rows = data.numbers()[:20]
    for _, forged in forgeries(record, name):
        assert_refused_or_answered(signature(classes(0, 1, 2)), forged, rows)


FORGED: dict[str, tuple[str, bytes, bytes, str]] = {
    "a child that is its parent": ("json", rb'"left_children":\[1', b'"left_children":[0', "child"),
    "a child beyond": ("json", rb'"right_children":\[2', b'"right_children":[99', "child"),
    "a feature beyond": ("json", rb'"split_indices":\[\d', b'"split_indices":[3', "feature"),
    "no threshold": ("json", rb'"split_conditions":\[[^,]+', b'"split_conditions":[1e99', "number"),
    "fewer numbers": ("json", rb'"default_left":\[\d,', b'"default_left":[', "expected"),
    "a start that is none": ("json", rb'"base_score":"[^"]+', b'"base_score":"x', "starts from"),
    "a share beyond 1": ("json", rb'"base_score":"[^"]+', b'"base_score":"nan', "starts from"),
    "another objective": ("json", rb"binary:logistic", b"multi:softprob", "classes"),
    "an objective of its own": ("json", rb"binary:logistic", b"their:own", "expected a supported"),
    "trees of other scores": ("json", rb'"tree_info":\[0', b'"tree_info":[1', "each score"),
    "an array cut short": ("ubj", rb"\[\$d#L\0{7}", b"[$d#L" + b"\0" * 6 + b"\1", "damaged"),
    "a length below zero": ("ubj", rb"\[\$d#L\0{7}", b"[$d#L" + b"\xff" * 7, "damaged"),
    "a child before its parent": ("LightGBM", rb"left_child=\d", b"left_child=0", "child"),
    "a leaf beyond": ("LightGBM", rb"left_child=\d", b"left_child=-99", "child"),
    "fewer thresholds": ("LightGBM", rb"threshold=[^ ]+ ", b"threshold=", "expected"),
    "a category beyond": (
        "LightGBM",
        rb"cat_boundaries=0 1",
        b"cat_boundaries=0 9",
        "cut oddly|expected",
    ),
    "a tree that is missing": ("LightGBM", rb"Tree=0", b"Tree=1", "place"),
    "no end": ("LightGBM", rb"end of trees[^$]*", b"", "cut off"),
    "said twice": ("LightGBM", rb"num_class=1", b"num_class=1\nnum_class=1", "twice"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forgery_is_refused_and_said(name: str) -> None:
    form, before, after, words = FORGED[name]
    of = form if form == "LightGBM" else f"XGBoost in {form}"
    model, signature = MODELS[of]
    forged, n_found = re.subn(before, after.replace(b"\\", b"\\\\"), model, count=1)
    assert n_found == 1
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature, [record for record in [read_own_format(forged)] if record])


# --------------------------------------------------------------------------------------------------
# Work and memory


def length(n: int) -> bytes:
    return b"L" + n.to_bytes(8, "big", signed=True)


def within(opening: bytes, n: int) -> bytes:
    return b"{" + length(1) + b"a" + opening * n


def numbered(n: int) -> bytes:
    members = (length(4) + b"%04x" % (k % 65536) + b"Z" for k in range(n))
    return b"{" + b"".join(members) + b"}"


MANY = length(1 << 60)

DOCUMENTS: dict[str, Callable[[int], bytes]] = {
    "nothing in a list": lambda n: b"{" + length(1) + b"a[" + b"Z" * n + b"]}",
    "empty lists": lambda n: b"{" + length(1) + b"a[" + b"[]" * n + b"]}",
    "empty objects": lambda n: b"{" + length(1) + b"a[" + b"{}" * n + b"]}",
    "empty arrays": lambda n: b"{" + length(1) + b"a[" + (b"[$d#" + length(0)) * n + b"]}",
    "members": numbered,
    "the same member": lambda n: b"{" + (length(1) + b"aZ") * n + b"}",
    "lists in lists": lambda n: within(b"[", n),
    "objects in objects": lambda n: within(b"{" + length(1) + b"a", n),
    "a length that is none": lambda n: b"{" + length(1) + b"a[#" + MANY + b"Z" * n,
    "an array that is not there": lambda n: b"{" + length(1) + b"a[$d#" + MANY + b"0" * n,
    "an array of a length below zero": lambda n: b"{" + length(1) + b"a[$d#" + length(-n),
    "text that is not there": lambda n: b"{" + length(1) + b"aS" + length(1 << 62) + b"0" * n,
    "lists of JSON": lambda n: b'{"a":' + b"[" * n,
    "empty lists of JSON": lambda n: b'{"a":[' + b"[]," * n + b"0]}",
    "digits": lambda n: b'{"a":' + b"9" * n + b"}",
    "digits behind a point": lambda n: b'{"a":0.' + b"9" * n + b"}",
}


def read(document: bytes) -> None:
    try:
        read_document(document)
    except ArtifactError:
        return


@pytest.mark.no_cover
@pytest.mark.parametrize("name", DOCUMENTS)
def test_reading_a_document_costs_no_more_than_its_bytes(name: str) -> None:
    make = DOCUMENTS[name]
    assert_linear(lambda n: partial(read, make(n)), 1 << 14)
    document = make(1 << 14)
    assert peak(partial(read, document)) < 100 * len(document) + (1 << 16)


def test_values_are_no_deeper_within_one_another_than_a_model_has_them() -> None:
    for depth in (MAX_DEPTH - 2, MAX_DEPTH + 1):
        document = b"{" + length(1) + b"a" + b"[" * depth + b"]" * depth + b"}"
        if depth < MAX_DEPTH:
            read_document(document)
        else:
            with pytest.raises(ArtifactError, match="deep within one another"):
                read_document(document)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_not_is_refused(constant: str) -> None:
    with pytest.raises(ArtifactError, match="which JSON has not"):
        read_document(f'{{"a": {constant}}}'.encode())


def one_hot(n: int) -> bytes:
    """Make a model in which every tree asks for another one of n categories."""
    trees = "".join(
        f"""
Tree={k}
num_leaves=2
num_cat=1
split_feature=0
threshold=0
decision_type=1
left_child=-1
right_child=-2
leaf_value=1 2
cat_boundaries=0 {1 + k // 32}
cat_threshold={"0 " * (k // 32)}{1 << k % 32}
"""
        for k in range(n)
    )
    head = "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=regression\n"
    return f"{head}feature_names=a\n{trees}\nend of trees\n".encode()


def lines(n: int) -> bytes:
    return b"tree\n" + b"\n" * n + b"end of trees\n"


def build(model: bytes, signature: Signature) -> None:
    try:
        record = read_own_format(model)
        Predictor(signature, [record] if record else [])
    except ArtifactError:
        return


@pytest.mark.no_cover
def test_splits_by_other_categories_each_take_memory_in_proportion() -> None:
    """A byte for each split and each category would be the square of the file."""
    wide = Signature(columns=(number("a", missing=True),), output=NUMBER)
    model = one_hot(3000)
    predictor = Predictor(wide, [record for record in [read_own_format(model)] if record])
    assert predictor.value((2999.0,)) == 3000 * 2 - 1
    assert peak(partial(build, model, wide)) < 100 * len(model)


@pytest.mark.no_cover
@pytest.mark.parametrize("make", [one_hot, lines])
def test_reading_text_costs_no_more_than_its_bytes(make: Callable[[int], bytes]) -> None:
    wide = Signature(columns=(number("a", missing=True),), output=NUMBER)
    assert_linear(lambda n: partial(build, make(n), wide), 1 << 8)


def test_text_that_is_no_model_is_refused() -> None:
    for text in ("", "tree", "forest\nend of trees", "tree\n" + "a" * 200 + "=1\nend of trees"):
        with pytest.raises(ArtifactError):
            read_lightgbm_text(text)
