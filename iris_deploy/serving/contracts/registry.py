"""The wire contracts that there are: one line for each.

A new one is a module like native.py, and its line here.
"""

from collections.abc import Callable

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.serving.contracts.exchange import Exchange, Observer
from iris_deploy.serving.contracts.native import NativeContract
from iris_deploy.serving.contracts.protocol import Contract
from iris_deploy.serving.route import Route

CONTRACTS: tuple[Callable[[Bundle], Contract], ...] = (
    lambda bundle: NativeContract(bundle.predictor),
)
"""Each builds a contract for a bundle, whose model and version it may need."""


def build_routes(bundle: Bundle, observer: Observer) -> list[Route]:
    """Build the routes of all contracts for one bundle.

    Parameters
    ----------
    bundle : Bundle
    observer : Observer
    """
    predictor, example = bundle.predictor, bundle.manifest.examples[-1].instance
    contracts = [build(bundle) for build in CONTRACTS]
    return [Exchange(contract, predictor, observer).build_route(example) for contract in contracts]
