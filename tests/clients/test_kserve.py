"""KServe's InferenceRESTClient asks in both versions of its protocol."""

from typing import Any

import pytest

from tests.clients.conftest import Client, RaisedError, Served

pytestmark = pytest.mark.usefixtures("clients")


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_the_server_is_alive_and_the_model_ready(
    kserve: Client, irises: Served, protocol: str
) -> None:
    assert kserve.ask("server_live", irises.url, protocol) is True
    assert kserve.ask("model_ready", irises.url, protocol, irises.name) is True
    if protocol == "v2":  # version 1 does not know the question
        assert kserve.ask("server_ready", irises.url, protocol) is True
        assert kserve.ask("model_ready", irises.url, protocol, "another") is False
    else:
        with pytest.raises(RaisedError, match="another") as raised:
            kserve.ask("model_ready", irises.url, protocol, "another")
        assert raised.value.kind == "HTTPStatusError"


def rows(served: Served, form: str) -> list[Any]:
    """Return the rows as arrays or as objects."""
    columns = served.columns
    arrays = list(zip(*columns.values(), strict=True))
    if form == "arrays":
        return [list(row) for row in arrays]
    return [dict(zip(columns, row, strict=True)) for row in arrays]


@pytest.mark.parametrize("member", ["instances", "inputs"])
@pytest.mark.parametrize("form", ["arrays", "objects"])
def test_version_1_answers_predictions(
    kserve: Client, served: Served, form: str, member: str
) -> None:
    told = kserve.ask("predict", served.url, served.name, {member: rows(served, form)})
    assert served.agrees({"prediction": told["predictions"]})


def test_version_1_says_in_the_exception_what_is_wrong(kserve: Client, irises: Served) -> None:
    for model, body, words in (
        ("iris", {"instances": [{"lenght": 5.1, "width": 2.4}]}, "length"),
        ("another", {"instances": [[5.1, 2.4]]}, "another"),
    ):
        with pytest.raises(RaisedError, match=words) as raised:
            kserve.ask("predict", irises.url, model, body)
        assert raised.value.kind == "HTTPStatusError"


def test_an_explanation_is_refused(kserve: Client, irises: Served) -> None:
    with pytest.raises(RaisedError, match="there is no explainer") as raised:
        kserve.ask("explain", irises.url, irises.name, [[5.1, 2.4]])
    assert raised.value.kind == "HTTPStatusError"


@pytest.mark.parametrize("outputs", [None, ["prediction"]])
@pytest.mark.parametrize("binary", [True, False], ids=["bytes", "JSON"])
def test_version_2_answers_tensors(
    kserve: Client, served: Served, binary: bool, outputs: list[str] | None
) -> None:
    model = served.without_gaps(of_texts_alone=True) if binary else served  # JSON has null
    given = {"binary": binary, "outputs": outputs}
    told = kserve.ask("infer", model.url, model.name, model.columns, **given)
    assert told["model"] == model.name
    assert told["datatypes"]["prediction"] == model.datatype
    assert told["outputs"].keys() == {*(outputs or ["prediction", *filter(None, [model.scored])])}
    assert model.agrees(told["outputs"])


def test_version_2_says_in_the_exception_what_is_wrong(kserve: Client, irises: Served) -> None:
    columns = {"lenght": [5.1], "width": [2.4]}
    with pytest.raises(RaisedError, match=r"lenght.*length") as raised:
        kserve.ask("infer", irises.url, irises.name, columns, binary=True)
    assert raised.value.kind == "HTTPStatusError"
