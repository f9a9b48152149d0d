"""The newest version of a model: read it, and tell when it is worth another look."""

from typing import TYPE_CHECKING

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.repository import Repository
from iris_deploy.errors import BundleError

if TYPE_CHECKING:
    from iris_deploy.bundle.files import Fingerprint


class Newest:
    """What a server swaps in.

    Parameters
    ----------
    repository : Repository
    model : str
    version : int or None
        One that was asked for stays the newest.
    """

    def __init__(self, repository: Repository, model: str, version: int | None) -> None:
        self._repository = repository
        self._model = model
        self._version = version
        self._read: tuple[int, Fingerprint] = (0, {})  # which, and how it looked, the last time

    def read(self) -> Bundle:
        """Read it; see `Repository.read`."""
        version = int(self._repository.find(self._model, self._version).name)
        # Looked at before it is read: what changes meanwhile shows the next time.
        self._read = version, self._repository.look_at(self._model, version)
        return self._repository.read(self._model, version)

    def is_worth_reading(self, served: int) -> bool:
        """Tell whether there is something newer that has not been read as it is now.

        A version may be seen while its files are still copied. It is refused then, and worth
        another look as soon as it looks otherwise; one that stays as it is, is not.

        Parameters
        ----------
        served : int
            Version that is served.
        """
        if self._version is not None:
            return False
        try:
            newest = max(self._repository.versions(self._model), default=0)
        except BundleError:
            return False  # what cannot be looked at now may be later
        if newest <= served:
            return False
        return self._read != (newest, self._repository.look_at(self._model, newest))
