"""Where a bundle comes from: data, split, estimators and what they were fitted with, or files."""

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


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file that something was read from: its name, and its bytes' number and sha256."""

    file: str
    size: int
    sha256: str


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A comparison of the bundle's answers with others, in which all labels were the same.

    Parameters
    ----------
    against : str
        Whose answers: those of a release of scikit-learn, or of a file.
    rows : int
    difference : float
        The largest, of scores or numbers, in relation to the largest of them.
    """

    against: str
    rows: int
    difference: float


class Imported(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="imported",
):
    """Where the estimators come from: they were trained elsewhere, and their files read.

    Parameters
    ----------
    files : tuple of Source
        As they were given.
    versions : dict of str to str
        Of the packages that wrote them, as far as the files say so.
    estimators : tuple of Estimator
        In the order in which they apply; a pipeline's steps one by one.
    sample : Source or None
        Data that tell what values are like.
    checks : tuple of Check
        None: nobody has compared the bundle's answers with others.
    """

    files: tuple[Source, ...]
    versions: dict[str, str]
    estimators: tuple[Estimator, ...]
    sample: Source | None
    checks: tuple[Check, ...]

    @property
    def proof(self) -> str:
        """How far the bundle's answers are proved."""
        if not self.checks:
            return "unchecked"
        return "; ".join(f"same as {of.against} on {of.rows:,} rows" for of in self.checks)


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What made the bundle: versions of Python and of the packages that matter."""

    python: str
    packages: dict[str, str]

    @property
    def python_minor(self) -> str:
        """Version of Python without its last number, as wheels and base images are made for it."""
        return ".".join(self.python.split(".")[:2])
