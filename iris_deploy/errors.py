"""The whole error hierarchy: what a user can be told, and with which exit code.

Owns the exceptions that the project raises on purpose. Knows nothing of HTTP, of the terminal,
or of the floors above it. An error's text says what is wrong, what was expected and what came;
its ``hint`` is the next step.
"""

from collections.abc import Iterable

_LONGEST_SHOWN = 120  # characters of a wrong value


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


class ScoringError(IrisDeployError, ValueError):
    """Files cannot be scored: they cannot be read, do not fit the bundle, or cannot be written."""


class ClusterError(IrisDeployError, OSError):
    """A cluster is not there, does not answer, or has another version of this package."""


class ServerError(IrisDeployError, OSError):
    """The server cannot listen where it was told to."""


class ImageError(IrisDeployError):
    """An image cannot be built, tried, tagged or pushed."""


class RecipeError(IrisDeployError):
    """Files for a platform cannot be made or written."""


class GateError(IrisDeployError):
    """A figure is not what was asked for: the accuracy of a bundle, the size of an image."""

    exit_code = 4


def first_line(told: object, longest: int = 160) -> str:
    """Return the first line of what somebody else's error says; its kind if it says nothing.

    Parameters
    ----------
    told : Exception or str
    longest : int
        Characters.
    """
    return str(told).strip().partition("\n")[0][:longest] or type(told).__name__


def expect_between(field: str, number: int, least: int, most: int) -> None:
    """Refuse a whole number that is out of bounds; see `expect`."""
    expect(least <= number <= most, field, f"a whole number from {least} to {most}", number)


def expect(holds: bool, field: str, expected: str, got: object) -> None:  # noqa: FBT001
    """Refuse a value of a setting unless a condition holds.

    Parameters
    ----------
    holds : bool
    field : str
        Its name in the settings. Texts have it in backquotes; the command line spells the option.
    expected : str
        What would be right.
    got : object
        The value; shown cut if it is long, and escaped if it cannot be shown.

    Raises
    ------
    SettingsError
    """
    if not holds:
        shown = str(got) if is_clean(str(got)) else ascii(got)
        if len(shown) > _LONGEST_SHOWN:
            shown = shown[:_LONGEST_SHOWN] + "..."
        raise SettingsError(f"`{field}`: expected {expected}, got {shown}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Ask for the name that was probably meant, behind what is wrong; nothing if none is near."""
    from difflib import get_close_matches  # only errors pay for it

    close = get_close_matches(name[:64], known, 1)
    return f"; did you mean {close[0]}?" if close else ""


def is_clean(text: str) -> bool:
    """Tell whether text can be given to the system and shown: UTF-8 without NUL."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
