"""artifacts/<model>/<version>/: write a bundle whole or not at all, read it verified, list them.

The only module that touches the files of a bundle. Whole-number version directories are the layout
of TensorFlow Serving and Triton.
"""

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from iris_deploy.bundle.bundle import MANIFEST_FILE, Bundle, read_bundle
from iris_deploy.bundle.files import Fingerprint, take_fingerprint
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.manifest_json import encode_manifest
from iris_deploy.errors import BundleError, BundleNotFoundError, SettingsError

_UNFINISHED = ".unfinished"  # the one directory that a writer under the lock works in
_MODEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


class Repository:
    """The bundles below one directory.

    Parameters
    ----------
    root : Path
        Usually ``artifacts/``. It is made by the first `write`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def models(self) -> list[str]:
        """List the models that have at least one version, by name."""
        return sorted(
            path.name
            for path in self._children(self.root)
            if _MODEL.fullmatch(path.name) and self.versions(path.name)
        )

    def versions(self, model: str) -> list[int]:
        """List the versions of a model, ascending; empty if there is no such model."""
        directory = self.root / checked_model(model)
        paths = [path for path in self._children(directory) if _VERSION.fullmatch(path.name)]
        try:
            return sorted(int(path.name) for path in paths if path.is_dir())
        except OSError as exc:  # listed, but not to be looked at
            raise BundleError(f"cannot read {directory}: {exc.strerror or exc}") from exc

    def look_at(self, model: str, version: int) -> Fingerprint:
        """Tell how a version looks from outside, whether or not there is one; raises nothing."""
        return take_fingerprint(self.root / checked_model(model) / str(version))

    def find(self, model: str | None = None, version: int | None = None) -> Path:
        """Choose a bundle's directory.

        Parameters
        ----------
        model : str, optional
            May be left out where the repository has one model only.
        version : int, optional
            The newest if left out.

        Raises
        ------
        BundleNotFoundError
            Naming what there is instead.
        """
        if model is None:
            models = self._some_models()
            if len(models) > 1:
                raise BundleNotFoundError(
                    f"{self.root}/ holds {len(models)} models: {', '.join(models)}",
                    hint="choose one with `model`",
                )
            model = models[0]
        versions = self.versions(model)
        if not versions:
            there = ", ".join(self._some_models())
            raise BundleNotFoundError(
                f"no model {model!r} in {self.root}/; there is: {there}",
                hint="choose one of these with `model`",
            )
        if version is not None and version not in versions:
            there = ", ".join(map(str, versions))
            raise BundleNotFoundError(
                f"no version {version} of {model} in {self.root}/; there is: {there}",
                hint="choose one of these with `version`, or leave it out for the newest",
            )
        return self.root / model / str(version if version is not None else versions[-1])

    def read(self, model: str | None = None, version: int | None = None) -> Bundle:
        """Find a bundle and read it; see `find` and `read_bundle`."""
        return read_bundle(self.find(model, version))

    def write(self, manifest: Manifest, files: Mapping[str, bytes]) -> Path:
        """Write the next version of a model, whole or not at all.

        Parameters
        ----------
        manifest : Manifest
            Complete but for its version and digest, which are filled in here.
        files : mapping of str to bytes
            The artifacts by file name.

        Returns
        -------
        Path
            The directory of the new version.

        Raises
        ------
        BundleError
            If the directory cannot be written; older versions are as they were.

        Notes
        -----
        Everything is written and fsynced in a directory of its own, which is renamed at the end.
        A lock on the model's directory, which the kernel lets go of when its holder dies, orders
        concurrent writers; whoever holds it sweeps what a killed writer left.
        """
        home = self.root / checked_model(manifest.model)
        unfinished = home / _UNFINISHED
        try:
            home.mkdir(parents=True, exist_ok=True)
            with _locked(home):
                shutil.rmtree(unfinished, ignore_errors=True)
                taken = (int(p.name) for p in home.iterdir() if _VERSION.fullmatch(p.name))
                version = 1 + max(taken, default=0)
                try:
                    unfinished.mkdir()
                    for name, data in files.items():
                        _write_file(unfinished / name, data)
                    numbered = msgspec.structs.replace(manifest, version=version)
                    _write_file(unfinished / MANIFEST_FILE, encode_manifest(numbered))
                    _sync_directory(unfinished)
                    unfinished.rename(home / str(version))
                except BaseException:
                    shutil.rmtree(unfinished, ignore_errors=True)
                    raise
                _sync_directory(home)
                _sync_directory(self.root)
        except OSError as exc:
            message = f"cannot write to {home}: {exc.strerror or exc}"
            hint = "nothing was changed; make room or give permission, or choose other `artifacts`"
            raise BundleError(message, hint=hint) from exc
        return home / str(version)

    def _some_models(self) -> list[str]:
        models = self.models()
        if not models:
            raise BundleNotFoundError(
                f"no bundle in {self.root}/",
                hint="run `iris-deploy train` first, or name another directory with `artifacts`",
            )
        return models

    def _children(self, directory: Path) -> list[Path]:
        """List a directory; a missing one is empty."""
        try:
            return list(directory.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as exc:
            raise BundleError(f"cannot read {directory}: {exc.strerror or exc}") from exc


def copy_bundle(bundle: Bundle, root: Path) -> None:
    """Copy the files of a bundle, and no others, to where another repository has it.

    Parameters
    ----------
    bundle : Bundle
    root : Path
        The other repository's, which does not have this version yet.
    """
    manifest = bundle.manifest
    target = root / manifest.model / str(manifest.version)
    target.mkdir(parents=True)
    for file in (MANIFEST_FILE, *manifest.files):
        shutil.copyfile(bundle.path / file, target / file)


def checked_model(model: str) -> str:
    """Return a model's name if it is fit for a directory, a URL and a label.

    Raises
    ------
    SettingsError
        If it is not.
    """
    if not _MODEL.fullmatch(model):
        raise SettingsError(
            "`model`: expected lower-case letters, digits, '.', '_' and '-', at most 63 in all; "
            f"got {model!r}"
        )
    return model


def _write_file(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    """Make a directory's entries durable; the files' own fsync does not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the directory's exclusive lock; closing the descriptor, or dying, lets go of it."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
