"""The WSGI application, which may be loaded while the first requests are answered.

Loading Flask takes a third of a server's start, and what most requests ask for is answered without
it. Knows nothing of what the application does.
"""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_NO_FILES = (errno.EMFILE, errno.ENFILE)
_PATIENCE = 5.0  # s that a request waits for descriptors to import with
_PAUSE = 0.05  # s between two tries to import


class LateApp:
    """A WSGI application that is created when it is first needed, or earlier.

    Parameters
    ----------
    create : callable
        Imports and returns the application.
    failed : callable
        Gets what `create` raised beside the loop.

    Attributes
    ----------
    waits : bool
        Whether it is not created before somebody asks for it.
    """

    def __init__(
        self, create: "Callable[[], WSGIApplication]", failed: Callable[[BaseException], object]
    ) -> None:
        self._create = create
        self._failed = failed
        self.waits = False
        self._lock = threading.Lock()
        self._app: WSGIApplication | None = None

    def load_in_background(self) -> None:
        """Begin to create the application in a thread, unless it is there, or waits."""
        if self._app is None and not self.waits:
            threading.Thread(target=self._try, name="load", daemon=True).start()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request, once the application is there."""
        return self.load()(environ, start_response)

    def load(self) -> "WSGIApplication":
        """Return the application, created by now.

        Raises
        ------
        OSError
            If there is no descriptor for a module's file for some seconds: the connections have
            them all.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                with self._lock:
                    if self._app is None:
                        self._app = self._create()
                    return self._app
            except (OSError, ImportError) as exc:
                if not _is_for_want_of_files(exc) or time.monotonic() > end:
                    raise
            time.sleep(_PAUSE)

    def _try(self) -> None:
        while True:
            try:
                self.load()
            except BaseException as exc:  # noqa: BLE001
                if _is_for_want_of_files(exc):  # which passes, as soon as a connection ends
                    continue
                self._failed(exc)
            return


def _is_for_want_of_files(exc: BaseException) -> bool:
    if isinstance(exc, OSError):
        return exc.errno in _NO_FILES
    # The loader of shared libraries has words only.
    return isinstance(exc, ImportError) and any(
        os.strerror(number) in str(exc) for number in _NO_FILES
    )
