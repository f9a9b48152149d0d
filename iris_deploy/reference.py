"""How an image is named: registry, repository, tag, digest.

References
----------
The grammar of the distribution project (github.com/distribution/reference).
"""

import re
from typing import NamedTuple

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:)|\[[0-9a-f:]+\])"
_REFERENCE = re.compile(
    rf"(?:(?P<registry>{_REGISTRY}(?::\d+)?)/)?"
    rf"(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_LONGEST = 255  # characters of registry and repository, as engines take them


class Reference(NamedTuple):
    """A reference to an image.

    Parameters
    ----------
    registry : str
        Empty for the engine's own default, Docker Hub.
    repository, tag, digest : str
        The latter two may be empty.
    """

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    def __str__(self) -> str:
        """Return it as it is written: by the digest if there is one, else by the tag."""
        if self.digest:
            return f"{self.name}@{self.digest}"
        return f"{self.name}:{self.tag}" if self.tag else self.name


def read_reference(text: str) -> Reference | None:
    """Read a reference; None if it is none.

    Parameters
    ----------
    text : str
        ``[registry/]repository[:tag][@sha256:...]``
    """
    if len(text) > _LONGEST + 128 + 80:
        return None
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    parts = Reference(*(match[part] or "" for part in Reference._fields))
    return parts if len(parts.name) <= _LONGEST else None
