"""KServe's client, in both versions of its protocol."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from lines import Table, answer_lines, texts


def _ask(protocol: str, question: Callable[[InferenceRESTClient], Awaitable[Any]]) -> Any:
    async def ask() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol=protocol)) as client:
            return await question(client)

    return asyncio.run(ask())


def server_live(url: str, protocol: str) -> Any:
    """Ask whether the server is alive."""
    return _ask(protocol, lambda client: client.is_server_live(url))


def server_ready(url: str, protocol: str) -> Any:
    """Ask whether the server is ready."""
    return _ask(protocol, lambda client: client.is_server_ready(url))


def model_ready(url: str, protocol: str, model: str) -> Any:
    """Ask whether a model is ready."""
    return _ask(protocol, lambda client: client.is_model_ready(url, model))


def explain(url: str, model: str, instances: list[Any]) -> Any:
    """Ask for explanations."""
    return _ask("v1", lambda client: client.explain(url, model, {"instances": instances}))


def predict(url: str, model: str, body: dict[str, Any]) -> Any:
    """Ask for predictions in version 1."""
    return _ask("v1", lambda client: client.infer(url, body, model_name=model))


def _tensor(name: str, values: list[Any], binary: bool) -> InferInput:
    if isinstance(values[0], bool):
        array, datatype = np.array(values), "BOOL"
    elif any(isinstance(value, str) for value in values):
        array, datatype = np.array(values, object), "BYTES"
    else:
        gaps = [np.nan if value is None else value for value in values]
        array, datatype = np.array(gaps, float), "FP64"
    tensor = InferInput(name, list(array.shape), datatype)
    if binary:
        tensor.set_data_from_numpy(array, binary_data=True)
    else:
        tensor.data = values
    return tensor


def infer(
    url: str, model: str, table: Table, *, binary: bool, outputs: list[str] | None = None
) -> dict[str, Any]:
    """Ask for predictions in version 2, with a tensor for each column."""
    asked = [RequestedOutput(name, {"binary_data": binary}) for name in outputs or ()]
    request = InferRequest(
        model_name=model,
        infer_inputs=[_tensor(name, values, binary) for name, values in table.items()],
        request_outputs=asked,
    )
    answer = _ask("v2", lambda client: client.infer(url, request, model_name=model))
    return {
        "model": answer.model_name,
        "datatypes": {output.name: output.datatype for output in answer.outputs},
        "outputs": {output.name: texts(output.as_numpy().tolist()) for output in answer.outputs},
    }


answer_lines(server_live, server_ready, model_ready, explain, predict, infer)
