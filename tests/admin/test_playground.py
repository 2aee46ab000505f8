"""Keys of the playground: short-lived, few, and no more than the role allows."""

from __future__ import annotations

import asyncio

import pytest
from tests.fakes.management import Managed

from asbru.admin import playground
from asbru.identity import Actor, roles


def test_a_key_for_an_hour(api: Managed) -> None:
    """A viewer gets none; an editor's is told to workers with its end, and goes when that has come."""
    assert api.call("POST", "playground/key", role="viewer").status == 403
    made = api.ask("POST", "playground/key", role="editor", status=201)
    assert (made["name"], made["expires_ms"]) == ("playground-token-editor", api.act.now_ms() + 3_600_000)
    entry = api.key_told(made["value"])
    assert entry is not None and entry.temporary
    assert (entry.name, entry.expires_ms, entry.tags) == (
        "playground-token-editor",
        made["expires_ms"],
        {"playground": "token/editor"},
    )
    assert made["value"] not in api.call("GET", "keys/playground-token-editor").body.decode()
    api.now_s += 3601
    asyncio.run(api.management.keys.sweep())
    assert api.key_told(made["value"]) is None and api.ask("GET", "keys")["items"] == []


def test_a_user_has_few_values(api: Managed) -> None:
    """A fourth one ends the first; deleting the key ends all."""
    values: list[str] = []
    for _ in range(playground.VALUES_MAX + 1):
        api.now_s += 1
        values.append(api.ask("POST", "playground/key", status=201)["value"])
    assert [api.key_told(value) is not None for value in values] == [False, True, True, True]
    assert len({entry.identity for value in values if (entry := api.key_told(value)) is not None}) == 1
    api.ask("DELETE", "keys/playground-token-admin", status=204)
    assert all(api.key_told(value) is None for value in values)


def test_a_key_of_that_name_is_left_alone(api: Managed) -> None:
    """Neither one that somebody has created nor one that the file declares gets a value."""
    api.ask("POST", "keys", {"name": "playground-token-admin", "models": ["*"]}, status=201)
    assert api.call("POST", "playground/key").status == 409
    api.declare(virtual_keys=[{"name": "playground-token-editor"}])
    assert api.call("POST", "playground/key", role="editor").error["code"] == "declared_in_file"
    assert api.database.run("SELECT count(*) FROM key_values") == [(1,)]


@pytest.mark.parametrize(
    ("actor", "name"),
    [("user/ann", "playground-ann"), ("token/ci", "playground-token-ci")],
)
def test_names(actor: str, name: str) -> None:
    """By the user, or the token."""
    assert playground.key_name(Actor(actor, roles.ADMIN)) == name


def test_names_that_a_key_cannot_have_stay_apart() -> None:
    """A mail address is no name of a key; two users never share one."""
    names = {playground.key_name(Actor(f"user/{name}", roles.ADMIN)) for name in ("a@b", "a-b", "a_b", "x" * 128)}
    assert len(names) == 4 and all(len(name) <= 128 and "@" not in name for name in names)


def test_a_key_prepared_for_somebody_else(api: Managed) -> None:
    """The tag makes no key one of the playground: whoever has created it would see what is asked there."""
    api.role("mine", ("keys:read", "keys:write"), "own")
    prepared = {"name": "playground-token-admin", "models": ["*"], "tags": {"playground": "token/admin"}}
    api.ask("POST", "keys", prepared, role="mine", status=201)
    assert api.call("POST", "playground/key").status == 409


def test_what_an_admin_has_changed_stays(api: Managed) -> None:
    """A further value gives no access that was taken away."""
    api.ask("POST", "playground/key", role="editor", status=201)
    changed = {"active": False, "models": ["openai/gpt-4o-mini"]}
    api.ask("PATCH", "keys/playground-token-editor", changed)
    made = api.ask("POST", "playground/key", role="editor", status=201)
    entry = api.key_told(made["value"])
    assert entry is not None and not entry.active and entry.models == ("openai/gpt-4o-mini",)
