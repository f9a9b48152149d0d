"""A recipe as one object: where it leads, what it takes, and its folder of templates."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What one kind of place needs.

    Parameters
    ----------
    name : str
        Of the recipe, and of its folder of templates.
    summary : str
        What it writes, in a line.
    takes : frozenset of str
        Fields of `RecipeSettings` that it has a use for, beside the name.
    steps : tuple of str
        What to do with the files, one line each; templates too.
    name_length : tuple of int
        The fewest and the most characters that a name may have there.
    image : bool
        Whether it needs an image.
    tokens : str
        File that tokens are read from there; empty where the environment has them.
    drain_delay : int
        Seconds that the server listens on after SIGTERM, where nothing else sees to it that it is
        asked no more.
    shares : str
        Another recipe's folder whose templates it writes too.
    """

    name: str
    summary: str
    takes: frozenset[str] = frozenset()
    steps: tuple[str, ...]
    name_length: tuple[int, int] = (1, 63)
    image: bool = True
    tokens: str = ""
    drain_delay: int = 0
    shares: str = ""
