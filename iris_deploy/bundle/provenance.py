"""Where a bundle comes from: data, split, estimators, and what they were fitted with."""

import msgspec


class Estimator(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fitted estimator's public class and all its parameters."""

    name: str
    parameters: dict[str, str | int | float | bool | None]


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the held-out samples were chosen, and the digest of which they are."""

    test_size: float
    random_state: int
    train_samples: int
    test_samples: int
    test_digest: str


class Training(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="trained",
):
    """Where the estimators come from: they were trained here.

    Parameters
    ----------
    dataset : str
        Name of a dataset, or the file that it was.
    dataset_digest : str
        Of names, units, values and classes.
    split : Split
    estimators : tuple of Estimator
        In the order in which they apply; a pipeline's steps one by one.
    """

    dataset: str
    dataset_digest: str
    split: Split
    estimators: tuple[Estimator, ...]


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What trained the bundle: versions of Python and of the packages that matter."""

    python: str
    packages: dict[str, str]

    @property
    def python_minor(self) -> str:
        """Version of Python without its last number, as wheels and base images are made for it."""
        return ".".join(self.python.split(".")[:2])
