"""Which peers are proxies that are believed, and which client they tell of.

A header that does not affect the answer never refuses a request: what is no address is passed over.
"""

import functools
import re
from collections.abc import Iterable

from iris_deploy.serving.addresses import (
    ALL_ADDRESSES,
    UNIX_PEER,
    Address,
    read_address,
    read_network,
)

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf" ?(?:{_OCTET}\.){{3}}{_OCTET}")
_LONGEST_ENTRY = 64  # characters of an address in brackets with its port, and room to spare
_REMEMBERED = 1024  # peers, so that a proxy's address is not read for each of its requests


class TrustedProxies:
    """Tell whose ``X-Forwarded-For`` counts, and what it says.

    Parameters
    ----------
    names : iterable of str
        Addresses, networks, ``unix`` for whoever comes by the Unix socket, ``*`` for everybody;
        what is none of these trusts nobody.
    """

    def __init__(self, names: Iterable[str]) -> None:
        given = frozenset(names)
        self._all = ALL_ADDRESSES in given
        self._unix = UNIX_PEER in given
        known = [found for found in map(read_network, given) if found is not None]
        self._addresses = [found for found in known if isinstance(found, Address)]
        self._networks = [found for found in known if not isinstance(found, Address)]
        self._any = bool(given)
        self._remembered = functools.lru_cache(_REMEMBERED)(self._look_up)

    def __bool__(self) -> bool:
        """Whether anybody is trusted."""
        return self._any

    def trusts(self, peer: str) -> bool:
        """Tell whether a peer is a proxy that is believed.

        Parameters
        ----------
        peer : str
            Address as ``accept`` gives it, or ``unix``. Addresses are compared as addresses:
            ``::ffff:127.0.0.1`` is ``127.0.0.1``; one without a zone stands for all zones.
        """
        return self._any and self._remembered(peer)

    def _look_up(self, peer: str) -> bool:
        if self._all:
            return True
        if peer == UNIX_PEER:
            return self._unix
        address = read_address(peer)
        if address is None:
            return False
        if address in self._addresses:
            return True
        return any(
            address.version == network.version and address in network for network in self._networks
        )

    def client(self, peer: str, forwarded_for: str | None, count: int) -> str:
        """Return the address of the client that the proxies in a row tell of.

        Parameters
        ----------
        peer : str
            A trusted one.
        forwarded_for : str or None
            Value of ``X-Forwarded-For``; several such lines are joined with commas.
        count : int
            Proxies in a row: the client is the entry of this number from the right, or the leftmost
            if there are fewer.

        Returns
        -------
        str
            The peer if the entry is no address: each proxy appends what it has seen, so that what
            is further to the left could have been written by anybody.
        """
        if forwarded_for is None:
            return plain_address(peer)
        entries = forwarded_for.rsplit(",", count)
        entry = entries[max(len(entries) - count, 0)]
        if _IPV4.fullmatch(entry):  # nearly always, and 20 times quicker than reading it
            return entry.strip(" ")
        address = _read_entry(entry)
        return plain_address(peer) if address is None else str(address)


def plain_address(peer: str) -> str:
    """Return an address as people write it: one of IPv4 that came over IPv6 is IPv4's.

    Parameters
    ----------
    peer : str
        Address, perhaps with a zone, or ``unix``.
    """
    if ":" not in peer:
        return peer
    address = read_address(peer)
    return peer if address is None or address.version == 6 else str(address)


def _read_entry(entry: str) -> Address | None:
    """Read ``IPv4``, ``IPv6`` or ``[IPv6]``, each with a port or not; in quotes too."""
    if len(entry) > 4 * _LONGEST_ENTRY:  # white space around, but not pages of it
        return None
    entry = entry.strip(' \t"')
    if len(entry) > _LONGEST_ENTRY or "%" in entry:  # a zone means nothing on another machine
        return None
    host, port = entry, ""
    if entry.startswith("["):
        host, closed, port = entry[1:].partition("]")
        if not closed or ":" not in host or (port and not port.startswith(":")):
            return None
        port = port[1:] if port else ""
        if entry.endswith(":"):
            return None
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
        if not port:
            return None
    if port and not (len(port) <= 5 and port.isascii() and port.isdecimal()):
        return None
    return read_address(host)
