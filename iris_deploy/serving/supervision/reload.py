"""How a newer bundle takes the place of the one that is served, in the supervisor and in workers.

The supervisor reads and verifies it, so that later forks have it, and orders the workers to follow.
"""

import threading
from collections.abc import Callable

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.bundle.manifest import Manifest
from iris_deploy.bundle.repository import Repository
from iris_deploy.errors import BundleDigestError, BundleError, IrisDeployError
from iris_deploy.serving.supervision.newest import Newest
from iris_deploy.serving.supervision.orders import Reload
from iris_deploy.serving.telemetry.log import Log
from iris_deploy.serving.telemetry.metrics import RELOADS, Metrics


class Reloader:
    """Swap in newer bundles.

    Parameters
    ----------
    repository : Repository
    served : Manifest
        Of the bundle that is served first; its model is served ever after.
    version : int or None
        None for the newest.
    prepare : callable
        Builds what serves another bundle; what it returns serves it from then on.
    renew_tokens : callable
        Reads the bearer tokens anew; raises `IrisDeployError` if it cannot.
    log : Log

    Attributes
    ----------
    served : Manifest
    generation : int
        Counts the bundles that have been served.
    """

    def __init__(
        self,
        repository: Repository,
        served: Manifest,
        version: int | None,
        *,
        prepare: Callable[[Bundle], Callable[[], None]],
        renew_tokens: Callable[[], None],
        log: Log,
    ) -> None:
        self._repository = repository
        self._newest = Newest(repository, served.model, version)
        self._prepare = prepare
        self._renew_tokens = renew_tokens
        self._log = log
        self._following = threading.Lock()
        self.served = served
        self.generation = 1

    def is_outdated(self) -> bool:
        """Tell whether there is a newer version that is worth reading."""
        return self._newest.is_worth_reading(self.served.version)

    def reload(self, metrics: Metrics) -> Reload:
        """Swap in the newest bundle in the supervisor, and return the order for the workers.

        Whatever is wrong with it is logged, and the one that is served serves on.
        """
        self._try_tokens()
        try:
            self._take(self._newest.read(), metrics)
        except (IrisDeployError, OSError) as exc:
            metrics.add(RELOADS, result="refused")
            message = f"the new bundle is refused, {title(self.served)} serves on: {exc}"
            self._log.event("error", "reload_refused", message, version=self.served.version)
        return Reload(self.generation, self.served.version, self.served.digest)

    def _take(self, bundle: Bundle, metrics: Metrics) -> None:
        before, manifest = self.served, bundle.manifest
        if manifest.digest == before.digest:
            message = f"{title(manifest)} is the newest and serves on"
            self._log.event("info", "reload_same", message, version=manifest.version)
            return
        serve = self._try_routes(bundle)
        serve()
        self.served = manifest
        self.generation += 1
        metrics.add(RELOADS, result="swapped")
        message = f"{title(before)} is followed by {title(manifest)}"
        fields = {"version": manifest.version, "digest": manifest.digest}
        self._log.event("info", "reload", message, **fields)

    def follow(self, order: Reload, metrics: Metrics) -> bool:
        """Swap in, in a worker, what the supervisor has verified; tell whether it is there."""
        with self._following:  # orders that come together are obeyed one after the other
            self._try_tokens()
            if order.generation <= self.generation:
                return True
            try:
                bundle = self._repository.read(self.served.model, order.version)
                if bundle.manifest.digest != order.digest:
                    raise BundleDigestError(
                        f"expected {order.digest}; got {bundle.manifest.digest}"
                    )
                serve = self._try_routes(bundle)
            except (IrisDeployError, OSError) as exc:
                message = f"cannot follow: {exc}"
                self._log.event("error", "reload_failed", message, version=order.version)
                return False
            metrics.predictions.begin(bundle.manifest, order.generation)
            serve()
            self.served, self.generation = bundle.manifest, order.generation
            return True

    def _try_routes(self, bundle: Bundle) -> Callable[[], None]:
        try:
            return self._prepare(bundle)
        except Exception as exc:  # a bug, of a contract's; whoever serves serves on
            self._log.exception(f"the routes of {title(bundle.manifest)} cannot be built", exc)
            raise BundleError("its routes cannot be built; the log says why") from exc

    def _try_tokens(self) -> None:
        try:
            self._renew_tokens()
        except IrisDeployError as exc:
            self._log.event("error", "tokens_refused", f"the tokens stay as they were: {exc}")


def title(manifest: Manifest) -> str:
    """Name a bundle in a sentence."""
    return f"{manifest.model} version {manifest.version} ({manifest.digest[:19]})"
