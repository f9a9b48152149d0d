"""How a server starts: what it loads, and when it can be reached."""

import json
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import COMMAND, free_port, run_process, serving
from tests.load import read_answer
from tests.pieces import BODY, HOST, INSTANCE, head, post, read_to_end
from tests.waits import wait_until

LIST_MODULES = """\
import json, sys
from iris_deploy.serving.contracts.exchange import Exchange

reply = Exchange.handle_quickly

def reply_and_tell(self, *given, **options):
    with open({path!r}, "w") as file:
        json.dump(sorted(sys.modules), file)
    return reply(self, *given, **options)

Exchange.handle_quickly = reply_and_tell
"""

NEEDED = {
    *("flask", "blinker", "click", "itsdangerous", "jinja2", "markupsafe", "werkzeug", "waitress"),
    *("iris_deploy", "msgspec", "numpy", "typer", "annotated_doc", "shellingham"),
    "typing_extensions",  # of some versions of these
}
"""Packages that a worker may have loaded at its first answer."""

UNNEEDED = {
    *("asyncio", "concurrent", "multiprocessing", "sqlite3", "unittest", "xml", "xmlrpc"),
    *("numpy.fft", "numpy.ma", "numpy.polynomial", "numpy.random", "numpy.testing"),
    *("iris_deploy.training.fit", "iris_deploy.image", "prometheus_client", "rich", "sklearn"),
}
"""What is large, and what it would be a mistake to load."""

MOST_MODULES = 530
"""506 with Python 3.11."""


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.once
def test_what_is_loaded_at_the_first_answer_is_what_is_needed(
    artifacts: Path, tmp_path: Path
) -> None:
    """A newcomer costs every worker's start and memory: it has to be worth it."""
    path = tmp_path / "modules"
    (tmp_path / "sitecustomize.py").write_text(LIST_MODULES.format(path=str(path)))
    with serving(artifacts, "--workers", 1, env={"PYTHONPATH": str(tmp_path)}) as running:
        assert running.predict(INSTANCE).status == 200
    loaded = set(json.loads(path.read_text()))
    packages = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    ours = {"__main__", "sitecustomize"}  # of this test, and of an editable installation:
    editable = {name for name in packages if name.startswith(("__editable__", "_distutils"))}
    assert packages - ours - editable <= NEEDED
    assert not loaded & UNNEEDED
    assert len(loaded) <= MOST_MODULES


HELD = """\
import os, sys, time

class Hold:
    def find_spec(self, name, path, target=None):
        if name == "flask":
            open({told!r}, "w").close()
            end = time.monotonic() + 2
            while time.monotonic() < end and not os.path.exists({go_on!r}):
                time.sleep(0.01)

sys.meta_path.insert(0, Hold())
"""


@pytest.mark.once
def test_the_first_of_two_workers_answers_while_what_they_share_is_loaded(
    artifacts: Path, tmp_path: Path
) -> None:
    """Loading is held up in the middle, and the server stopped there leaves no socket behind."""
    told, path, port = tmp_path / "told", tmp_path / "socket", free_port()
    (tmp_path / "sitecustomize.py").write_text(
        HELD.format(told=str(told), go_on=str(tmp_path / "never"))
    )
    options = ["--workers", 2, "--artifacts", artifacts, "--port", port, "--unix-socket", path]
    with subprocess.Popen(
        [*COMMAND, "serve", *map(str, options)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            wait_until(told.exists)
            assert path.is_socket()
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.sendall(post(BODY))
                assert read_answer(connection).status == 200
                process.terminate()
                assert process.communicate(timeout=20)[1] == b""
                assert process.returncode == 0
        finally:
            process.kill()
    assert not path.exists()


@pytest.mark.once
def test_whichever_of_two_workers_is_asked_for_a_page_has_it(artifacts: Path) -> None:
    """The first was forked before there was Flask, and loads it then."""
    with serving(artifacts, "--workers", 2) as running:
        workers = set(running.workers())
        seen: set[int] = set()
        for _ in range(100):
            answer = running.request("GET", "/")
            assert answer.status == 200
            seen |= {line["worker"] for line in running.events("request")}
            if len(seen) == 2:
                break
        assert seen == {0, 1}
        assert set(running.workers()) == workers


@pytest.mark.once
def test_one_worker_answers_predictions_while_it_loads_flask(
    artifacts: Path, tmp_path: Path
) -> None:
    """Whoever asks for what Flask answers waits for it, and is not refused in a drain."""
    told, go_on = tmp_path / "told", tmp_path / "go on"
    (tmp_path / "sitecustomize.py").write_text(HELD.format(told=str(told), go_on=str(go_on)))
    with (
        serving(artifacts, "--workers", 1, env={"PYTHONPATH": str(tmp_path)}) as running,
        running.connect() as waiting,
    ):
        waiting.sendall(head(b"GET / HTTP/1.1", HOST))
        wait_until(told.exists)
        assert running.predict(INSTANCE).status == 200
        assert running.request("GET", "/health/ready").status == 200
        running.process.terminate()
        wait_until(lambda: bool(running.events("drain")))
        go_on.touch()
        answer = read_to_end(waiting, 5)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b'"model": "iris"' in answer
        assert running.process.wait(20) == 0


@pytest.mark.once
def test_a_worker_without_a_descriptor_to_load_flask_with_waits_for_one(
    artifacts: Path, tmp_path: Path
) -> None:
    told, go_on = tmp_path / "told", tmp_path / "go on"
    (tmp_path / "sitecustomize.py").write_text(HELD.format(told=str(told), go_on=str(go_on)))
    with (
        serving(artifacts, "--workers", 1, env={"PYTHONPATH": str(tmp_path)}) as running,
        running.connect() as waiting,
        running.connect() as other,
    ):
        wait_until(told.exists)
        (worker,) = running.workers()
        waiting.sendall(head(b"GET / HTTP/1.1", HOST))
        other.sendall(post(BODY))
        assert read_answer(other).status == 200
        soft, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (3, hard))
        go_on.touch()
        with running.connect():
            wait_until(lambda: bool(running.events("accept")))
        other.sendall(post(BODY))
        assert read_answer(other).status == 200
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (soft, hard))
        assert read_answer(waiting).status == 200
        assert running.workers() == [worker]
        assert not running.events("bug")


@pytest.mark.once
def test_a_worker_that_cannot_load_flask_says_so_and_ends(artifacts: Path, tmp_path: Path) -> None:
    (tmp_path / "flask.py").write_text("raise ImportError('it is broken')")
    options = ("--artifacts", artifacts, "--port", 0, "--workers", 1)
    done = run_process("serve", *options, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert b"workers in a row died" in done.stderr
    assert b"it is broken" in done.stdout
