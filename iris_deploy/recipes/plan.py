"""A recipe, a bundle and an image to files: what templates are filled in with."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from iris_deploy import __version__, facts
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.recipes.memory import Memory, plan_memory
from iris_deploy.recipes.recipe import Recipe
from iris_deploy.recipes.settings import RecipeSettings
from iris_deploy.reference import Reference

_PROXIES = ("172.16.0.0/12", "192.168.0.0/16")
"""Where engines take the addresses of their networks from."""


def plan_values(
    recipe: Recipe,
    settings: RecipeSettings,
    manifest: Manifest,
    image: Reference | None,
    requirements: Mapping[str, str],
) -> dict[str, Any]:
    """Return what the templates of a recipe are filled in with.

    Parameters
    ----------
    recipe : Recipe
    settings : RecipeSettings
    manifest : Manifest
    image : Reference or None
        With its digest, where that is known.
    requirements : mapping of str to str
        Versions of what serves the bundle, by package.

    Raises
    ------
    SettingsError
        If the memory does not suffice.
    """
    artifacts = sum(artifact.size for artifact in manifest.artifacts)
    memory = plan_memory(
        artifacts, settings.workers, settings.memory, has_library=manifest.library is not None
    )
    arguments = _arguments(recipe, settings, memory)
    tokens = ["--tokens-file", recipe.tokens] if settings.tokens and recipe.tokens else []
    return {
        **asdict(settings),
        "f": facts,
        "image": str(image) if image else "",
        "repository": image.name if image else "",
        "image_tag": image.tag if image else "",
        "image_digest": image.digest if image else "",
        "model": manifest.model,
        "version": manifest.version,
        "digest": manifest.digest,
        "release": __version__,
        "requirements": sorted(requirements.items()),
        "memory": {
            "resident_mib": -(-memory.resident >> 20),
            "limit_mib": memory.limit >> 20,
        },
        "arguments": arguments,
        "serve": ["serve", "--workers", str(settings.workers), *tokens, *arguments],
        "example": json.dumps(manifest.examples[-1].instance),
    }


def _arguments(recipe: Recipe, settings: RecipeSettings, memory: Memory) -> list[str]:
    """Return the options of `serve` beside the workers and the tokens."""
    words = []
    if memory.large_requests != facts.MAX_MEMORY_BYTES:
        words += ["--max-memory-bytes", str(memory.large_requests)]
    if settings.proxy != "none":
        for network in _PROXIES:
            words += ["--trusted-proxy", network]
    if settings.url_prefix:
        words += ["--url-prefix", settings.url_prefix]
    if recipe.drain_delay:
        grace = recipe.drain_delay + facts.KILL_AFTER
        words += ["--drain-delay", str(recipe.drain_delay), "--grace", str(grace)]
    return words
