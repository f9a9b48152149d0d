"""What can be an address: of a proxy, of a host, of a Unix socket. Nothing is looked up."""

import ipaddress
import os
import sys
from pathlib import Path

from iris_deploy.errors import is_clean

UNIX_PEER = "unix"
"""Stands for the address of a client that came by the Unix socket; such clients have none."""

ALL_ADDRESSES = "*"
"""As a host: all addresses of the machine, IPv6 and IPv4. As a proxy: whoever connects."""

LONGEST_SOCKET_PATH = 107 if sys.platform.startswith("linux") else 103
"""Bytes; `sun_path` holds one more, which ends it (unix(7); 104 on macOS and the BSDs)."""

_LONGEST_HOST = 253  # RFC 1035 section 2.3.4, without the root's dot
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_host(text: str) -> bool:
    """Tell whether text can be the name or address of a host, or `ALL_ADDRESSES`."""
    if text == ALL_ADDRESSES or read_address(text) is not None:
        return True
    try:
        name = text.encode("idna")
    except UnicodeError:
        return False
    return (
        0 < len(name) <= _LONGEST_HOST and name.decode("ascii").isprintable() and b" " not in name
    )


def is_socket_path(path: Path) -> bool:
    """Tell whether a Unix socket can have this path."""
    text = str(path)
    return is_clean(text) and path.name != "" and len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def read_address(text: str) -> Address | None:
    """Read an IP address, an IPv4-mapped one as IPv4; None if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if address.version == 6:
        return address.ipv4_mapped or address
    return address


def read_network(text: str) -> Network | Address | None:
    """Read a network such as ``10.0.0.0/8``, or an address; None if it is neither.

    An address with a zone (``fe80::1%eth0``) stays one, since networks have none.
    """
    if "%" in text:
        return read_address(text)
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return None
    if network.version == 6 and network.subnet_of(_MAPPED):
        mapped = int(network.network_address) & 0xFFFFFFFF
        return ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    return network


def is_proxy(text: str) -> bool:
    """Tell whether text can be said of a trusted proxy."""
    return text in {UNIX_PEER, ALL_ADDRESSES} or read_network(text) is not None
