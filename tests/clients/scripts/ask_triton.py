"""Triton's client for HTTP."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from lines import Table, answer_lines, texts
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import np_to_triton_dtype


def _tensor(name: str, values: np.ndarray, binary: bool) -> InferInput:
    tensor = InferInput(name, values.shape, np_to_triton_dtype(values.dtype))
    return tensor.set_data_from_numpy(values, binary_data=binary)


def _column(values: list[Any]) -> np.ndarray:
    """Return a column of numbers, of which some may be missing, of truth values, or of text."""
    if any(isinstance(value, str) for value in values):
        return np.array(values, object)
    return np.array([np.nan if value is None else value for value in values])


def state(address: str, model: str, version: str) -> dict[str, bool]:
    """Ask whether the server and its model are there, and one that is not."""
    with InferenceServerClient(address) as client:
        return {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model": client.is_model_ready(model),
            "version": client.is_model_ready(model, version),
            "another model": client.is_model_ready("another"),
            "another version": client.is_model_ready(model, "999"),
        }


def metadata(address: str, model: str) -> dict[str, Any]:
    """Ask what the server and its model say of themselves."""
    with InferenceServerClient(address) as client:
        return {
            "server": client.get_server_metadata(),
            "model": client.get_model_metadata(model),
        }


def infer(
    address: str,
    model: str,
    table: Table,
    *,
    version: str = "",
    matrix: str | None = None,
    column_vectors: bool = False,
    binary: bool = True,
    outputs: Sequence[str] | None = None,
    plainly: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Ask for predictions.

    `matrix` is the name of the one tensor that all columns are put into, else each is one, and
    has two dimensions if they are `column_vectors`. `binary` is how they are sent, and outputs
    that are named are asked for; `plainly` gives the client nothing but the tensors.
    """
    columns = {name: _column(values) for name, values in table.items()}
    if matrix:
        columns = {matrix: np.column_stack(list(columns.values()))}
    elif column_vectors:
        columns = {name: values[:, None] for name, values in columns.items()}
    inputs = [_tensor(name, values, binary) for name, values in columns.items()]
    asked = outputs and [InferRequestedOutput(name, binary_data=binary) for name in outputs]
    with InferenceServerClient(address) as client:
        if plainly:
            answer = client.infer(model, inputs)
        else:
            answer = client.infer(
                model, inputs, model_version=version, outputs=asked, request_id="7", **options
            )
        told = answer.get_response()
        found = [answer.as_numpy(output["name"]) for output in told["outputs"]]
        return {
            "id": told.get("id"),
            "model": told["model_name"],
            "version": told.get("model_version"),
            "binary": ["data" not in output for output in told["outputs"]],
            "datatypes": {output["name"]: output["datatype"] for output in told["outputs"]},
            "outputs": {
                output["name"]: texts(values.tolist())
                for output, values in zip(told["outputs"], found, strict=True)
            },
        }


answer_lines(state, metadata, infer)
