"""Garbage collection, put off while many objects are made that are no garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect nothing in a block; else what is made is looked at again and again.

    Threads may be in such blocks at the same time: whoever has turned it off turns it on again.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
