"""A bundle that travels to a worker is verified there, before anything of it is decoded."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from iris_deploy.bundle.bundle import read_manifest
from iris_deploy.errors import BundleDigestError, BundleError, IrisDeployError
from iris_deploy.scoring.engines import packed
from iris_deploy.scoring.engines.engine import try_to_score
from iris_deploy.scoring.engines.packed import find_scorer, pack_bundle
from iris_deploy.scoring.scorer import Scorer


@pytest.fixture(autouse=True)
def _nothing_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_scorers", {})


@pytest.fixture
def bundle(artifacts: Path) -> Path:
    return artifacts / "iris" / "1"


def test_a_bundle_is_read_once_and_kept_for_all_pieces(bundle: Path) -> None:
    digest = read_manifest(bundle).digest
    data = pack_bundle(bundle, digest)
    reads: list[bytes] = []

    def read() -> bytes:
        reads.append(data)
        return data

    first, second = (find_scorer(digest, read) for _ in range(2))
    assert first is second
    assert isinstance(first, Scorer)
    assert len(reads) == 1


def test_a_bundle_that_was_replaced_is_not_sent(bundle: Path) -> None:
    with pytest.raises(BundleDigestError, match="was replaced while files were scored"):
        pack_bundle(bundle, read_manifest(bundle.parent / "2").digest)


def test_another_bundle_than_was_sent_is_refused(bundle: Path) -> None:
    other = bundle.parent / "2"
    data = pack_bundle(other, read_manifest(other).digest)
    with pytest.raises(BundleDigestError, match="is not the one that was sent"):
        find_scorer(read_manifest(bundle).digest, lambda: data)


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("damage", [_flip, lambda data, at: data[:at]], ids=["flip", "cut"])
def test_a_bundle_that_comes_damaged_is_refused(
    bundle: Path, damage: Callable[[bytes, int], bytes]
) -> None:
    """Wherever it is: in a name, in the manifest, in a dump."""
    digest = read_manifest(bundle).digest
    data = pack_bundle(bundle, digest)
    for at in random.Random(0).sample(range(len(data)), 300):
        outcome = try_to_score(
            lambda at=at: find_scorer(digest, lambda: damage(data, at)),  # type: ignore[misc]
            None,  # type: ignore[arg-type]
            None,
        )
        assert outcome.bug == ""
        assert isinstance(outcome.error, BundleError), at
        with pytest.raises(IrisDeployError):
            outcome.take()
