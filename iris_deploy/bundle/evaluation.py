"""How a bundle does on held-out samples: metrics by name, and what a picture of them needs."""

import msgspec

from iris_deploy.schema.outputs import Label


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One figure.

    Parameters
    ----------
    value : float
    interval : tuple of float or None
        Lower and upper end of its 95% interval.
    baseline : float or None
        What one gets on the same samples who always says the same.
    """

    value: float
    interval: tuple[float, float] | None
    baseline: float | None


class ClassFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Figures of one class; 0 where a ratio has no denominator."""

    label: Label
    precision: float
    recall: float
    f1: float
    support: int


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the bundle's predictor does on held-out samples.

    Parameters
    ----------
    samples : int
    metrics : dict of str to Metric
        By name: accuracy and others for classes; mae, rmse, r2 for a number.
    classes : tuple of ClassFigures
        In the signature's order; none for a number.
    confusion_matrix : tuple of tuple of int
        Samples by true class (row) and predicted class (column); empty for a number.
    """

    samples: int
    metrics: dict[str, Metric]
    classes: tuple[ClassFigures, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]

    @property
    def first(self) -> tuple[str, Metric]:
        """The metric that stands for all where there is room for one."""
        return next(iter(self.metrics.items()))
