"""What a route answers, before any server has put it on a wire."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from iris_deploy.codec.pointers import FieldProblem

JSON = (("Content-Type", "application/json"),)
PROBLEM = (("Content-Type", "application/problem+json"),)


class Stream(NamedTuple):
    """A large body that is made piece by piece, as the client reads it.

    Parameters
    ----------
    pieces : iterator of bytes
        Each made in a few milliseconds at most.
    length : int or None
        Bytes of all together, where they are known beforehand.
    held : int
        Bytes of memory that are kept until the last piece is made.
    """

    pieces: Iterator[bytes]
    length: int | None
    held: int


class Reply(NamedTuple):
    """Status, headers and body of one answer.

    Parameters
    ----------
    status : int
        HTTP status code.
    headers : tuple of (name, value)
        What belongs to this answer; the server adds what belongs to every answer.
    body : bytes or Stream
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | Stream

    @property
    def length(self) -> int | None:
        """Bytes of the body, where they are known beforehand."""
        return len(self.body) if isinstance(self.body, bytes) else self.body.length

    def read(self) -> bytes:
        """Return the whole body."""
        return self.body if isinstance(self.body, bytes) else b"".join(self.body.pieces)


class Refusal(NamedTuple):
    """Why something is not answered, before it has any form.

    Parameters
    ----------
    status : int
        HTTP status code.
    detail : str
        What is wrong and what to do, for a person.
    problems : sequence of FieldProblem
        The bad fields, if it is about fields.
    headers : tuple of (name, value)
        What belongs to the answer, beside what its body is.
    """

    status: int
    detail: str
    problems: Sequence[FieldProblem] = ()
    headers: tuple[tuple[str, str], ...] = ()
