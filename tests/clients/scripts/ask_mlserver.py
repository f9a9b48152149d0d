"""MLServer's codecs, which write requests and read answers."""

from typing import Any

import numpy as np
import pandas as pd
import requests
from lines import Table, answer_lines, texts
from mlserver.codecs import NumpyCodec, NumpyRequestCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, RequestOutput


def _send(url: str, model: str, request: InferenceRequest) -> InferenceResponse:
    answer = requests.post(
        f"{url}/v2/models/{model}/infer",
        data=request.model_dump_json(exclude_none=True),
        headers={"Content-Type": "application/json"},
        timeout=20,
    )
    if answer.status_code != requests.codes.OK:
        raise ValueError(f"{answer.status_code}: {answer.text}")
    return InferenceResponse.model_validate_json(answer.content)


def _each(answer: InferenceResponse) -> dict[str, Any]:
    """Read each output as an array, and the texts as texts too."""
    found = {}
    for output in answer.outputs:
        found[output.name] = texts(NumpyCodec.decode_output(output).tolist())
        if output.datatype == "BYTES":
            flat = texts(np.ravel(found[output.name]).tolist())
            if StringCodec.decode_output(output) != flat:
                raise ValueError(f"two codecs read {output} differently")
    return found


def frame(url: str, model: str, table: Table, *, use_bytes: bool) -> dict[str, Any]:
    """Send a data frame, and read all outputs as arrays."""
    request = PandasCodec.encode_request(pd.DataFrame(table), use_bytes=use_bytes)
    return _each(_send(url, model, request))


def frame_to_frame(url: str, model: str, table: Table) -> dict[str, Any]:
    """Send a data frame, and read the predictions as one."""
    request = PandasCodec.encode_request(pd.DataFrame(table), use_bytes=False)
    request.outputs = [RequestOutput(name="prediction")]
    answered = PandasCodec.decode_response(_send(url, model, request))
    return {str(name): values for name, values in answered.to_dict("list").items()}


def array(url: str, model: str, table: Table) -> dict[str, Any]:
    """Send numbers as one array."""
    request = NumpyRequestCodec.encode_request(pd.DataFrame(table).to_numpy())
    return _each(_send(url, model, request))


def columns(url: str, model: str, table: Table) -> dict[str, Any]:
    """Send an array for each column of numbers, and a list for each of texts."""
    inputs = [
        StringCodec.encode_input(name, values, use_bytes=False)
        if isinstance(values[0], str)
        else NumpyCodec.encode_input(name, pd.Series(values).to_numpy())
        for name, values in table.items()
    ]
    return _each(_send(url, model, InferenceRequest(inputs=inputs)))


answer_lines(frame, frame_to_frame, array, columns)
