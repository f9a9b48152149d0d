"""waitress is what the adapter says of it: of one that is not, the test names what has moved."""

import importlib
import inspect
import re
from importlib.metadata import requires, version

import pytest

from iris_deploy.serving.worker.adapter import INTERNALS, LOGGER, THREADS_HAVE, Threads

ALLOWED = "<3.1,>=3.0.2"


def test_only_versions_that_were_looked_at_are_allowed() -> None:
    """Whoever moves the bound looks at every name of `INTERNALS` first."""
    (bound,) = (line for line in requires("iris-deploy") or () if line.startswith("waitress"))
    assert bound.removeprefix("waitress") == ALLOWED
    assert re.fullmatch(r"3\.0\.([2-9]|\d\d+)", version("waitress"))


@pytest.mark.parametrize("name", INTERNALS)
def test_every_internal_is_where_it_was_and_called_as_it_was(name: str) -> None:
    module, *path = name.split(".")
    found = importlib.import_module(f"waitress.{module}")
    for attribute in path:
        found = getattr(found, attribute)
    now = str(inspect.signature(found)) if callable(found) else repr(found)
    assert now == INTERNALS[name], f"waitress.{name} has moved"


def test_the_threads_have_what_is_used_of_them() -> None:
    threads = importlib.import_module("waitress.task").ThreadedTaskDispatcher()
    assert all(hasattr(threads, name) for name in THREADS_HAVE)
    assert threads.queue_logger.name == LOGGER


def test_what_waits_longest_is_taken_back_first_and_the_rest_is_done() -> None:
    done: list[int] = []

    class Job:
        def __init__(self, number: int) -> None:
            self.number = number

        def service(self) -> None:
            done.append(self.number)

    threads = Threads(0)
    for number in range(5):
        threads.add(Job(number))
    assert threads.queued == 5

    def is_early(job: Job) -> bool:
        return job.number < 2

    assert [job.number for job in threads.take_while(is_early)] == [0, 1]
    assert threads.queued == 3
    assert done == []
