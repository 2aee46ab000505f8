"""Which addresses may be dialled: a table over every class of address and every way to wrap one in another."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asbru.upstream.outbound_policy import judge_address

PUBLIC = ["1.1.1.1", "8.8.8.8", "104.18.7.192", "2606:4700::6810:7c0", "2a00:1450:4001:81b::200e"]
LOOPBACK = ["127.0.0.1", "127.255.255.254", "::1"]
PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.254", "fd12::1"]
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
]
NEVER = [
    *METADATA,
    "169.254.0.1",
    "169.254.255.255",
    "fe80::1",
    "fe80::1%eth0",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "239.255.255.255",
    "ff02::1",
    "ff05::2%1",
    "255.255.255.255",
]


def refused(text: str, *, private: bool = False, loopback: bool = False) -> bool:
    """Whether the policy refuses, with what the provider's configuration allows."""
    return judge_address(text, allow_private=private, allow_loopback=loopback) is not None


def wrappings(text: str) -> list[str]:
    """The same IPv4 address in IPv6 clothes: mapped, NAT64, 6to4."""
    number = int(ipaddress.IPv4Address(text))
    return [
        f"::ffff:{text}",
        f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}",
        f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1",
    ]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_dialled(text: str) -> None:
    """A provider on the internet needs no permission."""
    assert not refused(text)


@pytest.mark.parametrize("text", LOOPBACK)
def test_loopback_needs_its_permission(text: str) -> None:
    """Only `allow_loopback` opens loopback; `allow_private` does not."""
    assert refused(text) and refused(text, private=True)
    assert not refused(text, loopback=True)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_need_their_permission(text: str) -> None:
    """Only `allow_private` opens private networks; `allow_loopback` does not."""
    assert refused(text) and refused(text, loopback=True)
    assert not refused(text, private=True)


@pytest.mark.parametrize("text", NEVER)
def test_some_addresses_are_never_dialled(text: str) -> None:
    """Metadata services, link-local, unspecified, multicast and broadcast: no permission opens them."""
    assert refused(text, private=True, loopback=True)


@pytest.mark.parametrize("text", [one for one in (*PUBLIC, *LOOPBACK, *PRIVATE, *NEVER) if ":" not in one])
@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("loopback", [False, True])
def test_wrapping_changes_nothing(text: str, private: bool, loopback: bool) -> None:
    """An IPv4 address is judged the same however it is written in IPv6."""
    plain = refused(text, private=private, loopback=loopback)
    for wrapped in wrappings(text):
        assert refused(wrapped, private=private, loopback=loopback) == plain, wrapped


@pytest.mark.parametrize(
    "text",
    [
        "::127.0.0.1",
        "::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2001:0:a9fe:a9fe::1",
        "fec0::1",
        "240.0.0.1",
        "0.1.2.3",
        "192.0.2.1",
        "198.18.0.1",
        "2001:db8::1",
        "100::1",
    ],
)
def test_odd_ranges_are_closed_by_default(text: str) -> None:
    """Deprecated, reserved, documentation, benchmark and translation ranges are not the internet."""
    assert refused(text)


@pytest.mark.parametrize("text", ["fe80::1%eth0", "fe80::1%../../etc", "fe80::1%", "::ffff:169.254.169.254%1"])
def test_a_zone_does_not_hide_an_address(text: str) -> None:
    """What stands after the percent sign is not part of the judgement."""
    assert refused(text, private=True, loopback=True)


@pytest.mark.parametrize("text", NEVER)
def test_credentials_open_the_metadata_addresses_alone(text: str) -> None:
    """For the machine's own source of credentials they are dialled, and no other closed address is."""
    verdict = judge_address(text, allow_private=False, allow_loopback=False, allow_metadata=True)
    assert (verdict is None) is (text in METADATA)


def test_a_refusal_says_what_would_allow_it() -> None:
    """The reason names the setting, where there is one."""
    assert "allow_loopback" in (judge_address("127.0.0.1", allow_private=False, allow_loopback=False) or "")
    assert "allow_private" in (judge_address("10.0.0.1", allow_private=False, allow_loopback=False) or "")
    assert "metadata" in (judge_address("169.254.169.254", allow_private=True, allow_loopback=True) or "")


@given(st.ip_addresses())
@example(ipaddress.ip_address("2002:100::"))
def test_what_is_allowed_is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Without permissions nothing but global unicast addresses is dialled."""
    if not refused(str(address)):
        wrapped = getattr(address, "sixtofour", None)  # newer Pythons call all of 6to4 private, whatever it wraps
        inner: ipaddress.IPv4Address | ipaddress.IPv6Address = wrapped or address
        assert inner.is_global and not inner.is_multicast
