"""CSV: lines of plain numbers are read quickly, and just as all others are."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iris_deploy.codec.csv_text import CsvReader
from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.plain import Rows
from iris_deploy.codec.pointers import InstanceError
from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.schema.signature import Signature
from tests.signatures import classes, number

SIGNATURE = Signature(
    columns=(number("length"), number("width")), output=classes("setosa", "virginica")
)
READER = CsvReader(InstanceReader(SIGNATURE))

FIELDS = st.sampled_from(
    ["5.1", "2", "-0", "1e3", ".5", "5.", "+1", "", " 1", "01", "1e999", "nan", '"1"', "length"]
)
LINES = st.one_of(
    st.sampled_from(["length,width", "width,length", "length", "5.1,2.4", "5.1,2.4", ""]),
    st.lists(FIELDS, min_size=1, max_size=3).map(",".join),
)
BODIES = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\n", "\r\n", "\r"])), max_size=5).map(
    lambda lines: "".join(map("".join, lines)).encode()
)


def read(body: bytes, *, named: bool) -> list[list[float]] | type[Exception]:
    """Return the rows of a body, or the kind of error; a header that is wanted is read slowly."""
    try:
        rows = READER.read(body, named=named).rows
    except (MalformedError, InstanceError) as exc:
        return type(exc)
    assert isinstance(rows, Rows)
    found: list[list[float]] = np.asarray(rows.values, float).tolist()
    return found


@given(BODIES)
@example(b"5.1,2.4\r\n1.4,0.2\n1,2\n")
@example(b"5.1,2.4\n1.4,0.2\r\n")
@example(b"5.1,2.4\r\n1.4,0.2\r")
@settings(max_examples=200, deadline=None)
def test_plain_numbers_are_read_quickly_as_they_are_read_slowly(body: bytes) -> None:
    assert read(body, named=False) == read(body, named=True)


@pytest.mark.parametrize("body", [b"5.1,2.4\r\n1.4,0.2\n1,2\n", b'"5.1",2.4\r\n1.4,0.2\n1,2\n'])
def test_lines_that_end_in_two_ways_are_refused_with_both(body: bytes) -> None:
    with pytest.raises(MalformedError, match=r"end with \\n and \\r\\n"):
        READER.read(body)


@pytest.mark.parametrize("field", [b"5.1", b'"5.1"'])
def test_what_a_split_at_newlines_leaves_at_the_end_is_no_other_end_of_a_line(field: bytes) -> None:
    """As batch transform may split a file whose lines end with both."""
    rows = READER.read(field + b",2.4\r\n1.4,0.2\r").rows
    assert np.asarray(rows.values).tolist() == [[5.1, 2.4], [1.4, 0.2]]
