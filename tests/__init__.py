"""The tests. Names say the behaviour; see ``conftest.py`` for the fixtures."""

import os

import pytest

pytest.register_assert_rewrite("tests.documents", "tests.pickling")

# Processes run side by side: the threads of each would only wait for those of others.
os.environ.setdefault("OMP_NUM_THREADS", "1")
