"""Virtual keys over the API: what workers are told of them, and when a value stops working."""

from __future__ import annotations

import asyncio

import pytest
from tests.fakes.management import Managed


def test_a_value_is_told_once(api: Managed) -> None:
    """In the answer that made it, and nowhere in the database."""
    value = api.ask("POST", "keys", {"name": "k", "models": ["openai/*"], "tags": {"a": "b"}}, status=201)["value"]
    entry = api.key_told(value)
    assert entry is not None and (entry.name, entry.models, entry.tags) == ("k", ("openai/*",), {"a": "b"})
    assert "value" not in api.ask("GET", "keys/k")
    tables = [name for (name,) in api.database.run("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert all(value not in repr(api.database.run(f"SELECT * FROM {table}")) for table in tables)


def test_a_change_reaches_every_value(api: Managed) -> None:
    """After a rotation both values are told what the key may use; deleted, neither is known."""
    first = api.ask("POST", "keys", {"name": "k"}, status=201)["value"]
    second = api.ask("POST", "keys/k/rotate", {"grace_s": 60})["value"]
    api.ask("PATCH", "keys/k", {"active": False, "expires_at": "2030-01-01T00:00:00Z"})
    old, new = api.key_told(first), api.key_told(second)
    assert old is not None and new is not None and (old.active, new.active) == (False, False)
    assert (old.expires_ms, new.expires_ms) == (api.act.now_ms() + 60_000, 1_893_456_000_000)
    api.ask("DELETE", "keys/k", status=204)
    assert api.key_told(first) is api.key_told(second) is None
    assert api.database.run("SELECT count(*) FROM key_values") == [(0,)]


def test_a_rotated_value_ends(api: Managed) -> None:
    """At once without a grace period, else when it is over; a second rotation does not prolong it."""
    first = api.ask("POST", "keys", {"name": "k"}, status=201)["value"]
    second = api.ask("POST", "keys/k/rotate")["value"]
    assert api.key_told(first) is None and api.key_told(second) is not None
    third = api.ask("POST", "keys/k/rotate", {"grace_s": 60})["value"]
    api.now_s += 30
    api.ask("POST", "keys/k/rotate", {"grace_s": 3600})
    api.now_s += 31
    asyncio.run(api.management.keys.sweep())
    assert api.key_told(second) is None and api.key_told(third) is not None
    before = len(api.told)
    asyncio.run(api.management.keys.sweep())
    assert len(api.told) == before


def test_a_rotation_shortens_earlier_grace_periods(api: Managed) -> None:
    """A rotation without one ends every value but the new one: nobody rotates in a hurry for less."""
    first = api.ask("POST", "keys", {"name": "k"}, status=201)["value"]
    second = api.ask("POST", "keys/k/rotate", {"grace_s": 86_400})["value"]
    third = api.ask("POST", "keys/k/rotate")["value"]
    assert api.key_told(first) is api.key_told(second) is None
    assert api.key_told(third) is not None


@pytest.mark.parametrize("grace", [-1, 10**9, "x", None, 1.5])
def test_grace_periods_that_make_no_sense(api: Managed, grace: object) -> None:
    """422, and the value goes on."""
    value = api.ask("POST", "keys", {"name": "k"}, status=201)["value"]
    api.ask("POST", "keys/k/rotate", {"grace_s": grace}, status=422)
    entry = api.key_told(value)
    assert entry is not None and entry.expires_ms == 0
    api.ask("POST", "keys/none/rotate", status=404)


def test_no_key_has_the_identity_of_an_earlier_one(api: Managed) -> None:
    """A rotation keeps it, a key of the same name that is created after a deletion has another. A key from before there
    were identities has none, also after a change."""

    def identity(value: str) -> str:
        entry = api.key_told(value)
        assert entry is not None
        return entry.identity

    first = identity(api.ask("POST", "keys", {"name": "k"}, status=201)["value"])
    assert first.startswith("api:")
    assert identity(api.ask("POST", "keys/k/rotate")["value"]) == first
    api.ask("DELETE", "keys/k", status=204)
    second = api.ask("POST", "keys", {"name": "k"}, status=201)["value"]
    assert identity(second) != first
    with api.database.transaction():
        api.database.run("DELETE FROM key_identities")
    api.ask("PATCH", "keys/k", {"tags": {"a": "b"}})
    assert identity(second) == ""
