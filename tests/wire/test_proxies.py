"""Whose X-Forwarded-For counts, and which client it tells of."""

import ipaddress
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_deploy.serving.addresses import UNIX_PEER
from iris_deploy.serving.http.proxies import TrustedProxies, plain_address
from tests.conftest import serving
from tests.pieces import BODY, PREDICTION, post, take_apart, talk
from tests.waits import wait_until, within

PROXY = "127.0.0.1"
ADDRESSES = st.ip_addresses().map(str)
GARBAGE = st.one_of(
    st.sampled_from(
        ["", " ", "unknown", "_hidden", "-", ":", "[", "]", "[]", "[]:80", "1.2.3", '"']
    ),
    st.text(st.characters(max_codepoint=255, exclude_characters=","), max_size=80),
)


def plain(text: str) -> str:
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


@pytest.mark.parametrize(
    ("names", "peer", "trusted"),
    [
        ((), "127.0.0.1", False),
        (("127.0.0.1",), "127.0.0.1", True),
        (("127.0.0.1",), "::ffff:127.0.0.1", True),
        (("127.0.0.1",), "127.0.0.2", False),
        (("127.0.0.1",), UNIX_PEER, False),
        (("::ffff:127.0.0.1",), "127.0.0.1", True),
        (("0:0:0:0:0:0:0:1",), "::1", True),
        (("::1",), "::1", True),
        (("::1",), "127.0.0.1", False),
        (("10.0.0.0/8", "192.168.0.0/16"), "192.168.7.7", True),
        (("10.0.0.0/8", "192.168.0.0/16"), "10.9.8.7", True),
        (("10.0.0.0/8", "192.168.0.0/16"), "::ffff:10.9.8.7", True),
        (("10.0.0.0/8", "192.168.0.0/16"), "11.0.0.1", False),
        (("::ffff:10.0.0.0/104",), "10.1.2.3", True),
        (("0.0.0.0/0",), "192.0.2.1", True),
        (("0.0.0.0/0",), "2001:db8::1", False),
        (("::/0",), "2001:db8::1", True),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("fe80::1",), "fe80::1%eth0", True),
        (("fe80::1%eth0",), "fe80::1%eth0", True),
        (("fe80::1%eth0",), "fe80::1%eth1", False),
        (("unix",), UNIX_PEER, True),
        (("unix",), "127.0.0.1", False),
        (("*",), "192.0.2.1", True),
        (("*",), "2001:db8::1", True),
        (("*",), UNIX_PEER, True),
    ],
)
def test_addresses_are_compared_as_addresses(
    names: tuple[str, ...], peer: str, trusted: bool
) -> None:
    assert TrustedProxies(names).trusts(peer) is trusted


@given(st.ip_addresses(), st.integers(0, 32))
def test_a_network_trusts_what_is_in_it_in_every_spelling(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int
) -> None:
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    proxies = TrustedProxies([str(network)])
    mapped = address.version == 6 and address.ipv4_mapped
    assert proxies.trusts(str(address)) or mapped
    assert proxies.trusts(address.exploded) or mapped
    if address.version == 4:
        assert proxies.trusts(f"::ffff:{address}")


@given(st.text(max_size=60))
def test_no_peer_is_too_strange_to_be_looked_at(peer: str) -> None:
    assert not TrustedProxies(["127.0.0.1", "10.0.0.0/8"]).trusts(f"x{peer}")
    assert plain_address(f"x{peer}") == f"x{peer}"


@pytest.mark.parametrize(
    ("peer", "plain"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("::FFFF:102:304", "1.2.3.4"),
        ("0:0:0:0:0:ffff:102:304", "1.2.3.4"),
        ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        (UNIX_PEER, UNIX_PEER),
    ],
)
def test_an_ipv4_address_that_came_over_ipv6_is_shown_as_ipv4(peer: str, plain: str) -> None:
    assert plain_address(peer) == plain
    assert TrustedProxies(["*"]).client(peer, None, 1) == plain


@given(
    st.lists(st.one_of(ADDRESSES, GARBAGE), max_size=4),
    ADDRESSES,
    st.lists(st.one_of(ADDRESSES, GARBAGE), max_size=4),
    st.sampled_from(["{}", " {} ", '"{}"', "[{}]", "[{}]:4711", "{}:80"]),
)
def test_the_client_is_counted_from_the_right_whatever_is_beside_it(
    left: list[str], client: str, right: list[str], form: str
) -> None:
    if ":" in client and form == "{}:80":
        form = "[{}]:80"
    if ":" not in client:
        form = form.replace("[", "").replace("]", "")
    header = ",".join([*left, form.format(client), *right])
    assert TrustedProxies(["*"]).client(PROXY, header, len(right) + 1) == plain(client)


@given(ADDRESSES, st.lists(GARBAGE, max_size=3), st.integers(1, 100))
def test_with_fewer_proxies_than_said_the_leftmost_counts(
    client: str, others: list[str], more: int
) -> None:
    header = ", ".join([client, *others])
    assert TrustedProxies(["*"]).client(PROXY, header, len(others) + more) == plain(client)


@given(st.text(st.characters(max_codepoint=255), max_size=300), st.integers(1, 5))
def test_any_header_gives_an_address(header: str, count: int) -> None:
    ipaddress.ip_address(TrustedProxies(["*"]).client("192.0.2.9", header, count))


@pytest.mark.parametrize(
    "entry",
    [
        *("", " ", "unknown", "_hidden", "_hidden:80", ":80", "1.2.3", "1.2.3.4.5", "1.2.3.4:"),
        *(
            "1.2.3.4:x",
            "1.2.3.4:999999",
            "[1.2.3.4]",
            "[::1",
            "::1]",
            "[::1]80",
            "[::1]:",
            "[::1]:x",
        ),
        *("fe80::1%eth0", "fe80::1%" + "x" * 9000, "::1" + " " * 9000, "\xff", "01.2.3.4", "1:2"),
    ],
    ids=lambda entry: entry[:20],
)
def test_what_is_no_address_falls_back_to_the_peer(entry: str) -> None:
    for header in (entry, f"192.0.2.1, {entry}"):
        assert TrustedProxies(["*"]).client("::ffff:198.51.100.7", header, 1) == "198.51.100.7"


@pytest.mark.parametrize("unit", [",", '"', "[", ":", " ", "1.2.3.4,", "\\", "::1"])
def test_a_header_of_a_megabyte_takes_no_longer_than_its_length(unit: str) -> None:
    header = unit * (2**20 // len(unit))
    with within(1, time.process_time):
        for count in (1, 100):
            TrustedProxies(["*"]).client(PROXY, header, count)


@pytest.mark.parametrize(
    ("options", "client", "warns"),
    [
        (("--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "127.0.0.0/8"), "192.0.2.1", False),
        (("--trusted-proxy", "::ffff:127.0.0.1"), "192.0.2.1", False),
        (("--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "unix"), "127.0.0.1", False),
        (("--trusted-proxy", "*"), "192.0.2.1", True),
    ],
)
def test_several_networks_and_everybody_can_be_trusted(
    artifacts: Path, options: tuple[str, ...], client: str, warns: bool
) -> None:
    with serving(artifacts, "--workers", 1, *options) as running:
        request = post(BODY, b"X-Forwarded-For: 192.0.2.1", b"Connection: close")
        (answer,) = take_apart(talk(running.address, request))
        assert answer.body == PREDICTION
        wait_until(lambda: running.events("request"))
        assert running.events("request")[0]["client"] == client
        assert bool(running.events("trusts_all")) == warns
