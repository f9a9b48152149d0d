"""The one home of defaults, units and environment names.

Settings are frozen and checked once, when they are made. Nothing below the command line reads the
environment.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from iris_deploy.errors import SettingsError

ARTIFACTS = Path("artifacts")
"""Where bundles are written and read, relative to the working directory."""

ARTIFACTS_VARIABLE = "IRIS_DEPLOY_ARTIFACTS"

PORT_VARIABLES = ("SAGEMAKER_BIND_TO_PORT", "AIP_HTTP_PORT", "PORT")
"""Environment variables that platforms set to say the port; the first that is set counts.

SageMaker endpoints, Vertex AI prediction, and Cloud Run, Heroku and Azure, in this order.
"""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How `train` makes a bundle.

    Parameters
    ----------
    dataset : str
        Name in `training.dataset.DATASETS`.
    classifier : str
        Name in `training.fit.CLASSIFIERS`.
    test_size : float
        Share of the samples that is held out, between 0 and 1. The talk's 0.3.
    random_state : int
        Seed of the split and of the classifier. The talk's 0.
    max_iter : int or None
        Passes over the data; None for the classifier's own default (40 for the talk's Perceptron).
    eta0 : float or None
        Step size of the Perceptron; None for the talk's 0.1.
    tol : float or None
        Loss improvement below which fitting stops; None for the classifier's own default (for the
        Perceptron: never stop early, as in the talk).
    """

    dataset: str = "iris-uci"
    classifier: str = "perceptron"
    test_size: float = 0.3
    random_state: int = 0
    max_iter: int | None = None
    eta0: float | None = None
    tol: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that no estimator could take."""
        _expect(0 < self.test_size < 1, "--test-size", "a share between 0 and 1", self.test_size)
        _expect(
            0 <= self.random_state < 2**32,
            "--random-state",
            "a whole number from 0 to 4294967295",
            self.random_state,
        )
        if self.max_iter is not None:
            _expect(self.max_iter >= 1, "--max-iter", "at least 1", self.max_iter)
        if self.eta0 is not None:
            _expect(0 < self.eta0 < math.inf, "--eta0", "a number above 0", self.eta0)
        if self.tol is not None:
            _expect(0 <= self.tol < math.inf, "--tol", "0 or more", self.tol)


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """How `serve` listens.

    Parameters
    ----------
    host : str
        Address to bind. Loopback unless told otherwise, so that trying it on a laptop opens
        nothing to the network; a container binds 0.0.0.0.
    port : int
        TCP port; 0 lets the system choose. 5000 is the talk's.
    threads : int
        Requests that are worked on at the same time.
    max_body_bytes : int
        Largest request body; what is larger is answered with 413. 1 MiB is some 30,000 instances
        of two features.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    threads: int = 4
    max_body_bytes: int = 1024 * 1024

    def __post_init__(self) -> None:
        """Refuse what cannot be listened on."""
        _expect(0 <= self.port <= 65535, "--port", "a number from 0 to 65535", self.port)
        _expect(self.threads >= 1, "--threads", "at least 1", self.threads)
        _expect(self.max_body_bytes >= 1, "--max-body-bytes", "at least 1", self.max_body_bytes)


def _expect(holds: bool, option: str, expected: str, got: object) -> None:  # noqa: FBT001
    if not holds:
        message = f"{option}: expected {expected}, got {got}"
        raise SettingsError(message)
