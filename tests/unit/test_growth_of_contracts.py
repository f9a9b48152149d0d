"""What anybody may send to any contract costs no more than its bytes, in work and in memory."""

import copy
import json
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from iris_deploy.bundle.repository import Repository
from iris_deploy.codec.readers import Readers
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.signature import Signature
from iris_deploy.serving.reply import Reply, Stream
from iris_deploy.serving.route import Route
from iris_deploy.serving.worker.memory import SMALL, WORKING
from tests.contracts import Asked
from tests.growth import assert_linear, peak, seconds
from tests.hostile import LOOP
from tests.hostile_contracts import HOSTILE
from tests.signatures import NUMBER, category, number
from tests.spoken import Spoken
from tests.unit.test_contracts_agree import COLUMNS, model
from tests.ways import WAYS

pytestmark = [pytest.mark.no_cover, pytest.mark.once]  # work is measured here

BODY = 1 << 18  # bytes of a large one
ONCE = 1 << 18  # bytes that do not depend on it
ONE_BY_ONE = ("native, one object", "native, form")
WRITING = 12  # bytes for each of the body that a large answer takes while it is written


@pytest.fixture(scope="module")
def spoken(_trained: Path) -> Spoken:
    return Spoken(Repository(_trained).read(None, 1).predictor, {"length": 1.0, "width": 1.0})


def handle(spoken: Spoken, name: str, size: int) -> tuple[bytes, Callable[[], Reply | None]]:
    """Return a body of some size, and what answers it on a thread."""
    hostile = HOSTILE[name]
    body, length = hostile.make(size), hostile.length(size)
    headers = {"CONTENT_TYPE": hostile.content_type}
    if length is not None:
        headers["INFERENCE_HEADER_CONTENT_LENGTH"] = str(length)
    resource = spoken.table.find(hostile.path)
    assert resource is not None
    return body, partial(resource.routes["POST"].handle, Asked("", headers), body)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_costs_no_more_than_its_bytes(spoken: Spoken, name: str) -> None:
    assert_linear(lambda n: handle(spoken, name, n)[1], 1 << 16)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_worked_on_in_the_loop_does_not_hold_it(spoken: Spoken, name: str) -> None:
    hostile = HOSTILE[name]
    route = spoken.table.resources[hostile.path].routes["POST"]
    assert route.quick is not None
    for size in (4000, SMALL - 2000):
        headers = {"CONTENT_TYPE": hostile.content_type}
        length = hostile.length(size)
        if length is not None:
            headers["INFERENCE_HEADER_CONTENT_LENGTH"] = str(length)
        run = partial(route.quick, Asked("", headers), hostile.make(size))
        assert min(seconds(run) for _ in range(5)) < LOOP


@pytest.mark.parametrize("name", HOSTILE)
def test_working_on_a_body_takes_so_many_bytes_for_each_of_its_own(
    spoken: Spoken, name: str
) -> None:
    body, run = handle(spoken, name, BODY)
    replies: list[Reply | None] = []
    took = peak(lambda: replies.append(run()))
    assert took <= (WORKING - 1) * len(body) + ONCE, f"{took / len(body):.1f}"
    (reply,) = replies
    assert reply is not None
    if isinstance(reply.body, Stream):
        stream = reply.body
        assert stream.held <= WRITING * len(body)
        assert peak(lambda: [None for _ in stream.pieces]) <= len(body) + 4 * ONCE
        return
    assert reply.status == 200 or len(reply.body) < 32_768


class Weighed(Spoken):
    """All contracts, and what each answer in pieces kept and said that it keeps, in bytes."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__(predictor, {})
        self.streams: list[tuple[int, int]] = []

    def handle(self, route: Route, asked: Asked, body: bytes) -> Reply:
        """Answer, and weigh what is kept; the body counts as long as anything has it."""
        tracemalloc.start()
        try:
            reply = route.handle(asked, b"".join((body[:1], body[1:])))
            if isinstance(reply.body, Stream):
                kept, _ = tracemalloc.get_traced_memory()
                self.streams.append((kept, reply.body.held))
        finally:
            tracemalloc.stop()
        return reply


@pytest.mark.parametrize("name", [name for name in WAYS if name not in ONE_BY_ONE])
def test_an_answer_in_pieces_keeps_no_more_than_it_says(name: str) -> None:
    weighed = Weighed(model(("text",), "texts"))
    WAYS[name](weighed, {COLUMNS["text"].name: ["x " * 500] * 1000})
    assert weighed.streams or "details" not in name
    for kept, held in weighed.streams:
        assert kept <= held + ONCE


def wide(n: int) -> Callable[[], object]:
    """Return what reads a row of so many columns, in another order, out of CSV and of a frame."""
    names = [f"a feature of number {k:06d}" for k in range(n // 8)]
    signature = Signature(columns=tuple(map(number, names)), output=NUMBER)
    readers = Readers(signature)
    others, ones = names[::-1], [1] * len(names)
    text = f"{','.join(others)}\n{','.join(map(str, ones))}".encode()
    frame = json.dumps({"columns": others, "data": [ones]}).encode()

    def read() -> None:
        assert len(readers.csv.read(text).rows.values) == 1
        assert readers.json.read_plain_split(frame, "") is not None

    return read


def test_reading_a_row_of_many_columns_costs_no_more_than_their_number() -> None:
    assert_linear(wide, 1 << 15)


def test_what_is_known_of_categories_is_kept_once_for_all_contracts() -> None:
    n_categories = 20_000
    predictor = copy.copy(model(("number", "words"), "texts"))
    many = category("colour", [f"value {k}" for k in range(n_categories)])
    columns = (predictor.signature.columns[0], many)
    predictor.signature = msgspec.structs.replace(predictor.signature, columns=columns)
    assert peak(lambda: Spoken(predictor, {})) < 400 * n_categories
