"""Garbage collection, put off while many objects are made that are no garbage."""

import gc
from typing import Self


class NoCollection:
    """Collect nothing in a block; else what is made is looked at again and again.

    Threads may be in such blocks at the same time: whoever has turned it off turns it on again.
    """

    __slots__ = ("_collects",)

    def __enter__(self) -> Self:
        """Begin the block."""
        self._collects = gc.isenabled()
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        """End the block."""
        if self._collects:
            gc.enable()
