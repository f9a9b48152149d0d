"""``iris-deploy recipe``: a bundle and its image to the files of a platform."""

import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli import recipe_options as o
from iris_deploy.cli.options import Artifacts, Json, Model, Version, read_size

if TYPE_CHECKING:
    from iris_deploy.recipes.write import Written


def recipe(
    kind: o.Kind = None,
    image: o.Image = None,
    artifacts: Artifacts = ARTIFACTS,
    model: Model = None,
    version: Version = None,
    lookup: o.Lookup = True,
    output: o.Output = None,
    force: o.Force = False,
    name: o.Name = None,
    replicas: o.Replicas = None,
    workers: o.Workers = None,
    memory: o.Memory = None,
    port: o.Port = None,
    domain: o.Domain = None,
    url_prefix: o.UrlPrefix = None,
    namespace: o.Namespace = None,
    tokens: o.Tokens = None,
    proxy: o.Proxy = None,
    monitoring: o.Monitoring = None,
    as_json: Json = False,
) -> None:
    """Write what a platform needs to be told to run the image: plain files, complete as they are.

    Without a KIND it lists where the image can run. The files are yours: read them, change them,
    keep them in git. Their numbers are the server's own.
    """
    options = locals()
    from iris_deploy.recipes.registry import find_recipe

    if kind is None:
        _list_recipes(as_json=as_json)
        return
    found = find_recipe(kind)
    from iris_deploy.bundle.repository import Repository
    from iris_deploy.cli.output import progress
    from iris_deploy.recipes.credentials import read_credentials
    from iris_deploy.recipes.settings import RecipeSettings
    from iris_deploy.recipes.write import choose_image, choose_settings, write_recipe

    chosen = {field.name: options[field.name] for field in fields(RecipeSettings)}
    chosen["memory"] = read_size("memory", memory)
    settings = choose_settings(found, chosen)
    reference = choose_image(found, image)
    bundle = Repository(artifacts).read(model, version)
    home = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    with progress(
        "Writing the files, with what the registry says" if lookup else "Writing the files"
    ):
        written = write_recipe(
            found,
            settings,
            bundle,
            reference,
            output or Path("deploy", found.name),
            artifacts=artifacts,
            credentials=read_credentials(home) if lookup else None,
            force=force,
        )
    _report(written, as_json=as_json)


def _report(written: "Written", *, as_json: bool) -> None:
    if as_json:
        from iris_deploy.cli.output import print_json

        print_json({**vars(written), "folder": str(written.folder)})
        return
    for warning in written.warnings:
        typer.secho(f"warning: {warning}", fg="yellow", err=True)
    n = len(written.files)
    typer.echo(f"Wrote {n} file{'s' * (n > 1)} to {written.folder}:")
    for file in written.files:
        typer.echo(f"  {file}")
    typer.echo("Next:")
    for step in written.next:
        typer.echo(f"  {step}")


def _list_recipes(*, as_json: bool) -> None:
    from iris_deploy.recipes.registry import RECIPES

    if as_json:
        from iris_deploy.cli.output import print_json

        print_json({recipe.name: recipe.summary for recipe in RECIPES})
        return
    width = max(len(recipe.name) for recipe in RECIPES)
    for each in RECIPES:
        typer.echo(f"{each.name:{width}}  {each.summary}")
