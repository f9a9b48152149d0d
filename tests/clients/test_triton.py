"""Triton's client for HTTP asks in the Open Inference Protocol, in bytes and in JSON."""

import pytest

from tests.clients.conftest import Client, RaisedError, Served

pytestmark = pytest.mark.usefixtures("clients")


def test_the_server_and_the_model_it_serves_are_ready_and_no_other(
    triton: Client, irises: Served
) -> None:
    assert triton.ask("state", irises.address, irises.name, "1") == {
        "live": True,
        "ready": True,
        "model": True,
        "version": True,
        "another model": False,
        "another version": False,
    }


def test_the_metadata_tell_names_datatypes_and_shapes(triton: Client, served: Served) -> None:
    told = triton.ask("metadata", served.address, served.name)
    assert told["server"]["name"] == "iris-deploy"
    assert "binary_tensor_data" in told["server"]["extensions"]
    model = told["model"]
    assert (model["name"], model["versions"]) == (served.name, ["1"])
    inputs = {tensor["name"]: tensor["shape"] for tensor in model["inputs"]}
    if served.matrix:
        assert [*inputs.values()] == [[-1, len(served.table.columns)]]
    else:
        assert inputs.keys() == {*served.table}
    assert {tensor["name"]: tensor["datatype"] for tensor in model["outputs"]} == {
        "prediction": served.datatype,
        **({served.scored: "FP64"} if served.scored else {}),
    }


def test_tensors_alone_are_enough(triton: Client, served: Served) -> None:
    """In bytes, with nothing else said, as the client does it unless it is told otherwise."""
    model = served.without_gaps(of_texts_alone=True)  # for which bytes have no sign
    given = {"matrix": model.matrix, "plainly": True}
    told = triton.ask("infer", model.address, model.name, model.columns, **given)
    assert (told["model"], told["version"]) == (model.name, "1")
    assert told["outputs"].keys() == {"prediction", *filter(None, [model.scored])}
    assert told["datatypes"]["prediction"] == model.datatype
    assert model.agrees(told["outputs"])


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "JSON"])
@pytest.mark.parametrize("compressed", [None, "gzip", "deflate"])
def test_bytes_and_json_are_answered_alike_and_may_be_compressed(
    triton: Client, served: Served, binary: bool, compressed: str | None
) -> None:
    model = served.without_gaps()
    told = triton.ask(
        "infer",
        model.address,
        model.name,
        model.columns,
        matrix=model.matrix,
        binary=binary,
        outputs=["prediction"],
        version="1",
        request_compression_algorithm=compressed,
        response_compression_algorithm=compressed,
    )
    assert told["binary"] == [binary]
    assert told["id"] == "7"
    assert model.agrees(told["outputs"])


def test_a_gap_among_numbers_is_nan_in_json_too(triton: Client, passengers: Served) -> None:
    """The client writes it as JavaScript has it, and Triton reads that."""
    model = passengers.without_gaps(of_texts_alone=True)
    assert None in model.columns["age"]
    told = triton.ask("infer", model.address, model.name, model.columns, binary=False)
    assert model.agrees(told["outputs"])


@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "JSON"])
def test_outputs_come_in_the_order_in_which_they_are_asked_for(
    triton: Client, irises: Served, binary: bool
) -> None:
    for asked in (["decision_values"], ["decision_values", "prediction"]):
        told = triton.ask(
            "infer",
            irises.address,
            irises.name,
            irises.columns,
            matrix="features",
            binary=binary,
            outputs=asked,
        )
        assert [*told["outputs"]] == asked
        assert told["binary"] == [binary] * len(asked)
        assert irises.agrees(told["outputs"])


def test_numbers_may_also_come_as_a_tensor_for_each_column(triton: Client, irises: Served) -> None:
    for two_dimensions in (True, False):
        told = triton.ask(
            "infer",
            irises.address,
            irises.name,
            irises.columns,
            column_vectors=two_dimensions,
        )
        assert irises.agrees(told["outputs"])


WRONG = {
    "a misspelt column": ({"lenght": [5.1], "width": [2.4]}, None, ("lenght", "length")),
    "a missing column": ({"length": [5.1]}, None, ("width",)),
    "text for a number": ({"length": ["long"], "width": [2.4]}, None, ("length",)),
    "too few numbers": ({"length": [5.1]}, "features", ("2",)),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_exception_says_what_the_server_says(triton: Client, irises: Served, case: str) -> None:
    columns, matrix, words = WRONG[case]
    with pytest.raises(RaisedError) as raised:
        triton.ask("infer", irises.address, irises.name, columns, matrix=matrix)
    assert raised.value.kind == "InferenceServerException"
    assert raised.value.text.startswith("[4")
    assert "exception occurred in the client" not in raised.value.text
    for word in words:
        assert word in raised.value.text


def test_another_model_and_another_output_are_refused_by_name(
    triton: Client, irises: Served
) -> None:
    for model, outputs, words in (
        ("another", None, ("another", "iris")),
        ("iris", ["probabilities"], ("probabilities", "decision_values")),
    ):
        with pytest.raises(RaisedError) as raised:
            triton.ask(
                "infer",
                irises.address,
                model,
                irises.columns,
                matrix="features",
                outputs=outputs,
            )
        assert raised.value.kind == "InferenceServerException"
        for word in words:
            assert word in raised.value.text
