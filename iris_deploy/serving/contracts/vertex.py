"""Vertex AI's custom containers: both paths come from the platform.

References
----------
cloud.google.com/vertex-ai/docs, "Custom container requirements for inference".
"""

from typing import Final

from iris_deploy.serving.contracts.instances import InstancesContract
from iris_deploy.serving.contracts.served import ServedModel, tell
from iris_deploy.serving.contracts.words import what
from iris_deploy.serving.route import Below, Route

NAME: Final = "vertex"


def build_routes(served: ServedModel) -> list[Route | Below]:
    """Build the routes that the platform asks for; none where it does not."""
    routes: list[Route | Below] = []
    health, predict = served.settings.health_route, served.settings.predict_route

    if health is not None:
        told = "readiness, where Vertex AI asks for it"
        routes.append(tell(NAME, health, told, served.readiness, probe=True))
    if predict is not None:
        summary = f"predict {what(served.predictor)} of instances, as Vertex AI has it"
        contract = InstancesContract(served, NAME, predict, ("instances",), summary)
        routes.append(served.route(contract))
    return routes
