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
    ONE_ROW: "a service behind an ingress. Each request has a request id, a trace, a forwarded "
    "address, a body and a length of its own; connections are kept, the access log is off.",
    SAME_HEAD: "a load generator. One head to the byte, with no more in it than HTTP wants: what "
    "most published figures are of, and hardly anybody's traffic.",
    ACCESS_LOG: "a server as it comes, with a line for each request, to a file.",
    BEHIND_NGINX: "a client of `recipe compose --proxy nginx`: that nginx in front, with TLS, on "
    "the same processors. CPU is that of both.",
    MANY_ROWS: "a batch in one request, one after the other on one connection: how long a client "
    "waits for it.",
    START: "how long a new server, or one more of them, takes until it is of use; and the memory "
    "to plan with.",
    LIBRARY: "the predictor in a program of one's own, the command line, training.",
    GROWTH: "what more connections, workers and rows cost.",
}


def captions(case: str, subjects: list[str]) -> list[str]:
    """Say what a case is like, and each traffic that its subjects were measured in."""
    if case != ONE_ROW:
        return [f"What is seen: {CAPTIONS[case]}"]
    kinds = {subject.partition(": ")[2] for subject in subjects}
    plain = [f"- A name alone: {CAPTIONS[ONE_ROW]}"] if "" in kinds else []
    return plain + [
        f"- {word.capitalize()}: {CAPTIONS[of]}" for of, word in TRAFFIC.items() if word in kinds
    ]
