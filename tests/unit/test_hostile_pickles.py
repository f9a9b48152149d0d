"""Nothing in a dump is ever run: code, foreign names and foreign instructions are refused."""

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from joblib.numpy_pickle import NumpyArrayWrapper
from sklearn.cluster import MeanShift
from sklearn.decomposition import FastICA
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.inspection import inspect_dump
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.schema.signature import Signature
from tests.pickling import COMPRESSIONS, called, dump, named, program, samples, text
from tests.signatures import category, classes, number


class Command:
    """Runs a shell command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def scaler_with(value: object) -> StandardScaler:
    """Hide a value in an attribute of a scaler that is fitted otherwise."""
    scaler = StandardScaler().fit(samples("3 classes")[0])
    scaler.n_samples_seen_ = value
    return scaler


def evil_file(command: str) -> str:
    """Write an .npy file whose array runs the command; return its name."""
    path = Path(command.split("'")[1] + ".npy")
    np.save(path, np.array([Command(command)], dtype=object), allow_pickle=True)
    return str(path)


def step_of_pipeline(command: str) -> bytes:
    return dump(Pipeline([("scaler", StandardScaler()), ("classifier", Command(command))]))


PAYLOADS: dict[str, Callable[[str], bytes]] = {
    "reduce": lambda c: dump(Command(c)),
    "reduce, pickled plainly": lambda c: pickle.dumps(Command(c), protocol=2),
    "reduce, in text": lambda c: pickle.dumps(Command(c), protocol=0),
    "attribute of a scaler": lambda c: dump(scaler_with(Command(c))),
    "key of a parameter": lambda c: dump(scaler_with({Command(c): 1})),
    "step of a pipeline": step_of_pipeline,
    "object array": lambda c: dump(scaler_with(np.array([Command(c)], dtype=object))),
    "object array of its own": lambda c: dump(np.array([Command(c)], dtype=object)),
    "dotted name": lambda c: program(called(named("sklearn.datasets._base", "os.system"), text(c))),
    "dotted name behind a module that is in the list": lambda c: program(
        called(named("sklearn.preprocessing._data", "np.lib._datasource.os.system"), text(c))
    ),
    "dotted name in joblib": lambda c: program(
        called(named("joblib.numpy_pickle", "os.system"), text(c))
    ),
    "eval": lambda c: program(
        called(named("builtins", "eval"), text(f"__import__('os').system({c!r})"))
    ),
    "exec": lambda c: program(
        called(named("builtins", "exec"), text(f"import os; os.system({c!r})"))
    ),
    "getattr": lambda c: program(
        called(
            called(
                named("builtins", "getattr"),
                called(named("builtins", "__import__"), text("os")),
                text("system"),
            ),
            text(c),
        )
    ),
    "map of a function": lambda c: program(
        called(
            named("builtins", "list"),
            called(named("builtins", "map"), named("os", "system"), b"(" + text(c) + b"t"),
        )
    ),
    "numpy.load": lambda c: program(
        called(named("numpy", "load"), text(evil_file(c)), b"N", b"\x88")
    ),
    "joblib.load": lambda c: program(
        called(named("joblib", "load"), text(joblib.dump(Command(c), evil_file(c) + ".pkl")[0]))
    ),
    "INST": lambda c: program(b"(", text(c), b"iposix\nsystem\n"),
    "OBJ": lambda c: program(b"(", b"cposix\nsystem\n", text(c), b"o"),
    "after the estimator": lambda c: (
        dump(StandardScaler())[:-1] + b"0" + program(called(named("os", "system"), text(c)))
    ),
}


def assert_refused_unrun(data: bytes, command: str) -> None:
    """Refuse, touch nothing; then prove that the command would have run."""
    marker = Path(command.split("'")[1])
    with pytest.raises(ArtifactError):
        read_estimator(data)
    assert not marker.exists()
    path = marker.with_suffix(".pkl")
    path.write_bytes(data)
    with suppress(Exception):
        joblib.load(path)
    assert marker.exists()


@pytest.fixture
def command(tmp_path: Path) -> str:
    """A shell command that leaves a file behind."""
    return f": > '{tmp_path / 'ran'}'"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_code_in_a_dump_is_refused_and_not_run(payload: str, command: str) -> None:
    assert_refused_unrun(PAYLOADS[payload](command), command)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_code_in_a_dump_is_described_and_not_run(payload: str, command: str) -> None:
    found = inspect_dump(PAYLOADS[payload](command))
    assert not Path(command.split("'")[1]).exists()
    assert found.damage is None
    assert found.why_not is not None
    assert any(use.standing != "read" and use.is_called for use in found.names)


@pytest.mark.parametrize("compress", COMPRESSIONS, ids=repr)
@pytest.mark.parametrize("where", ["alone", "in a scaler", "in an object array"])
def test_code_in_a_compressed_dump_is_refused_and_not_run(
    where: str, compress: Any, command: str
) -> None:
    value: object = Command(command)
    if where == "in a scaler":
        value = scaler_with(value)
    elif where == "in an object array":
        value = scaler_with(np.array([value], dtype=object))
    assert_refused_unrun(dump(value, compress=compress), command)


@pytest.mark.parametrize(
    "state",
    [
        b"}" + text("read") + named("numpy", "ndarray") + b"s",
        b"N}" + text("read") + named("numpy", "ndarray") + b"s\x86",
    ],
    ids=["attributes", "slots"],
)
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("sklearn.preprocessing._data", "StandardScaler"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy._core.multiarray", "scalar"),
    ],
)
def test_attributes_of_a_class_cannot_be_set(module: str, name: str, state: bytes) -> None:
    before = NumpyArrayWrapper.read
    with pytest.raises(ArtifactError, match="sets attributes"):
        read_estimator(program(named(module, name), state, b"b"))
    assert NumpyArrayWrapper.read is before


FOREIGN_NAMES = {
    "os": "system",
    "posix": "system",
    "builtins": "eval exec getattr __import__",
    "__builtin__": "eval",
    "subprocess": "Popen",
    "copyreg": "__newobj__ _reduce_ex",
    "functools": "reduce partial.func",
    "operator": "attrgetter",
    "numpy": "load memmap matrix ndarray.tofile dtype.type",
    "numpy._core.multiarray": "fromstring _reconstruct.__call__ scalar.__call__",
    "numpy._core.numeric": "fromfunction _frombuffer.__call__",
    "joblib": "load numpy_pickle.NumpyArrayWrapper",
    "joblib.numpy_pickle": "load os.system NumpyUnpickler NumpyArrayWrapper.read",
    "joblib.numpy_pickle_compat": "NDArrayWrapper ZNDArrayWrapper",
    "sklearn.preprocessing": "StandardScaler",
    "sklearn.preprocessing._data": "KernelCenterer StandardScaler.fit np.f2py.os.system",
    "sklearn.datasets._base": "os.system",
    "sklearn.pipeline": "make_pipeline",
    "iris_deploy.dumps.records": "Fitted",
    "": "dtype",
    "numpy ": "dtype",
    " numpy": "dtype",
}


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in FOREIGN_NAMES.items() for name in names.split()],
)
@pytest.mark.parametrize("instruction", ["GLOBAL", "STACK_GLOBAL"])
def test_a_name_that_is_not_in_the_list_is_refused(
    instruction: str, module: str, name: str
) -> None:
    find = f"c{module}\n{name}\n".encode() if instruction == "GLOBAL" else named(module, name)
    with pytest.raises(ArtifactError, match="not in the list"):
        read_estimator(program(find))
    with pytest.raises(ArtifactError, match="not in the list"):
        read_estimator(program(called(find, text("x"))))


# Of every instruction of the language that no estimator needs, one use.
FOREIGN: dict[str, bytes] = {
    "PERSID": b"Pid\n",
    "BINPERSID": text("id") + b"Q",
    "EXT1": b"\x82\x01",
    "EXT2": b"\x83\x01\x00",
    "EXT4": b"\x84\x01\x00\x00\x00",
    "INST": b"(iposix\nsystem\n",
    "OBJ": b"(" + named("numpy", "ndarray") + b"o",
    "NEWOBJ_EX": named("sklearn.preprocessing._data", "StandardScaler") + b")}\x92",
    "POP": b"N0",
    "POP_MARK": b"(1",
    "DUP": b"N2",
    "STRING": b"S'text'\n",
    "BINSTRING": b"T\x01\x00\x00\x00a",
    "SHORT_BINSTRING": b"U\x01a",
    "NEXT_BUFFER": b"\x97",
    "READONLY_BUFFER": b"N\x98",
}


@pytest.mark.parametrize("instruction", FOREIGN)
def test_an_instruction_that_no_estimator_needs_is_refused(instruction: str) -> None:
    with pytest.raises(ArtifactError, match=f"instruction {instruction} "):
        read_estimator(program(FOREIGN[instruction]))


@pytest.mark.parametrize(
    "callee",
    [b"N", text("os.system"), b"}", b")", called(named("numpy", "dtype"), text("f8"))],
    ids=["None", "text", "dict", "tuple", "dtype"],
)
def test_only_names_of_the_list_can_be_called(callee: bytes) -> None:
    for call in (b")R", b")\x81", text("x") + b"\x85R"):
        with pytest.raises(ArtifactError, match="calls something"):
            read_estimator(program(callee, call))


RECONSTRUCTOR = named("copyreg", "_reconstructor")
SCALER = named("sklearn.preprocessing._data", "StandardScaler")
OBJECT = named("builtins", "object")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (SCALER,),
        (SCALER, OBJECT),
        (SCALER, SCALER, b"N"),
        (SCALER, OBJECT, text("state")),
        (SCALER, named("numpy", "ndarray"), b"N"),
        (OBJECT, OBJECT, b"N"),
        (RECONSTRUCTOR, OBJECT, b"N"),
        (named("numpy", "dtype"), OBJECT, b"N"),
        (text("os.system"), OBJECT, b"N"),
        (SCALER, OBJECT, b"N", b"N"),
    ],
    ids=range(11),
)
def test_the_old_protocols_make_nothing_but_objects_of_the_list(
    arguments: tuple[bytes, ...],
) -> None:
    read_estimator(program(called(RECONSTRUCTOR, SCALER, OBJECT, b"N")))
    with pytest.raises(ArtifactError):
        read_estimator(program(called(RECONSTRUCTOR, *arguments)))


def test_the_old_protocols_make_no_bytes_but_none() -> None:
    made = named("__builtin__", "bytes")
    read_estimator(program(called(SCALER) + b"}X\x01\x00\x00\x00a" + called(made) + b"sb"))
    for argument in (b"I1000000000\n", text("a"), b"]", b"}"):
        with pytest.raises(ArtifactError):
            read_estimator(program(called(made, argument)))


@pytest.mark.parametrize("data", [[1, 2], {"a": 1}, np.arange(3.0), "text", None, 1, 2.5, (), b"x"])
def test_a_dump_of_anything_but_an_estimator_is_refused(data: object) -> None:
    with pytest.raises(ArtifactError, match="expected a fitted estimator"):
        read_estimator(dump(data))


@pytest.mark.parametrize(
    "estimator",
    [GaussianProcessClassifier(), MeanShift(), FastICA(2, whiten="unit-variance")],
    ids=lambda estimator: type(estimator).__name__,
)
def test_an_unsupported_estimator_is_refused_saying_where_those_are_listed_that_are_not(
    estimator: Any,
) -> None:
    estimator.fit(*samples("3 classes"))
    for value in (estimator, make_pipeline(StandardScaler(), estimator)):
        with pytest.raises(ArtifactError, match=type(estimator).__name__) as caught:
            read_estimator(dump(value))
        for word in ("iris-deploy inspect", "docs/families.md", "nothing of the file was run"):
            assert word in str(caught.value.hint)


ODD = {
    "an array": np.arange(3),
    "a list": [1, 2],
    "a dict": {"a": 1},
    "bytes": b"abc",
    "a class": StandardScaler,
}
"""What an array of objects may not hold."""


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("write", [dump, pickle.dumps], ids=["joblib", "pickle"])
def test_an_object_array_with_more_than_plain_values_is_refused_where_it_counts(
    write: Callable[[object], bytes], odd: str
) -> None:
    """Text and numbers in it are read: data frames leave such arrays behind."""
    X = np.array([["a", 1.5], ["b", 2.5], ["a", None]], object)
    encoder = OneHotEncoder(handle_unknown="ignore").fit(X)
    columns = (category("x", ["a", "b"], unknown=True), number("y", missing=True))
    signed = Signature(columns=columns, output=classes("no", "yes"))
    pipeline = make_pipeline(encoder, LogisticRegression()).fit(X, [0, 1, 1])
    predictor = Predictor(signed, [read_estimator(write(pipeline))])
    expected = [("no", "yes")[k] for k in pipeline.predict(X)]
    rows = [(0.0, 1.5), (1.0, 2.5), (0.0, np.nan)]
    assert predictor.values(rows) == expected
    spoilt = np.empty(3, object)
    spoilt[:] = ["a", "b", None]
    spoilt[1] = ODD[odd]
    encoder.categories_[0] = spoilt
    with pytest.raises(ArtifactError):
        Predictor(signed, [read_estimator(write(pipeline))])
