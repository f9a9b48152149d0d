"""What a route answers, before any server has put it on a wire."""

from typing import NamedTuple

JSON = (("Content-Type", "application/json"),)
PROBLEM = (("Content-Type", "application/problem+json"),)


class Reply(NamedTuple):
    """Status, headers and body of one answer.

    Parameters
    ----------
    status : int
        HTTP status code.
    headers : tuple of (name, value)
        What belongs to this answer; the server adds what belongs to every answer.
    body : bytes
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
