"""Bundles with a manifest that was changed on purpose."""

import json
from pathlib import Path

from iris_deploy.bundle.manifest_json import sha256


def rewrite(path: Path, change: dict[str, object]) -> None:
    """Change members of a manifest and give it the digest that belongs to it."""
    manifest = json.loads(path.read_text())
    for dotted, value in change.items():
        *parents, last = dotted.split(".")
        target = manifest
        for parent in parents:
            target = target[int(parent)] if isinstance(target, list) else target[parent]
        if value is DELETE:
            del target[last]
        else:
            target[last] = value
    number = manifest.pop("format")
    manifest.pop("digest")
    rest = json.dumps(manifest, indent=2).removeprefix("{\n") + "\n"
    path.write_text(f'{{\n  "format": {number},\n  "digest": "{sha256(rest.encode())}",\n{rest}')


DELETE = object()
