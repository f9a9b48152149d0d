"""What anybody may send costs no more than its bytes: work and memory grow with them, no faster.

Each generator makes an input of any size that is as awkward as its part of a request can be. One
that is missing here is one that somebody else will find.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.repository import Repository
from iris_deploy.serving.worker.request import Limits, Request
from tests.contracts import Contract
from tests.growth import assert_linear, seconds
from tests.hostile import BODIES, FRAMED, HEADS, LOOP
from tests.pieces import CHUNKED, post_head

pytestmark = pytest.mark.no_cover  # work is measured here

HEAD, BODY = 16_000, 1 << 20  # bytes that the limits allow
RECEIVED = 1 << 16  # bytes that the loop takes at a time

LIMITS = Limits(16384, BODY)


def parse(pieces: list[bytes]) -> None:
    """Take what came, one request after another as a connection does."""
    request = Request(LIMITS)
    for piece in pieces:
        at = 0
        while at < len(piece) and not request.error:
            at = request.take(piece, at)
            if request.completed and not request.error:
                request = Request(LIMITS)


CUTS: dict[str, Callable[[bytes], list[bytes]]] = {
    "whole": lambda data: [data],
    "by byte": lambda data: [data[k : k + 1] for k in range(len(data))],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", HEADS)
def test_a_head_costs_no_more_than_its_bytes(name: str, cut: str) -> None:
    def make(n: int) -> Callable[[], None]:
        return partial(parse, CUTS[cut](HEADS[name](n)))

    assert_linear(make, HEAD)
    assert min(seconds(make(HEAD)) for _ in range(3)) < (LOOP if cut == "whole" else 1)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", FRAMED)
def test_a_body_in_chunks_costs_no_more_than_its_bytes(name: str, cut: str) -> None:
    def make(n: int) -> Callable[[], None]:
        return partial(parse, [post_head(CHUNKED), *CUTS[cut](FRAMED[name](n))])

    assert_linear(make, RECEIVED if cut == "whole" else RECEIVED // 4)


RIGHT = {"right", "strings", "arrays", "a fraction of many digits"}
"""What is answered with a prediction."""


@pytest.fixture(scope="module")
def bundle(_trained: Path) -> Bundle:
    return Repository(_trained).read(None, 1)


def answer(contract: Contract, body: bytes, *, details: bool) -> int:
    """Return how many bytes an answer has, a refusal's text included."""
    query = "details" if details else ""
    return len(contract.reply(query, "application/json", body).body)


@pytest.mark.parametrize("details", [False, True], ids=["labels", "details"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_costs_no_more_than_its_bytes(bundle: Bundle, name: str, details: bool) -> None:
    contract = Contract(bundle.predictor)

    def make(n: int) -> Callable[[], object]:
        return partial(answer, contract, BODIES[name](n), details=details)

    assert_linear(make, 1 << 17)


@pytest.mark.parametrize("name", BODIES)
def test_what_is_worked_on_in_the_loop_does_not_hold_it(bundle: Bundle, name: str) -> None:
    contract = Contract(bundle.predictor)
    body = BODIES[name](4000)
    run = partial(answer, contract, body, details=True)
    assert min(seconds(run) for _ in range(9)) < LOOP


@pytest.mark.parametrize("name", sorted(BODIES.keys() - RIGHT))
def test_a_refusal_is_not_larger_than_a_page(bundle: Bundle, name: str) -> None:
    body = BODIES[name](BODY)
    answered = Contract(bundle.predictor).reply("", "application/json", body)
    assert answered.status in {400, 422}
    assert len(answered.body) < 32_768


@pytest.mark.parametrize(
    "query",
    [lambda n: "a" * n, lambda n: "a=&" * (n // 3), lambda n: "%61" * (n // 3), lambda n: "&" * n],
    ids=["one name", "many names", "encoded", "nothing"],
)
def test_a_query_costs_no_more_than_its_bytes(bundle: Bundle, query: Callable[[int], str]) -> None:
    contract = Contract(bundle.predictor)

    def make(n: int) -> Callable[[], object]:
        return partial(contract.reply, query(n), "application/json", b"{}")

    assert_linear(make, HEAD)
    assert min(seconds(make(HEAD)) for _ in range(9)) < LOOP
