"""One sealed secret: what opens it, and what does not."""

from __future__ import annotations

import pytest

from asbru.secrets import SealError, make_key, open_sealed, seal

PLACE = ("secrets", "provider", "acme", "keys.main.value", "sealed")


@pytest.mark.parametrize("secret", ["", "sk-1", "ключ €" * 1000])
def test_what_is_sealed_opens_again(secret: str) -> None:
    """Any text, under its key and in its place; twice sealed it looks different each time."""
    key = make_key()
    sealed = seal(key, PLACE, secret)
    assert open_sealed(key, PLACE, sealed) == secret
    assert sealed != seal(key, PLACE, secret)


def test_another_key_or_place_opens_nothing() -> None:
    """Another key, another row or field, parts of the place that were shifted, a byte that was turned."""
    key = make_key()
    sealed = seal(key, ("secrets", "ab", "c"), "sk-1")
    for other_key, place, data in (
        (make_key(), ("secrets", "ab", "c"), sealed),
        (key, ("secrets", "a", "bc"), sealed),
        (key, ("secrets", "ab", "c", ""), sealed),
        (key, ("secrets", "ab", "c"), sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (key, ("secrets", "ab", "c"), sealed[:20]),
        (key, ("secrets", "ab", "c"), b"\x02" + sealed[1:]),
        (key, ("secrets", "ab", "c"), b""),
    ):
        with pytest.raises(SealError) as refused:
            open_sealed(other_key, place, data)
        assert "sk-1" not in str(refused.value)
