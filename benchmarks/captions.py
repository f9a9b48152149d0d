"""What a user sees of each case, for the report."""

from benchmarks.cases import (
    ACCESS_LOG,
    BEHIND_NGINX,
    MANY_ROWS,
    ONE_ROW,
    SAME_HEAD,
    START,
    TRAFFIC,
)
from benchmarks.growth import GROWTH
from benchmarks.library import LIBRARY

CAPTIONS = {
    ONE_ROW: "A service behind an ingress: every request has its own request id, trace, forwarded "
    "address, body and length, on connections that are kept; access log off.",
    SAME_HEAD: "What load generators send, and most published figures are of: one head to the "
    "byte, with nothing in it that HTTP does not want. Hardly anybody has such traffic.",
    ACCESS_LOG: "As without, and a line in the log for each request, to a file: servers as they "
    "come.",
    BEHIND_NGINX: "As without, through nginx with TLS as `recipe compose --proxy nginx` writes "
    "it, on the same processors; theirs and its own together in CPU.",
    MANY_ROWS: "A batch in one request, one after the other on one connection: how long a client "
    "waits for it.",
    START: "How long a new server, or one more of them, takes until it is of use, and the memory "
    "to plan with.",
    LIBRARY: "The predictor in a program of one's own, the command line, training.",
    GROWTH: "What more connections, workers and rows cost.",
}


def captions(case: str, subjects: list[str]) -> list[str]:
    """Return what is said of a case, and of each traffic that its subjects were measured in."""
    if case != ONE_ROW:
        return [CAPTIONS[case]]
    kinds = {subject.partition(": ")[2] for subject in subjects}
    plain = [f"- {CAPTIONS[ONE_ROW]}"] if "" in kinds else []
    return plain + [f"- {word}: {CAPTIONS[of]}" for of, word in TRAFFIC.items() if word in kinds]
