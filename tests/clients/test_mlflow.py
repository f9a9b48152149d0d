"""MLflow's client of a scoring server asks, and what MLflow writes for one is answered."""

import pytest

from tests.clients.conftest import Client, RaisedError, Served

pytestmark = pytest.mark.usefixtures("clients")


def test_the_server_is_there_and_tells_its_version(mlflow: Client, irises: Served) -> None:
    assert mlflow.ask("state", irises.url)


@pytest.mark.parametrize("form", ["frame", "array", "records"])
def test_the_client_is_answered(mlflow: Client, served: Served, form: str) -> None:
    """Of a frame or an array with gaps it writes NaN, as Python's json does."""
    told = mlflow.ask("invoke", served.url, served.columns, form)
    assert served.agrees({"prediction": told})


FORMS = (
    "the example of a frame",
    "the example of an array",
    "the example of records",
    "dataframe_records",
    "instances of objects",
    "instances of arrays",
    "text/csv",
)


@pytest.mark.parametrize("form", FORMS)
def test_what_mlflow_writes_is_answered(mlflow: Client, served: Served, form: str) -> None:
    told = mlflow.ask("send", served.url, served.columns, form)
    assert served.agrees({"prediction": told})


def test_parameters_may_be_given(mlflow: Client, irises: Served) -> None:
    told = mlflow.ask("invoke", irises.url, irises.columns, "frame", params={"details": False})
    assert irises.agrees({"prediction": told})
    with pytest.raises(RaisedError, match="temperature"):
        mlflow.ask("invoke", irises.url, irises.columns, "frame", params={"temperature": 0})


def test_what_is_wrong_is_said(mlflow: Client, irises: Served) -> None:
    with pytest.raises(RaisedError, match=r"lenght.*length"):
        mlflow.ask("invoke", irises.url, {"lenght": [5.1], "width": [2.4]}, "frame")
