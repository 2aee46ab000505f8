"""Sealed bytes: opened only by who has the secret, for what they were sealed for."""

from __future__ import annotations

import pytest

from asbru.cache.remote import Seal

SEAL = Seal(b"s" * 16)


@pytest.mark.parametrize("body", [b"", b"x", b"y" * 10_000])
def test_what_was_sealed_is_opened(body: bytes) -> None:
    """Whole, whatever the key says."""
    for about in ("", "key:ü", "a\ud800"):
        assert SEAL.open(about, SEAL.close(about, body)) == body


def test_nothing_else_is() -> None:
    """Another key, another secret, a byte more, less or changed, and what runs from the key into the body."""
    sealed = SEAL.close("ab", b"cd")
    assert SEAL.open("a", sealed) is None
    assert SEAL.open("abc", sealed[:-2] + b"d") is None
    assert Seal(b"o" * 16).open("ab", sealed) is None
    assert SEAL.open("ab", sealed + b"x") is None
    for at in range(len(sealed)):
        assert SEAL.open("ab", sealed[:at]) is None
        assert SEAL.open("ab", sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]) is None
