"""The talk's contract, asked without a server."""

from collections.abc import Mapping
from typing import NamedTuple

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.serving.contracts.exchange import Exchange
from iris_deploy.serving.contracts.native import NativeContract
from iris_deploy.serving.reply import Reply


class Asked(NamedTuple):
    """A request as handlers get to know it."""

    query: str = ""
    headers: Mapping[str, str] = {"CONTENT_TYPE": "application/json"}
    root: str = ""


class Contract:
    """What ``POST /predict`` takes and gives, for one predictor."""

    def __init__(self, predictor: Predictor) -> None:
        self._contract = NativeContract(predictor)
        self._exchange = Exchange(self._contract, predictor)

    def reply(self, query: str, content_type: str, body: bytes) -> Reply:
        """Answer a request, or refuse it."""
        return self._exchange.handle(Asked(query, {"CONTENT_TYPE": content_type}), body)

    def answer(self, body: bytes, *, details: bool = False) -> bytes:
        """Answer instances, or raise."""
        return self._exchange.answer(self._contract.read(body, details=details)).read()
