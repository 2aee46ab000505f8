"""Origins: values that say when connections may be shared."""

from __future__ import annotations

import msgspec
import pytest

from asbru.upstream import Origin
from asbru.upstream.origin import TlsTrust

BASE = Origin(host="api.example.com", port=443, tls=True)


def test_equal_origins_are_one_key() -> None:
    """Two origins made alike are equal and hash alike, so that a reload finds the pool it had."""
    assert Origin(host="api.example.com", port=443, tls=True) == BASE
    assert len({BASE, Origin(host="api.example.com", port=443, tls=True)}) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"host": "other"},
        {"port": 80},
        {"tls": False},
        {"trust": TlsTrust(verify=False)},
        {"trust": TlsTrust(ca_pem="x")},
        {"proxy": "http://p"},
        {"unix_socket": "/s"},
        {"allow_private": True},
        {"allow_loopback": True},
        {"connections_max": 1},
        {"idle_connections_max": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_a_dial_depends_on_tells_origins_apart(change: dict[str, object]) -> None:
    """A connection dialled under one policy or trust is never lent to another."""
    assert msgspec.structs.replace(BASE, **change) != BASE
    assert {field.name for field in msgspec.structs.fields(Origin)} >= set(change)


def test_an_origin_reads_as_an_address() -> None:
    """In messages it is host and port, or the socket's path."""
    assert str(BASE) == "api.example.com:443"
    assert str(Origin(host="x", port=0, unix_socket="/run/c.sock")) == "/run/c.sock"
