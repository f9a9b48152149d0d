"""What an image holds serves as all of the packages do; assembled here without an engine."""

import ast
import json
import mmap
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.bundle.repository import Repository
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.image.contents import assemble
from iris_deploy.image.libraries import strip, strip_library
from iris_deploy.image.parts import NEVER_SERVED, ONLY_FOR_SCIKIT_LEARN
from iris_deploy.schema.signature import Signature
from tests.conftest import Server, serving
from tests.package import ROOT
from tests.pieces import BODY, INSTANCE
from tests.signatures import NUMBER, classes
from tests.unit.test_past_dumps import FAMILIES, OF_FAMILIES, table_of

pytestmark = pytest.mark.once

PACKAGES = [
    line.partition("==")[0]
    for line in (ROOT / "requirements/serve.txt").read_text().splitlines()
    if "==" in line
]

RELEASE = "1.9.1"

ASSEMBLE = """
from pathlib import Path
from iris_deploy.bundle.repository import Repository
from iris_deploy.image.contents import assemble
"""

PREDICT = """
import pickle, sys
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.estimators.registry import read_estimator
from iris_deploy.schema.batch import Text

answers = []
for signature, data, rows in pickle.load(sys.stdin.buffer):
    predictor = Predictor(signature, [read_estimator(data)])
    read = [[Text(value) if isinstance(value, str) else value for value in row] for row in rows]
    answers += [predictor.values(read), predictor.values(read[:1])]
sys.stdout.buffer.write(pickle.dumps(answers))
"""

IMPORT = """
import importlib, json, pkgutil, sys
import numpy, iris_deploy

for module in pkgutil.walk_packages(iris_deploy.__path__, "iris_deploy."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
for line in json.load(sys.stdin):
    exec(line, {"np": numpy})
"""


def copy_packages(lib: Path) -> None:
    """Copy what an image requires, as it is installed here."""
    for name in dict.fromkeys(PACKAGES):
        for file in distribution(name).files or ():
            source, target = Path(str(file.locate())), lib / file
            if ".." not in file.parts and source.suffix != ".pyc":
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)


@pytest.fixture(scope="module")
def image(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Put together what an image holds, of what is installed here."""
    root = tmp_path_factory.mktemp("image") / "opt"
    copy_packages(root / "lib")
    assemble(root, Repository(_trained), "iris", 1)
    yield root
    shutil.rmtree(root)


def python_of(home: Path) -> Path:
    """Return the Python below a folder."""
    return home / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def slim_image(_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The same by a Python whose library is no byte code, as that of official slim images."""
    home = tmp_path_factory.mktemp("slim")
    root, library = home / "opt", Path(sysconfig.get_path("stdlib"))
    left_out = ("__pycache__", "*-packages", "test", "tests", "idlelib", "config-*")
    shutil.copytree(library, home / "lib" / library.name, ignore=shutil.ignore_patterns(*left_out))
    for shared in library.parent.glob("libpython*.so*"):
        shutil.copy(shared, home / "lib")
    python_of(home).parent.mkdir()
    shutil.copy(os.path.realpath(sys.executable), python_of(home))
    copy_packages(root / "lib")
    for name, line in (("noisy", "print('hello')"), ("broken", "raise OSError('no library')")):
        (root / "lib" / f"{name}.py").write_text(line)
    given = f"assemble(Path({str(root)!r}), Repository(Path({str(_trained)!r})), 'iris', 1)"
    ran = subprocess.run(
        [python_of(home), "-B", "-c", ASSEMBLE + given],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{root / 'lib'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    yield root
    shutil.rmtree(home)


def run_inside(image: Path, script: str, given: bytes) -> bytes:
    """Run a script with what an image has, and nothing else that is installed."""
    paths = [str(image / part) for part in ("app", "lib")]
    start = f"import sys; sys.path[:0] = {paths!r}\n"
    ran = subprocess.run(
        [os.path.realpath(sys.executable), "-ISB", "-c", start + script],
        input=given,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout


def test_every_rule_leaves_something_out(image: Path) -> None:
    """A rule whose files are called otherwise by now would be missed."""
    site = Path(str(distribution("numpy").locate_file("")))
    for rule in (*NEVER_SERVED, *ONLY_FOR_SCIKIT_LEARN):
        found = any(next(site.glob(pattern), None) for pattern in rule.paths)
        assert found or rule.paths == ("bin",), rule.why  # which pip makes of what it installs
        for pattern in rule.paths:
            assert next((image / "lib").glob(pattern), None) is None, pattern


def test_all_modules_are_byte_code_alone_and_licences_stay(image: Path) -> None:
    files = [path for path in image.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".pyc", ".so", ".js"}
    assert not [path for path in files if path.suffix == ".py"]
    for name in set(PACKAGES):
        (metadata,) = (image / "lib").glob(f"{name.replace('-', '_')}-*.dist-info")
        assert (metadata / "METADATA").is_file()
        licences = distribution(name).metadata.get_all("License-File") or ()
        assert all(list(metadata.rglob(Path(licence).name)) for licence in licences), name


def lines_that_ask_packages(module: Path) -> Iterator[str]:
    """List the imports of a module, those in functions too, and what it takes of NumPy."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "np":
            yield f"np.{node.attr}"
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("numpy"):
            yield ast.unparse(node)


def test_whatever_the_server_asks_of_packages_is_there(image: Path) -> None:
    served = [
        ROOT / path.relative_to(image / "app").with_suffix(".py")
        for path in (image / "app").rglob("*.pyc")
    ]
    lines = sorted({line for module in served for line in lines_that_ask_packages(module)})
    assert "np.float64" in lines
    run_inside(image, IMPORT, json.dumps(lines).encode())


def test_every_family_predicts_to_the_bit_as_with_all_of_numpy(image: Path) -> None:
    questions: list[tuple[Signature, bytes, list[list[float | str]]]] = []
    here: list[list[object]] = []
    for name, answers in OF_FAMILIES[RELEASE].items():
        data = (FAMILIES[RELEASE] / f"{name}.pkl").read_bytes()
        output: Any = classes(*answers["classes"]) if "classes" in answers else NUMBER
        columns, rows = table_of(name, read_estimator(data), answers["rows"])
        told = [[getattr(value, "text", float(value)) for value in row] for row in rows]
        signature = Signature(columns=columns, output=output)
        questions.append((signature, data, told))
        predictor = Predictor(signature, [read_estimator(data)])
        here += [predictor.values(rows), predictor.values(rows[:1])]
    there = pickle.loads(run_inside(image, PREDICT, pickle.dumps(questions)))
    assert len(there) > 200
    assert repr(there) == repr(here)


@pytest.fixture(scope="module")
def inside(image: Path) -> Iterator[Server]:
    """A server that is started as an image starts it."""
    with serving(image / "artifacts", command=[str(image / "app" / "iris-deploy")]) as running:
        yield running


def test_every_route_answers(inside: Server) -> None:
    described = inside.request("GET", "/openapi.json").json()
    asked = [path for path, item in described["paths"].items() if "get" in item]
    assert {"/", "/metrics", "/health/ready"} <= set(asked)
    for path in (*asked, "/docs", "/page/docs.js"):
        for accept in ("*/*", "text/html", "application/openmetrics-text"):
            answer = inside.request("GET", path, headers={"Accept": accept})
            assert answer.status == 200, (path, accept, answer.body)
    assert not inside.errors.read_text()


def read_from_source(slim_image: Path) -> tuple[list[str], list[str]]:
    """List what is compiled when Python starts, and what when it imports all that is served."""
    library = slim_image.parent / "lib"
    start, _, _ = (slim_image / "app" / "iris-deploy").read_text().partition("from ")
    asked = "iris_deploy.cli.serve, iris_deploy.serving.http.app, prometheus_client.exposition"
    script = f"{start}\nsys.stderr.write('begun\\n')\nimport {asked}"
    command = [str(python_of(slim_image.parent)), "-IBvc", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    before, _, after = ran.stderr.partition("\nbegun\n")
    from_source = re.compile(rf"^# code object from {library}/python[\d.]*/(.*)\.py$", re.MULTILINE)
    return from_source.findall(before), from_source.findall(after)


def test_a_base_without_byte_code_is_given_that_of_what_serving_imports(slim_image: Path) -> None:
    assert not list((slim_image.parent / "lib").rglob("*.pyc"))
    at_start, later = read_from_source(slim_image)
    assert "encodings/aliases" in at_start
    assert later == []


def test_a_library_that_is_upgraded_in_such_an_image_is_not_the_one_before(
    slim_image: Path,
) -> None:
    """Unlike byte code that is never compared, which would keep what was mended."""
    (scanner,) = (slim_image.parent / "lib").glob("python*/json/scanner.py")
    with scanner.open("a") as file:
        file.write("# mended")
    assert read_from_source(slim_image)[1] == ["json/scanner"]


def test_an_image_on_such_a_base_answers(slim_image: Path) -> None:
    with serving(slim_image / "artifacts", command=[str(slim_image / "app" / "iris-deploy")]) as s:
        assert s.request("POST", "/predict", BODY).json()
        assert s.request("GET", "/metrics").status == 200
        assert not s.errors.read_text()


TENSOR = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [5.1, 2.4]}


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/predict", BODY, "application/json"),
        ("/predict?details=true", json.dumps([INSTANCE] * 3000).encode(), "application/json"),
        ("/predict", b"length,width\n5.1,2.4\n", "text/csv"),
        ("/predict", b"length=5.1&width=2.4", "application/x-www-form-urlencoded"),
        ("/invocations", b"5.1,2.4\n", "text/csv"),
        ("/invocations", b'{"length": 5.1, "width": 2.4}\n', "application/jsonlines"),
        ("/v1/models/iris:predict", json.dumps({"instances": [INSTANCE]}).encode(), ""),
        ("/v2/models/iris/infer", json.dumps({"inputs": [TENSOR]}).encode(), ""),
        ("/score", json.dumps({"data": [INSTANCE]}).encode(), "application/json"),
        ("/predict", b'{"length": "wide"}', "application/json"),
        ("/nowhere", b"", ""),
    ],
)
def test_it_answers_as_a_server_with_all_packages(
    inside: Server, server: Server, path: str, body: bytes, kind: str
) -> None:
    headers = {"Content-Type": kind or "application/json", "X-Request-ID": "same"}
    expected = server.request("POST", path, body, headers)
    answer = inside.request("POST", path, body, headers)
    assert (answer.status, answer.body) == (expected.status, expected.body)


def loaded(content: bytes) -> dict[int, bytes]:
    """Return what a loader maps into memory, by its address."""
    (start,) = struct.unpack_from("<Q", content, 32)
    (count,) = struct.unpack_from("<H", content, 56)
    segments = [struct.unpack_from("<IIQQQQ", content, start + 56 * k) for k in range(count)]
    return {
        address: content[offset : offset + size]
        for kind, _, offset, address, _, size in segments
        if kind == 1
    }


def test_a_stripped_library_is_in_memory_as_before() -> None:
    """But for the table of segments itself, and for what no section tells of."""
    path = sys.modules["numpy._core._multiarray_umath"].__file__
    content = Path(str(path)).read_bytes()
    stripped = strip(content)
    assert len(stripped) < 0.97 * len(content)
    assert strip(stripped) == stripped
    before, after = loaded(content), loaded(stripped)
    assert len(after) >= 4
    for address, found in after.items():
        behind = 64 + 56 * 20 if address == 0 else 0
        assert found[behind:] == before[address][behind : len(found)]


def test_who_has_a_library_in_memory_keeps_it_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.so"
    shutil.copy(str(sys.modules["numpy._core._multiarray_umath"].__file__), path)
    path.chmod(0o755)
    before = path.read_bytes()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        strip_library(path)
        assert mapped[:] == before
    assert path.stat().st_size < len(before)
    assert path.stat().st_mode & 0o777 == 0o755
    assert [found.name for found in tmp_path.iterdir()] == ["a.so"]


def test_what_is_no_library_that_it_knows_stays_as_it_is(tmp_path: Path) -> None:
    for name, content in (("a.so", b"INPUT(libb.so)\n"), ("b.so", b"\x7fELF\x01\x01" + bytes(60))):
        (tmp_path / name).write_bytes(content)
        strip_library(tmp_path / name)
        assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("length", [6, 63, 64, 100, 1000, 15_000])
def test_a_library_that_is_cut_off_stays_as_it_is(tmp_path: Path, length: int) -> None:
    whole = sys.modules["numpy._core._multiarray_umath"].__file__
    content = Path(str(whole)).read_bytes()[:length]
    (tmp_path / "cut.so").write_bytes(content)
    strip_library(tmp_path / "cut.so")
    assert (tmp_path / "cut.so").read_bytes() == content
