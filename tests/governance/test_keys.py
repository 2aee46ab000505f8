"""Virtual keys: every form a caller may send one in, what wins, what is refused, and the bounded cache."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.errors import GatewayError, Unauthenticated
from asbru.governance import OPEN_CALLER, Keys, digest_of, write_virtual_key
from asbru.governance import keys as keys_module
from asbru.governance.entries import KeyEntry, OwnerEntry

PEPPER = b"p" * 32
MODELS = {"alice": ["*"], "bob": ["openai/*", "gpt-5", "groq/llama/3"]}
ALICE_KEY, BOB_KEY, FOREIGN = b"sk-asb-alice", b"sk-asb-bob", b"sk-ant-123"


def room(*, open_access: bool = False, optional: bool = False, names: tuple[str, ...] = ("alice", "bob")) -> Keys:
    """Alice's and Bob's keys; the time is 1,000 s."""
    made = Keys(lambda: 1000.0)
    made.configure(PEPPER, open_access=open_access, optional=optional)
    for name in names:
        made.put(*entry(name.encode(), *MODELS[name]))
    return made


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
    assert keys.identify(credentials).name == "alice"
    assert keys.identify(credentials).name == "alice"


def test_an_access_key_id_is_a_key() -> None:
    """Of requests that AWS SDKs have signed, which differ each time: nothing of them is cached."""
    keys = room()
    for day in (b"20261127", b"20261128"):
        scope = ALICE_KEY + b"/" + day + b"/us-east-1/bedrock/aws4_request"
        signed = b"AWS4-HMAC-SHA256 Credential=%b, SignedHeaders=host, Signature=%b" % (scope, day)
        assert keys.identify((b"", signed, b"")).name == "alice"
    assert not keys._cache
    for odd in (b"AWS4-HMAC-SHA256 ", b"AWS4-HMAC-SHA256 Credential=, x", b"AWS4-HMAC-SHA256 Signature=" + ALICE_KEY):
        with pytest.raises(Unauthenticated):
            keys.identify((b"", odd, b""))


def test_the_gateway_header_wins() -> None:
    """Two virtual keys: ours first, then Authorization, then x-api-key."""
    keys = room()
    assert keys.identify((BOB_KEY, b"Bearer " + ALICE_KEY, ALICE_KEY)).name == "bob"
    assert keys.identify((b"", b"Bearer " + BOB_KEY, ALICE_KEY)).name == "bob"


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
    keys = room(open_access=True, names=())
    assert keys.identify((b"", b"", b"")) is OPEN_CALLER
    assert keys.identify((b"", b"Bearer whatever", b"")) is OPEN_CALLER
    assert OPEN_CALLER.unrestricted


def test_no_keys_and_no_open_access_refuses_everyone() -> None:
    """Deny by default: an empty room lets nobody in."""
    with pytest.raises(Unauthenticated):
        room(names=()).identify((b"", b"Bearer " + ALICE_KEY, b""))


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
        assert keys.identify((b"", b"Bearer " + ALICE_KEY, b"foreign-%d" % number)).name == "alice"
        assert len(cache) <= 5
        assert sum(map(len, keys._cached.values())) <= 5  # pyright: ignore[reportPrivateUsage]  # likewise


def test_long_credentials_are_not_cached() -> None:
    """A key beside a header of 60 KB that changes each time lets its caller in, and takes no memory."""
    keys = room()
    for number in range(3):
        assert keys.identify((b"", b"%d" % number * 60_000, ALICE_KEY)).name == "alice"
    assert not keys._cache  # pyright: ignore[reportPrivateUsage]  # its bound is what is tested


def entry(name: bytes, *models: str) -> tuple[str, bytes]:
    """An entry of the feed: id and payload."""
    return digest_of(b"sk-asb-" + name, PEPPER), write_virtual_key(name.decode(), models)


SPELLINGS = [(b"", b"Bearer " + ALICE_KEY, b""), (ALICE_KEY, b"", b""), (b"", b"bearer " + ALICE_KEY, FOREIGN)]


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_removed_key_is_refused_at_once(seen_before: bool) -> None:
    """In every form it was sent in before; other keys stay as they were, their cached forms too."""
    keys = room()
    if seen_before:
        assert [keys.identify(spelling).name for spelling in SPELLINGS] == ["alice"] * 3
    bob = keys.identify((BOB_KEY, b"", b""))
    keys.remove(digest_of(ALICE_KEY, PEPPER))
    for spelling in SPELLINGS:
        with pytest.raises(Unauthenticated):
            keys.identify(spelling)
    assert keys.identify((BOB_KEY, b"", b"")) is bob
    keys.remove(digest_of(ALICE_KEY, PEPPER))  # twice does no harm
    keys.put(*entry(b"alice", "*"))
    assert [keys.identify(spelling).name for spelling in SPELLINGS] == ["alice"] * 3


def test_a_changed_key_is_what_it_is_now() -> None:
    """A grant that was narrowed is narrow on the very next call."""
    keys = room()
    assert all(keys.identify(spelling).unrestricted for spelling in SPELLINGS)
    keys.put(*entry(b"alice", "groq/*"))
    assert [keys.identify(spelling).may_use("openai", "m") for spelling in SPELLINGS] == [False] * 3


def test_a_new_key_wins_where_it_comes_first() -> None:
    """A caller known by its second key is known by its first as soon as there is one."""
    keys = room()
    both = (b"sk-asb-carol", b"Bearer " + ALICE_KEY, b"")
    assert keys.identify(both).name == "alice"
    keys.put(*entry(b"carol", "*"))
    assert keys.identify(both).name == "carol"


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x80", b"\x81\xa4name\x01"])
def test_what_cannot_be_read_grants_nothing(payload: bytes) -> None:
    """A payload that cannot be read is told, and the grant that stood there before is gone."""
    keys = room()
    assert keys.identify(SPELLINGS[0]).name == "alice"
    with pytest.raises(ValueError):
        keys.put(digest_of(ALICE_KEY, PEPPER), payload)
    with pytest.raises(Unauthenticated):
        keys.identify(SPELLINGS[0])


def test_another_pepper_is_another_set_of_keys() -> None:
    """Digests of one pepper let nobody in under another, whoever was cached."""
    keys = room()
    assert keys.identify(SPELLINGS[0]).name == "alice"
    keys.configure(b"q" * 32, open_access=False)
    with pytest.raises(Unauthenticated):
        keys.identify(SPELLINGS[0])


def test_a_temporary_key_does_not_end_open_access() -> None:
    """Who sends it is known by its name, everyone else is let in as before; a lasting key ends that."""
    keys = room(open_access=True, names=())
    entry_id, _ = entry(b"alice", "*")
    keys.put(entry_id, msgspec.msgpack.encode(KeyEntry("play", ("*",), temporary=True)))
    assert keys.identify((ALICE_KEY, b"", b"")).name == "play"
    assert keys.identify((b"", b"", b"")) is keys.identify((BOB_KEY, b"", b"")) is OPEN_CALLER
    keys.put(*entry(b"bob", "*"))
    with pytest.raises(Unauthenticated):
        keys.identify((b"", b"", b""))
    keys.remove(entry(b"bob", "*")[0])
    assert keys.identify((b"", b"", b"")) is OPEN_CALLER


def test_open_access_ends_with_the_first_key() -> None:
    """A key that comes later, from wherever, closes an open gateway; the last one gone, it is open again."""
    keys = room(open_access=True, names=())
    keys.put(*entry(b"alice", "*"))
    with pytest.raises(Unauthenticated):
        keys.identify((b"", b"", b""))
    keys.remove(entry(b"alice")[0])
    assert keys.identify((b"", b"", b"")) is OPEN_CALLER


def declared(name: str = "alice", **facts: Any) -> tuple[str, bytes]:
    """An entry with more than models."""
    key = KeyEntry(name=name, models=("*",), owner_id=f"key/{name}", **facts)
    return digest_of(b"sk-asb-" + name.encode(), PEPPER), msgspec.msgpack.encode(key)


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"active": False}, "revoked_api_key", "'alice' has been revoked"),
        ({"expires_ms": 999_999}, "expired_api_key", "'alice' expired at 1970-01-01T00:16:39Z"),
        ({"expires_ms": 1_000_000}, "expired_api_key", "expired"),
        ({"parent": "team/gone"}, "unknown_owner", "the team 'gone'"),
    ],
)
def test_each_reason_has_words_of_its_own(facts: dict[str, Any], code: str, words: str) -> None:
    """Revoked, expired, of an unknown owner: 401, and whoever holds the key can tell which."""
    keys = room(names=())
    keys.put(*declared(**facts))
    with pytest.raises(Unauthenticated) as raised:
        keys.identify((ALICE_KEY, b"", b""))
    assert (raised.value.status, raised.value.code) == (401, code) and words in raised.value.message


def test_expiry_is_judged_at_the_call() -> None:
    """A key that was good a moment ago is refused once its time has come, also on a connection that goes on."""
    now_s = [1000.0]
    keys = Keys(lambda: now_s[0])
    keys.configure(PEPPER, open_access=False)
    keys.put(*declared(expires_ms=1_000_001))
    assert keys.identify(SPELLINGS[0]).name == "alice"
    now_s[0] = 1000.001
    with pytest.raises(Unauthenticated, match="expired"):
        keys.identify(SPELLINGS[0])


def test_owners_are_found_through_the_chain() -> None:
    """The ids whose limits a call counts against: the key's, its team's, its customer's."""
    keys = room(names=())
    keys.owners.put("customer/acme", msgspec.msgpack.encode(OwnerEntry("acme")))
    keys.owners.put("team/blue", msgspec.msgpack.encode(OwnerEntry("blue", parent="customer/acme")))
    keys.put(*declared(parent="team/blue"))
    assert keys.identify(SPELLINGS[0]).owners == ("key/alice", "team/blue", "customer/acme")


def test_an_owner_that_goes_or_moves_counts_at_once() -> None:
    """A key of a team that is gone is refused on the next call, and served again when the team is back."""
    keys = room(names=())
    team = msgspec.msgpack.encode(OwnerEntry("blue"))
    keys.owners.put("team/blue", team)
    keys.put(*declared(parent="team/blue"))
    assert keys.identify(SPELLINGS[0]).owners == ("key/alice", "team/blue")
    keys.owners.remove("team/blue")
    with pytest.raises(Unauthenticated):
        keys.identify(SPELLINGS[0])
    keys.owners.put("team/blue", team)
    assert keys.identify(SPELLINGS[0]).name == "alice"
    keys.owners.put("team/blue", msgspec.msgpack.encode(OwnerEntry("blue", parent="customer/gone")))
    with pytest.raises(Unauthenticated, match="customer 'gone'"):
        keys.identify(SPELLINGS[0])
    with pytest.raises(ValueError):
        keys.owners.put("team/blue", b"x")
    with pytest.raises(Unauthenticated, match="team 'blue'"):
        keys.identify(SPELLINGS[0])


def test_owners_above_each_other_let_nobody_in() -> None:
    """A circle, which no declaration can make, ends in a refusal."""
    keys = room(names=())
    keys.owners.put("team/a", msgspec.msgpack.encode(OwnerEntry("a", parent="team/b")))
    keys.owners.put("team/b", msgspec.msgpack.encode(OwnerEntry("b", parent="team/a")))
    keys.put(*declared(parent="team/a"))
    with pytest.raises(Unauthenticated):
        keys.identify(SPELLINGS[0])


def test_optional_keys_are_still_judged() -> None:
    """Whoever shows no virtual key is let in; whoever shows one that is not good is not."""
    keys = room(optional=True)
    assert keys.identify((b"", b"", b"")) is OPEN_CALLER
    assert keys.identify((b"", b"", FOREIGN)) is OPEN_CALLER
    assert keys.identify(SPELLINGS[0]).name == "alice"
    with pytest.raises(Unauthenticated):
        keys.identify((b"", b"Bearer sk-asb-unknown", FOREIGN))
    keys.configure(PEPPER, open_access=False)
    with pytest.raises(Unauthenticated):
        keys.identify((b"", b"", FOREIGN))


def test_an_expression_that_could_take_long_grants_nothing() -> None:
    """Whatever wrote the entry: a worker does not run it."""
    keys = room(names=())
    with pytest.raises(ValueError, match="could take long"):
        keys.put(*declared(blocked_models=("regex:(a+)+",)))
    with pytest.raises(Unauthenticated):
        keys.identify(SPELLINGS[0])


def test_an_unknown_key_waits_for_the_store() -> None:
    """503, never 401, while the store's keys have not been told: a good key must not be taken for a wrong one. What is
    no virtual key is refused at once, and what is known is served."""
    keys = room()
    known = [False]
    keys.store_known = lambda: known[0]
    with pytest.raises(GatewayError) as raised:
        keys.identify((b"", b"Bearer sk-asb-of-the-store", b""))
    assert (raised.value.status, raised.value.code, raised.value.retry_after_s) == (503, "keys_unavailable", 1)
    with pytest.raises(Unauthenticated):
        keys.identify((b"", b"", FOREIGN))
    assert keys.identify(SPELLINGS[0]).name == "alice"
    known[0] = True
    with pytest.raises(Unauthenticated):
        keys.identify((b"", b"Bearer sk-asb-of-the-store", b""))


def test_a_key_that_the_file_declares_replaces_a_stored_one_of_its_name() -> None:
    """The API shows the file's only: what it neither shows nor deletes lets nobody in. It comes back with the name."""
    keys = room()
    assert keys.identify(SPELLINGS[0]).name == "alice"
    keys.put("declared", msgspec.msgpack.encode(KeyEntry("alice", ("*",), declared=True)))
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="configuration file declares") as raised:
            keys.identify(SPELLINGS[0])
    assert raised.value.code == "revoked_api_key"
    keys.put("declared", msgspec.msgpack.encode(KeyEntry("other", ("*",), declared=True)))
    assert keys.identify(SPELLINGS[0]).name == "alice"
