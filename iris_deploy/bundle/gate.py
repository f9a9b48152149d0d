"""Gates: bounds of metrics beyond which a bundle goes no further."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from iris_deploy.bundle.evaluation import Evaluation
from iris_deploy.errors import GateError, SettingsError, did_you_mean, expect


@dataclass(frozen=True, slots=True)
class Gate:
    """A bound of one metric.

    Parameters
    ----------
    metric : str
    bound : float
    is_least : bool
        Whether the bound is the least that passes, not the most.
    """

    metric: str
    bound: float
    is_least: bool


def read_gates(least: Sequence[str], most: Sequence[str]) -> tuple[Gate, ...]:
    """Read bounds as a command line has them: ``accuracy=0.9``.

    Parameters
    ----------
    least, most : sequence of str
        Of options `min` and `max`.

    Raises
    ------
    SettingsError
        If one is no name and number.
    """
    return tuple(
        _read(text, name, is_least=name == "min")
        for name, texts in (("min", least), ("max", most))
        for text in texts
    )


def _read(text: str, option: str, *, is_least: bool) -> Gate:
    metric, equals, number = text.partition("=")
    try:
        bound = float(number)
    except ValueError:
        bound = math.nan
    expect(
        bool(metric and equals) and math.isfinite(bound),
        option,
        "a metric and a number, such as accuracy=0.9",
        text,
    )
    return Gate(metric.strip(), bound, is_least)


def check_gates(
    evaluation: Evaluation | None, gates: Sequence[Gate], *, what_then: str = ""
) -> None:
    """Refuse metrics beyond the bounds that were asked for.

    Parameters
    ----------
    evaluation : Evaluation or None
        None if nobody has measured it, which no gate lets pass.
    gates : sequence of Gate
    what_then : str
        What did not happen because of it.

    Raises
    ------
    GateError
        Naming all that are beyond.
    SettingsError
        If there is no such metric.
    """
    if evaluation is None:
        if gates:
            raise GateError(
                f"the bundle was imported without figures, and a gate wants {gates[0].metric}"
                f"{what_then}",
                hint="import it again with `sample` and `target`",
            )
        return
    beyond = []
    for gate in gates:
        metric = evaluation.metrics.get(gate.metric)
        if metric is None:
            raise _no_metric(gate, evaluation)
        is_beyond = metric.value < gate.bound if gate.is_least else metric.value > gate.bound
        if is_beyond or math.isnan(metric.value):
            side = "below" if gate.is_least else "above"
            beyond.append(
                f"{gate.metric} {metric.value:.4f} is {side} the gate of {gate.bound:.4f}"
            )
    if beyond:
        raise GateError(
            f"{'; '.join(beyond)}, on {evaluation.samples} held-out samples{what_then}",
            hint="train with other settings, or move `min` and `max`",
        )


def _no_metric(gate: Gate, evaluation: Evaluation) -> SettingsError:
    option = "min" if gate.is_least else "max"
    return SettingsError(
        f"`{option}`: there is no metric {gate.metric!r:.80}; expected one of "
        f"{', '.join(evaluation.metrics)}{did_you_mean(gate.metric, evaluation.metrics)}"
    )
