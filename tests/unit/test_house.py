"""The house stands as its plan has it: floors, packages, and nothing that has grown too large."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package import ROOT

SOURCES = ("training", "sources")

LEAKS = {
    "serving/http/late.py": "import waitress",
    "serving/launch.py": "import prometheus_client",
    "serving/supervision/supervisor.py": "def f() -> None:\n    from flask import Flask",
    "serving/worker/lanes.py": "from iris_deploy.serving import launch",
    "serving/newcomer.py": "import os",
    "newcomer.py": "import os",
    "bundle/files.py": "import requests",
    "training/fit.py": "from iris_deploy.image import build",
    "cli/serve.py": "import subprocess",
    "serving/worker/channel.py": "from waitress import wasyncore",
    "dumps/unpack.py": "import pickle",
    "schema/columns.py": "from iris_deploy.schema import signature",  # which imports columns
}
"""Lines that must not be added to a file, or make one."""

ALLOWED = ("schema/problems.py", "from iris_deploy.schema import signature")


def keeps_its_contracts(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name in ("iris_deploy", "tests/house.py", "tests/__init__.py", "setup.cfg"):
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
    return tmp_path


@pytest.mark.once
@pytest.mark.parametrize("file", LEAKS)
def test_an_import_that_the_plan_does_not_have_is_refused(house: Path, file: str) -> None:
    with (house / "iris_deploy" / file).open("a") as module:
        module.write(f"\n\n{LEAKS[file]}\n")
    ran = keeps_its_contracts(house)
    assert ran.returncode == 1, ran.stdout
    assert Path(file).stem in ran.stdout


@pytest.mark.once
def test_the_contracts_are_about_the_house_that_is_given(house: Path) -> None:
    """An import that the floors allow breaks nothing, in the copy that the others break."""
    assert keeps_its_contracts(house).returncode == 0
    file, line = ALLOWED
    with (house / "iris_deploy" / file).open("a") as module:
        module.write(f"\n\n{line}\n")
    assert keeps_its_contracts(house).returncode == 0


LONGEST_FILE, LONGEST_FUNCTION = 250, 40  # lines; of a function those of its body


def bodies(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the functions of a module, and how many lines their bodies have."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[1] if ast.get_docstring(node) and node.body[1:] else node.body[0]
            yield node.name, (node.end_lineno or 0) - first.lineno + 1


def test_nothing_in_the_house_is_too_long_to_be_read_at_once() -> None:
    modules = sorted((ROOT / "iris_deploy").rglob("*.py"))
    assert len(modules) > 100
    for path in modules:
        assert len(path.read_text().splitlines()) <= LONGEST_FILE, path
        for name, lines in bodies(path):
            assert lines <= LONGEST_FUNCTION, f"{path}: {name} has {lines} lines"


def sleeps(path: Path) -> Iterator[int]:
    """Yield the lines of a module in which it sleeps."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr == "sleep":
            yield node.lineno


def test_tests_wait_for_a_state_and_say_so_where_time_is_a_part_of_the_case() -> None:
    sleeping = {path.name for path in (ROOT / "tests").rglob("*.py") if any(sleeps(path))}
    assert sleeping == {"waits.py"}


CLOCKS = {"monotonic", "perf_counter", "process_time"}
LEAST_WAIT = 20  # s, after which a state that never comes is a fault


def _names(node: ast.AST) -> set[str]:
    """Return what is called somewhere in a piece of code."""
    calls = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {call.attr if isinstance(call, ast.Attribute) else ast.unparse(call) for call in calls}


def hurries(source: str) -> Iterator[int]:
    """Yield the lines that fail for a machine that is slow, and for nothing else.

    That are asserts by a clock that something was done soon, and short waits for a state.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            compared = [each for each in ast.walk(node.test) if isinstance(each, ast.Compare)]
            soon = [each for each in compared if {ast.Lt, ast.LtE} & set(map(type, each.ops))]
            if any(CLOCKS & _names(each) for each in soon):
                yield node.lineno
        elif isinstance(node, ast.Call):
            owner, _, name = ast.unparse(node.func).rpartition(".")
            if name == "wait_until" or (name == "wait" and owner.endswith("process")):
                values = [*node.args, *(keyword.value for keyword in node.keywords)]
                times = [each.value for each in values if isinstance(each, ast.Constant)]
                if any(isinstance(each, (int, float)) and each < LEAST_WAIT for each in times):
                    yield node.lineno


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("assert time.monotonic() - begun < 2.2", [1]),
        ("assert 1 <= monotonic() - begun < 3", [1]),
        ("assert time.monotonic() - begun >= 1", []),
        ("while time.monotonic() < until: ask()", []),
        ("wait_until(done, 5)", [1]),
        ("wait_until(done, seconds=5)", [1]),
        ("wait_until(done, 60)", []),
        ("assert server.process.wait(10) == 0", [1]),
        ("assert server.process.wait(20) == 0", []),
    ],
)
def test_what_only_a_slow_machine_can_fail_is_found(source: str, found: list[int]) -> None:
    assert list(hurries(source)) == found


def test_no_test_fails_because_a_machine_is_slow() -> None:
    paths = (ROOT / "tests").rglob("*.py")
    found = {path.name for path in paths if any(hurries(path.read_text()))}
    assert found == {"waits.py"}


def open_sequences(path: Path) -> Iterator[int]:
    """Yield the lines of the patterns that take any sequence, in whatever it is they match."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Match):
            patterns = [case.pattern for case in node.cases]
            if isinstance(node.subject, ast.Tuple):
                patterns = [
                    within
                    for pattern in patterns
                    for within in (
                        pattern.patterns if isinstance(pattern, ast.MatchSequence) else [pattern]
                    )
                ]
            told = {
                id(within)
                for pattern in patterns
                for one in ast.walk(pattern)
                if isinstance(one, ast.MatchClass) and ast.unparse(one.cls) in {"tuple", "list"}
                for within in one.patterns
            }
            for pattern in patterns:
                for one in ast.walk(pattern):
                    if isinstance(one, ast.MatchSequence) and id(one) not in told:
                        yield one.lineno


def test_a_pattern_says_of_what_it_takes_the_items(tmp_path: Path) -> None:
    """NumPy's arrays are sequences to ``match`` since 2.5, and one without a size has no length."""
    module = tmp_path / "module.py"
    module.write_text(
        "match x:\n case (1, 2):\n  0\n case tuple((1, (2, 3))):\n  0\n"
        " case list((1, tuple(()))):\n  0\n"
        "match x, y:\n case 1, (2,):\n  0\n case 1, tuple((2,)):\n  0\n"
    )
    assert [*open_sequences(module)] == [2, 4, 9]
    for path in sorted((ROOT / "iris_deploy").rglob("*.py")):
        assert not [*open_sequences(path)], path


def test_no_room_but_the_sources_knows_what_the_data_are() -> None:
    """Names of images and paths, as examples for people, may be anything."""
    package = ROOT / "iris_deploy"
    names = re.compile(
        r"iris[-_]deploy|IrisDeploy|user/iris|/iris\b|\biris\.example", re.IGNORECASE
    )
    told = {}
    for path in sorted(package.rglob("*")):
        inside = path.relative_to(package)
        if path.is_dir() or "__pycache__" in inside.parts or inside.parts[:2] == SOURCES:
            continue
        text = names.sub("", path.read_bytes().decode(errors="replace"))
        if found := re.findall(
            r"iris|petal|sepal|setosa|versicolor|virginica", text, re.IGNORECASE
        ):
            told[str(inside)] = found
    assert not told
    assert re.search("setosa|petal", (package / "training/sources/irises.py").read_text())
