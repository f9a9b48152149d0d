"""How work grows with its input, measured so that noise cannot fail it.

Calls of functions and lines of Python are counted, which is the same in every run. What C does
between them shows in processor time of this thread. Other programs add little to that, but for some
seconds a machine may be half as quick (caches, a clock that is turned down): so both sizes are
measured in turn, and compared within one try. A try that is in the limit is enough; work that grows
as the square of its input takes twice the limit in every one. The same for memory, of which other
threads may take some meanwhile.
"""

import sys
import time
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

_TIMES = 4  # the largest size to the smallest
_SLACK = 2.0  # how much more than in proportion is still called linear: n log n, sizes of caches
_FIRST = 200  # calls and lines that do not depend on the size
_SECONDS = 0.002  # of processor time that are not worth a look
_TRIES = 5

Run = Callable[[], object]


def counted(run: Run) -> int:
    """Count calls, of C functions too, and executed lines."""
    count = 0

    def on_call(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    def on_line(_frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal count
        count += 1
        return on_line

    before = sys.gettrace(), sys.getprofile()
    sys.setprofile(on_call)
    sys.settrace(on_line)
    try:
        run()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return count


def seconds(run: Run) -> float:
    """Return the processor time of one run."""
    begun = time.thread_time()
    run()
    return time.thread_time() - begun


def peak(run: Run) -> int:
    """Return the bytes that a run has taken at most beyond what there was."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_linear(make: Callable[[int], Run], largest: int) -> None:
    """Check that work and memory grow no faster than the input, up to its largest size.

    Parameters
    ----------
    make : callable
        Prepares the work on an input of a size.
    largest : int
        What the limits allow; a quarter and a half of it are looked at too.
    """
    sizes = [largest // _TIMES, largest // 2, largest]
    make(sizes[0])()  # what is imported or compiled at first
    first, *others = (counted(make(size)) for size in sizes)
    for size, count in zip(sizes[1:], others, strict=True):
        limit = _SLACK * (first + _FIRST) * size / sizes[0]
        assert count <= limit, f"{first} calls and lines at {sizes[0]}, {count} at {size}"
    for _ in range(_TRIES):
        small, large = _together(make(sizes[0]), make(largest))
        if large <= _SLACK * _TIMES * small + _SECONDS:
            break
    else:
        raise AssertionError(
            f"{small * 1e3:.1f} ms at {sizes[0]}, {large * 1e3:.1f} ms at {largest}"
        )
    for _ in range(_TRIES):
        little, much = peak(make(sizes[0])), peak(make(largest))
        if much <= _SLACK * _TIMES * (little + 65536):
            break
    else:
        raise AssertionError(f"{little} and {much} bytes")


def _together(small: Run, large: Run) -> tuple[float, float]:
    """Return the least seconds of each of two runs, taken in turn."""
    pairs = [(seconds(small), seconds(large)) for _ in range(3)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
