"""What a bundle asks of scikit-learn itself, as its manifest has it."""

from typing import Annotated

import msgspec

from iris_deploy.runtimes import LEARN

MAX_MODULES = 8
"""That go with the artifacts."""

MAX_CODE_BYTES = 1 << 20
"""Of a module that goes with the artifacts."""


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A Python module that goes with the artifacts: its file's name, bytes and sha256."""

    file: str
    size: Annotated[int, msgspec.Meta(le=MAX_CODE_BYTES)]
    sha256: str

    @property
    def module(self) -> str:
        """The name by which artifacts refer to it."""
        return self.file.removesuffix(".py")


class Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a bundle asks of scikit-learn.

    Parameters
    ----------
    packages : dict of str to str
        Versions that have to be installed, exactly these.
    names : tuple of str
        Classes and functions that loading imports, with their modules, and no others.
    frame : tuple of str or None
        Columns of the data frame that the first estimator was fitted to; None for an array.
    knows_none : bool
        Whether a missing text is None, and not NaN.
    code : tuple of Code
        Modules of the model's owner, in the order in which they are run.
    """

    packages: dict[str, str]
    names: tuple[str, ...]
    frame: tuple[str, ...] | None
    knows_none: bool
    code: Annotated[tuple[Code, ...], msgspec.Meta(max_length=MAX_MODULES)] = ()

    @property
    def release(self) -> str:
        """The package that predicts, and its version."""
        return f"{LEARN} {self.packages[LEARN]}"

    @property
    def warning(self) -> str:
        """What whoever runs it has to know."""
        own = f", and {', '.join(code.file for code in self.code)}" * bool(self.code)
        return (
            f"{self.release} predicts: it loads the artifacts, which runs what is in them{own}; "
            "serve only what you trust"
        )
