"""What recipes write, for those who check it."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from iris_deploy.recipes.registry import RECIPES, find_recipe
from tests.conftest import Run

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
IMAGE = f"registry.example.com/user/iris@{DIGEST}"

OPTIONS: dict[str, tuple[str, ...]] = {
    "replicas": ("--replicas", "3"),
    "workers": ("--workers", "2"),
    "memory": ("--memory", "512MiB"),
    "port": ("--port", "8000"),
    "domain": ("--domain", "iris.example.com"),
    "url_prefix": ("--url-prefix", "/iris"),
    "namespace": ("--namespace", "models"),
    "tokens": ("--tokens",),
    "monitoring": ("--monitoring",),
    "proxy": ("--proxy", "nginx"),
}
"""A value of each setting."""

NAMES = [recipe.name for recipe in RECIPES]


def full(kind: str) -> list[str]:
    """Return the options of a recipe that uses all that it can."""
    return [word for field in find_recipe(kind).takes for word in OPTIONS[field]]


def variants(kind: str) -> list[list[str]]:
    """Return the options of recipes with nothing, with all, and with all but one thing."""
    takes = sorted(find_recipe(kind).takes)
    some = [
        [word for field in takes if field != left_out for word in OPTIONS[field]]
        for left_out in takes
        if not (left_out == "domain" and "proxy" in takes)  # which cannot be without
    ]
    return [[], full(kind), *some]


def write(run: Run, artifacts: Path, folder: Path, kind: str, *options: str) -> dict[str, str]:
    """Write a recipe, and return its files by their names."""
    image = ("--image", IMAGE, "--no-lookup") if find_recipe(kind).image else ()
    ran = run(
        *("recipe", kind, *image, "--artifacts", artifacts, "--output", folder, "--force"),
        *options,
    )
    assert ran.code == 0, ran.err
    return read(folder)


def read(folder: Path) -> dict[str, str]:
    """Return the files of a folder by their names."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


class _Strict(yaml.SafeLoader):  # type: ignore[misc]
    """YAML without keys that stand twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Read a mapping."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(set(keys)) == len(keys), f"{node.start_mark}: a key stands twice"
        return super().construct_mapping(node, deep)


def documents(text: str) -> list[Any]:
    """Read YAML, strictly."""
    return list(yaml.load_all(text, _Strict))


def parse(name: str, text: str) -> list[Any]:
    """Read a file by the kind that its name tells; nothing of those that only programs read."""
    suffix = Path(name).suffix
    if name.startswith("templates/"):  # a chart's, for Helm alone
        return []
    if suffix in {".yaml", ".yml"} or name == "user-data":
        return documents(text)
    if suffix == ".json":
        return [json.loads(text)]
    if suffix == ".py":
        compile(text, name, "exec")
    return [tomllib.loads(text)] if suffix == ".toml" else []


def values_of(data: object, key: str) -> Iterable[Any]:
    """Yield what stands under a key, wherever it is."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            if name == key:
                yield value
            yield from values_of(value, key)
    elif isinstance(data, list):
        for value in data:
            yield from values_of(value, key)
