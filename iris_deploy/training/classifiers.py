"""The classifiers that `train` offers, and what can be said of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.linear_model import LogisticRegression, Perceptron

from iris_deploy.errors import SettingsError
from iris_deploy.training.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A classifier that can be trained, with the defaults of its own.

    Parameters
    ----------
    build : callable
        Gets the keyword arguments of the estimator and returns it unfitted.
    prefix : str
        Begins the name of its file.
    defaults : dict
        Keyword arguments unless the user gives others; what is not here cannot be given.
    """

    build: Callable[..., Any]
    prefix: str
    defaults: dict[str, float | None]


CLASSIFIERS = {
    # The talk's: Perceptron(max_iter=40, eta0=0.1, random_state=0, shuffle=True) on scikit-learn
    # 0.19, where giving max_iter switched the early stop off; tol=None does that today.
    "perceptron": Classifier(
        build=Perceptron, prefix="ppn", defaults={"max_iter": 40, "eta0": 0.1, "tol": None}
    ),
    "logistic-regression": Classifier(
        build=LogisticRegression, prefix="lr", defaults={"max_iter": 100, "tol": 1e-4}
    ),
}
"""Every classifier that `train` offers, by the name of its option."""


def choose_classifier(name: str) -> Classifier:
    """Return a classifier by the name of its option; raise `SettingsError` if there is none."""
    try:
        return CLASSIFIERS[name]
    except KeyError:
        raise SettingsError(f"no classifier {name!r}; there is: {', '.join(CLASSIFIERS)}") from None


def choose_parameters(settings: TrainSettings, choice: Classifier) -> dict[str, float | None]:
    """Return a classifier's keyword arguments: what was given, else its defaults.

    Raises
    ------
    SettingsError
        If something was given that it does not have.
    """
    given = {
        name: value
        for name in ("max_iter", "eta0", "tol")
        if (value := getattr(settings, name)) is not None
    }
    if alien := given.keys() - choice.defaults.keys():
        options = ", ".join(f"`{name}`" for name in sorted(alien))
        raise SettingsError(
            f"{options} does not belong to {settings.classifier}",
            hint="leave it out, or choose another `classifier`",
        )
    return choice.defaults | given
