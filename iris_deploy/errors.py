"""The whole error hierarchy: what a user can be told, and with which exit code.

Owns the exceptions that the project raises on purpose. Knows nothing of HTTP, of the terminal,
or of the floors above it. An error's text says what is wrong, what was expected and what came;
its ``hint`` is the next step.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class IrisDeployError(Exception):
    """Root of every error that is raised on purpose.

    Parameters
    ----------
    message : str
        What is wrong, what was expected and what came.
    hint : str, optional
        What to do next.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message alone, whatever built-in exception is inherited too."""
        return self.message


class SettingsError(IrisDeployError, ValueError):
    """A setting has a value that it cannot have."""

    exit_code = 2


class DatasetError(IrisDeployError, ValueError):
    """A dataset is unknown, or is not the one that was recorded."""


class TrainingError(IrisDeployError, ValueError):
    """The estimators cannot be fitted with these data and settings."""


class MalformedError(IrisDeployError, ValueError):
    """The bytes of a request are not strict JSON."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with one field of one instance.

    Parameters
    ----------
    pointer : str
        Where, as a JSON pointer (RFC 6901) in fragment form, ``#/3/length``.
    detail : str
        What is wrong, expected and got.
    suggestion : str, optional
        The field that was probably meant.
    """

    pointer: str
    detail: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """Return the problem as one line for a person."""
        meant = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        return f"{self.pointer}: {self.detail}{meant}"


class SignatureError(IrisDeployError, ValueError):
    """Instances do not fit the signature of the bundle.

    Parameters
    ----------
    problems : sequence of FieldProblem
        Every bad field at once, a hundred at most.
    more : bool
        Whether there may be more that were not looked at.
    """

    def __init__(self, problems: Sequence[FieldProblem], *, more: bool = False) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        if count == 1:
            summary = str(self.problems[0])
        else:
            least = "at least " if more else ""
            summary = f"{least}{count} problems in the input: "
            summary += "; ".join(map(str, self.problems[:5]))
            if count > 5:
                summary += f"; and {count - 5} more"
        super().__init__(summary)


class BundleError(IrisDeployError):
    """A bundle cannot be read or written."""


class BundleNotFoundError(BundleError, FileNotFoundError):
    """There is no such model, version or file in the repository."""


class BundleFormatError(BundleError, ValueError):
    """The manifest is of another format than this release reads."""


class BundleDigestError(BundleError, ValueError):
    """The bytes on disk are not the bytes that were written."""


class ArtifactError(BundleError, ValueError):
    """A dump is damaged, or holds something that is not in the list of what may be read."""


class ServerError(IrisDeployError, OSError):
    """The server cannot listen where it was told to."""


class ImageError(IrisDeployError):
    """An image cannot be built, tried, tagged or pushed."""


class GateError(IrisDeployError):
    """A figure is not what was asked for: the accuracy of a bundle, the size of an image."""

    exit_code = 4
