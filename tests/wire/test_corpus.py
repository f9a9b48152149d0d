"""Two thousand requests are answered as they have been, to the byte."""

from tests import corpus
from tests.conftest import serving


def test_every_recorded_request_is_answered_as_ever() -> None:
    recorded = corpus.read()
    assert [asked for asked, _ in recorded] == corpus.requests()
    with serving(corpus.ARTIFACTS, "--workers", 1) as server:
        told = corpus.answers(server.address)
        assert not server.events("bug")
    different = [
        (asked[:200], before[:400], now[:400])
        for (asked, before), now in zip(recorded, told, strict=True)
        if before != now
    ]
    assert different == []
    statuses = {answer[9:12] for _, answer in recorded}
    assert statuses >= {b"200", b"400", b"404", b"405", b"413", b"415", b"417", b"422", b"501"}
