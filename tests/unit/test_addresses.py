"""Where a host name leads: all addresses, with IPv6 or without, and who else may be there."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iris_deploy.errors import IrisDeployError
from iris_deploy.serving.supervision.sockets import open_socket, shared_ports, url_of, url_to_try
from tests.conftest import serving
from tests.waits import wait_until


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_all_addresses_are_those_of_ipv4_where_there_is_no_ipv6(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    class WithoutIPv6(socket.socket):
        def __init__(self, family: int = -1, *rest: Any, **more: Any) -> None:
            if family == socket.AF_INET6 and number == errno.EAFNOSUPPORT:
                raise OSError(number, "no IPv6")
            super().__init__(family, *rest, **more)

        def bind(self, address: Any) -> None:
            if self.family == socket.AF_INET6:
                raise OSError(number, "no IPv6")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", WithoutIPv6)
    with open_socket("*", 0) as listener:
        assert url_of(listener).startswith("http://0.0.0.0:")
        assert url_to_try(listener).startswith("http://127.0.0.1:")
    with pytest.raises(IrisDeployError, match="no IPv6"):
        open_socket("::", 0)


def test_a_port_that_is_taken_is_taken_on_all_addresses_too() -> None:
    with (
        socket.create_server(("0.0.0.0", 0)) as taken,
        pytest.raises(IrisDeployError, match="in use"),
    ):
        open_socket("*", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["a" * 64, "a" * 300, "a..b", ".", "a\0b", "\udcff", "[::1]", "²"])
def test_a_host_that_cannot_be_is_an_error_that_names_it(host: str) -> None:
    with pytest.raises(IrisDeployError, match="cannot listen on"):
        open_socket(host, 0)


@pytest.fixture(params=["::1", "127.0.0.1"])
def other(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """Listen on one of the two loopbacks alone."""
    host: str = request.param
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        yield listener


def test_a_program_that_localhost_may_mean_instead_is_told_of(
    artifacts: Path, other: socket.socket
) -> None:
    host, port = other.getsockname()[:2]
    ours = "127.0.0.1" if host == "::1" else "::1"
    options = ("--workers", 1, "--port", port, "--host", ours)
    with serving(artifacts, *options) as running:
        wait_until(lambda: running.events("port_shared"))
        (event,) = running.events("port_shared")
        assert event["level"] == "warning"
        for url in (url_of(other), running.url, "localhost"):
            assert url in event["message"]


def test_nobody_else_is_told_of_where_nobody_is() -> None:
    for host in ("127.0.0.1", "::1", "*", "::", "0.0.0.0"):
        with open_socket(host, 0) as listener:
            assert shared_ports([listener]) == []
