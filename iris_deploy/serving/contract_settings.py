"""Which contracts are spoken, and under which names."""

import re
from dataclasses import dataclass
from typing import Final

from iris_deploy.errors import expect

NAMES: Final = ("native", "v2", "v1", "vertex", "invocations", "azure")
"""Of all contracts, in the order in which they are told."""

MODEL_NAME_VARIABLE: Final = "IRIS_DEPLOY_SERVED_MODEL_NAME"
MODEL_VERSION_VARIABLE: Final = "IRIS_DEPLOY_SERVED_MODEL_VERSION"
CONTRACTS_VARIABLE: Final = "IRIS_DEPLOY_CONTRACTS"
HEALTH_VARIABLE: Final = "AIP_HEALTH_ROUTE"
PREDICT_VARIABLE: Final = "AIP_PREDICT_ROUTE"
"""Environment variables; Vertex AI sets the last two."""

SEPARATOR: Final = ","
ALL_NAMES: Final = SEPARATOR.join(NAMES)

_NAME = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~:@-]{1,128}){1,16}|/")


@dataclass(frozen=True, kw_only=True)
class ContractSettings:
    """Which contracts are spoken, and under which names.

    Parameters
    ----------
    contracts : tuple of str
        Of `NAMES`.
    served_model_name : str or None
        In the paths of V1 and V2; None for the model's own.
    served_model_version : str or None
        The same; None for the bundle's.
    health_route, predict_route : str or None
        Paths at which Vertex AI asks.
    """

    contracts: tuple[str, ...] = NAMES
    served_model_name: str | None = None
    served_model_version: str | None = None
    health_route: str | None = None
    predict_route: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no contract, and names that no path could hold."""
        for contract in self.contracts:
            expect(contract in NAMES, "contracts", f"some of {', '.join(NAMES)}", contract)
        label = "letters, digits and . _ ~ -, at most 128"
        for name in ("served_model_name", "served_model_version"):
            value = getattr(self, name)
            expect(value is None or _NAME.fullmatch(value) is not None, name, label, value)
        path = "a path such as /v1/predict"
        for name in ("health_route", "predict_route"):
            value = getattr(self, name)
            expect(value is None or _PATH.fullmatch(value) is not None, name, path, value)


ALL_CONTRACTS: Final = ContractSettings()
