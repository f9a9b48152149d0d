"""What the benchmarks send is what people send, and what they tell is explained."""

import re

import pytest

from benchmarks.__main__ import CASES
from benchmarks.captions import CAPTIONS
from benchmarks.cases import ONE_ROW, Plan
from benchmarks.catalogue import ALL
from benchmarks.goals import lines_of_goals
from benchmarks.measure import Record, Sample
from benchmarks.peer import Peer
from benchmarks.traffic import N_HEADS, Request, same_head, varied
from tests.package import ROOT

BODIES = (b'{"a":1.5}', b'{"a":1.25}', b'{"a":2.5}')
REQUESTS = [Request("/predict", body) for body in BODIES]
HOST = "127.0.0.1:5000"


def fields(request: bytes) -> dict[str, str]:
    """Read the head of a request that has the length it tells."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    assert line == "POST /predict HTTP/1.1"
    found = dict(line.split(": ", 1) for line in rest)
    assert len(found) == len(rest)
    assert int(found["Content-Length"]) == len(body)
    return found


def test_every_request_has_ids_and_a_body_of_its_own() -> None:
    heads = [fields(request) for request in varied(REQUESTS, HOST)]
    assert len(heads) == N_HEADS
    assert {head["Content-Length"] for head in heads} == {"9", "10"}
    for name, form in {
        "X-Request-Id": r"[0-9a-f]{32}",
        "traceparent": r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01",
    }.items():
        found = {head[name] for head in heads}
        assert len(found) == N_HEADS
        assert all(re.fullmatch(form, value) for value in found)
    addresses = [head["X-Forwarded-For"] for head in heads]
    assert len(set(addresses)) > N_HEADS / 2
    assert 0.2 < sum(", " in address for address in addresses) / N_HEADS < 0.3


def test_requests_are_the_same_in_every_run() -> None:
    assert [*varied(REQUESTS, HOST)] == [*varied(REQUESTS, HOST)]


def test_large_bodies_come_with_fewer_heads() -> None:
    sent = [*varied([Request("/predict", b" " * 2**20)], HOST)]
    assert 1 < len(sent) <= 32
    assert len({fields(request)["X-Request-Id"] for request in sent}) == len(sent)


def test_one_head_is_one_to_the_byte_with_different_bodies() -> None:
    sent = [*same_head(REQUESTS, HOST)]
    assert [request.partition(b"\r\n\r\n")[2] for request in sent] == [BODIES[0], BODIES[2]]
    assert len({request.partition(b"\r\n\r\n")[0] for request in sent}) == 1


@pytest.mark.parametrize("case", CASES)
def test_every_case_says_what_is_seen_of_it(case: str) -> None:
    assert CAPTIONS[case]
    assert f"`{case}`" in (ROOT / "docs/benchmarks.md").read_text()


@pytest.mark.parametrize("peer", [peer for peer in ALL if not peer.is_ours], ids=lambda p: p.name)
def test_what_peers_need_is_pinned(peer: Peer) -> None:
    first, *rest = (peer.directory / "requirements.txt").read_text().splitlines()
    assert first.startswith("# Asked for: ")
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in rest)
    assert {line.partition("==")[0].lower() for line in rest} >= set(peer.packages)


def test_goals_are_held_against_what_the_rounds_have_measured() -> None:
    plan, record = Plan((ONE_ROW,), workers=(2,), connections=(32,)), Record()
    assert not [*lines_of_goals(plan, record)]
    for number, rate in enumerate((10.0, 12.0, 14.0)):
        for subject, figure in (("iris-deploy", rate), ("uvicorn-ours", 8.0)):
            setting, figures = "2 workers, 32 connections", {"requests/s": figure}
            record.samples.append(Sample(ONE_ROW, setting, subject, number, figures))
    [line] = [line for line in lines_of_goals(plan, record) if "raw uvicorn" in line]
    assert line.endswith("| 1.30 | 1.50 (1.38 to 1.62) | yes | 3 |")
