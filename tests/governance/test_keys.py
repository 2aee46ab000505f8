"""Virtual keys: every form a caller may send one in, what wins, what is refused, and the bounded cache."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.errors import Unauthenticated
from asbru.governance import OPEN_CALLER, Keys, caller, refuse_model
from asbru.governance import keys as keys_module

PEPPER = b"p" * 32
ALICE, BOB = caller("alice", ["*"]), caller("bob", ["openai/*", "gpt-5", "groq/llama/3"])
ALICE_KEY, BOB_KEY, FOREIGN = b"sk-asb-alice", b"sk-asb-bob", b"sk-ant-123"


def digest(value: bytes) -> bytes:
    """As the compile step makes it."""
    return hashlib.blake2b(value, key=PEPPER, digest_size=32).digest()


def room(*, open_access: bool = False) -> Keys:
    """Alice's and Bob's keys."""
    return Keys({digest(ALICE_KEY): ALICE, digest(BOB_KEY): BOB}, PEPPER, open_access=open_access)


@pytest.mark.parametrize(
    "credentials",
    [
        (ALICE_KEY, b"", b""),
        (b"", b"Bearer " + ALICE_KEY, b""),
        (b"", b"bearer " + ALICE_KEY, b""),
        (b"", b"BEARER  " + ALICE_KEY + b" ", b""),
        (b"", ALICE_KEY, b""),
        (b"", b"", ALICE_KEY),
        (b"", b"", b"Bearer " + ALICE_KEY),
        (b"", b"Bearer " + FOREIGN, ALICE_KEY),
        (b"", b"Bearer " + ALICE_KEY, FOREIGN),
        (ALICE_KEY, b"Bearer " + FOREIGN, FOREIGN),
        (FOREIGN, b"", ALICE_KEY),
        (b"", b"Basic dXNlcjpwYXNz", ALICE_KEY),
    ],
    ids=range(12),
)
def test_a_key_is_found_in_every_form(credentials: tuple[bytes, bytes, bytes]) -> None:
    """Gateway header, Authorization with or without Bearer, x-api-key; a provider's key beside it is no matter."""
    keys = room()
    assert keys.identify(credentials) is ALICE
    assert keys.identify(credentials) is ALICE


def test_the_gateway_header_wins() -> None:
    """Two virtual keys: ours first, then Authorization, then x-api-key."""
    keys = room()
    assert keys.identify((BOB_KEY, b"Bearer " + ALICE_KEY, ALICE_KEY)) is BOB
    assert keys.identify((b"", b"Bearer " + BOB_KEY, ALICE_KEY)) is BOB


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ((b"", b"", b""), "missing_api_key"),
        ((b"", b"Bearer sk-asb-unknown", b""), "invalid_api_key"),
        ((b"", b"Bearer", b""), "invalid_api_key"),
        ((b"", b"Bearer ", b""), "invalid_api_key"),
        ((b" ", b"", b""), "invalid_api_key"),
        ((b"", b"Bearer " + ALICE_KEY + b"x", b""), "invalid_api_key"),
        ((b"", b"Bearer " + ALICE_KEY[:-1], b""), "invalid_api_key"),
        ((b"", b"Bearer " + ALICE_KEY.upper(), b""), "invalid_api_key"),
        ((b"", b"Bearer " + b"x" * 100_000, b""), "invalid_api_key"),
        ((b"\x00", b"\xff\xfe", b"\r\n"), "invalid_api_key"),
    ],
    ids=range(10),
)
def test_whoever_is_not_known_is_refused(credentials: tuple[bytes, bytes, bytes], code: str) -> None:
    """401 with a code that tells a missing key from a wrong one; the message never repeats the key."""
    with pytest.raises(Unauthenticated) as raised:
        room().identify(credentials)
    assert (raised.value.status, raised.value.code) == (401, code)
    assert "alice" not in raised.value.message


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_no_bytes_are_a_key(one: bytes, two: bytes, three: bytes) -> None:
    """Anything but the keys themselves is refused, with nothing but the refusal."""
    with pytest.raises(Unauthenticated):
        room().identify((one, two, three))


def test_open_access_needs_no_key() -> None:
    """Without keys, on loopback, everyone is the open caller; what they send does not matter."""
    keys = room(open_access=True)
    assert keys.identify((b"", b"", b"")) is OPEN_CALLER
    assert keys.identify((b"", b"Bearer whatever", b"")) is OPEN_CALLER
    assert OPEN_CALLER.every_model


def test_no_keys_and_no_open_access_refuses_everyone() -> None:
    """Deny by default: an empty room lets nobody in."""
    with pytest.raises(Unauthenticated):
        Keys({}, PEPPER, open_access=False).identify((b"", b"Bearer " + ALICE_KEY, b""))


def test_the_cache_is_bounded_and_holds_only_who_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown callers cost no memory, and a known one may spell its key in any number of ways."""
    monkeypatch.setattr(keys_module, "KEYS_CACHED_MAX", 5)
    keys = room()
    cache = keys._cache  # pyright: ignore[reportPrivateUsage]  # its bound is what is tested
    for number in range(20):
        with pytest.raises(Unauthenticated):
            keys.identify((b"", b"Bearer %d" % number, b""))
    assert not cache
    for number in range(20):
        assert keys.identify((b"", b"Bearer " + ALICE_KEY, b"foreign-%d" % number)) is ALICE
        assert len(cache) <= 5


@pytest.mark.parametrize(
    ("provider", "model", "allowed"),
    [
        ("openai", "gpt-4o", True),
        ("openai", "org/model", True),
        ("groq", "gpt-5", True),
        ("groq", "llama/3", True),
        ("groq", "llama", False),
        ("groq", "3", False),
        ("openai2", "x", False),
        ("anthropic", "*", False),
        ("", "", False),
    ],
)
def test_what_a_key_may_use(provider: str, model: str, allowed: bool) -> None:
    """Grants name a model at any provider, a model at one, or all of one; nothing else is granted."""
    assert BOB.may_use(provider, model) is allowed
    assert ALICE.may_use(provider, model)
    assert not caller("none", []).may_use(provider, model)


def test_the_refusal_of_a_model_names_it() -> None:
    """403 with the model that was asked for."""
    error = refuse_model("groq", "llama")
    assert (error.status, error.code) == (403, "model_not_allowed") and "groq/llama" in error.message
