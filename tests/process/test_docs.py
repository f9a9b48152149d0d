"""The documentation is true: options, routes, exit codes, files, links and printed output."""

import ast
import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.settings import ARTIFACTS_VARIABLE
from iris_deploy.cli import build_app
from iris_deploy.serving.settings import HOST_VARIABLE, PORT_VARIABLES, TOKENS_VARIABLE
from tests.conftest import Server, run_process, serving
from tests.data import passengers
from tests.package import ROOT
from tests.pieces import JSON

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def options(command: str) -> set[str]:
    """Return every option that a command's help shows."""
    help_text = run_process(command, "--help", env={"COLUMNS": "200"}).stdout.decode()
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", help_text)) - {"--help"}


@pytest.mark.parametrize("command", [command.name for command in build_app().registered_commands])
def test_every_option_is_documented(command: str) -> None:
    text = (ROOT / "docs/commands.md").read_text()
    shared = text.split("\n## ")[0]
    section = re.split(r"\n## ", text.split(f"\n## {command}\n")[1])[0]
    known = options(command)
    if command == "serve":
        section = (ROOT / "docs/operations.md").read_text().split("\n## Options\n")[1]
        section = section.split("\n## ")[0]
    assert known
    for option in known:
        assert f"`{option}`" in section + shared, f"{option} of {command} is not documented"
    for documented in re.findall(r"^\| `(--[a-z0-9-]+)`", section, re.MULTILINE):
        assert documented in known, f"{documented} is documented but {command} has no such option"


def test_every_command_has_a_section() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    for command in build_app().registered_commands:
        assert f"\n## {command.name}\n" in text


def test_every_environment_variable_is_documented() -> None:
    """Every name that the code has in capitals, which it reads or sets."""
    text = "".join(page.read_text() for page in PAGES)
    code = "".join(path.read_text() for path in (ROOT / "iris_deploy").rglob("*.py"))
    own = set(re.findall(r'"((?:IRIS_DEPLOY|AIP|SAGEMAKER)_[A-Z_]+)"', code))
    named = {*PORT_VARIABLES, ARTIFACTS_VARIABLE, HOST_VARIABLE, TOKENS_VARIABLE}
    assert named <= own | {"PORT"}
    for variable in own:
        assert f"`{variable}`" in text, variable


def members(kind: Any, seen: set[Any]) -> Iterator[str]:
    """Yield the members of a structure, and of those within it."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind in seen:
            return
        seen.add(kind)
        for name, inner in get_type_hints(kind).items():
            yield name
            yield from members(inner, seen)
    for inner in get_args(kind):
        yield from members(inner, seen)


def test_every_member_of_the_manifest_is_documented() -> None:
    text = (ROOT / "docs/design.md").read_text().split("\n## The bundle\n")[1].split("\n## ")[0]
    for member in set(members(Manifest, set())):
        words = member.replace("_", "[ _]").removesuffix("s")
        assert re.search(words, text, re.IGNORECASE), member


def test_every_metric_is_documented_and_no_other(artifacts: Path, tmp_path: Path) -> None:
    text = (ROOT / "docs/monitoring.md").read_text().split("\n## Metrics\n")[1]
    table = "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
    with serving(artifacts) as running:
        running.predict([{"length": 5.1, "width": 2.4}] * 200)
        exposed = {name.partition("{")[0] for name in running.metrics()}
    passengers().to_csv(tmp_path / "prices.csv", index=False)
    options = ("--data", "prices.csv", "--target", "price", "--estimator", "ridge")
    assert run_process("train", *options, cwd=tmp_path).returncode == 0
    with serving(tmp_path / "artifacts", "--model", "prices") as running:
        exposed |= {name.partition("{")[0] for name in running.metrics()}
    exposed = {re.sub("_(bucket|count|sum)$", "", name) for name in exposed}
    assert set(re.findall(r"`([a-z_]+)`", table)) == exposed


def test_every_event_is_documented() -> None:
    text = (ROOT / "docs/monitoring.md").read_text()
    for path in (ROOT / "iris_deploy/serving").rglob("*.py"):
        for event in re.findall(r'\.event\(\s*"\w+",\s*"(\w+)"', path.read_text()):
            assert f"`{event}`" in text, event


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    rows = re.findall(r"^\| (\d+) \|", text.split("## Exit codes")[1], re.MULTILINE)
    assert rows == ["0", "1", "2", "3", "4", "130"]


def test_every_route_is_documented_and_no_other(server: Server) -> None:
    text = "".join((ROOT / "docs" / page).read_text() for page in ("http-api.md", "contracts.md"))
    routes = json.loads(server.request("GET", "/").body)["routes"]
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)`", text, re.MULTILINE)) == set(routes)


def statuses() -> Iterator[int]:
    """Yield the statuses of errors that the server's code names."""
    errors = {each.value for each in HTTPStatus if each >= HTTPStatus.BAD_REQUEST}
    errors -= {HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED}  # never a server's; 0o777 is no status
    for path in (ROOT / "iris_deploy/serving").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and type(node.value) is int and node.value in errors:
                yield node.value
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "HTTPStatus":
                yield HTTPStatus[node.attr].value


def test_every_error_is_documented_and_no_other() -> None:
    text = (ROOT / "docs/http-api.md").read_text().split("\n## Errors\n")[1]
    assert set(map(int, re.findall(r"^\| (\d+) \|", text, re.MULTILINE))) == set(statuses())


def test_the_answers_of_the_api_page_are_right(server: Server) -> None:
    text = (ROOT / "docs/http-api.md").read_text()
    pairs = re.findall(r"^\| `([\[{].*?)` \| `(.*?)` \|$", text, re.MULTILINE)
    assert len(pairs) == 7
    for body, answer in pairs:
        assert server.predict(body).body.decode() == answer


def test_the_answers_of_the_page_of_contracts_are_right(server: Server) -> None:
    text = (ROOT / "docs/contracts.md").read_text()
    n_examples = 0
    for section in text.split("| request to ")[1:]:
        path = re.match("`(.*?)`", section)
        assert path is not None
        for body, answer in re.findall(r"^\| `({.*?)` \| `(.*?)` \|$", section, re.MULTILINE):
            found = server.request("POST", path[1], body.encode(), JSON)
            assert found.body.decode() == answer
            n_examples += 1
    assert n_examples == 12


def test_the_house_stands_as_the_design_draws_it() -> None:
    plan = (ROOT / "docs/design.md").read_text().split("    iris_deploy/\n")[1].split("\n\n")[0]
    drawn, above = set(), {6: ""}  # by the blanks in front
    for line in plan.splitlines():
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        path = above[indent] + name
        drawn.add(path)
        above[indent + 2] = path
    house = ROOT / "iris_deploy"
    built = {
        str(path.relative_to(house)) + ("/" if path.is_dir() else "")
        for path in house.rglob("*")
        if "__" not in str(path.relative_to(house)) and path.parent.name != "cli"
        if "recipes/templates/" not in path.as_posix()
    }
    assert built - drawn <= {"py.typed"}
    assert drawn <= built


def test_every_test_that_the_platform_table_names_is_there() -> None:
    folders = ("engine", "platform", "machine")
    files = [path for name in folders for path in (ROOT / "tests" / name).glob("test_*.py")]
    tests = "".join(path.read_text() for path in files)
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs/images.md").read_text())
    assert len(set(named)) >= 5
    for name in named:
        assert f"def {name}(" in tests, name


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pages
def test_pages_are_wrapped_and_name_no_place_of_one_machine(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"/(work|root|home|tmp)/", text)
    prose = re.sub(r"^```.*?^```$|^\|.*?$|^    .*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert all(len(line) <= 120 for line in prose.splitlines())


def test_the_readmes_two_commands_are_targets_of_the_makefile() -> None:
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for target in ("run", "test"):
        assert f"\n    make {target}\n" in readme
        assert re.search(rf"^{target}: .*##", makefile, re.MULTILINE)


def test_the_makefile_runs_the_talk_on_port_5000() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "PORT ?= 5000" in makefile
    for command in ("train", "evaluate", "serve --port $(PORT)"):
        assert f"iris-deploy {command}\n" in makefile
