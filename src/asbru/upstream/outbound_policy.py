"""Which addresses Asbru may dial (the SSRF policy): checked on the resolved address, at dial time.

    class of address                                   dialled
    cloud metadata                                     only to fetch credentials, never for a provider or a caller
    link-local, unspecified, multicast                 never
    loopback                                           only if the provider's configuration allows it
    private (RFC 1918, unique local, shared 100.64/10) only if the provider's configuration allows it
    everything else                                    yes

An IPv4 address wrapped in IPv6 (mapped, NAT64, 6to4) is judged as the IPv4 address that it is.
"""

from __future__ import annotations

import ipaddress
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",  # AWS ECS
        "169.254.170.23",  # AWS EKS
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",  # AWS EKS
        "fd20:ce::254",  # Google
    )
)
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")
"""Deprecated (RFC 3879), and private all the same."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def judge_address(
    text: str, *, allow_private: bool, allow_loopback: bool, allow_metadata: bool = False
) -> str | None:
    """Why `text` (an IP address, a scope such as "%eth0" allowed) may not be dialled; None when it may."""
    address = _unwrap(ipaddress.ip_address(text.partition("%")[0]))
    if address in _METADATA:
        return None if allow_metadata else "a cloud metadata address"
    if address.is_loopback:
        return None if allow_loopback else "a loopback address (allow_loopback is off for this provider)"
    if address.is_link_local:
        return "a link-local address"
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        return "not a unicast address"
    if address.is_private or address in _SHARED or address in _SITE_LOCAL:
        return None if allow_private else "a private address (allow_private is off for this provider)"
    return "a reserved address" if address.is_reserved else None


def _unwrap(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    wrapped = address.ipv4_mapped or address.sixtofour
    if wrapped is None and address in _NAT64:
        wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return wrapped or address
