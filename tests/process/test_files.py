"""What a server reads from files that others have made, and may find to be anything else."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from iris_deploy.bundle.files import read_file
from iris_deploy.dumps.unpack import MAX_DUMP_BYTES
from iris_deploy.serving.http.access import MAX_TOKENS_BYTES
from tests.bundles import rewrite
from tests.conftest import Server, run_process, serving
from tests.load import forked
from tests.waits import wait_until

TOKEN = "first-0123456789abcdef"
OTHER = "second-0123456789abcdef"
BOM = b"\xef\xbb\xbf"


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 33)  # takes no room on the disk, but would in memory


def _link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


UNFIT: dict[str, tuple[Callable[[Path], object], str]] = {
    "named pipe": (os.mkfifo, "it is a named pipe; expected an ordinary file"),
    "directory": (Path.mkdir, "it is a directory; expected an ordinary file"),
    "socket": (_socket, "it is a socket; expected an ordinary file"),
    "device without end": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
    "device without content": (lambda path: path.symlink_to("/dev/null"), "it is a device"),
    "link to a pipe": (_link_to_pipe, "it is a named pipe"),
    "link to nothing": (lambda path: path.symlink_to("nothing"), ""),
    "link to itself": (lambda path: path.symlink_to(path.name), ""),
    "missing": (lambda _: None, ""),
    "too large": (_large, ""),
    "not text": (lambda path: path.write_bytes(b"\xff\xfe\x00" * 16), ""),
    "empty": (lambda path: path.touch(), ""),
}
"""Ways to make something at a path that is not fit to be read, and what is said of it."""

every_kind = pytest.mark.parametrize("kind", UNFIT)


def put(path: Path, kind: str) -> str:
    """Put something unfit where a file is, and return what is said of it."""
    path.unlink(missing_ok=True)
    make, words = UNFIT[kind]
    make(path)
    return words


def take_away(path: Path) -> None:
    path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    path.with_name("pipe").unlink(missing_ok=True)


@every_kind
def test_an_unfit_tokens_file_is_refused_at_the_start(
    artifacts: Path, tmp_path: Path, kind: str
) -> None:
    words = put(tmp_path / "tokens", kind)
    options = ("--artifacts", artifacts, "--port", 0, "--tokens-file", tmp_path / "tokens")
    result = run_process("serve", *options)
    assert result.returncode == 2
    assert f"--tokens-file {tmp_path}" in result.stderr.decode()
    assert words in result.stderr.decode()
    assert "Traceback" not in result.stderr.decode()


@every_kind
def test_an_unfit_file_of_a_bundle_is_refused(artifacts: Path, kind: str) -> None:
    for name in ("bundle.json", "lr_iris.pkl"):
        path = artifacts / "iris/2" / name
        original = path.read_bytes()
        words = put(path, kind)
        result = run_process("predict", "--artifacts", artifacts, '{"length": 1, "width": 1}')
        assert result.returncode == 1
        assert name in result.stderr.decode()
        assert words in result.stderr.decode()
        assert "Traceback" not in result.stderr.decode()
        take_away(path)
        path.write_bytes(original)


def statuses(server: Server, token: str) -> set[int]:
    return {
        server.request("GET", "/", headers={"Authorization": f"Bearer {token}"}).status
        for _ in range(10)
    }


def test_unfit_files_found_by_a_running_server_change_nothing(
    artifacts: Path, tmp_path: Path
) -> None:
    """It stays ready for signals, and for fit files, in all its processes."""

    def told(event: str, times: int) -> str:
        wait_until(lambda: len(running.events(event)) >= times)
        return str(running.events(event)[-1]["message"])

    tokens, manifest = tmp_path / "tokens", artifacts / "iris/3/bundle.json"
    tokens.write_text(TOKEN)
    options = ("--workers", 2, "--tokens-file", tokens, "--access-log", "off")
    with serving(artifacts, *options) as running:
        forked(running, 2)
        manifest.parent.mkdir()
        for number, kind in enumerate(UNFIT, 1):
            words = put(tokens, kind), put(manifest, kind)
            running.process.send_signal(signal.SIGHUP)
            assert words[0] in told("tokens_refused", 3 * number)  # here and in both workers
            assert words[1] in told("reload_refused", number)
            assert statuses(running, TOKEN) == {200}
            take_away(tokens)
            take_away(manifest)
        tokens.write_text(OTHER)
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: statuses(running, OTHER) == {200})
        put(tokens, "named pipe")
        running.process.send_signal(signal.SIGHUP)
        assert running.stop() == 0


@pytest.mark.parametrize(
    "content", [BOM + TOKEN.encode(), TOKEN.encode(), b"\r\n%s\r\n" % TOKEN.encode()]
)
def test_a_tokens_file_may_be_a_link_as_kubernetes_makes_them(
    artifacts: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "..1").mkdir()
    (tmp_path / "..1/tokens").write_bytes(content)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "tokens").symlink_to("..data/tokens")
    with serving(artifacts, "--workers", 1, "--tokens-file", tmp_path / "tokens") as running:
        assert statuses(running, TOKEN) == {200}
        assert statuses(running, OTHER) == {401}


def test_a_tokens_file_may_have_a_mebibyte(artifacts: Path, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(TOKEN + "\n" * (MAX_TOKENS_BYTES - len(TOKEN)))
    with serving(artifacts, "--workers", 1, "--tokens-file", path) as running:
        assert statuses(running, TOKEN) == {200}
    with path.open("a") as file:
        file.write("\n")
    result = run_process("serve", "--artifacts", artifacts, "--port", 0, "--tokens-file", path)
    assert result.returncode == 2
    assert b"expected at most 1048576 bytes, got more" in result.stderr


@pytest.mark.parametrize("size", [-5, MAX_DUMP_BYTES])
def test_a_size_that_cannot_be_is_refused(artifacts: Path, size: int) -> None:
    """No room is made for what a manifest only promises."""
    rewrite(artifacts / "iris/2/bundle.json", {"artifacts.0.size": size})
    result = run_process("predict", "--artifacts", artifacts, '{"length": 1, "width": 1}')
    assert result.returncode == 1
    assert f"expected {size} bytes" in result.stderr.decode()


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, ".", "..", ""])
def test_a_name_that_no_file_can_have_is_refused(artifacts: Path, name: str) -> None:
    rewrite(artifacts / "iris/2/bundle.json", {"artifacts.0.file": name})
    result = run_process("predict", "--artifacts", artifacts, '{"length": 1, "width": 1}')
    assert result.returncode == 1
    assert b"Traceback" not in result.stderr


def test_a_file_that_nobody_may_read_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the kernel's answer is played."""

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "file"
    path.touch()
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError, match="Permission denied"):
        read_file(path, 10)
