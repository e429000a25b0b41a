"""Which hosts are public: an address that a service's answer names may not lead into the user's own network.

A host is judged as it will be connected to: after normalisation (full-width digits, ``。`` for a dot), behind every
notation that carries an IPv4 address inside an IPv6 one, and, for a name, by the addresses it resolves to.
"""

from __future__ import annotations

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from charimg.errors import RefusedAddressError

_CARRIERS = (
    ipaddress.IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052
    ipaddress.IPv6Network("::/96"),  # IPv4-compatible, RFC 4291
    ipaddress.IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated, RFC 7915
)
"""IPv6 networks whose last 32 bits are an IPv4 address, beside those that :mod:`ipaddress` knows."""

_ISATAP = (0x00005EFE, 0x02005EFE)
"""What stands before the IPv4 address in the interface identifier of ISATAP (RFC 5214), in any network."""

_NOT_PUBLIC = (
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # local NAT64, RFC 8215: leads to wherever its operator likes
    ipaddress.IPv6Network("3fff::/20"),  # documentation, RFC 9637
    ipaddress.IPv6Network("5f00::/16"),  # segment routing, RFC 9602
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays of 6to4, withdrawn by RFC 7526
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890
)
"""What older versions of Python take for public."""


def may_be_public(host: str) -> bool:
    """Whether this host, normalised as a parsed address has it, may be connected to.

    A name passes unless it means this machine: :class:`PublicResolver` judges what it resolves to. Digits and dots
    that are no address as people write them (``2130706433``, ``127.1``) do not pass: systems read them as addresses.
    """
    host = host.partition("%")[0].rstrip(".").lower()
    try:
        return _is_public(ipaddress.ip_address(host))
    except ValueError:
        looks_numeric = ":" in host or host.replace(".", "").isdigit()
        return bool(host) and not looks_numeric and host.rpartition(".")[2] != "localhost"


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or any(address in network for network in _NOT_PUBLIC):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _CARRIERS) or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return not address.is_site_local and all(_is_public(inner) for inner in carried if inner is not None)


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only: what is checked is what is connected to."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The name's public addresses.

        :raises RefusedAddressError: it has only private ones, or is no name.
        """
        try:
            found = await self._inner.resolve(host, port, family)
        except UnicodeError as error:  # a label too long, or empty
            raise RefusedAddressError("the picture's address is not a web address: its host is no name") from error
        public = [one for one in found if may_be_public(one["host"])]
        if found and not public:
            raise RefusedAddressError
        return public

    async def close(self) -> None:
        """Nothing is held."""
        await self._inner.close()
