"""Files of skops are read as skops would load them, and forged ones refused in linear time."""

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.cluster import MeanShift
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from iris_deploy.dumps.skops_nodes import MAX_DEPTH
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.inspection import inspect_dump, walk
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator, read_value
from tests.data import labels, numbers, read, target
from tests.families import CLASSIFIERS, REGRESSORS
from tests.growth import assert_linear
from tests.pickling import assert_same
from tests.unit.test_families import output_of, signature
from tests.waits import within

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_every_family_answers_from_skops_as_from_a_dump(name: str) -> None:
    y = labels(3, "text") if name in CLASSIFIERS else target()
    estimator = (CLASSIFIERS | REGRESSORS)[name]().fit(numbers(), y)
    file = skops.io.dumps(estimator)
    described = signature(output_of(estimator))
    own = Predictor(described, [read_estimator(file)]).predict(numbers())
    dumped = Predictor(described, [read(estimator)]).predict(numbers())
    assert own.values == dumped.values
    assert own.scores.tobytes() == dumped.scores.tobytes()
    found = inspect_dump(file)
    assert (found.damage, found.why_not, found.written_by) == (None, None, "skops")
    assert {use.standing for use in found.names} <= {"read", "package"}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "?", "U7"])
def test_every_attribute_is_read_as_it_was(dtype: str, compression: int) -> None:
    scaler = StandardScaler().fit(numbers())
    scaler.rows = np.asfortranarray(numbers()[:6].astype(dtype))
    scaler.objects = np.array([["a", None, 1.5], ["b", True, 2]], object)
    scaler.weights = {1: 0.5, 2: 1.5}
    scaler.kinds = {True: "x", 1.5: "y"}, {"z"}, np.dtype("f4"), b"bytes"
    got = read_estimator(skops.io.dumps(scaler, compression=compression))
    assert got.state.pop("kinds")[:2] == ({True: "x", 1.5: "y"}, ["z"])  # type: ignore[index]
    scaler.rows = scaler.rows.astype(scaler.rows.dtype.newbyteorder("="))
    del scaler.kinds
    assert_same(got, scaler)


def test_a_value_that_comes_again_is_the_same() -> None:
    rows = numbers()
    pair: Any = read_value(skops.io.dumps([rows, rows]))
    assert pair[0] is pair[1]


def test_a_dict_of_many_is_no_estimator_of_few_attributes() -> None:
    members = [(f"m{k}", LogisticRegression(max_iter=5)) for k in range(70)]
    model = VotingClassifier(members).fit(numbers()[:50], labels(2, "text")[:50])
    assert read_estimator(skops.io.dumps(model)).name.endswith("VotingClassifier")


def test_a_vocabulary_of_many_words_is_read() -> None:
    vectorizer = CountVectorizer().fit([" ".join(f"word{k}" for k in range(30_000))])
    got = read_estimator(skops.io.dumps(vectorizer, compression=zipfile.ZIP_DEFLATED))
    assert got.state["vocabulary_"] == vectorizer.vocabulary_


def test_what_is_in_a_file_is_told_as_of_a_dump() -> None:
    forest = RandomForestClassifier(3, random_state=0).fit(numbers(), labels(2, "text"))
    found = inspect_dump(skops.io.dumps(forest))
    assert [part.name.rpartition(".")[2] for part in walk(found.parts)][:2] == [
        "RandomForestClassifier",
        "DecisionTreeClassifier",
    ]
    assert found.parts[0].parameters["n_estimators"] == "3"
    assert found.parts[0].fitted["classes_"] == "['ant', 'bee']"


def test_what_no_family_reads_is_named() -> None:
    file = skops.io.dumps(MeanShift().fit(numbers()))
    with pytest.raises(ArtifactError, match=r"refers to 'sklearn.cluster._mean_shift.MeanShift'"):
        read_estimator(file)
    assert "MeanShift" in str(inspect_dump(file).why_not)


Node = dict[str, Any]


def forged(schema: object, *, protocol: object = 2, **members: bytes) -> bytes:
    """Write a file whose schema and members somebody chose."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        if isinstance(schema, dict):
            schema = json.dumps(schema | {"protocol": protocol})
        archive.writestr("schema.json", schema if isinstance(schema, (str, bytes)) else b"")
    return file.getvalue()


def node(loader: str, kind: str = "builtins.list", **members: Any) -> Node:
    module, _, name = kind.rpartition(".")
    return {"__class__": name, "__module__": module, "__loader__": loader, **members}


def npy(header: str, data: bytes = b"", magic: bytes = b"\x93NUMPY\x01\x00") -> bytes:
    return magic + len(header).to_bytes(2, "little") + header.encode() + data


def array(file: bytes, **more: Any) -> bytes:
    return forged(node("NdArrayNode", "numpy.ndarray", type="numpy", file="a", **more), a=file)


def deep(n: int) -> Node:
    made = node("ListNode", content=[])
    for _ in range(n):
        made = node("ListNode", content=[made])
    return made


SYSTEM = node("FunctionNode", "posix.system")
TEXT = node("JsonNode", content='"touch ran"')
HEAD = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"

FORGED: dict[str, Callable[[], bytes]] = {
    "code": lambda: forged(SYSTEM),
    "a type": lambda: forged(node("TypeNode", "os.system")),
    "an object of code": lambda: forged(node("ObjectNode", "subprocess.Popen", content=TEXT)),
    "a call": lambda: forged(
        node("ConstructorFromReduceNode", "os.system", content=node("TupleNode", content=[TEXT]))
    ),
    "arguments that are none": lambda: forged(
        node("ConstructorFromReduceNode", "numpy.dtype", content=TEXT)
    ),
    "a partial of code": lambda: forged(
        node("PartialNode", "functools.partial", content={"func": SYSTEM})
    ),
    "a method": lambda: forged(node("MethodNode", content={"func": "system", "obj": TEXT})),
    "an operator": lambda: forged(node("OperatorFuncNode", "operator.methodcaller", attrs=TEXT)),
    "a loader that there is not": lambda: forged(node("NewNode")),
    "a loader that is no text": lambda: forged(node("x") | {"__loader__": ["ListNode"]}),
    "no loader": lambda: forged({"__class__": "list"}),
    "names that are no text": lambda: forged(node("TypeNode") | {"__class__": 1}),
    "a tree of code": lambda: forged(
        node(
            "TreeNode",
            "os.system",
            __reduce__={"args": node("TupleNode", content=[])},
            content=node("DictNode", content={}, key_types={"content": []}),
        )
    ),
    "a dict of another class": lambda: forged(
        node("DictNode", "os.environ", content={}, key_types={"content": []})
    ),
    "a dict without types": lambda: forged(
        node("DictNode", content={"a": TEXT}, key_types={"content": []})
    ),
    "a key of another type": lambda: forged(
        node("DictNode", content={"a": TEXT}, key_types={"content": [node("TypeNode", "a.tuple")]})
    ),
    "a key that is no number": lambda: forged(
        node("DictNode", content={"a": TEXT}, key_types={"content": [node("TypeNode", "a.int")]})
    ),
    "another protocol": lambda: forged(TEXT, protocol=3),
    "no protocol": lambda: forged(TEXT, protocol=None),
    "a node that holds itself": lambda: forged(
        node("ListNode", __id__=1, content=[node("ListNode", __id__=1, content=[])])
    ),
    "deep nodes": lambda: forged(deep(MAX_DEPTH + 1)),
    "deep JSON": lambda: forged(b"[" * 90_000),
    "deep JSON in a node": lambda: forged(node("JsonNode", content="[" * 90_000)),
    "a list in a plain value": lambda: forged(node("JsonNode", content="[1]")),
    "a plain value that is no JSON": lambda: forged(node("JsonNode", content="x")),
    "content that is no list": lambda: forged(node("ListNode", content="abc")),
    "nodes that are none": lambda: forged(node("ListNode", content=["abc"])),
    "a schema that is no JSON": lambda: forged(b"{"),
    "a schema that is a list": lambda: forged(b"[]"),
    "a schema that is not UTF-8": lambda: forged(b'"\xff"'),
    "a schema of very many values": lambda: forged(b"[" + b"[]," * 10_000_000 + b"[]]"),
    "a member that is not there": lambda: forged(
        node("NdArrayNode", "numpy.ndarray", type="numpy", file="../a.npy")
    ),
    "a member that is no text": lambda: forged(node("BytesNode", file=["a"]), a=b""),
    "an array that is none": lambda: array(b"\x80\x04K\x01."),
    "an array that is cut off": lambda: array(npy(HEAD, b"abc")),
    "an array of a version to come": lambda: array(npy(HEAD, b"abcdefgh", b"\x93NUMPY\x04\x00")),
    "an array of objects": lambda: array(npy(HEAD.replace("<f8", "|O"), b"\x80\x04K\x01.")),
    "an array of times": lambda: array(npy(HEAD.replace("<f8", "<M8[ns]"), b"abcdefgh")),
    "an array of a program": lambda: array(npy(HEAD.replace("(1,)", "(print(1),)"), b"abcdefgh")),
    "an array of many axes": lambda: array(npy(HEAD.replace("(1,)", "(1, 1, 1, 1)"), b"abcdefgh")),
    "an array larger than all": lambda: array(npy(HEAD.replace("(1,)", f"({10**30},)"))),
    "a structure of nothing": lambda: array(npy(HEAD.replace("'<f8'", "[x]"))),
    "a structure of many fields": lambda: array(
        npy(HEAD.replace("'<f8'", str([(f"f{k}", "<f8") for k in range(100)])))
    ),
    "an array of neither": lambda: forged(node("NdArrayNode", "numpy.ndarray", type="x")),
    "objects of other axes": lambda: forged(
        node(
            "NdArrayNode",
            "numpy.ndarray",
            type="json",
            content=[TEXT],
            shape=node("TupleNode", content=[node("JsonNode", content="1") for _ in range(2)]),
        )
    ),
    "no archive": lambda: b"PK\x03\x04schema.json",
    "a compression that few read": lambda: skops.io.dumps([1], compression=zipfile.ZIP_LZMA),
    "a bomb": lambda: forged(TEXT, a=bytes(2**28), b=b"1"),
    "very many members": lambda: forged(TEXT, **{f"{k}": b"" for k in range(9000)}),
    "a file that is cut off": lambda: skops.io.dumps([1])[:-30] + b"schema.json",
    "a file whose sum is another": lambda: skops.io.dumps(["12345678"]).replace(
        b"5678", b"5679", 1
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_somebody_forged_is_refused_and_described(name: str) -> None:
    data = FORGED[name]()
    with within(20):
        with pytest.raises(ArtifactError) as caught:
            read_value(data)
        assert len(str(caught.value)) < 300
        found = inspect_dump(data)
        assert found.why_not is not None


def _shared(n: int) -> bytes:
    """Refer to one large list of an array of objects from many."""
    large = node("ListNode", __id__=1, content=[TEXT] * n)
    counts = [node("JsonNode", content=str(k)) for k in (n, n)]
    shape = node("TupleNode", content=counts)
    again = [node("ListNode", __id__=1)] * (n - 1)
    return forged(
        node("NdArrayNode", "numpy.ndarray", type="json", content=[large, *again], shape=shape)
    )


GROWING: dict[str, Callable[[int], bytes]] = {
    "one array of many nodes": lambda n: forged(
        node(
            "ListNode",
            content=[node("NdArrayNode", "numpy.ndarray", type="numpy", file="a")] * n,
        ),
        a=npy(HEAD.replace("<f8", ">f8").replace("(1,)", f"({n},)"), bytes(8 * n)),
    ),
    "one list of many": _shared,
    "numbers that collide": lambda n: forged(
        node("ListNode", content=[node("ListNode", __id__=k << 61, content=[]) for k in range(n)])
    ),
    "keys that collide": lambda n: forged(
        node(
            "DictNode",
            content={str(k << 61): TEXT for k in range(n)},
            key_types={"content": [node("TypeNode", "builtins.int")] * n},
        )
    ),
}


@pytest.mark.no_cover
@pytest.mark.parametrize("name", GROWING)
def test_work_is_in_proportion_to_the_file(name: str) -> None:
    def look(data: bytes) -> None:
        for each in (read_value, inspect_dump):
            with suppress(ArtifactError):
                each(data)

    assert_linear(lambda n: partial(look, GROWING[name](n)), 2000)
