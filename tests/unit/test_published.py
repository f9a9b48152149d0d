"""A registry is asked for an image, and believed as far as its bytes can be checked."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.bundle.repository import Repository
from tests.conftest import Run

pytestmark = pytest.mark.once

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
Answer = tuple[int, dict[str, str], bytes]


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Registry:
    """What a registry on loopback has, by path; and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[dict[str, str]], Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.address = ""

    def put(self, path: str, data: bytes, status: int = 200, **headers: str) -> str:
        """Answer a path with bytes; return their digest."""
        self.answers[path] = lambda _: (status, headers, data)
        return digest_of(data)

    def push(self, labels: dict[str, str] | None, tag: str = "1.0") -> str:
        """Have an image; return its digest."""
        configuration = json.dumps({"config": {"Labels": labels}}).encode()
        digest = self.put(f"/v2/user/iris/blobs/{digest_of(configuration)}", configuration)
        manifest = json.dumps({"schemaVersion": 2, "config": {"digest": digest}}).encode()
        self.put(f"/v2/user/iris/manifests/{digest_of(manifest)}", manifest)
        return self.put(f"/v2/user/iris/manifests/{tag}", manifest)


@contextmanager
def serving(registry: Registry) -> Iterator[Registry]:
    """Serve a registry."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.title(): value for name, value in self.headers.items()}
            registry.asked.append((self.path, headers))
            path = self.path.partition("?")[0]
            answer = registry.answers.get(path)
            status, more, data = answer(headers) if answer else (404, {}, b"{}")
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        registry.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving(Registry()) as running:
        yield running


@pytest.fixture
def labels(artifacts: Path) -> dict[str, str]:
    """Those of an image of the newest bundle."""
    digest = Repository(artifacts).read(None, None).manifest.digest
    return {"io.iris-deploy.digest": digest, "io.iris-deploy.model": "iris"}


@pytest.fixture
def ask(
    run: Run,
    artifacts: Path,
    tmp_path: Path,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Any]:
    """Write a recipe with an image of the registry; return the code, the text, what was written."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    folder = tmp_path / "it"

    def ask(reference: str = "user/iris:1.0") -> Any:
        image = f"{registry.address}/{reference}"
        given = ("--artifacts", artifacts, "--output", folder)
        ran = run("recipe", "docker", "--image", image, *given)
        written = (folder / "run.sh").read_text() if folder.exists() else ""
        return ran.code, ran.err, written

    return ask


def test_a_tag_becomes_the_digest_of_its_bytes(
    ask: Callable[..., Any], registry: Registry, labels: dict[str, str]
) -> None:
    digest = registry.push(labels)
    code, err, written = ask()
    assert (code, err) == (0, "")
    assert f"docker pull {registry.address}/user/iris@{digest}\n" in written
    assert ":1.0" not in written


def test_of_many_platforms_the_one_that_runs_here_is_looked_into(
    ask: Callable[..., Any], registry: Registry, labels: dict[str, str]
) -> None:
    inner = registry.push(labels, "inner")
    platforms = [("arm64", digest_of(b"")), ("amd64", inner)]
    entries = [
        {"digest": digest, "platform": {"os": "linux", "architecture": name}}
        for name, digest in platforms
    ]
    index = json.dumps({"manifests": entries}).encode()
    digest = registry.put("/v2/user/iris/manifests/1.0", index)
    assert f"@{digest}\n" in ask()[2]
    index = json.dumps({"manifests": entries[:1]}).encode()
    registry.put("/v2/user/iris/manifests/1.0", index)
    code, err, _ = ask()
    assert (code, "no image for linux/amd64" in err) == (1, True)


def test_an_image_of_somebody_else_is_refused(ask: Callable[..., Any], registry: Registry) -> None:
    for others in (None, {}, {"org.opencontainers.image.title": "nginx"}):
        registry.push(others)
        code, err, written = ask()
        assert (code, written) == (1, "")
        assert "no image of iris-deploy" in err


def test_an_image_of_another_bundle_is_refused_and_both_are_named(
    ask: Callable[..., Any], registry: Registry, labels: dict[str, str]
) -> None:
    other = {"io.iris-deploy.digest": digest_of(b"other"), "io.iris-deploy.version": "7"}
    registry.push(labels | other)
    code, err, written = ask()
    assert (code, written) == (1, "")
    assert f"holds iris version 7 ({digest_of(b'other'):.19}), not iris version 2" in err


def test_labels_of_any_length_are_cut(ask: Callable[..., Any], registry: Registry) -> None:
    registry.push({"io.iris-deploy.digest": "x" * 9999, "io.iris-deploy.model": "y" * 9999})
    assert len(ask()[1]) < 800


def test_a_tag_that_does_not_exist_is_refused(
    ask: Callable[..., Any], registry: Registry, labels: dict[str, str]
) -> None:
    registry.push(labels)
    code, err, written = ask("user/iris:2.0")
    assert (code, written) == (1, "")
    assert "the registry has no" in err
    assert "build-image --push" in err


def test_a_registry_that_cannot_be_asked_is_said_and_the_files_are_written(
    ask: Callable[..., Any], registry: Registry, labels: dict[str, str]
) -> None:
    registry.push(labels)
    address, registry.address = registry.address, "127.0.0.1:1"
    code, err, written = ask()
    registry.address = address
    assert code == 0
    assert "was not looked up" in err
    assert "a tag, which may lead to another image" in err
    assert "127.0.0.1:1/user/iris:1.0" in written


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_registry_that_does_not_want_to_answer_is_said(
    ask: Callable[..., Any], registry: Registry, status: int
) -> None:
    registry.put("/v2/user/iris/manifests/1.0", b"", status)
    code, err, written = ask()
    assert (code, "was not looked up" in err, bool(written)) == (0, True, True)


NONSENSE = {
    "no JSON": b"<html>",
    "no object": b"[]",
    "nothing": b"",
    "much too much": b" " * (2 << 20),
    "much too deep": b"[" * 100_000,
    "no configuration": b"{}",
    "a configuration that is none": b'{"config": 1}',
    "a digest that is a path": b'{"config": {"digest": "../../secret"}}',
    "an index of nothing": b'{"manifests": []}',
    "an index that is none": b'{"manifests": 1}',
    "an index of texts": b'{"manifests": ["a"]}',
    "an index without digests": b'{"manifests": [{"platform": {"os": "linux"}}]}',
    "numbers": b"1" * 10_000,
}


@pytest.mark.parametrize("what", NONSENSE)
def test_what_no_registry_would_answer_is_one_clear_error(
    ask: Callable[..., Any], registry: Registry, what: str
) -> None:
    registry.put("/v2/user/iris/manifests/1.0", NONSENSE[what])
    code, err, written = ask()
    assert (code, written) == (1, "")
    assert "Traceback" not in err
    assert len(err) < 800


@pytest.mark.parametrize("data", [b"[]", b'{"config": 1}', b'{"config": {"Labels": 1}}', b"\xff"])
def test_a_configuration_that_is_none_is_refused(
    ask: Callable[..., Any], registry: Registry, data: bytes
) -> None:
    digest = registry.put(f"/v2/user/iris/blobs/{digest_of(data)}", data)
    registry.put("/v2/user/iris/manifests/1.0", json.dumps({"config": {"digest": digest}}).encode())
    code, err, written = ask()
    assert (code, written, "Traceback" in err) == (1, "", False)


def test_bytes_that_have_not_the_digest_that_was_asked_for_are_refused(
    ask: Callable[..., Any], registry: Registry, labels: dict[str, str]
) -> None:
    digest = registry.push(labels)
    assert ask(f"user/iris@{digest}")[0] == 0
    other = digest_of(b"other")
    registry.answers[f"/v2/user/iris/manifests/{other}"] = registry.answers[
        f"/v2/user/iris/manifests/{digest}"
    ]
    code, err, _ = ask(f"user/iris@{other}")
    assert (code, "has the digest" in err) == (1, True)
    blob = next(path for path in registry.answers if "/blobs/" in path)
    registry.put(blob, b'{"config": {}}')
    code, err, _ = ask()
    assert (code, "has another digest" in err) == (1, True)


def test_a_login_is_shown_only_to_its_registry(
    ask: Callable[..., Any], registry: Registry, labels: dict[str, str], tmp_path: Path
) -> None:
    """Neither to where it redirects, nor to one that does not want it."""
    (tmp_path / "docker").mkdir()
    digest = registry.push(labels)
    with serving(Registry()) as storage:
        auths = {registry.address: {"auth": "dXNlcjpzZWNyZXQ="}, "other:1": {"auth": "eDp5"}}
        (tmp_path / "docker/config.json").write_text(json.dumps({"auths": auths}))
        for path in [path for path in registry.answers if "/blobs/" in path]:
            storage.answers[path] = registry.answers[path]
            elsewhere = f"http://{storage.address}{path}"
            registry.put(path, b"", 307, Location=elsewhere)
        for path, answer in list(registry.answers.items()):
            registry.answers[path] = lambda headers, answer=answer: (  # type: ignore[misc]
                answer(headers)
                if headers.get("Authorization") == "Basic dXNlcjpzZWNyZXQ="
                else (401, {"WWW_Authenticate": 'Basic realm="it"'}, b"")
            )
        code, err, written = ask()
        assert (code, err) == (0, "")
        assert f"@{digest}\n" in written
        assert "Authorization" not in registry.asked[0][1]
        assert len(storage.asked) == 1
        assert "Authorization" not in storage.asked[0][1]


@pytest.mark.parametrize("place", ["ftp://127.0.0.1:1/x", "file:///etc/passwd", "gopher://a/b"])
def test_a_redirect_leaves_the_web_for_nothing(
    ask: Callable[..., Any], registry: Registry, place: str
) -> None:
    registry.put("/v2/user/iris/manifests/1.0", b"", 302, Location=place)
    code, err, written = ask()
    assert (code, "was not looked up" in err, bool(written)) == (0, True, True)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="http://127.0.0.1:1/token",service="x"',
        'Bearer realm="file:///etc/passwd"',
        'Bearer realm=""',
        "Bearer",
        "Basic",
        "",
        "Bearer " + 'realm="x",' * 10_000,
    ],
)
def test_a_challenge_that_leads_elsewhere_is_not_followed(
    ask: Callable[..., Any], registry: Registry, challenge: str
) -> None:
    registry.put("/v2/user/iris/manifests/1.0", b"", 401, WWW_Authenticate=challenge)
    code, err, written = ask()
    assert (code, "was not looked up" in err, bool(written)) == (0, True, True)
    assert len(registry.asked) == 1


@pytest.mark.parametrize(
    "text", ["", "[]", '{"auths": 1}', '{"auths": {"x": 1}}', "\xff", "[" * 100_000]
)
def test_a_file_of_logins_that_is_none_is_as_good_as_none(
    ask: Callable[..., Any],
    registry: Registry,
    labels: dict[str, str],
    tmp_path: Path,
    text: str,
) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_bytes(text.encode("latin-1"))
    registry.push(labels)
    assert ask()[0] == 0
