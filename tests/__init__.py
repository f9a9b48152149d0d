"""The tests. Names say the behaviour; see ``conftest.py`` for the fixtures."""

import pytest

pytest.register_assert_rewrite("tests.pickling")
