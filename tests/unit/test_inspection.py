"""What is told of a dump: its estimators and every name, of any pickle, in time for its size."""

import io
import pickle
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import MeanShift
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from iris_deploy.dumps.formats import PICKLE, recognise
from iris_deploy.dumps.notes import NotedArray
from iris_deploy.estimators.inspection import Inspection, Part, inspect_dump, walk
from iris_deploy.estimators.summary import summary
from tests import data
from tests.families import CLASSIFIERS, REGRESSORS
from tests.growth import assert_linear, peak
from tests.pickling import array, dump, literal, named, program, text


def by_joblib(value: object, protocol: int) -> bytes:
    file = io.BytesIO()
    joblib.dump(value, file, protocol=protocol)
    return file.getvalue()


def by_pickle(value: object, protocol: int) -> bytes:
    return pickle.dumps(value, protocol)


WRITERS: dict[str, Callable[[object, int], bytes]] = {"joblib": by_joblib, "pickle": by_pickle}

protocols = pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
writers = pytest.mark.parametrize("writer", WRITERS)


def only(found: Inspection, name: str) -> Part:
    [part] = [part for part in walk(found.parts) if part.name.endswith(f".{name}")]
    return part


def fitted_on_a_frame() -> Pipeline:
    table = data.passengers()
    prepared = ColumnTransformer(
        [("words", OneHotEncoder(), ["sex"]), ("numbers", StandardScaler(), ["fare"])]
    )
    pipeline = make_pipeline(prepared, LogisticRegression(C=0.5))
    return pipeline.fit(table, np.where(table["survived"] == 1, "yes", "no").astype(object))


@writers
@protocols
def test_a_pipeline_is_told_with_parameters_columns_and_classes(writer: str, protocol: int) -> None:
    found = inspect_dump(WRITERS[writer](fitted_on_a_frame(), protocol))
    assert found.damage is None
    if writer == "pickle":  # joblib's arrays of objects have a protocol of their own
        assert found.protocol == (protocol if protocol > 1 else 0)
    assert {use.standing for use in found.names} <= {"read", "package"}
    classifier = only(found, "LogisticRegression")
    assert classifier.is_read
    assert classifier.parameters["C"] == "0.5"
    assert classifier.fitted["classes_"] == "['no', 'yes']"
    assert classifier.fitted["coef_"] == "<f8 (1, 3)"
    assert classifier.version is not None
    assert "'sex'" in only(found, "ColumnTransformer").fitted["feature_names_in_"]
    assert only(found, "OneHotEncoder").label == "words ['sex']"


@writers
def test_trees_alike_are_told_once_with_their_number(writer: str) -> None:
    X, y = data.numbers(), data.labels(3, "text")
    forest = RandomForestClassifier(7, random_state=0).fit(X, y)
    found = inspect_dump(WRITERS[writer](forest, 4))
    [trees] = [part for part in only(found, "RandomForestClassifier").parts if part.count > 1]
    assert (trees.count, trees.name) == (7, "sklearn.tree.DecisionTreeClassifier")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_what_is_served_is_told_so(name: str) -> None:
    task = {**CLASSIFIERS, **REGRESSORS}[name]()
    y = data.labels(2, "text") if name in CLASSIFIERS else data.target()
    found = inspect_dump(dump(task.fit(data.numbers(), y)))
    assert (found.damage, found.why_not) == (None, None)
    assert {use.standing for use in found.names} == {"read"}


class Own:
    """Somebody's class."""

    def __init__(self) -> None:
        self.scaler_ = StandardScaler().fit(data.numbers())


@writers
@protocols
@pytest.mark.parametrize("shared", [np.array([1.5, 2.5]), np.array(["a", "b"], object)])
def test_an_array_that_two_share_is_told_of_both(
    writer: str, protocol: int, shared: np.ndarray
) -> None:
    """A pickle has it once, and recalls it."""
    one, two = LabelEncoder().fit([1, 2]), LabelEncoder().fit([1, 2])
    one.classes_ = two.classes_ = shared
    two.more_ = True
    found = inspect_dump(WRITERS[writer]({"one": one, "two": two}, protocol))
    told = [part.fitted["classes_"] for part in walk(found.parts) if "classes_" in part.fitted]
    assert told == [summary(shared.tolist())] * 2


def test_what_stands_in_the_way_is_named() -> None:
    found = inspect_dump(dump(MeanShift().fit(data.numbers())))
    assert found.why_not is not None
    assert "sklearn.cluster._mean_shift.MeanShift" in found.why_not
    assert not only(found, "MeanShift").is_read
    of_my_own = inspect_dump(dump(Own()))
    assert [use.name for use in of_my_own.names if use.standing == "unneeded"] == [
        f"{__name__}.Own"
    ]
    assert only(of_my_own, "StandardScaler").label == "scaler_"


@writers
def test_containers_are_opened(writer: str) -> None:
    names = LabelEncoder().fit(["a", "b"])
    scaler = StandardScaler().fit(data.numbers())
    layouts = (
        {"model": scaler, "labels": names, "columns": ["x", "y"]},
        (scaler, names),
        [scaler, names],
    )
    for layout in layouts:
        found = inspect_dump(WRITERS[writer](layout, 4))
        only(found, "StandardScaler")
        assert only(found, "LabelEncoder").fitted["classes_"] == "['a', 'b']"


def test_several_pickles_in_a_file_are_all_told() -> None:
    several = pickle.dumps(StandardScaler()) + pickle.dumps(["a", "b"])
    found = inspect_dump(several)
    assert len(found.parts) == 2
    assert found.parts[1].fitted == {"": "['a', 'b']"}


def test_a_frame_in_a_pickle_is_no_estimator() -> None:
    found = inspect_dump(pickle.dumps(pd.DataFrame({"a": [1, 2]})))
    assert found.damage is None
    assert found.why_not is not None


# --------------------------------------------------------------------------------------------------
# Whatever the bytes are

SEEDS = [
    by_pickle(fitted_on_a_frame(), protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
] + [dump({"model": fitted_on_a_frame(), "columns": np.array(["a", None], object)})]


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_damaged_dumps_are_told_as_far_as_they_go(drawn: Any) -> None:
    seed = bytearray(drawn.draw(st.sampled_from(SEEDS)))
    for _ in range(drawn.draw(st.integers(1, 8))):
        at = drawn.draw(st.integers(0, len(seed) - 1))
        seed[at : at + drawn.draw(st.integers(0, 3))] = drawn.draw(st.binary(max_size=4))
        if not seed:
            break
    found = inspect_dump(bytes(seed))
    assert all(part.name for part in walk(found.parts))


def test_instructions_that_no_estimator_needs_are_notes() -> None:
    odd = program(
        b"(", text("a"), b"iposix\nsystem\n", b"Pid\n", b"\x82\x01", b"(", b"\x91", b"t"[:0]
    )
    found = inspect_dump(odd)
    assert [use.name for use in found.names] == ["posix.system"]


@pytest.mark.parametrize(
    "dtype", ["<U1", "<U2", ">U1", "<U999999999", "S0", "c3", "O8", "M8", "V8"]
)
@pytest.mark.parametrize("data", [b"", b"\xff" * 8, b"\0\0\x11\0" * 2], ids=repr)
def test_values_that_are_none_are_not_shown(dtype: str, data: bytes) -> None:
    """Text beyond the last character would crash whoever looks at it."""
    for size in (0, 1, 2):
        assert summary(NotedArray(dtype, (size,), data)).isprintable()


GROWING: dict[str, Callable[[int], bytes]] = {
    "numbers": lambda n: program(b"](" + b"K\1" * n + b"e"),
    "one list in another": lambda n: program(b"]" * n + b"a" * (n - 1)),
    "the same list again and again": lambda n: program(
        b"]q\0" + b"".join(b"](" + b"h\0" * 10 + b"eq\0" for _ in range(n // 10))
    ),
    "calls of calls": lambda n: program(b"cos\nsystem\n" + b")R" * n),
    "attributes again and again": lambda n: program(b"cos\nX\n)R" + b"}b" * n),
    "a large list again and again": lambda n: program(
        b"](" + b"K\1" * n + b"cos\nX\n)R}beq\0" + b"(" + b"h\0" * n + b"l"
    ),
    "an object again and again": lambda n: program(
        b"cos\nX\n)R}(" + text("a" * 90) * 2 * (n // 200) + b"ubq\0" + b"](" + b"h\0" * n + b"e"
    ),
    "an array recalled again and again": lambda n: program(
        b"](" + array()[:-1] + b"q\x20b", b"h\x20" * n + b"e"
    ),
    "names": lambda n: program(b"".join(b"ca\nb%d\n0" % k for k in range(n // 8)) + b"N"),
    "remembered far apart": lambda n: program(
        b"](N", *[b"r" + (k * 99_999).to_bytes(4, "little") for k in range(1, n)], b"e"
    ),
    "remembered far apart, in pickles within": lambda n: program(
        b"](", (array(dtype=np.dtype(object))[:-80] + b"\x80\4Nr\xff\xff\0\0.") * (n // 100), b"e"
    ),
    "the same attributes again and again": lambda n: program(
        b"}(" + b"".join(text(f"{k:05}") + b"N" for k in range(n)) + b"uq\0]",
        b"(" + b"cos\nX\n)Rh\0b" * n + b"e",
    ),
    "a long name again and again": lambda n: program(
        text("a" * n) + b"q\0" + text("b" * n) + b"q\1](" + b"h\0h\1\x93" * n + b"e"
    ),
    "bytes viewed again and again": lambda n: program(
        named("numpy._core.numeric", "_frombuffer") + b"q\x21(",
        b"\x96" + (100 * n).to_bytes(8, "little") + b"a" * 100 * n + literal(np.dtype("u1")),
        literal((100 * n,)) + text("C") + b"tq\x22](" + b"h\x21h\x22R" * n + b"e",
    ),
    "scalars of much data": lambda n: program(
        named("numpy._core.multiarray", "scalar") + b"q\x21" + literal(np.dtype(f"V{100 * n}")),
        b"B" + (100 * n).to_bytes(4, "little") + b"a" * 100 * n + b"\x86q\x22](",
        b"h\x21h\x22R" * n + b"e",
    ),
    "bytes written as text": lambda n: program(
        b"c_codecs\nencode\nq\1"
        + text("a" * n)
        + b"q\0"
        + b"h\1h\0"
        + text("latin1")
        + b"\x86R0" * 1
    ),
}


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", GROWING)
def test_the_work_grows_with_the_bytes(kind: str) -> None:
    def prepare(n: int) -> Callable[[], object]:
        made = GROWING[kind](n)
        return lambda: inspect_dump(made)

    assert_linear(prepare, 1 << 12)
    assert peak(prepare(1 << 12)) < 100 * len(GROWING[kind](1 << 12)) + (1 << 25)


def test_what_a_terminal_would_obey_is_not_told_as_it_is() -> None:
    found = inspect_dump(program(b"ca\x1b[2J\nb\n"))
    assert found.names[0].name == "a\ufffd[2J.b"


KINDS = {
    "version https://git-lfs.github.com/spec/v1\noid sha256:1": "Git LFS",
    "<!DOCTYPE html><html>": "web page",
    "\n<html lang=en>": "web page",
    "\x89HDF\r\n\x1a\n": "HDF5",
    "tree\nversion=v4\n": "LightGBM",
    '{"learner":{}}': "XGBoost",
    "import pickle\n": "program",
    '{"a": 1}': "JSON",
    "PAR1": "Parquet",
    "": "empty",
    "\x00\x01": "unknown",
}


@pytest.mark.parametrize("start", KINDS)
def test_other_files_are_told_apart(start: str) -> None:
    kind = recognise(start.encode("latin1"))
    assert KINDS[start] in kind.name
    assert kind.hint


@writers
@protocols
def test_every_pickle_is_told_to_be_one(writer: str, protocol: int) -> None:
    for value in (StandardScaler(), {"a": 1}, [1], (1, 2)):
        assert recognise(WRITERS[writer](value, protocol)) is PICKLE
