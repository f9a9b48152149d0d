"""What pandas writes, and what curl does with a form, is answered by POST /predict."""

import json
import subprocess
from io import StringIO
from urllib.parse import urlsplit

import pandas as pd
import pytest

from tests.clients.conftest import Served
from tests.pieces import JSON
from tests.tools import require

ORIENTS = ("records", "values", "split", "columns", "index", "table")


@pytest.mark.parametrize("orient", ORIENTS)
def test_a_data_frame_is_answered_however_it_is_oriented(served: Served, orient: str) -> None:
    body = served.table.to_json(orient=orient)
    answer = served.server.request("POST", "/predict", body, JSON)
    assert answer.status == 200, answer.body
    assert served.agrees({"prediction": answer.json()["predictions"]})


@pytest.mark.parametrize("orient", ORIENTS)
def test_a_frame_of_one_row_is_answered_too(served: Served, orient: str) -> None:
    body = served.table[3:4].to_json(orient=orient)
    answer = served.server.request("POST", "/predict", body, JSON)
    assert answer.status == 200, answer.body
    [label] = answer.json()["predictions"]
    assert label == pytest.approx(served.labels[3])


def test_json_lines_and_csv_are_answered(served: Served) -> None:
    lines = served.table.to_json(orient="records", lines=True)
    for kind in ("application/x-ndjson", "application/jsonlines"):
        answer = served.server.request("POST", "/predict", lines, {"Content-Type": kind})
        assert answer.status == 200, answer.body
        told = [json.loads(line)["prediction"] for line in answer.body.splitlines()]
        assert served.agrees({"prediction": told})
    body = served.table.to_csv(index=False).encode()
    answer = served.server.request("POST", "/predict", body, {"Content-Type": "text/csv"})
    assert answer.status == 200, answer.body
    told = pd.read_csv(StringIO(answer.body.decode()))["prediction"].tolist()
    assert served.agrees({"prediction": told})


def test_an_invocation_may_be_csv_both_ways(served: Served) -> None:
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    body = served.table.to_csv(index=False).encode()
    answer = served.server.request("POST", "/invocations", body, headers)
    assert answer.status == 200, answer.body
    told = pd.read_csv(StringIO(answer.body.decode()), header=None)
    assert served.agrees({"prediction": told[0].tolist()})


def test_a_form_of_curl_is_answered(served: Served) -> None:
    """A field with a gap is left out."""
    words = []
    for name, values in served.columns.items():
        if values[0] is not None:
            value = values[0] if isinstance(values[0], str) else json.dumps(values[0])
            words += ["--data-urlencode", f"{name}={value}"]
    url = urlsplit(served.url)._replace(path="/predict").geturl()
    command = [require("curl"), "--silent", "--fail-with-body", *words, url]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert json.loads(ran.stdout)["prediction"] == pytest.approx(served.labels[0])
