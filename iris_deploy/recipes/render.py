"""Templates to files: every file of a recipe's folder, filled in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2

from iris_deploy.recipes.recipe import Recipe

_TEMPLATES: Final = Path(__file__).parent / "templates"
_NAME: Final = "NAME"  # in the name of a template: what the server is called
_SUFFIX: Final = ".jinja"  # of templates that would be taken for modules of ours

# Braces in pairs are Helm's, Grafana's and the shell's; nothing that we write has these.
_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_TEMPLATES),
    variable_start_string="{$",
    variable_end_string="$}",
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701  # not HTML; what is filled in has been checked letter by letter
)


def render_files(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, str]:
    """Fill in the templates of a recipe.

    Parameters
    ----------
    recipe : Recipe
    values : mapping of str to Any
        By the names that templates use.

    Returns
    -------
    dict of str to str
        Contents by path; a file that comes out empty is not wanted with these settings.
    """
    files = {}
    for folder in filter(None, (recipe.shares, recipe.name)):
        for path in sorted((_TEMPLATES / folder).rglob("*")):
            if path.is_file():
                template = path.relative_to(_TEMPLATES).as_posix()
                text = _ENVIRONMENT.get_template(template).render(values)
                if text.strip():
                    name = path.relative_to(_TEMPLATES / folder).as_posix()
                    files[name.removesuffix(_SUFFIX).replace(_NAME, values["name"])] = text
    return files


def render_line(line: str, values: Mapping[str, Any]) -> str:
    """Fill in a line."""
    return _ENVIRONMENT.from_string(line).render(values)
