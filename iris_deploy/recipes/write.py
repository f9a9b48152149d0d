"""A bundle and its image to the files of a recipe: the order in which it is done."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from iris_deploy import facts
from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.pins import pin_versions
from iris_deploy.errors import RecipeError, SettingsError
from iris_deploy.recipes.files import write_files
from iris_deploy.recipes.plan import plan_values
from iris_deploy.recipes.recipe import Recipe
from iris_deploy.recipes.remote import Published, UnreachableError, find_published
from iris_deploy.recipes.render import render_files, render_line
from iris_deploy.recipes.settings import RecipeSettings
from iris_deploy.reference import Reference, read_reference


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written.

    Parameters
    ----------
    folder : Path
    files : list of str
        Below it, sorted.
    image : str or None
        As the files name it.
    next : list of str
        What to do with them.
    warnings : list of str
    """

    folder: Path
    files: list[str]
    image: str | None
    next: list[str]
    warnings: list[str]


def choose_settings(recipe: Recipe, chosen: Mapping[str, Any]) -> RecipeSettings:
    """Return the settings of a recipe.

    Parameters
    ----------
    recipe : Recipe
    chosen : mapping of str to Any
        What was given, by field; None for what was not.

    Raises
    ------
    SettingsError
        If one cannot be, or the recipe has no use for it.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    for field in fields(RecipeSettings):
        if field.name in given and field.name not in recipe.takes | {"name"}:
            takes = ", ".join(f"`{name}`" for name in sorted(recipe.takes))
            raise SettingsError(
                f"`{field.name}`: {recipe.name} has no use for it", hint=f"it takes {takes}"
            )
    return RecipeSettings(**given)


def choose_image(recipe: Recipe, text: str | None) -> Reference | None:
    """Return the reference of the image that a recipe runs; None if it runs none.

    Raises
    ------
    SettingsError
        If it is none, or there is one and should not.
    """
    if not recipe.image:
        if text is not None:
            raise SettingsError(f"`image`: {recipe.name} runs no image", hint="leave it out")
        return None
    if text is None:
        raise SettingsError(
            f"`image`: {recipe.name} runs an image, and none is named",
            hint="`iris-deploy build-image --push` prints the digest to name it by",
        )
    reference = read_reference(text)
    if reference is None:
        raise SettingsError(
            f"`image`: expected name:tag or name@sha256:..., in lower case, got {text!r:.200}",
            hint="for example `image` user/iris:1.0",
        )
    return reference


def write_recipe(
    recipe: Recipe,
    settings: RecipeSettings,
    bundle: Bundle,
    image: Reference | None,
    folder: Path,
    *,
    artifacts: Path,
    credentials: Mapping[str, str] | None,
    force: bool,
) -> Written:
    """Write the files of a recipe.

    Parameters
    ----------
    recipe : Recipe
    settings : RecipeSettings
    bundle : Bundle
    image : Reference or None
    folder : Path
    artifacts : Path
        Where the bundle is, for those who copy it.
    credentials : mapping of str to str or None
        Logins of registries; None if no registry is asked.
    force : bool
        Whether files that are there are replaced.

    Raises
    ------
    SettingsError, RecipeError
    """
    if settings.name is None:
        name = bundle.manifest.model.replace("_", "-").replace(".", "-")
        settings = replace(settings, name=name)
    _check_name(recipe, settings.name)
    warnings: list[str] = []
    if image is not None and credentials is not None:
        image = _look_up(image, bundle.manifest, credentials, warnings)
    if image is not None and not image.digest:
        warnings.append(
            f"{image} is a tag, which may lead to another image tomorrow; a digest does not: "
            f"{image.name}@sha256:..."
        )
    requirements = {} if recipe.image else pin_versions(bundle)
    values = plan_values(recipe, settings, bundle.manifest, image, requirements)
    files = render_files(recipe, values)
    write_files(folder, files, force=force)
    paths = {"folder": shlex.quote(str(folder)), "artifacts": shlex.quote(str(artifacts))}
    return Written(
        folder=folder,
        files=sorted(files),
        image=str(image) if image else None,
        next=list(filter(None, (render_line(step, values | paths) for step in recipe.steps))),
        warnings=warnings,
    )


def _check_name(recipe: Recipe, name: str | None) -> None:
    """Refuse a name that is too short or too long for the names that a recipe makes of it."""
    least, most = recipe.name_length
    length = len(name or "")
    if not least <= length <= most:
        raise SettingsError(
            f"`name`: {recipe.name} takes {least} to {most} characters, got {length}: {name}",
            hint="give it another `name`",
        )


def _look_up(
    reference: Reference,
    manifest: Manifest,
    credentials: Mapping[str, str],
    warnings: list[str],
) -> Reference:
    """Return a reference with its digest, if its registry can be asked."""
    try:
        published = find_published(reference, credentials)
    except UnreachableError as exc:
        warnings.append(f"the image was not looked up, so nothing says what it holds: {exc}")
        return reference
    _check(reference, published, manifest)
    return reference._replace(digest=published.digest)


def _check(reference: Reference, published: Published, manifest: Manifest) -> None:
    """Refuse an image that is not ours, or has another bundle."""
    held = published.labels.get(f"{facts.LABEL}digest")
    if held is None:
        raise RecipeError(
            f"{reference} is no image of iris-deploy: it has no label {facts.LABEL}digest",
            hint="build it with `iris-deploy build-image`",
        )
    if held != manifest.digest:
        model = published.labels.get(f"{facts.LABEL}model", "?")
        version = published.labels.get(f"{facts.LABEL}version", "?")
        raise RecipeError(
            f"{reference} holds {model:.63} version {version:.9} ({held:.19}), not "
            f"{manifest.model} version {manifest.version} ({manifest.digest:.19})",
            hint="name its bundle with `model` and `version`, or build the image of this one",
        )
