"""How much of anything can be asked for, and the words in which a setting is refused.

Beyond these bounds a value is a slip of the pen: what it asks of the system is not to be had.
"""

from iris_deploy.addresses import is_clean
from iris_deploy.errors import SettingsError

YEAR = 365 * 24 * 3600.0
"""Seconds. Every clock and every call of the system can still count them."""

MOST_PASSES = 10**6
"""Of the talk's perceptron over its data: ten seconds."""

MOST_WORKERS = 1024
"""As many as an affinity mask names processors (`cpu_set_t`)."""

MOST_THREADS = 1024
"""Of one worker; they share one processor."""

LARGEST_BODY = 2**30
"""Bytes, of some 30 million instances, which are kept in memory, and 25 times that beside them."""

MOST_MEMORY = 2**40
"""Bytes; more than machines have."""

LARGEST_HEADER = 2**20
"""Bytes; more than a hundred times what browsers and proxies send."""

MOST_CONNECTIONS = 10**6
"""Of one worker: about as many files as Linux lets a process open (fs.nr_open, 1048576)."""

MOST_PROXIES = 100
"""In a row. More entries of X-Forwarded-For hardly fit into a header."""

LATEST_VERSION = 10**9 - 1
"""Of a model; the name of its directory has nine digits at most."""

_LONGEST_SHOWN = 120  # characters of a wrong value


def expect_between(option: str, number: int, least: int, most: int) -> None:
    """Refuse a whole number that is out of bounds; see `expect`."""
    expect(least <= number <= most, option, f"a whole number from {least} to {most}", number)


def expect(holds: bool, option: str, expected: str, got: object) -> None:  # noqa: FBT001
    """Refuse a value of an option unless a condition holds.

    Parameters
    ----------
    holds : bool
    option : str
        Its name, as it is given.
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
        message = f"{option}: expected {expected}, got {shown}"
        raise SettingsError(message)
