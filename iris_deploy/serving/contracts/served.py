"""The model that contracts speak of, and the routes that they make for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.codec.readers import Readers
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.encoding import build_encode
from iris_deploy.serving.contract_settings import ContractSettings
from iris_deploy.serving.contracts.errors import reply_error
from iris_deploy.serving.contracts.exchange import QUICK_SUMS, Exchange, Observer
from iris_deploy.serving.contracts.operations import ERROR, describe_errors
from iris_deploy.serving.contracts.protocol import Contract
from iris_deploy.serving.reply import JSON, Refusal, Reply
from iris_deploy.serving.route import Operation, Route, answer_at_once
from iris_deploy.serving.schemas import answer, sentence

_QUICK_ROW = 0.005
"""Seconds of a row that the loop may be held for."""

_TRIES = 5  # others may take the processor meanwhile

Refuse = Callable[[Refusal], Reply]


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """What is served, as contracts have to know it.

    Parameters
    ----------
    bundle : Bundle
    observer : Observer
        Gets the rows and labels of every prediction.
    is_ready : callable
        Tells whether requests are taken.
    settings : ContractSettings
    max_body_bytes : int
    """

    bundle: Bundle
    observer: Observer
    is_ready: Callable[[], bool]
    settings: ContractSettings
    max_body_bytes: int

    @property
    def predictor(self) -> Predictor:
        """What predicts."""
        return self.bundle.predictor

    @cached_property
    def readers(self) -> Readers:
        """What reads requests."""
        return Readers(self.predictor.signature)

    @property
    def name(self) -> str:
        """Name under which it is served."""
        return self.settings.served_model_name or self.bundle.manifest.model

    @property
    def version(self) -> str:
        """Version under which it is served."""
        return self.settings.served_model_version or str(self.bundle.manifest.version)

    @cached_property
    def is_quick(self) -> bool:
        """Whether a row takes so little that the loop may work on it: as counted, and measured."""
        if self.predictor.sums > QUICK_SUMS:
            return False
        instance = self.bundle.manifest.examples[-1].instance  # answered when it was read
        columns = self.predictor.signature.columns
        row = tuple(build_encode(column)(instance[column.name]) for column in columns)
        return any(_seconds(self.predictor, row) <= _QUICK_ROW for _ in range(_TRIES))

    def readiness(self, **others: object) -> tuple[int, dict[str, object]]:
        """Return the status that tells whether requests are taken, and its object.

        Parameters
        ----------
        **others : object
            Members in front of ``ready``.
        """
        is_ready = self.is_ready()
        return 200 if is_ready else 503, others | {"ready": is_ready}

    def route(self, contract: Contract) -> Route:
        """Build the route that predicts."""
        exchange = Exchange(contract, self.predictor, self.observer, is_quick=self.is_quick)
        return exchange.build_route(self.bundle.manifest.examples[-1].instance)


def _seconds(predictor: Predictor, row: Any) -> float:
    """Measure the prediction of a row."""
    begun = time.perf_counter()
    predictor.decide(row)
    return time.perf_counter() - begun


def tell(
    contract: str,
    path: str,
    summary: str,
    value: Callable[[], tuple[int, Any]],
    *,
    also: tuple[str, ...] = (),
    probe: bool = False,
    refuse: Refuse = reply_error,
    error: dict[str, Any] = ERROR,
) -> Route:
    """Build a route that tells something in JSON.

    Parameters
    ----------
    contract : str
    path : str
    summary : str
    value : callable
        Returns the status and what is told.
    also : tuple of str
        Other paths for the same.
    probe : bool
        Whether platforms ask it every few seconds.
    refuse : callable, optional
        See `Route`; `reply_error` if left out.
    error : dict, optional
        Schema of what it writes.
    """

    def reply() -> Reply:
        status, told = value()
        return Reply(status, JSON, msgspec.json.encode(told))

    told = sentence(summary)
    described = {
        "summary": told,
        "responses": {
            "200": answer(told, {"type": "object"}),
            **describe_errors(error, 400, 401, 503),
        },
    }
    return answer_at_once(
        path,
        summary,
        reply,
        describe=lambda: Operation(described),
        also=also,
        open=probe,
        probe=probe,
        vital=probe,
        contract=contract,
        refuse=refuse,
    )
