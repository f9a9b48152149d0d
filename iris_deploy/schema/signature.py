"""What a bundle takes and gives: features and classes, each in the estimators' order."""

from collections.abc import Sequence

import msgspec

from iris_deploy.schema.features import Feature


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The input and output contract of a bundle.

    Parameters
    ----------
    features : tuple of Feature
        Input columns, in the order in which the estimators take them; each name once.
    classes : tuple of str
        Labels, in the order of the classifier's scores.
    """

    features: tuple[Feature, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        # One field of an instance would stand for many columns, at no cost to whoever sends it.
        if len({feature.name for feature in self.features}) < len(self.features):
            raise ValueError("a feature is named twice")

    def warnings(self, row: Sequence[float]) -> list[str]:
        """Name each value of a row that lies outside the range seen in training."""
        found = (f.warning(v) for f, v in zip(self.features, row, strict=True))
        return [warning for warning in found if warning]
