"""Heads that are known by their lines come to what they would come to the long way."""

import contextlib
import gc
import itertools
import random
import re
import types
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.serving.worker import request as request_module
from iris_deploy.serving.worker.head import read_fields
from iris_deploy.serving.worker.known_heads import (
    DECIDING,
    HEADS,
    LEARNED_AT_ONCE,
    NEVER,
    READ,
    KnownHeads,
)
from tests.known_heads import CHANGES, LEARNED, LIMITS, POSTED, compare, the_long_way, write
from tests.pieces import BODY, PREDICTION, post
from tests.smuggling import SMUGGLING
from tests.turns import Turns

OWN = re.compile(rb"\r\n(Date: [^\r]*|X-Request-Id: [0-9a-f]{12}-[0-9a-f]+)")
PROXIED = (
    b"User-Agent: curl/8.5.0",
    b"X-Request-ID: 0123456789abcdef",
    b"X-Forwarded-For: 192.0.2.7, 198.51.100.9",
    b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)


@pytest.fixture
def turns(_trained: Path) -> Iterator[Callable[..., Turns]]:
    with contextlib.ExitStack() as stack:
        yield lambda **options: Turns(_trained, stack, **options)


def is_known(turns: Turns, request: bytes) -> bool:
    """Tell whether the head of a request is known, whole or by its lines."""
    heads = turns.connections.quick.heads
    head = request.partition(b"\r\n\r\n")[0]
    return head in heads.whole or heads.read(head, 0) is not None


def test_a_changed_head_that_is_known_says_what_the_long_way_reads() -> None:
    assert compare(60_000, seed=20) > 3000


def test_replies_are_the_same_to_the_byte_whether_a_head_is_known(
    turns: Callable[..., Turns],
) -> None:
    """Known or not, changed or not, each followed by a request that shows what was left over."""
    rng = random.Random(20)
    quick, slow = turns(), turns(knows=False)
    usual = [*POSTED, *PROXIED, b"Content-Type: application/json"]
    known = 0
    for _ in range(1500):
        lines = [*usual, b"Content-Length: %d" % len(BODY)]
        request = write(lines) + b"\r\n\r\n" + BODY
        for one in (quick, slow):
            if not one.channel.connected or one.channel.busy:
                one.connect()
            one.exchange(request)
            one.exchange(request)
        if rng.random() < 0.7:
            rng.choice(CHANGES)(rng, lines)
        changed = write(lines) + b"\r\n\r\n" + BODY
        known += is_known(quick, changed)
        answers = [OWN.sub(b"", one.exchange(changed)) for one in (quick, slow)]
        assert answers[0] == answers[1], changed
    assert known > 300


@pytest.mark.parametrize("name", SMUGGLING)
def test_what_tries_to_smuggle_is_answered_as_if_nothing_were_known(
    turns: Callable[..., Turns], name: str
) -> None:
    quick, slow = turns(), turns(knows=False)
    for learned in LEARNED.values():
        for _ in range(2):
            quick.exchange(write(learned) + b"\r\n\r\n")
            quick.connect()
    for _ in range(2):
        quick.exchange(post(BODY))
    answers = [OWN.sub(b"", one.exchange(SMUGGLING[name])) for one in (quick, slow)]
    assert answers[0] == answers[1]


def test_a_known_request_cut_at_any_byte_is_put_together(turns: Callable[..., Turns]) -> None:
    connection, request = turns(), post(BODY, *PROXIED)
    for _ in range(3):
        whole = OWN.sub(b"", connection.exchange(request))
    assert is_known(connection, request)
    assert whole.endswith(PREDICTION)
    for cut in range(1, len(request)):
        assert OWN.sub(b"", connection.exchange(request[:cut], request[cut:])) == whole
        assert OWN.sub(b"", connection.exchange(request)) == whole


def test_every_field_that_a_route_looks_at_is_read_of_a_known_head(
    turns: Callable[..., Turns], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A field that a route looks at and that is in neither list would be overlooked."""
    looked_at: set[str] = set()

    class Recorder(dict[str, str]):
        def __getitem__(self, key: str) -> str:
            looked_at.add(key)
            return super().__getitem__(key)

        def get(self, key: str, default: Any = None) -> Any:
            looked_at.add(key)
            return super().get(key, default)

        def __contains__(self, key: object) -> bool:
            looked_at.add(str(key))
            return super().__contains__(key)

    monkeypatch.setattr(request_module, "read_fields", lambda data: Recorder(read_fields(data)))
    connection = turns(token="a-token-of-the-tests", knows=False)
    more = [b"Authorization: Bearer a-token-of-the-tests", b"Origin: https://a.example"]
    for path in connection.endpoints.served.table.resources:
        for kind in (b"application/json", b"text/csv", b"application/octet-stream"):
            for method in (b"GET", b"POST", b"OPTIONS"):
                fields = [*more, *PROXIED, b"Content-Type: " + kind, b"Content-Length: 2"]
                line = b"%b %b HTTP/1.1" % (method, path.encode())
                connection.exchange(write([line, b"Host: x", *fields]) + b"\r\n\r\n{}")
                if not connection.channel.connected:
                    connection.connect()
    assert {"ACCEPT", "CONTENT_TYPE", "X_FORWARDED_FOR", "AUTHORIZATION"} <= looked_at
    assert looked_at <= DECIDING | READ | NEVER


def everything_in(thing: object) -> Iterator[object]:
    """Yield all that is kept in something, wherever but in code."""
    code = type | types.ModuleType | types.FunctionType | types.MethodType
    seen: set[int] = set()
    left = [thing]
    while left:
        here = left.pop()
        if id(here) in seen or isinstance(here, code):
            continue
        seen.add(id(here))
        yield here
        left += gc.get_referents(here)


def test_no_secret_is_kept_when_its_request_is_answered(turns: Callable[..., Turns]) -> None:
    token, cookie = b"a-token-of-the-tests", b"a-cookie-of-the-tests"
    connection = turns(token=token.decode())
    for fields in ([], [b"Cookie: id=" + cookie], [b"Cookie: id=" + cookie, b"A: b"]):
        request = post(BODY, b"Authorization: Bearer " + token, *fields)
        for _ in range(5):
            assert connection.ask(request).status == 200
        assert is_known(connection, request)
    kept = [*everything_in(connection.connections.quick.heads)]
    texts = [str(text) for text in kept if isinstance(text, str | bytes)]
    assert any("Bearer" not in text and "application" in text for text in texts)
    assert not [text for text in texts if token.decode() in text or cookie.decode() in text]


def test_a_bundle_that_is_served_no_more_is_not_kept(turns: Callable[..., Turns]) -> None:
    connection = turns()
    for _ in range(4):
        for request in (post(BODY), post(BODY, *PROXIED)):
            assert connection.ask(request).status == 200
    quick: Any = connection.endpoints.served.table.resources["/predict"].routes["POST"].quick
    predicts = weakref.ref(quick.__self__)
    del quick
    connection.endpoints.prepare(connection.endpoints.bundle)()
    assert connection.ask(post(BODY, target=b"/nope")).status == 404  # Flask's is made anew, too
    gc.collect()
    assert predicts() is None


def test_heads_that_are_known_are_so_many_and_no_more() -> None:
    heads = KnownHeads(LIMITS, clock=itertools.count().__next__)
    for k in range(3 * HEADS):
        lines = [b"POST /predict?%d HTTP/1.1" % (k // 40), b"Host: %d" % k, b"A: b"]
        for _ in range(2):
            head = write(lines)
            heads.learn(the_long_way(head))
            for _ in range(2):
                found = heads.read(head, hash(head))
                assert found is not None
                assert found[1] == {"HOST": str(k)}
        assert len(heads.whole) <= HEADS
    known = [one for one in everything_in(heads) if isinstance(one, re.Pattern)]
    assert 16 <= len(known) <= HEADS


def test_as_many_kinds_of_clients_as_come_through_one_proxy_are_known() -> None:
    """A head for each set and order of fields, as libraries and browsers write them."""
    heads = KnownHeads(LIMITS, clock=itertools.count().__next__)
    more = [b"User-Agent: a", b"Accept-Encoding: gzip", b"X-Request-ID: b", b"Cookie: c"]
    kinds = [
        write([*POSTED, *fields])
        for n in range(len(more) + 1)
        for fields in itertools.permutations(more, n)
        if [*fields[:1]] in ([], more[:1])  # the user agent is first, or there is none
    ]
    for head in kinds:
        heads.learn(the_long_way(head))
    assert len(kinds) > 10
    assert all(heads.read(head, 0) for head in kinds)


def test_learning_is_not_what_somebody_can_keep_a_worker_busy_with() -> None:
    heads = KnownHeads(LIMITS, clock=lambda: 0.0)
    several = [write([b"GET / HTTP/1.1", b"Host: %d" % k]) for k in range(100)]
    known = 0
    for head in several:
        heads.learn(the_long_way(head))
        known += heads.read(head, 0) is not None
    assert known == LEARNED_AT_ONCE
