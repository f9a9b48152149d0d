"""What a client would rather have, of several: Accept and Accept-Language.

References
----------
RFC 9110, sections 12.4.2, 12.5.1 and 12.5.4.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

Choice = TypeVar("Choice")

_MOST = 32  # preferences of a header that are looked at


def list_preferences(header: str) -> Iterator[tuple[str, float]]:
    """Yield names in small letters and their weights, in the order of the header."""
    for part in header.lower().split(",")[:_MOST]:
        name, *parameters = part.split(";")
        yield name.strip(), _weight(parameters)


def choose(header: str, choices: Mapping[str, Choice], default: Choice) -> Choice:
    """Choose what is preferred, the first of those that are preferred alike.

    Parameters
    ----------
    header : str
    choices : mapping of str to object
        By the names under which they are asked for.
    default : object
        Where none is asked for: nobody is refused for a preference.
    """
    best, chosen = 0.0, default
    for name, weight in list_preferences(header):
        if weight > best and name in choices:
            best, chosen = weight, choices[name]
    return chosen


def choose_language(header: str, languages: Mapping[str, Choice], default: Choice) -> Choice:
    """Choose a language, wherever it is spoken; see `choose`."""
    spoken = ",".join(f"{name.partition('-')[0]};q={q}" for name, q in list_preferences(header))
    return choose(spoken, languages, default)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
