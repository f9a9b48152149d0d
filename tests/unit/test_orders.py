"""Orders from the supervisor arrive as they were given, in whatever pieces the line brings them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_deploy.serving.supervision.orders import (
    Close,
    Drain,
    Order,
    OrderReader,
    Reload,
    encode,
)

COUNTS = st.integers(0, 2**53)
ORDERS: st.SearchStrategy[list[Order]] = st.lists(
    st.builds(Drain, st.floats(0, 1e12))
    | st.builds(Close)
    | st.builds(Reload, COUNTS, COUNTS, st.text())
)


@given(ORDERS, st.integers(1, 50))
def test_orders_arrive_as_they_were_given(orders: list[Order], size: int) -> None:
    data = b"".join(map(encode, orders))
    reader = OrderReader()
    arrived: list[Order] = []
    for at in range(0, len(data), size):
        arrived += reader.take(data[at : at + size])
    assert arrived == orders


@pytest.mark.parametrize("line", [b'{"type":"stop"}\n', b"drain 5\n", b'{"type":"reload"}\n'])
def test_what_is_no_order_is_no_order(line: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        list(OrderReader().take(line))
