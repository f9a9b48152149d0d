"""The wire contracts that there are: one line for each.

A new one is a module like vertex.py, and its line here.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from iris_deploy.serving.contracts import (
    azure,
    invocations,
    invocations_routes,
    kserve_v1,
    native,
    open_inference,
    open_inference_routes,
    vertex,
)
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.route import Below, Route, keep_first


class WireContract(NamedTuple):
    """A contract by its name.

    Parameters
    ----------
    name : str
        As ``--contracts`` has it.
    build_routes : callable
        Builds its routes for what is served, and says what of the other paths is its own.
    """

    name: str
    build_routes: Callable[[ServedModel], Sequence[Route | Below]]


CONTRACTS: Final = (
    WireContract(native.NAME, native.build_routes),
    WireContract(open_inference.NAME, open_inference_routes.build_routes),
    WireContract(kserve_v1.NAME, kserve_v1.build_routes),
    WireContract(vertex.NAME, vertex.build_routes),
    WireContract(invocations.NAME, invocations_routes.build_routes),
    WireContract(azure.NAME, azure.build_routes),
)


def build_routes(served: ServedModel) -> tuple[list[Route], list[Below]]:
    """Build the routes of all contracts that are chosen.

    Where two have the same path, the one that a platform has chosen counts: Vertex AI may ask at
    the paths of others.

    Parameters
    ----------
    served : ServedModel
    """
    chosen = [contract for contract in CONTRACTS if contract.name in served.settings.contracts]
    chosen.sort(key=lambda contract: contract.name != vertex.NAME)  # which says where it asks
    built = [each for contract in chosen for each in contract.build_routes(served)]
    routes = keep_first(each for each in built if isinstance(each, Route))
    return routes, [each for each in built if isinstance(each, Below)]
