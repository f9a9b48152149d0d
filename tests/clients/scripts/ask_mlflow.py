"""MLflow's client of its scoring server, and the requests that it writes down beside a model."""

from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import requests
from lines import Table, answer_lines
from mlflow.deployments import PredictionsResponse
from mlflow.models import convert_input_example_to_serving_input
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.utils.proto_json_utils import dump_input_data


def _client(url: str) -> ScoringServerClient:
    address = urlsplit(url)
    return ScoringServerClient(address.hostname, address.port)


def _told(answer: PredictionsResponse) -> list[Any]:
    """Return the predictions, which have to be the same as an array and as a data frame."""
    array = answer.get_predictions("ndarray").tolist()
    [column] = answer.get_predictions("dataframe").to_dict("list").values()
    if array != column:
        raise ValueError(f"{array} are not {column}")
    return list(array)


def state(url: str) -> str:
    """Ask whether the server is there, and for its version."""
    client = _client(url)
    client.ping()
    client.wait_server_ready(timeout=5)
    return str(client.get_version())


def invoke(url: str, table: Table, form: str, params: dict[str, Any] | None = None) -> list[Any]:
    """Ask by the client, which writes the request: ``dataframe_split``, or ``inputs``."""
    frame = pd.DataFrame(table)
    data = {"frame": frame, "array": frame.to_numpy(), "records": _records(frame)}[form]
    return _told(_client(url).invoke(data, params=params))


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def send(url: str, table: Table, form: str) -> list[Any]:
    """Send a request that MLflow writes, in one of the forms that its server takes."""
    frame = pd.DataFrame(table)
    bodies = {
        "the example of a frame": lambda: convert_input_example_to_serving_input(frame),
        "the example of an array": lambda: convert_input_example_to_serving_input(frame.to_numpy()),
        "the example of records": lambda: convert_input_example_to_serving_input(_records(frame)),
        "dataframe_records": lambda: dump_input_data(_records(frame), "dataframe_records"),
        "instances of objects": lambda: dump_input_data(_records(frame), "instances"),
        "instances of arrays": lambda: dump_input_data(frame.to_numpy(), "instances"),
        "text/csv": lambda: frame.to_csv(index=False),
    }
    kind = form if "/" in form else "application/json"
    answer = requests.post(
        f"{url}/invocations", data=bodies[form](), headers={"Content-Type": kind}, timeout=20
    )
    if answer.status_code != requests.codes.OK:
        raise ValueError(f"{answer.status_code}: {answer.text}")
    return _told(PredictionsResponse.from_json(answer.text))


answer_lines(state, invoke, send)
